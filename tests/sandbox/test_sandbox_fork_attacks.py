"""Attacks on a fork server by one of its children: each succeeds against a naive one, and gains nothing of ours."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sandbox_bench import Bench

from autograder.sandbox.faults import SandboxFault
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.keeper import SERVER_PROGRAMS, Server, warm_server

pytestmark = pytest.mark.needs_walls
NAIVE = Path(__file__).with_name("naive_fork_server.py")
WAIT_S = 20.0

# What every attack knows. TOKEN is in two halves, so that the text of the second submission does not hold what it looks for.
PRELUDE = """
import ctypes, mmap, os, re, signal, socket, string, sys, time
SERVERS = sorted({os.getppid(), *SERVER} - {0, os.getpid()})
def read(path):
    try:
        with open(path, 'rb') as stream: return stream.read()
    except OSError: return b''
def regions(pid, kind):
    for line in read(f'/proc/{pid}/maps').decode().splitlines():
        where, rights = line.split()[:2]
        if re.fullmatch(kind, rights) and '[v' not in line: yield [int(end, 16) for end in where.split('-')]
def holds(pid, needle):
    # A pattern: what is looked for must not come into this process's memory by being looked for.
    try: memory = os.open(f'/proc/{pid}/mem', os.O_RDONLY)
    except OSError: return False
    for start, end in regions(pid, 'rw.p'):
        try:
            if re.search(needle, os.pread(memory, min(end - start, 64 << 20), start)): return True
        except OSError: continue
    return False
"""
# name -> what the first submission does, and what the second one prints "gained" for.
TWO = {
    "a message in shared memory and temporary files": (
        "[open(f'{folder}/vislab-{HALF}{REST}', 'w').close() for folder in ('/dev/shm', '/tmp')]",
        "print('gained' if any(os.path.exists(f'{folder}/vislab-{HALF}{REST}') for folder in ('/dev/shm', '/tmp')) else 'nothing')",
    ),
    "the server's memory is written": (
        """
at = id(string.digits) + sys.getsizeof(string.digits) - 11
for server in SERVERS:
    try:
        memory = os.open(f'/proc/{server}/mem', os.O_RDWR)
        if os.pread(memory, 10, at) == b'0123456789': os.pwrite(memory, b'9876543210', at)
    except OSError as error: print(server, error)
""",
        "print('gained' if string.digits.startswith('9') else 'nothing')",
    ),
    "a message in memory that all children share": (
        "for start, end in regions('self', 'rw.s'): ctypes.memmove(start, (HALF + REST).encode(), len(HALF + REST))",
        "print('gained' if any((HALF + REST).encode() in ctypes.string_at(a, b - a) for a, b in regions('self', 'rw.s')) else 'nothing')",
    ),
    "what the server read of the first is still in memory": (
        "note = 'TOKEN'",
        "print('gained' if any(holds(pid, HALF.encode() + b'[0-9a-f]{12}') for pid in ('self', *SERVERS)) else 'nothing')",
    ),
    "a patched module": ("import string; string.patched = 1", "print('gained' if hasattr(string, 'patched') else 'nothing')"),
}
# name -> one submission that prints "gained".
ONE = {
    "the server is traced": """
libc = ctypes.CDLL(None)
for server in SERVERS:
    if libc.ptrace(16, server, 0, 0) == 0: os.waitpid(server, 0x40000000); libc.ptrace(17, server, 0, 0); print('gained')
""",
    "the server's environment is read": """
print('gained' if any(b'vislab-secret-of-the-server' in read(f'/proc/{server}/environ') for server in (*SERVERS, 'self')) else 'nothing')
""",
    "descriptors are inherited": """
for name in os.listdir('/proc/self/fd'):
    where = os.readlink(f'/proc/self/fd/{name}') if os.path.lexists(f'/proc/self/fd/{name}') else ''
    if int(name) > 2 and where.startswith(('socket', 'pipe', 'anon', '/')) and not where.startswith('/proc'): print('gained', where)
""",
    "the control socket is found": """
# What others on this machine listen on is not touched: a naive server's children see all of it.
paths = {line.split()[-1] for line in read('/proc/net/unix').decode().splitlines()[1:] if CONTROL in line or CONTROL == '/nonexistent'}
paths |= {os.path.join(folder, name) for folder in (CONTROL, '/run', '/run/kernel', '/run/judges', '/run/judge', '/run/walls')
          if os.path.isdir(folder) and (folder == CONTROL or CONTROL == '/nonexistent') for name in os.listdir(folder)}
for path in paths:
    try:
        with socket.socket(socket.AF_UNIX) as sock: sock.settimeout(5); sock.connect(path.replace('@', chr(0))); print('gained', path)
    except OSError: pass
""",
}


@dataclass
class Target:
    """A fork server under attack: how a submission is run, and which process it is.

    Args:
        run: code to what it printed.
        pids: of the server, as seen here and as it sees itself.
        alive: whether it can still be asked.
        control: folder of its control socket, where it has a path.
    """

    run: Callable[[str], str]
    pids: set[int]
    alive: Callable[[], bool]
    control: str


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="vislab-test-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def naive(folder: Path) -> Iterator[Target]:
    path = folder / "control"
    process = subprocess.Popen(
        [sys.executable, "-I", str(NAIVE), str(path), str(folder / "log")], env={"TOKEN": "vislab-secret-of-the-server"}
    )
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)

    def run(code: str) -> str:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(WAIT_S)
            sock.connect(str(path))
            sock.sendall(code.encode())
            sock.shutdown(socket.SHUT_WR)
            said = b""
            while chunk := sock.recv(1 << 16):
                said += chunk
            return said.decode()

    yield Target(run, {process.pid}, lambda: process.poll() is None, str(folder))
    process.kill()
    process.wait()


@pytest.fixture
def ours(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setenv("TOKEN", "vislab-secret-of-the-server")
    server = warm_server()
    inner_pids = Path(f"/proc/{server.pid}/status").read_text().split("NSpid:")[1].split("\n")[0].split()

    def run(code: str) -> str:
        ended = bench.run(code, server=server)
        return ended.out + ended.err

    return Target(run, {server.pid, *map(int, inner_pids)}, lambda: server.alive, "/nonexistent")


def submission(target: Target, code: str, token: str) -> str:
    known = f"SERVER, CONTROL, HALF, REST = {target.pids!r}, {target.control!r}, {token[:12]!r}, {token[12:]!r}\n"
    return known + PRELUDE + code.replace("TOKEN", token)


def attempt(target: Target, name: str) -> str:
    token = secrets.token_hex(12)
    try:
        if name in ONE:
            return target.run(submission(target, ONE[name], token))
        first, second = TWO[name]
        # A server that runs submissions in one process of its own.
        same = "!" if name == "a patched module" and target.control != "/nonexistent" else ""
        target.run(same + submission(target, first, token))
        return target.run(submission(target, second, token))
    finally:
        for place in ("/dev/shm", "/tmp"):
            Path(place, f"vislab-{token}").unlink(missing_ok=True)


@pytest.mark.parametrize("name", [*TWO, *ONE])
def test_the_attack_succeeds_against_a_naive_server_and_not_against_ours(name: str, naive: Target, ours: Target) -> None:
    assert "gained" in attempt(naive, name)
    said = attempt(ours, name)
    assert "gained" not in said and "Traceback" not in said
    assert naive.alive() and ours.alive()


SURVIVOR = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2): os.dup2(null, fd)
        os.execv(PYTHON, [PYTHON, '-I', '-S', '-c', 'import time; time.sleep(30)', HALF + REST])
    os._exit(0)
os.wait()
time.sleep(0.2)
"""


def survivors(token: str) -> list[int]:
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if token.encode() in Path("/proc", name, "cmdline").read_bytes().split(b"\0"):
                found.append(int(name))
        except OSError:
            continue
    return found


def test_a_daemon_outlives_its_submission_at_a_naive_server_and_not_at_ours(naive: Target, ours: Target) -> None:
    for target, outlives in ((naive, True), (ours, False)):
        token = secrets.token_hex(12)
        said = target.run(submission(target, f"PYTHON = {sys.executable!r}\n{SURVIVOR}", token))
        assert "Error" not in said
        left = survivors(token)
        for pid in left:
            os.kill(pid, 9)
        assert bool(left) is outlives


def test_a_signal_ends_a_naive_server_and_not_ours(naive: Target, ours: Target) -> None:
    code = """
for server in SERVERS:
    try: os.kill(server, signal.SIGTERM); print('sent', server)
    except OSError as error: print(error)
time.sleep(0.2)
"""
    for target, dies in ((naive, True), (ours, False)):
        try:
            target.run(submission(target, code, secrets.token_hex(12)))
        except OSError:
            pass
        time.sleep(0.2)
        assert target.alive() is not dies
    assert ours.run("print('still served')") == "still served\n"


DRAWS = """
import random, numpy, multiprocessing.process, os
print(random.random(), numpy.random.rand(), bytes(multiprocessing.process.current_process().authkey).hex(), TORCH, SYMPY)
"""


def test_two_children_draw_different_numbers(naive: Target, ours: Target) -> None:
    draws = DRAWS
    # numpy does not notice a fork: the children of a server that forgets it draw the same.
    drawn = [naive.run(DRAWS.replace("TORCH", "0").replace("SYMPY", "0")).split() for _ in range(2)]
    assert drawn[0][1] == drawn[1][1]
    others = {"TORCH": "__import__('torch').rand(1).item()", "SYMPY": "__import__('sys').modules['sympy.core.random'].rng.random()"}
    for word, code in others.items():
        draws = draws.replace(word, code)
    mine = [ours.run(draws).split() for _ in range(2)]
    assert [first == second for first, second in zip(*mine)] == [False] * 5


def test_a_server_with_a_thread_or_shared_memory_is_not_used(folder: Path) -> None:
    # A program that is imported by name must lie in a folder of its own path: the work of a bad import.
    planted_faults = {
        "planted_thread": ("import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n", "2 threads"),
        "planted_memory": ("import mmap\nKEPT = mmap.mmap(-1, 4096)\n", "shared memory"),
    }
    for name, (code, told) in planted_faults.items():
        (folder / f"{name}.py").write_text(code)
        with pytest.raises(SandboxFault, match=told):
            Server(Interpreter.current(), [name], [*SERVER_PROGRAMS, folder / f"{name}.py"])
