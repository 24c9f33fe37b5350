from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from autograder.sandbox import seccomp
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
    unlisted = [number for number in range(450) if number not in listed and number != seccomp.SOCKET[column]]
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
    number = seccomp.SOCKET[MACHINES.index(machine)]
    results = {family: ask(machine, number, family) for family in range(50)}
    assert {family for family, result in results.items() if result is None} == {1, 2, 10, 16}
    assert results[40] == "EAFNOSUPPORT"


def test_typing_into_a_terminal_is_refused(machine: str) -> None:
    number = seccomp.IOCTL[MACHINES.index(machine)]
    assert ask(machine, number, 0, 0x5412) == "EPERM"
    assert ask(machine, number, 0, 0x541C) == "EPERM"
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
    wrong = {name: numbers[column] for name, numbers in named.items() if numbers[column] != found.get(name, numbers[column])}
    assert not wrong
    assert len(named.keys() & found.keys()) > 40


def test_another_machine_is_refused_by_name() -> None:
    with pytest.raises(SandboxMissing, match=r"machine 'riscv64' must be one of x86_64, aarch64; grade on such a machine"):
        seccomp.filter_program("riscv64")
