"""Host-class attacks, each with its bound: 200 processes, the memory limit plus 1 GiB, 1 GiB of files, listeners of this test only."""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from sandbox_bench import Bench, execute

from autograder.sandbox.limits import Limits
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.watchdog import Cause

pytestmark = pytest.mark.needs_walls


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try every attack on a program with an interpreter of its own and on one that is forked from a warm one."""
    if "bench" in metafunc.fixturenames:
        metafunc.parametrize("bench", ["fresh", "forked"], indirect=True)


CONNECT = """
import json, socket
def attempt(family, kind, address):
    try:
        with socket.socket(family, kind) as s:
            s.settimeout(5)
            if kind == socket.SOCK_DGRAM: s.sendto(b'datagram', address)
            else: s.connect(address); s.sendall(b'stream')
        return 'ok'
    except OSError as error: return type(error).__name__
print(json.dumps({name: attempt(*how) for name, how in TARGETS.items()}))
"""


@contextlib.contextmanager
def listeners(folder: Path) -> Iterator[tuple[dict[str, tuple[int, int, Any]], list[socket.socket]]]:
    """Listen on loopback, on an abstract name and on a path; yield what to connect to and the listening sockets."""
    stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
    wanted: dict[str, tuple[int, int, Any]] = {
        "tcp": (socket.AF_INET, stream, ("127.0.0.1", 0)),
        "udp": (socket.AF_INET, datagram, ("127.0.0.1", 0)),
        "abstract": (socket.AF_UNIX, stream, "\0vislab-test-" + secrets.token_hex(8)),
        "path": (socket.AF_UNIX, stream, str(folder / "s")),
    }
    if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
        wanted["tcp6"] = (socket.AF_INET6, stream, ("::1", 0))
    with contextlib.ExitStack() as stack:
        made, targets = [], {}
        for name, (family, kind, address) in wanted.items():
            sock = stack.enter_context(socket.socket(family, kind))
            sock.bind(address)
            if kind == stream:
                sock.listen()
            sock.settimeout(0.2)
            made.append(sock)
            targets[name] = (int(family), int(kind), sock.getsockname()[:2] if family != socket.AF_UNIX else address)
        yield targets, made


def heard(sock: socket.socket) -> bool:
    try:
        if sock.type == socket.SOCK_DGRAM:
            return bool(sock.recv(100))
        connection, _ = sock.accept()
        connection.close()
        return True
    except TimeoutError:
        return False


def test_no_listener_of_this_machine_is_reached(bench: Bench, tmp_path: Path) -> None:
    with listeners(tmp_path) as (targets, sockets):
        code = f"TARGETS = {targets!r}{CONNECT}"
        outside = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=600, check=True).stdout
        assert outside.count('"ok"') == len(targets)
        assert [heard(sock) for sock in sockets] == [True] * len(targets)

        inside = bench.run(code).json()
        assert [heard(sock) for sock in sockets] == [False] * len(targets)
    assert [name for name, result in inside.items() if result == "ok"] == []


def test_sockets_are_for_this_machine_alone(bench: Bench) -> None:
    code = """
import errno, json, socket
found = {}
for family in range(46):
    try: socket.socket(family, socket.SOCK_DGRAM).close(); found[family] = 'ok'
    except OSError as error: found[family] = errno.errorcode[error.errno]
print(json.dumps(found))
"""
    found = bench.run(code).json()
    assert {name for name, result in found.items() if result != "EAFNOSUPPORT"} == {"1"}
    assert found["1"] == "ok"


def test_a_fork_bomb_is_stopped_and_its_neighbour_does_not_feel_it(bench: Bench) -> None:
    bomb = """
import os, time
started = 0
try:
    while started < 200:
        if not os.fork(): time.sleep(60); os._exit(0)
        started += 1
except BlockingIOError: print(started, flush=True)
time.sleep(60)
"""
    bomber = bench.start(bomb, Limits(processes=64))
    while not bomber.standard_output():
        assert bomber.wait(0.05) is None
    neighbour = """
import threading
counted = threading.Event()
for _ in range(40): threading.Thread(target=counted.wait).start()
print(threading.active_count())
counted.set()
"""
    assert bench.run(neighbour, Limits(processes=64)).out == "41\n"
    assert int(bomber.standard_output()) < 64


def test_threads_are_counted_too(bench: Bench) -> None:
    code = """
import threading
started, never = 0, threading.Event()
try:
    while started < 200: threading.Thread(target=never.wait, daemon=True).start(); started += 1
except RuntimeError as error: print(started, error)
"""
    started, reason = bench.run(code, Limits(processes=64)).out.split(" ", 1)
    assert int(started) < 64
    assert "can't start new thread" in reason


def test_files_share_one_budget(bench: Bench) -> None:
    code = """
import errno
piece, written, refusals = bytes(1 << 20), 0, []
for folder in ('/home/student/work', '/tmp', '/home/student', '/run/kernel'):
    try:
        while written < 1 << 30:
            with open(f'{folder}/{written}', 'wb', buffering=0) as f: written += f.write(piece)
    except OSError as error: refusals.append(errno.errorcode[error.errno])
print(written >> 20, refusals)
"""
    written, refusals = bench.run(code, Limits(files_mib=20)).out.split(" ", 1)
    assert 18 <= int(written) <= 21
    assert refusals.count("ENOSPC") == 4


def test_shared_memory_and_single_files_are_limited(bench: Bench) -> None:
    code = """
import errno
def attempt(act):
    try: return act()
    except OSError as error: return errno.errorcode[error.errno]
def fill():
    with open('/dev/shm/x', 'wb', buffering=0) as f:
        while f.tell() < 1 << 30: f.write(bytes(1 << 20))
    return 'ok'
print(attempt(fill), attempt(lambda: open('/tmp/sparse', 'wb').truncate(1 << 40)))
"""
    assert bench.run(code, Limits(files_mib=20)).out.split()[0] in {"EFBIG", "ENOSPC"}
    assert bench.run(code, Limits(files_mib=20)).out.split()[1] == "EFBIG"


CALLS = """
import ctypes, errno, json, os
libc = ctypes.CDLL(None, use_errno=True)
def call(attempt):
    ctypes.set_errno(0)
    return 'ok' if attempt() != -1 else errno.errorcode[ctypes.get_errno()]
def attempt(act):
    try: act(); return 'ok'
    except OSError as error: return errno.errorcode[error.errno]
print(json.dumps({
    'unshare user': call(lambda: libc.unshare(0x10000000)),
    'unshare mount': call(lambda: libc.unshare(0x00020000)),
    'setns': attempt(lambda: os.setns(os.open('/proc/self/ns/user', os.O_RDONLY), 0)) if hasattr(os, 'setns') else 'EPERM',
    'mount': call(lambda: libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)),
    'remount': call(lambda: libc.mount(None, b'/usr', None, 4096 | 32, None)),
    'umount': call(lambda: libc.umount2(b'/dev', 2)),
    'pivot_root': call(lambda: libc.syscall({'x86_64': 155}.get(os.uname().machine, 41), b'/tmp', b'/tmp')),
    'chroot': attempt(lambda: os.chroot('/tmp')),
    'ptrace': call(lambda: libc.ptrace(16, 1, 0, 0)),
    'symlink': attempt(lambda: os.symlink('/etc', '/run/kernel/x')),
    'memfd': attempt(lambda: os.memfd_create('x')),
    'device': attempt(lambda: os.mknod('/tmp/sda', 0o60600, os.makedev(8, 0))),
    'setuid': attempt(lambda: os.setuid(0)),
    'setgroups': attempt(lambda: os.setgroups([0])),
    'nice': attempt(lambda: os.setpriority(os.PRIO_PROCESS, 0, -5)),
    'hostname': attempt(lambda: open('/proc/sys/kernel/hostname', 'w').write('x')),
    'core_pattern': attempt(lambda: open('/proc/sys/kernel/core_pattern', 'w').write('x')),
    'usr': attempt(lambda: open('/usr/bin/x', 'w')),
}))
"""


def test_doors_out_of_the_namespaces_are_shut(bench: Bench) -> None:
    found = bench.run(CALLS).json()
    assert [name for name, result in found.items() if result == "ok"] == []
    assert len(found) == 18


def test_some_of_these_doors_are_open_without_walls(tmp_path: Path) -> None:
    code = "import os; os.memfd_create('x'); os.symlink('/etc', 'x'); os.mkfifo('y'); print('ok')"
    assert subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, timeout=600, check=True).stdout == b"ok\n"


def test_a_process_of_this_machine_can_be_neither_seen_nor_signalled(bench: Bench) -> None:
    with subprocess.Popen(["sleep", "60"]) as victim:
        try:
            code = f"""
import json, os
def attempt(act):
    try: act(); return 'ok'
    except OSError as error: return type(error).__name__
print(json.dumps([attempt(lambda: os.kill({victim.pid}, 9)), attempt(lambda: os.listdir('/proc/{victim.pid}')),
    attempt(lambda: open('/proc/{victim.pid}/mem', 'rb')), sorted(int(n) for n in os.listdir('/proc') if n.isdecimal())]))
"""
            *attempts, pids = bench.run(code).json()
            assert victim.poll() is None
        finally:
            victim.kill()
    assert victim.pid not in pids
    assert attempts == ["ProcessLookupError", "FileNotFoundError", "FileNotFoundError"]


def test_its_pid_1_cannot_be_killed_from_inside(bench: Bench) -> None:
    code = "import os\ntry: os.kill(1, 9)\nexcept PermissionError: pass\nimport time; time.sleep(0.3); print('still here')"
    assert bench.run(code).out == "still here\n"


def test_a_crash_does_not_start_the_machines_crash_handler(bench: Bench) -> None:
    assert bench.run("import resource; print(resource.getrlimit(resource.RLIMIT_CORE))").out == "(1, 1)\n"
    assert resource.getrlimit(resource.RLIMIT_CORE) != (1, 1)


def grader_memory_bytes() -> int:
    return psutil.Process(os.getpid()).memory_info().rss


def test_twenty_megabytes_of_honest_prints_pass() -> None:
    with Sandbox({}) as sandbox:
        done = execute(sandbox, "for i in range(2000): print('x' * 10_000)", "print('after')")
        assert sandbox.cause_of_death is None
    assert (done.error, len(done.text(0)), done.text(1)) == (None, 2000 * 10_001, "after\n")


def test_a_flood_of_output_is_stopped_before_it_drowns_the_grader() -> None:
    flood = "for i in range(300): print('x' * 500_000)"
    with Sandbox({}, limits=Limits(output_mib=1)) as sandbox:
        done = execute(sandbox, flood)
        assert sandbox.cause_of_death is Cause.OUTPUT
    assert type(done.error).__name__ == "DeadKernelError"


def test_a_message_of_endlessly_many_parts_is_stopped() -> None:
    bomb = """
import zmq
from ipykernel.kernelapp import IPKernelApp
sock = IPKernelApp.instance().iopub_thread.socket
part = bytes(512 << 10)
for _ in range(2000): sock.send(part, zmq.SNDMORE)
"""
    before = grader_memory_bytes()
    with Sandbox({}, limits=Limits(output_mib=1)) as sandbox:
        done = execute(sandbox, "1", bomb, cell_s=20)
        assert sandbox.cause_of_death is Cause.OUTPUT
    assert type(done.error).__name__ == "DeadKernelError"
    assert grader_memory_bytes() - before < 400 << 20


def test_one_message_larger_than_everything_that_may_come_is_stopped() -> None:
    cell = "from IPython.display import display\ndisplay({'text/plain': 'x' * (200 << 20)}, raw=True)"
    with Sandbox({}, limits=Limits(output_mib=1)) as sandbox:
        done = execute(sandbox, cell)
        assert sandbox.cause_of_death is Cause.OUTPUT
    assert done.cells[0] == []


# the kernel itself needs two or three seconds to start, on a slow machine several times that.
CPU_S = 15


def test_a_loop_in_c_that_no_interrupt_reaches_ends_with_its_cpu_time() -> None:
    with Sandbox({}, limits=Limits(case_s=1, cell_s=3, submission_s=CPU_S)) as sandbox:
        done = execute(sandbox, "sum(range(10 ** 12))", cell_s=1)
        assert sandbox.cause_of_death is Cause.CPU
    assert type(done.error).__name__ == "DeadKernelError"


def test_questions_to_the_user_end_at_once() -> None:
    with Sandbox({}) as sandbox:
        done = execute(sandbox, "input('your password?')", "breakpoint()", "print('after')", cell_s=30)
        assert sandbox.cause_of_death is None
    assert done.error is None
    assert done.error_name(0) == "StdinNotImplementedError"
    assert done.text(2) == "after\n"
