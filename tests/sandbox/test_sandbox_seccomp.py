from __future__ import annotations

import errno
import platform
import re
import struct
from pathlib import Path

import pytest
from sandbox_bench import Bench

from autograder.sandbox import demolition, seccomp
from autograder.sandbox.faults import SandboxMissing

MACHINES = tuple(seccomp.AUDIT_ARCH)
HEADERS = {"x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), "aarch64": Path("/usr/include/asm-generic/unistd.h")}
# Calls that any notebook makes: read, openat, mmap, execve, futex, clone without flags, socket, ioctl.
EVERYDAY = {"x86_64": (0, 257, 9, 59, 202), "aarch64": (63, 56, 222, 221, 98)}


def run(program: bytes, arch: int, number: int, *arguments: int) -> int:
    """Interpret classic BPF the way the kernel does; an oracle that shares no code with the assembler."""
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, arch, 0, *(*arguments, *([0] * (6 - len(arguments)))))
    accumulator = position = 0
    lines = list(struct.iter_unpack("HBBI", program))
    while True:
        code, jump_true, jump_false, k = lines[position]
        position += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, k)
        elif code == 0x06:
            return k
        else:
            taken = {0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}[code]
            position += jump_true if taken else jump_false


def refusal(result: int) -> str | None:
    return None if result == seccomp.ALLOW else errno.errorcode[result & 0xFFFF]


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ask(machine: str, number: int, *arguments: int) -> str | None:
    return refusal(run(seccomp.filter_program(machine), seccomp.AUDIT_ARCH[machine], number, *arguments))


def test_everyday_calls_pass(machine: str) -> None:
    assert [ask(machine, number) for number in EVERYDAY[machine]] == [None] * 5


def test_every_listed_call_is_refused(machine: str) -> None:
    column = MACHINES.index(machine)
    for calls, wanted in ((seccomp.FORBIDDEN, "EPERM"), (seccomp.ABSENT, "ENOSYS")):
        for name, numbers in calls.items():
            if numbers[column] is not None:
                assert ask(machine, numbers[column]) == wanted, name


def test_unlisted_neighbours_pass(machine: str) -> None:
    column = MACHINES.index(machine)
    listed = {numbers[column] for calls in (seccomp.FORBIDDEN, seccomp.ABSENT) for numbers in calls.values()}
    asked = {numbers[column] for numbers in (seccomp.SOCKET, seccomp.SOCKETPAIR, seccomp.PERSONALITY)}
    unlisted = [number for number in range(480) if number not in listed | asked]
    assert len(unlisted) > 380
    assert {ask(machine, number) for number in unlisted} == {None}


def test_clone_is_for_threads_and_children_only(machine: str) -> None:
    number = seccomp.CLONE[MACHINES.index(machine)]
    pthread_flags, fork_flags = 0x3D0F00, 0x01200011
    assert ask(machine, number, pthread_flags) is None
    assert ask(machine, number, fork_flags) is None
    for bit in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert ask(machine, number, fork_flags | bit) == "EPERM"
    # The kernel takes the flags from the low half: garbage above them must not hide them.
    assert ask(machine, number, 0x10000011 | 1 << 40) == "EPERM"


def test_sockets_of_other_families_are_refused(machine: str) -> None:
    for calls in (seccomp.SOCKET, seccomp.SOCKETPAIR):
        results = {family: ask(machine, calls[MACHINES.index(machine)], family) for family in range(50)}
        assert {family for family, result in results.items() if result is None} == {1}
        assert results[2] == results[40] == "EAFNOSUPPORT"


def test_internet_sockets_are_there_where_a_test_asked_for_them(machine: str) -> None:
    program, number = seccomp.filter_program(machine, families=seccomp.INTERNET_FAMILIES), seccomp.SOCKET[MACHINES.index(machine)]
    passed = {family for family in range(50) if run(program, seccomp.AUDIT_ARCH[machine], number, family) == seccomp.ALLOW}
    assert passed == {1, 2, 10, 16}


def test_the_personality_can_be_asked_for_and_not_changed(machine: str) -> None:
    number = seccomp.PERSONALITY[MACHINES.index(machine)]
    # The question; PER_LINUX; ADDR_NO_RANDOMIZE; READ_IMPLIES_EXEC; PER_LINUX32; MMAP_PAGE_ZERO.
    asked = [ask(machine, number, flags) for flags in (0xFFFFFFFF, 0, 0x0040000, 0x0400000, 8, 0x0100000)]
    assert asked == [None, None, "EPERM", "EPERM", "EPERM", "EPERM"]


def test_typing_into_a_terminal_is_refused(machine: str) -> None:
    number = seccomp.IOCTL[MACHINES.index(machine)]
    assert ask(machine, number, 0, 0x5412) == "EPERM"
    assert ask(machine, number, 0, 0x541C) == "EPERM"
    assert ask(machine, number, 0, 0x5423) == "EPERM"
    assert ask(machine, number, 0, 0x5401) is None


def test_foreign_entry_points_are_refused(machine: str) -> None:
    i386, everyday = 0x40000003, EVERYDAY[machine][0]
    assert refusal(run(seccomp.filter_program(machine), i386, everyday)) == "ENOSYS"


def test_the_x32_numbers_are_refused() -> None:
    assert ask("x86_64", 0x40000000 | 101) == "ENOSYS"
    assert ask("x86_64", 0x40000000) == "ENOSYS"


def test_call_numbers_agree_with_the_system_headers(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip(f"{HEADERS[machine]} is not installed")
    found = {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())}
    column = MACHINES.index(machine)
    named = {**seccomp.FORBIDDEN, **seccomp.ABSENT, "clone": seccomp.CLONE, "socket": seccomp.SOCKET, "ioctl": seccomp.IOCTL}
    named |= {"socketpair": seccomp.SOCKETPAIR, "personality": seccomp.PERSONALITY}
    wrong = {name: numbers[column] for name, numbers in named.items() if numbers[column] != found.get(name, numbers[column])}
    assert not wrong
    assert len(named.keys() & found.keys()) > 40


def test_another_machine_is_refused_by_name() -> None:
    with pytest.raises(SandboxMissing, match=r"machine 'riscv64' must be one of x86_64, aarch64; grade on such a machine"):
        seccomp.filter_program("riscv64")


# Every argument is -1: no such file, process or address. Where the filter is not there, the kernel itself complains.
TRY_ALL = """
import ctypes, errno, json, os
libc = ctypes.CDLL(None, use_errno=True)
def attempt(number, *arguments):
    ctypes.set_errno(0)
    arguments = [ctypes.c_long(argument) for argument in (arguments or [-1] * 6)]
    return 'ok' if libc.syscall(ctypes.c_long(number), *arguments) != -1 else errno.errorcode[ctypes.get_errno()]
found = {name: attempt(number) for name, number in CALLS.items()}
master, terminal = os.openpty()
found |= {f'ioctl {request:#x}': attempt(IOCTL, terminal, request, 0) for request in REQUESTS}
found |= {f'personality {flags:#x}': attempt(PERSONALITY, flags) for flags in (0x0040000, 0x0400000)}
found |= {f'socket {family}': attempt(SOCKET, family, 2, 0) for family in (2, 10, 16, 17, 38, 40)}
found |= {f'socketpair {family}': attempt(SOCKETPAIR, family, 2, 0, 0) for family in (2, 30)}
found |= {f'clone {bit:#x}': attempt(CLONE, bit, 0, 0, 0, 0) for bit in NAMESPACES}
found['x32'] = attempt(0x40000000 | GETPID) if os.uname().machine == 'x86_64' else 'ENOSYS'
print(json.dumps(found))
"""
NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
# What no ordinary user may do with or without a filter, or what the kernel itself answers alike to such arguments.
ALIKE_ANYWAY = 40


def wanted_answers() -> dict[str, str]:
    """What the filter answers to each attempt of ``TRY_ALL``."""
    column = MACHINES.index(platform.machine())
    wanted = {name: "EPERM" for name, numbers in seccomp.FORBIDDEN.items() if numbers[column] is not None}
    wanted |= {name: "ENOSYS" for name, numbers in seccomp.ABSENT.items() if numbers[column] is not None}
    wanted |= {f"ioctl {request:#x}": "EPERM" for request in seccomp.TERMINAL_REQUESTS}
    wanted |= {f"personality {flags:#x}": "EPERM" for flags in (0x0040000, 0x0400000)}
    wanted |= {f"socket {family}": "EAFNOSUPPORT" for family in (2, 10, 16, 17, 38, 40)}
    wanted |= {f"socketpair {family}": "EAFNOSUPPORT" for family in (2, 30)}
    return {**wanted, **{f"clone {bit:#x}": "EPERM" for bit in NAMESPACES}, "x32": "ENOSYS"}


def try_all() -> str:
    """The program that makes every attempt on this machine."""
    column = MACHINES.index(platform.machine())
    named = {**seccomp.FORBIDDEN, **seccomp.ABSENT}
    calls = {name: numbers[column] for name, numbers in named.items() if numbers[column] is not None}
    known = {
        "CALLS": calls,
        "REQUESTS": seccomp.TERMINAL_REQUESTS,
        "NAMESPACES": NAMESPACES,
        "GETPID": 39,
        **{name: getattr(seccomp, name)[column] for name in ("IOCTL", "PERSONALITY", "SOCKET", "SOCKETPAIR", "CLONE")},
    }
    return "".join(f"{name} = {value!r}\n" for name, value in known.items()) + TRY_ALL


@pytest.mark.needs_walls
@pytest.mark.filterwarnings("ignore::autograder.sandbox.demolition.DemolitionWarning")
def test_every_refused_call_is_tried_from_inside(bench: Bench) -> None:
    wanted = wanted_answers()
    assert bench.run(try_all()).json() == wanted
    # Nothing is new in a namespace of namespaces here: clone is left out, since it would fork.
    program = try_all().replace("for bit in NAMESPACES", "for bit in ()")
    with demolition.without("seccomp"):
        without = bench.run(program).json()
    other = {name for name, answer in without.items() if answer != wanted[name]}
    assert len(wanted) - len(other) < ALIKE_ANYWAY, sorted(set(without) - other)
    assert other >= {
        "keyctl",
        "kcmp",
        "ptrace",
        "clone3",
        "memfd_create",
        "socket 2",
        "socketpair 2",
        "symlink",
        "ioctl 0x5423",
        "vmsplice",
    }
    assert other >= {"process_vm_readv", "unshare", "name_to_handle_at", "userfaultfd", "personality 0x40000", "semget", "mq_open"}
