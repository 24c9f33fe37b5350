"""A forked sandbox is what a fresh one is, is looked at from outside before it runs, and is started fresh where anything is in doubt."""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from open_files import left_open, open_files
from ordinary_user import run_as_ordinary_user
from sandbox_bench import Bench, execute, wait_until

from autograder.sandbox import choice, demolition, fork_proof, forked_sandbox
from autograder.sandbox.choice import Start, open_sandbox
from autograder.sandbox.connection import PORTS
from autograder.sandbox.faults import SandboxFault, SandboxMissing
from autograder.sandbox.fork_proof import fork_faults, judge_fork, prove_fork
from autograder.sandbox.forked import ForkedEnclosure
from autograder.sandbox.forked_sandbox import ForkedSandbox
from autograder.sandbox.interpreter import COURSE_ROOT, Interpreter
from autograder.sandbox.keeper import SERVER, SERVER_PROGRAMS, Server, warm_server
from autograder.sandbox.limits import Limits
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.watchdog import Cause

pytestmark = pytest.mark.needs_walls
FORKED = pytest.mark.parametrize("bench", ["forked"], indirect=True)
# What a program can tell of the process it is in; what differs from run to run by its nature is left out.
LOOK = """
import json, os, resource, signal, sys
def mounts():
    for line in open('/proc/self/mountinfo'):
        words = line.split(' - ')[0].split()
        if not words[4].startswith(('/home/student/', '/run/walls')): yield words[4], words[5]
status = dict(line.split(':', 1) for line in open('/proc/self/status') if ':' in line)
print(json.dumps({
    'mounts': sorted(dict(mounts()).items()),
    'status': {name: status[name].strip() for name in (
        'Groups', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'Seccomp_filters', 'SigBlk', 'SigIgn')},
    'limits': [resource.getrlimit(kind) for kind in range(16)],
    'path': sys.path, 'flags': list(sys.flags), 'environment': dict(os.environ), 'arguments': sys.argv,
    'folder': os.getcwd(), 'umask': os.umask(0), 'out of memory': open('/proc/self/oom_score_adj').read(),
    'session': os.getsid(0) == os.getpid(), 'dumpable': os.stat('/proc/self/mem').st_uid == os.getuid(),
    'user': __import__('pwd').getpwuid(os.getuid())[0], 'main': __import__('__main__').__dict__ is globals(),
    'home': sorted(os.listdir(os.path.expanduser('~'))), 'work': sorted(os.listdir()), 'run': sorted(os.listdir('/run')),
    'modes': [oct(os.stat(path).st_mode) for path in ('/', '/dev/shm', '/home/student', '/home/student/work', '/tmp', '/run/kernel')],
    'signals': [str(signal.getsignal(number)) for number in range(1, 32)], 'descriptors': sorted(os.listdir('/proc/self/fd')),
    'hash': hash('vislab'), 'threads': __import__('torch').get_num_threads(), 'stack': __import__('threading').stack_size(),
    'backend': __import__('matplotlib').rcParams['backend'],
}))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="vislab-test-"))
    yield made
    shutil.rmtree(made)


def test_a_notebook_finds_what_it_finds_in_a_fresh_one() -> None:
    found = []
    for home in (Sandbox({"a.txt": b"a"}), ForkedSandbox({"a.txt": b"a"}, strict=True)):
        with home as sandbox:
            done = execute(sandbox, LOOK, "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3]);", "print(_dh, In[0], __name__)")
            assert done.error is None and sandbox.start == ("forked" if isinstance(sandbox, ForkedSandbox) else "fresh")
        assert "image/png" in done.mime(1)
        found.append({**json.loads(done.text(0)), "notebook": done.text(2)})
    fresh, forked = found
    # The judges' folders are there, empty; /proc/sys and its like are bound by other hands.
    assert sorted({*forked.pop("run")} - {*fresh.pop("run")}) == ["judge", "judges"]
    by_other_hands = ("/proc/", "/run/judge", "/etc/passwd", "/etc/group")
    for each in found:
        each["mounts"] = [mount for mount in each["mounts"] if not mount[0].startswith(by_other_hands)]
        each["mounts"] = [[path, sorted(set(words.split(",")) - {"relatime"})] for path, words in each["mounts"]]
    assert {name: (fresh[name], forked[name]) for name in fresh if fresh[name] != forked[name]} == {}


# What is there before the first cell, and what the first figure and the first gradient add to it.
FIRST_USE = """
import sys, matplotlib.pyplot as plt, torch
before = set(sys.modules)
place = torch.ones(2, requires_grad=True)
torch.autograd.grad(place * 2, place, torch.ones(2))
plt.plot([1, 2, 3])
plt.show()
print(len(set(sys.modules) - before), *sorted(set(sys.modules) - before))
"""


def test_what_notebooks_use_first_is_there_before_they_do() -> None:
    added = []
    for home in (Sandbox({}), ForkedSandbox({}, strict=True)):
        with home as sandbox:
            done = execute(sandbox, FIRST_USE)
            assert done.error is None
            added.append(done.text(0).split())
    # A fresh kernel shows what would be imported again and again: otherwise this test would hold of nothing.
    assert int(added[0][0]) > 300 and int(added[1][0]) < 5, added[1]


DRAWN = """
import matplotlib.pyplot as plt
figure, panel = plt.subplots()
panel.set_title("a formula that does not end: $x^{2$")
plt.show()
print("went on", plt.get_fignums())
"""


@pytest.mark.parametrize("start", [Start.FRESH, Start.FORKED])
def test_without_pictures_a_cell_runs_as_with_them_and_no_figure_is_drawn(start: Start) -> None:
    said = []
    for pictures in (True, False):
        with open_sandbox({}, start=start, pictures=pictures) as sandbox:
            done = execute(sandbox, DRAWN, "plt.plot([1, 2, 3]);")
            assert done.error is None and "went on []" in done.text(0)
        said.append([output["output_type"] for output in done.cells[0]])
        assert ("image/png" in done.mime(1)) is pictures
    # Drawing fails, and is told: only where it was tried.
    assert ("error" in said[0], "error" in said[1]) == (True, False)


def test_a_limit_costs_the_kernel_and_names_the_cause() -> None:
    bomb = "held = []\nwhile len(held) < 96: held.append(b'1' * (16 << 20))\nimport time; time.sleep(10)"
    with ForkedSandbox({}, limits=Limits(memory_mib=512), strict=True) as sandbox:
        done = execute(sandbox, "print('before')", bomb)
        assert (type(done.error).__name__, sandbox.cause_of_death) == ("DeadKernelError", Cause.MEMORY)
    assert done.text(0) == "before\n"


@FORKED
def test_two_at_once_know_nothing_of_each_other(bench: Bench) -> None:
    code = """
import os, time
open('/dev/shm/x', 'x'); open('/tmp/x', 'x'); print(len(os.listdir('/run/judges')), flush=True); time.sleep(60)
"""
    first, second = bench.start(code), bench.start(code)
    assert isinstance(first, ForkedEnclosure) and isinstance(second, ForkedEnclosure)
    assert not set(first.namespaces.values()) & set(second.namespaces.values())
    for enclosure in (first, second):
        deadline = time.monotonic() + 20
        while not enclosure.standard_output() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert enclosure.standard_output() == "0\n", enclosure.standard_error()
    first.close()
    assert (first.returncode, second.returncode) == (128 + 9, None)


@FORKED
def test_a_server_that_shows_other_data_files_is_refused(bench: Bench, folder: Path) -> None:
    with pytest.raises(SandboxFault, match="shows other data files than this run may see"):
        bench.start("pass", data=(folder / "another.h5",))


@FORKED
def test_exit_status_is_told_like_a_shell(bench: Bench) -> None:
    assert bench.run("import os; os._exit(3)").status == 3
    assert bench.run("import os; os.kill(os.getpid(), 11)").status == 128 + 11
    before = open_files()
    bench.run("import os; os._exit(0)")
    assert not left_open(before)


@FORKED
def test_what_cannot_be_placed_is_a_fault_that_says_so(bench: Bench) -> None:
    with pytest.raises(SandboxFault, match=r"the forked sandbox could not be started: OSError: .*No space left on device"):
        bench.start("pass", Limits(files_mib=1), files={"big": bytes(2 << 20)})


def test_a_child_dies_with_its_server_and_the_next_run_gets_another(bench: Bench) -> None:
    server = Server(Interpreter.current(), ["json"])
    enclosure = bench.start("import time; time.sleep(60)", server=server)
    os.kill(server.pid, signal.SIGKILL)
    assert enclosure.wait(20) == 128 + 9
    enclosure.close()
    with pytest.raises(SandboxFault, match="fork server is gone"):
        for _ in range(200):
            bench.start("pass", server=server)
            time.sleep(0.02)
    server.close()
    kept = warm_server()
    os.kill(kept.pid, signal.SIGKILL)
    assert kept._process is not None
    kept._process.wait(20)
    assert warm_server() is not kept and warm_server().alive


def test_server_and_child_die_with_a_grader_that_is_killed() -> None:
    token = f"vislab-test-{secrets.token_hex(8)}"
    code = f"""
import signal
from sandbox_bench import Bench
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.keeper import Server
server = Server(Interpreter.current(), ['json'])
sleep = "[sys.executable, '-I', '-c', 'import time; time.sleep(60)', '{token}']"
Bench(server=server).start(f"import os, sys; os.execv(sys.executable, {{sleep}})")
print(server.pid, server._folder, flush=True)
signal.pause()
"""
    paths = os.pathsep.join([str(COURSE_ROOT), str(Path(__file__).parent)])
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}) as grader:
        assert grader.stdout is not None
        pid, folder = grader.stdout.readline().decode().split()
        assert os.path.exists(f"/proc/{pid}")
        grader.kill()
    deadline = time.monotonic() + 20
    while (os.path.exists(f"/proc/{pid}") or _commands_with(token)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not os.path.exists(f"/proc/{pid}") and not _commands_with(token)
    shutil.rmtree(folder)


def _commands_with(token: str) -> list[str]:
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if token.encode() in Path("/proc", name, "cmdline").read_bytes():
                found.append(name)
        except OSError:
            continue
    return found


# A part of the child's way that is left out -> what is seen from outside. The child itself says nothing of it: it is made to lie.
LEFT_OUT = {
    "_prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header)": "the kernel: Seccomp=0",
    'inner.give_up_privileges(plan["uid"], plan["gid"], plan["own"])': "the kernel: Cap|the kernel: NoNewPrivs=0",
    'inner.give_up_privileges(*plan["init"], ())': "pid 1: Cap|pid 1: NoNewPrivs=0",
    "private_view.leave_namespaces()": "namespace",
    'private_view.build(plan["view"])': "/home/student is the fork server's|Error",
    'reply.send(json.dumps({"ready"': "descriptors",
}


@pytest.mark.parametrize("part", LEFT_OUT)
def test_a_child_that_left_something_out_is_not_told_to_go(part: str, bench: Bench, folder: Path) -> None:
    text = SERVER.read_text()
    assert text.count(part) == 1
    lie = "kept = os.dup(0); " + part if part.startswith("reply") else "pass"
    text = text.replace(part, lie).replace("inner.privileges_left(", "(lambda status: [])(")
    (folder / SERVER.name).write_text(text)
    programs = [folder / SERVER.name if program == SERVER else program for program in SERVER_PROGRAMS]
    server = Server(Interpreter.current(), ["json"], programs)
    try:
        with pytest.raises(SandboxFault, match=LEFT_OUT[part]):
            bench.start("open('/dev/shm/ran', 'w'); print('ran')", server=server)
        assert [enclosure.standard_output() for enclosure in bench.started] == [""]
    finally:
        server.close()


def test_nothing_runs_without_the_word_to_go(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.sandbox.forked.GO", b"")
    silent = bench.start("print('ran')", server=Server(Interpreter.current(), ["json"]))
    assert silent.wait(20) == 70
    silent.close()
    assert silent.standard_output() == ""


def test_a_kernel_that_cannot_be_forked_is_started_fresh_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(interpreter: object, data: object) -> Server:
        raise SandboxFault("no server today")

    monkeypatch.setattr(forked_sandbox, "warm_server", broken)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            with ForkedSandbox({}) as sandbox:
                assert execute(sandbox, "print(1)").text(0) == "1\n"
                assert sandbox.start == "fresh"
    assert [record.getMessage() for record in caplog.records] == ["kernels are started fresh, which is slower: no server today"]
    with ForkedSandbox({}, strict=True) as sandbox, pytest.raises(SandboxFault, match="no server today"):
        sandbox.launch(sandbox.argv(), {"key": "k", "signature_scheme": "hmac-sha256", **dict.fromkeys(PORTS, 1)})


@pytest.mark.filterwarnings("ignore::autograder.sandbox.demolition.DemolitionWarning")
def test_what_is_asked_for_is_what_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fork_faults() == ()
    assert type(open_sandbox({})) is ForkedSandbox and type(open_sandbox({}, start=Start.FORKED)) is ForkedSandbox
    assert type(open_sandbox({}, start=Start.FRESH)) is Sandbox
    assert type(open_sandbox({}, environment={"A": "b"})) is Sandbox
    with demolition.without("seccomp"):
        assert type(open_sandbox({})) is Sandbox
        with pytest.raises(SandboxMissing, match=r"cannot be forked here: walls are down: seccomp; leave --forked out"):
            open_sandbox({}, start=Start.FORKED)
    monkeypatch.setattr(choice, "fork_faults", lambda data: ("own namespaces: broken: net",))
    assert type(open_sandbox({})) is Sandbox
    with pytest.raises(SandboxMissing, match="broken: net"):
        open_sandbox({}, start=Start.FORKED)


GOOD = {
    "marks": [],
    "opened": [],
    "signalled": [],
    "traced": [],
    "descriptors": [],
    "pids": [1, 2],
    "namespaces": {"net": 30, "mnt": 31},
}
OTHERS = [{"net": 10, "mnt": 11}, {"net": 20, "mnt": 21}]


@pytest.mark.parametrize(
    ("broken", "left", "name"),
    [
        ({}, 0, None),
        ({"opened": ["/proc/7/mem"]}, 0, "forked: server out of reach"),
        ({"signalled": [7]}, 0, "forked: server out of reach"),
        ({"traced": [7]}, 0, "forked: server out of reach"),
        ({"descriptors": ["4"]}, 0, "forked: server out of reach"),
        ({"pids": [1, 2, 3]}, 0, "forked: server out of reach"),
        ({"marks": ["/dev/shm"]}, 0, "forked: nothing of earlier children"),
        ({}, 1, "forked: nothing of earlier children"),
        ({"namespaces": {"net": 10, "mnt": 31}}, 0, "forked: own namespaces"),
        ({"namespaces": {"net": 30, "mnt": 21}}, 0, "forked: own namespaces"),
    ],
    ids=str,
)
def test_each_broken_promise_is_seen(broken: dict[str, object], left: int, name: str | None) -> None:
    proofs = judge_fork({**GOOD, **broken}, left, OTHERS)
    assert [proof.name for proof in proofs if not proof.ok] == ([] if name is None else [name])


def test_a_child_that_is_killed_while_it_proves_something_is_no_crash_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    start = fork_proof._start

    def killed(*arguments: Any) -> ForkedEnclosure:
        enclosure = start(*arguments)
        os.kill(enclosure.init_pid, signal.SIGKILL)
        assert wait_until(lambda: not Path(f"/proc/{enclosure.init_pid}/ns/ipc").exists())
        return enclosure

    monkeypatch.setattr(fork_proof, "_start", killed)
    (proof,) = prove_fork()
    assert (proof.name, proof.ok, proof.required) == ("fork server", False, False)
    assert "No such file or directory: '/proc/" in proof.detail


def test_the_proofs_hold_for_an_ordinary_user_too(open_home: Path) -> None:
    assert [proof for proof in prove_fork() if not proof.ok] == []
    (open_home / "run.py").write_text(
        "import json, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from sandbox_bench import execute\n"
        "from autograder.sandbox.fork_proof import prove_fork\n"
        "from autograder.sandbox.forked_sandbox import ForkedSandbox\n"
        "with ForkedSandbox({'a.txt': b'content'}, strict=True) as sandbox:\n"
        "    said = execute(sandbox, 'import os; print(os.getuid(), open(\"a.txt\").read())').text(0)\n"
        "print(json.dumps([said, [[proof.name, proof.ok, proof.detail] for proof in prove_fork()]]))\n"
    )
    done = run_as_ordinary_user([str(open_home / "run.py"), str(Path(__file__).parent)], open_home)
    said, proofs = json.loads(done.stdout or "null") or pytest.fail(done.stderr)
    assert said == "1000 content\n"
    assert len(proofs) == 8 and [proof for proof in proofs if not proof[1]] == []
