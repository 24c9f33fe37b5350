"""Each wall that a test takes down is seen to be missing, by an attempt that fails while it stands; and only tests get there."""

from __future__ import annotations

import ast
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sandbox_bench import Bench, execute
from typer.testing import CliRunner

from autograder.cli.app import app_for
from autograder.sandbox import demolition
from autograder.sandbox.demolition import DemolitionError, DemolitionWarning, Wall
from autograder.sandbox.interpreter import COURSE_ROOT
from autograder.sandbox.limits import Limits, LimitsError
from autograder.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.filterwarnings("ignore::autograder.sandbox.demolition.DemolitionWarning")

PRELUDE = """
import ctypes, errno, json, mmap, os, socket, sys, time
def attempt(act):
    try: act(); return 'ok'
    except (OSError, RuntimeError, MemoryError) as error: return type(error).__name__
def connect(family, address):
    with socket.socket(family) as s: s.settimeout(5); s.connect(address)
libc = ctypes.CDLL(None, use_errno=True)
"""
# wall -> an attempt that prints "ok" only where that wall is missing.
ATTEMPTS = {
    Wall.NETWORK: "attempt(lambda: connect(socket.AF_INET, ('127.0.0.1', PORT)))",
    Wall.PID: "'ok' if os.path.exists('/proc/2/comm') and len(os.listdir('/proc')) > 60 and os.getpid() > 3 else 'few'",
    Wall.PROC: "attempt(lambda: open(f'/proc/{GRADER}/cmdline').read())",
    Wall.FILES: "attempt(lambda: open(CANARY).read())",
    Wall.READ_ONLY: "attempt(lambda: os.close(os.open('/x', os.O_CREAT | os.O_WRONLY)))",
    Wall.ENVIRONMENT: "'ok' if os.environ.get('VISLAB_TEST_SECRET') == 'secret' else 'none'",
    Wall.IPC: "'ok' if os.stat('/proc/self/ns/ipc').st_ino == IPC else 'other'",
    Wall.MEMORY: "attempt(lambda: mmap.mmap(-1, 5 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close())",
    Wall.PROCESSES: "attempt(bomb)",
    Wall.DISK: "attempt(lambda: open('/tmp/big', 'wb').truncate(1 << 40))",
    Wall.CPU: "'ok' if __import__('resource').getrlimit(0)[0] == -1 else 'limited'",
    Wall.UID: "'ok' if os.getuid() == 0 else 'nobody'",
    Wall.CAPABILITIES: "'ok' if int(open('/proc/self/status').read().split('CapEff:')[1].split()[0], 16) else 'none'",
    Wall.LANDLOCK: "attempt(lambda: open('/proc/self/comm', 'w').write('x'))",
    Wall.SECCOMP: "attempt(lambda: os.memfd_create('x'))",
}
BOMB = """
def bomb():
    children, (r, w) = [], os.pipe()
    try:
        for _ in range(100):
            child = os.fork()
            if not child: os.close(w); os.read(r, 1); os._exit(0)
            children.append(child)
    finally:
        os.close(w)
        for child in children: os.waitpid(child, 0)
"""


@pytest.fixture
def code() -> Iterator[str]:
    """What every attempt is told about this side, with a canary that everybody on this machine may read."""
    # Not tmp_path: its parents belong to one user alone.
    folder = Path(tempfile.mkdtemp(prefix="vislab-test-"))
    folder.chmod(0o755)
    canary = folder / "canary"
    canary.write_text("secret")
    ipc = os.stat("/proc/self/ns/ipc").st_ino
    yield f"{PRELUDE}{BOMB}\nCANARY, GRADER, IPC = {str(canary)!r}, {os.getpid()}, {ipc}\n"
    shutil.rmtree(folder)


@pytest.mark.needs_walls
@pytest.mark.parametrize("wall", ATTEMPTS)
def test_a_wall_that_is_down_is_seen_to_be_down_and_one_that_stands_is_not(
    bench: Bench, code: str, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISLAB_TEST_SECRET", "secret")
    limits = Limits(processes=40)
    with socket.create_server(("127.0.0.1", 0)) as server:
        whole = f"{code}PORT = {server.getsockname()[1]}\nprint({ATTEMPTS[wall]})"
        standing = bench.run(whole, limits)
        assert (standing.status, standing.out != "ok\n") == (0, True), standing
        with demolition.without(wall):
            fallen = bench.run(whole, limits)
        assert (fallen.status, fallen.out) == (0, "ok\n"), fallen
    assert bench.run(whole, limits).out == standing.out


@pytest.mark.needs_walls
def test_the_judges_socket_can_be_replaced_where_that_wall_is_down(bench: Bench, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    code = "import os\ntry: os.rename('/run/judge/judge.sock', '/run/judge/taken'); print('taken')\nexcept OSError as e: print(e.errno)"
    with socket.socket(socket.AF_UNIX) as judge:
        judge.bind(str(tmp_path / "judge.sock"))
        assert bench.run(code, judge_dir=tmp_path).out == "30\n"
        with demolition.without("judge-socket"):
            assert bench.run(code, judge_dir=tmp_path).out == "taken\n"


@pytest.mark.needs_walls
def test_a_daemon_survives_where_the_pid_wall_is_down(bench: Bench) -> None:
    token = f"vislab-test-{secrets.token_hex(8)}"
    code = f"""
import os, sys, time
if os.fork() == 0:
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR); os.dup2(null, 1); os.dup2(null, 2)
    if os.fork() == 0: os.execv(sys.executable, [sys.executable, '-I', '-S', '-c', 'import time; time.sleep(20)', '{token}'])
    os._exit(0)
os.wait(); time.sleep(0.5)
"""

    def survivors() -> list[psutil.Process]:
        return [process for process in psutil.process_iter(["cmdline"]) if token in (process.info["cmdline"] or [])]

    bench.run(code)
    assert survivors() == []
    with demolition.without("pid"):
        bench.run(code)
        left = survivors()
        for process in left:
            process.kill()
            process.wait(20)
    assert len(left) == 1


@pytest.mark.needs_walls
def test_it_reaches_the_sandbox_that_the_engine_opens() -> None:
    cell = "import os, socket\ntry: os.memfd_create('x'); print('made')\nexcept OSError: print('refused')"
    with demolition.without("seccomp", "output"), Sandbox({}) as sandbox:
        assert execute(sandbox, cell).text(0) == "made\n"
    with Sandbox({}) as sandbox:
        assert execute(sandbox, cell).text(0) == "refused\n"


@pytest.mark.needs_walls
def test_a_whole_kernel_runs_where_the_wall_of_files_is_down(code: str) -> None:
    """The package, the interpreter and the private folders must stay in reach among all the folders of this machine."""
    cell = f"{code}\nimport vislab\nprint(open(CANARY).read(), vislab.__file__)"
    with demolition.without("files"), Sandbox({}) as sandbox:
        assert execute(sandbox, cell).text(0) == "secret /opt/vislab/vislab/__init__.py\n"


def test_it_is_loud_and_ends_with_its_block() -> None:
    with pytest.warns(DemolitionWarning, match=r"student code runs WITHOUT these walls: network, uid"):
        with demolition.without("uid"):
            with demolition.without("network") as inner:
                assert inner == demolition.down() == {Wall.UID, Wall.NETWORK}
            assert demolition.down() == {Wall.UID}
    assert demolition.down() == frozenset()
    with pytest.raises(ZeroDivisionError), demolition.without("uid"):
        _ = 1 / 0
    assert demolition.down() == frozenset()


def test_a_misspelt_wall_is_refused() -> None:
    with pytest.raises(DemolitionError, match=r"wall 'netwrok' must be one of network, pid, proc"), demolition.without("netwrok"):
        pass
    with pytest.raises(DemolitionError, match=r"no wall was named; name some of network"), demolition.without():
        pass


def test_a_process_that_runs_no_tests_cannot_take_a_wall_down() -> None:
    code = "from autograder.sandbox import demolition\nwith demolition.without('network'): print('down')"
    done = subprocess.run([sys.executable, "-c", code], cwd=COURSE_ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 1 and "down" not in done.stdout.split()
    assert "walls (network) can be taken down by tests alone; run this under pytest" in done.stderr


def reaches(text: str) -> list[str]:
    """Name what a module does that could take a wall down: calling ``without``, or setting the field it fills."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr in {"without", "_down"}:
            found.append(f"line {node.lineno}: .{node.attr}")
        elif isinstance(node, ast.ImportFrom) and node.module == demolition.__name__:
            found += [f"line {node.lineno}: imports {name.name}" for name in node.names if name.name not in {"Wall", "down"}]
        elif isinstance(node, ast.keyword) and node.arg == "demolished":
            found.append(f"line {node.value.lineno}: demolished=")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "import_module":
            found += [f"line {node.lineno}: demolition" for part in node.args if "demolition" in ast.unparse(part)]
    return found


def test_nothing_but_tests_reaches_it() -> None:
    rooms = ("vislab", "autograder", "data_scripts", "assignments", "benchmarks")
    modules = [path for room in rooms for path in sorted((COURSE_ROOT / room).rglob("*.py"))] + [COURSE_ROOT / "nbgrader_config.py"]
    own = Path(demolition.__file__)
    found = {str(path.relative_to(COURSE_ROOT)): what for path in modules if path != own and (what := reaches(path.read_text()))}
    assert len(modules) > 150
    assert found == {}


@pytest.mark.parametrize(
    "planted",
    [
        "from autograder.sandbox import demolition\nwith demolition.without('network'): pass",
        "from autograder.sandbox.demolition import without",
        "from autograder.sandbox.walls import Walls\nWalls(a, b, c, demolished=frozenset())",
        "import importlib\nimportlib.import_module('autograder.sandbox.demolition')",
        "from autograder.sandbox import demolition\ndemolition._down = {'network'}",
    ],
)
def test_a_planted_way_there_is_seen(planted: str) -> None:
    assert reaches(planted) != []


def test_no_word_on_the_command_line_in_the_environment_or_in_a_file_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in ("--without", "--demolish", "--demolished"):
        done = CliRunner().invoke(app_for(), ["grade", "a1_pose", option, "network"])
        assert done.exit_code == 2, done.output
    for table in ({"without": ["network"]}, {"demolished": ["network"]}):
        with pytest.raises(LimitsError, match="is not a limit"):
            Limits.from_table(table)
    code = "from autograder.sandbox.demolition import down; print(sorted(down()))"
    names = ("WITHOUT", "DEMOLISHED", "DEMOLITION", "WALLS", "WALLS_DOWN")
    variables = {f"{prefix}{name}": "network" for prefix in ("", "VISLAB_") for name in names}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=COURSE_ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    assert done.stdout == "[]\n"
    source = Path(demolition.__file__).read_text()
    assert not [way for way in ("import os", "getenv", "open(", "argv") if way in source]
