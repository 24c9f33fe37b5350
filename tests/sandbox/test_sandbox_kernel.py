from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from open_files import left_open, open_files
from sandbox_bench import execute

from autograder.sandbox.choice import Start, open_sandbox
from autograder.sandbox.faults import SandboxFault, SandboxMissing, WorkFilesError
from autograder.sandbox.limits import Limits
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.watchdog import Cause

pytestmark = pytest.mark.needs_walls

SHADOWS = {
    f"{name}": b"raise SystemExit('shadowed by the submission')\n"
    for name in (
        "torch.py",
        "json.py",
        "socket.py",
        "vislab/__init__.py",
        "triton/__init__.py",
        "ipykernel/__init__.py",
        "matplotlib.py",
        "sitecustomize.py",
        "usercustomize.py",
        "conftest.py",
        "ipython_config.py",
        "ipython_kernel_config.py",
        "jupyter_config.py",
        "traitlets.py",
        ".ipython/profile_default/startup/00.py",
        "profile_default/startup/00.py",
        "profile_default/ipython_kernel_config.py",
    )
}
SHADOWS["evil.pth"] = b"import sys; sys.exit('shadowed by the submission')\n"


def test_a_notebook_runs_with_torch_and_a_figure() -> None:
    cells = [
        "import torch, vislab\ntorch.arange(4.).sum().item(), torch.get_num_threads(), vislab.__file__",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3]);",
        "import triton, triton.language as tl\n@triton.jit\ndef double(x, y, n: tl.constexpr):\n"
        "    i = tl.arange(0, n)\n    tl.store(y + i, 2 * tl.load(x + i))",
        "x = torch.arange(8.); y = torch.full((8,), float('nan')); double[(1,)](x, y, 8); print(y.tolist())",
        "x = torch.randn(64, 64, requires_grad=True); (x @ x).sum().backward(); print(x.grad.shape)",
    ]
    with Sandbox({}) as sandbox:
        done = execute(sandbox, *cells)
        assert done.error is None
        assert sandbox.peak_memory_bytes > 50 << 20
        assert sandbox.cause_of_death is None
    outputs = done.cells[0]
    assert outputs[0].data["text/plain"] == "(6.0, 1, '/opt/vislab/vislab/__init__.py')"
    assert "image/png" in done.mime(1)
    assert done.text(3) == "[0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]\n"
    assert done.text(4) == "torch.Size([64, 64])\n"


def test_nothing_in_the_submission_shadows_a_module() -> None:
    cells = [
        "import json, socket, sys, os, matplotlib, vislab, ipykernel\n"
        "print([m.__file__.startswith('/home') for m in (json, socket, matplotlib, vislab, ipykernel)])",
        "import helper\nprint(helper.VALUE, os.getcwd(), sys.path[0], sys.path[-1], _dh)",
        "import importlib.util\nprint(importlib.util.find_spec('torch').origin.startswith('/home'))",
        "import subprocess\nsubprocess.check_output([sys.executable, '-c', 'import json; print(json.__file__)'])",
    ]
    metadata = {"kernelspec": {"name": "evil", "display_name": "Evil", "language": "ruby", "argv": ["/bin/false"]}}
    with Sandbox({**SHADOWS, "helper.py": b"VALUE = 7\n"}) as sandbox:
        done = execute(sandbox, *cells, metadata=metadata)
    assert done.error is None
    assert done.text(0) == "[False, False, False, False, False]\n"
    assert done.text(1) == "7 /home/student/work /opt/vislab /home/student/work [PosixPath('/home/student/work')]\n"
    assert done.text(2) == "False\n"
    assert "/home" not in done.cells[3][0].data["text/plain"]


def test_shadow_files_would_bite_an_ordinary_interpreter(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_bytes(SHADOWS["json.py"])
    done = subprocess.run([sys.executable, "-c", "import json"], cwd=tmp_path, capture_output=True, timeout=600, check=False)
    assert b"shadowed by the submission" in done.stderr


def test_a_memory_bomb_costs_the_kernel_and_names_the_cause() -> None:
    bomb = "held = []\nwhile len(held) < 96: held.append(b'1' * (16 << 20))\nimport time; time.sleep(10)"
    with Sandbox({}, limits=Limits(memory_mib=512)) as sandbox:
        done = execute(sandbox, "print('before')", bomb, "print('after')")
        assert type(done.error).__name__ == "DeadKernelError"
        assert sandbox.cause_of_death is Cause.MEMORY
    assert sandbox.cause_of_death is Cause.MEMORY
    assert done.text(0) == "before\n"


def test_one_allocation_far_too_big_costs_the_cell_only() -> None:
    cells = ["import numpy; numpy.empty(1 << 40)", "import torch; torch.empty(1 << 40)", "bytearray(1 << 40)", "print('after')"]
    with Sandbox({}) as sandbox:
        done = execute(sandbox, *cells)
        assert (done.error, sandbox.cause_of_death) == (None, None)
    assert [done.error_name(index) for index in range(3)] == ["MemoryError", "RuntimeError", "MemoryError"]
    assert done.text(3) == "after\n"


def test_a_crash_has_no_cause() -> None:
    with Sandbox({}) as sandbox:
        done = execute(sandbox, "import os; os._exit(7)")
        assert type(done.error).__name__ == "DeadKernelError"
        assert sandbox.cause_of_death is None
        assert sandbox.poll() in (7, None)


def test_a_cell_that_takes_too_long_is_interrupted_and_the_rest_goes_on() -> None:
    with Sandbox({}) as sandbox:
        done = execute(sandbox, "while True: pass", "print('after')", cell_s=5)
        assert sandbox.cause_of_death is None
    assert done.error is None
    assert done.error_name(0) == "KeyboardInterrupt"
    assert done.text(1) == "after\n"


class Elsewhere:
    """A thread that does something again and again while the second cell of a notebook runs, and never before."""

    def __init__(self, act: Callable[[], object], every_s: float) -> None:
        self._act, self._every_s = act, every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._repeat, daemon=True)

    def executed(self, index: int) -> None:
        if index == 0:
            self._thread.start()
        else:
            self._ended.set()

    def _repeat(self) -> None:
        while not self._ended.wait(self._every_s):
            self._act()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()


def test_an_interrupt_from_another_thread_reaches_the_cell() -> None:
    with Sandbox({"busy": b""}) as sandbox:
        elsewhere = Elsewhere(sandbox.interrupt, every_s=1.0)
        cells = ["print('before')", "import time\nwhile True: time.sleep(0.1)", "print('after')"]
        done = execute(sandbox, *cells, cell_s=600, executed=elsewhere.executed)
        elsewhere.stop()
    assert done.error_name(1) == "KeyboardInterrupt"
    assert done.text(2) == "after\n"


def test_a_kernel_that_swallows_interrupts_can_be_killed_from_another_thread() -> None:
    stubborn = "import time\nwhile True:\n    try:\n        while True: time.sleep(0.1)\n    except BaseException: pass"
    with Sandbox({}) as sandbox:
        elsewhere = Elsewhere(sandbox.kill, every_s=3.0)
        done = execute(sandbox, "print('before')", stubborn, cell_s=1, executed=elsewhere.executed)
        elsewhere.stop()
        assert type(done.error).__name__ == "DeadKernelError"
        assert sandbox.cause_of_death is None


def test_commands_and_temporary_files_work() -> None:
    cells = [
        "!echo from-a-shell; id -un",
        "import tempfile\nprint(tempfile.NamedTemporaryFile().name[:5])",
        "%%writefile made.txt\nhello",
        "!cat made.txt",
    ]
    with Sandbox({}) as sandbox:
        done = execute(sandbox, *cells)
    assert done.text(0).split() == ["from-a-shell", "student"]
    assert done.text(1) == "/tmp/\n"
    assert done.text(3).strip() == "hello"


def test_what_a_forked_child_prints_arrives() -> None:
    cell = """
import multiprocessing
child = multiprocessing.get_context('fork').Process(target=print, args=('from a child',))
child.start(); child.join()
print(child.exitcode)
"""
    with Sandbox({}) as sandbox:
        done = execute(sandbox, cell, "import time; time.sleep(0.5)")
        assert "Couldn't bind" not in sandbox.standard_error
    assert "from a child\n" in done.text(0) + done.text(1)
    assert "0\n" in done.text(0)


def test_the_judges_socket_is_within_reach_and_nothing_else(tmp_path: Path) -> None:
    judge_dir = tmp_path / "judge"
    judge_dir.mkdir(mode=0o700)
    heard = []
    with socket.socket(socket.AF_UNIX) as judge:
        judge.bind(str(judge_dir / "judge.sock"))
        judge.listen()
        judge.settimeout(60)
        os.chmod(judge_dir / "judge.sock", 0o600)

        def serve() -> None:
            connection, _ = judge.accept()
            with connection:
                heard.append(connection.recv(100))
                connection.sendall(b"case")

        thread = threading.Thread(target=serve)
        thread.start()
        cell = """
import os, socket
with socket.socket(socket.AF_UNIX) as s:
    s.connect(os.environ['VISLAB_JUDGE']); s.sendall(b'check'); print(s.recv(100), os.environ['VISLAB_JUDGE'])
for attempt in (lambda: os.unlink('/run/judge/judge.sock'), lambda: open('/run/judge/x', 'w'), lambda: os.rename('/run/judge', '/run/x')):
    try: attempt(); print('went through')
    except OSError as error: print(error.errno)
"""
        with Sandbox({}, judge_dir) as sandbox:
            done = execute(sandbox, cell)
        thread.join()
    assert heard == [b"check"]
    first, *refusals = done.text(0).splitlines()
    assert first == "b'case' /run/judge/judge.sock"
    assert len(refusals) == 3 and "went through" not in refusals


def test_a_judge_that_does_not_listen_is_our_fault(tmp_path: Path) -> None:
    with Sandbox({}, tmp_path) as sandbox:
        done = execute(sandbox, "1")
    assert isinstance(done.error, SandboxFault)
    assert str(done.error) == f"judge socket {tmp_path}/judge.sock must be listening before the sandbox starts; start the judge first"


FRESH = """
import os
assert open('state.txt').read() == 'fresh' and not os.path.exists('/tmp/left')
open('state.txt', 'w').write('changed'); open('/tmp/left', 'w').close()
"""


async def ask(client: Any, code: str) -> str:
    await client.wait_for_ready(timeout=600)
    reply = await client.execute(code, reply=True, timeout=600)
    return str(reply["content"]["status"])


async def start_twice(sandbox: Sandbox) -> list[str]:
    answers = []
    for _ in range(2):
        manager = sandbox.make_kernel_manager()
        await manager.start_kernel()
        client = manager.client()
        client.start_channels()
        answers += [await ask(client, FRESH), await ask(client, FRESH)]
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
    return answers


async def restart(sandbox: Sandbox) -> list[str]:
    manager = sandbox.make_kernel_manager()
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    answers = [await ask(client, FRESH)]
    await manager.restart_kernel(now=True)
    answers.append(await ask(client, FRESH))
    client.stop_channels()
    await manager.shutdown_kernel()
    return answers


def test_a_judges_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    with socket.socket(socket.AF_UNIX) as judge, Sandbox({}, tmp_path) as sandbox:
        judge.bind(str(tmp_path / "judge.sock"))
        judge.listen()
        done = execute(sandbox, "1")
    assert isinstance(done.error, SandboxFault)
    assert "must hold judge.sock alone and holds 'secret' too; give the socket its own folder" in str(done.error)
    assert tmp_path.stat().st_uid == os.getuid()


def test_each_start_gets_fresh_files_and_walls() -> None:
    with Sandbox({"state.txt": b"fresh"}) as sandbox:
        assert asyncio.run(start_twice(sandbox)) == ["ok", "error", "ok", "error"]


def test_a_restart_is_a_fresh_start_for_the_same_client() -> None:
    with Sandbox({"state.txt": b"fresh"}) as sandbox:
        assert asyncio.run(restart(sandbox)) == ["ok", "ok"]


@pytest.mark.parametrize("own_manager", [True, False], ids=["nbclient's manager", "a manager given to nbclient"])
def test_a_run_leaves_nothing_behind(own_manager: bool) -> None:
    with Sandbox({}) as sandbox:
        execute(sandbox, "1", own_manager=own_manager)
    gc.collect()
    files, threads = open_files(), set(threading.enumerate())
    with Sandbox({}) as sandbox:
        folder = sandbox.run_folder
        assert execute(sandbox, "1", own_manager=own_manager).cells[0][0].data["text/plain"] == "1"
    gc.collect()
    assert not left_open(files)
    assert not set(threading.enumerate()) - threads
    assert not folder.exists()


def test_outside_its_with_block_it_says_what_to_write() -> None:
    with pytest.raises(SandboxFault, match=r"Sandbox has no run folder outside its with block; write `with Sandbox\(...\) as run:`"):
        Sandbox({}).make_kernel_manager().connection_file  # noqa: B018


def test_bad_files_are_refused_before_anything_starts() -> None:
    with pytest.raises(WorkFilesError, match=r"'../x' must be a relative path"):
        Sandbox({"../x": b""})


def test_without_bubblewrap_it_refuses_unless_the_danger_is_typed_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxMissing, match="apt-get install bubblewrap"):
        open_sandbox({})
    assert type(open_sandbox({}, unsafe_no_sandbox=True)).__name__ == "PlainSandbox"


@pytest.mark.parametrize(("walls", "start"), [(True, Start.FORKED), (True, Start.FRESH), (False, Start.AUTO)])
def test_data_files_are_found_by_name_and_cannot_be_changed(tmp_path: Path, walls: bool, start: Start) -> None:
    for name in ("numbers.h5", "unseen.h5"):
        (tmp_path / name).write_bytes(name.encode())
    cells = [
        "import os, pathlib\nplace = pathlib.Path(os.environ['VISLAB_DATA'])\nprint(sorted(p.name for p in place.iterdir()))",
        "print((place / 'numbers.h5').read_text())",
        "(place / 'numbers.h5').write_text('changed')",
        f"open({str(tmp_path / 'unseen.h5')!r}).read()",
    ]
    with open_sandbox({}, data=(tmp_path / "numbers.h5",), unsafe_no_sandbox=not walls, start=start) as sandbox:
        done = execute(sandbox, *cells)
    assert done.text(0) == "['numbers.h5']\n" and done.text(1) == "numbers.h5\n"
    if walls:
        assert (tmp_path / "numbers.h5").read_text() == "numbers.h5"
        assert [cell[0].output_type for cell in done.cells[2:]] == ["error", "error"]


def test_without_data_files_no_folder_is_named() -> None:
    with open_sandbox({}) as sandbox:
        assert execute(sandbox, "import os; print(os.environ.get('VISLAB_DATA'))").text(0) == "None\n"
