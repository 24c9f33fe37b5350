from __future__ import annotations

import os
import secrets
import socket
import time
from pathlib import Path

import psutil
import pytest
from sandbox_bench import execute

from autograder.sandbox.faults import SandboxFault
from autograder.sandbox.limits import Limits
from autograder.sandbox.plain import PlainSandbox
from autograder.sandbox.watchdog import Cause


def test_a_notebook_runs_without_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISLAB_TEST_SECRET", "secret")
    cells = [
        "import helper, os, sys\nprint(helper.VALUE, 'VISLAB_TEST_SECRET' in os.environ, os.path.basename(os.getcwd()))",
        "import json, vislab, importlib.util as u\nprint(u.find_spec('autograder'), 'dumps' in dir(json), vislab.__path__[0][-6:])",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "!echo from-a-shell",
    ]
    files = {"helper.py": b"VALUE = 7\n", "json.py": b"raise SystemExit\n"}
    with PlainSandbox(files) as run:
        folder = run.run_folder
        done = execute(run, *cells)
        assert (done.error, run.cause_of_death) == (None, None)
    assert done.text(0) == "7 False work\n"
    assert done.text(1) == "None True vislab\n"
    assert "image/png" in done.mime(2)
    assert done.text(3).strip() == "from-a-shell"
    assert not folder.exists()


def test_it_reaches_the_judge(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as judge:
        judge.bind(str(tmp_path / "judge.sock"))
        judge.listen()
        cell = "import os, socket\ns = socket.socket(socket.AF_UNIX); s.connect(os.environ['VISLAB_JUDGE']); print('connected')"
        with PlainSandbox({}, tmp_path) as run:
            assert execute(run, cell).text(0) == "connected\n"
    with PlainSandbox({}, tmp_path / "nobody") as run:
        assert isinstance(execute(run, "1").error, SandboxFault)


def test_limits_of_one_process_hold() -> None:
    cells = ["bytearray(1 << 40)", "open('x', 'wb').truncate(1 << 40)", "print('after')"]
    with PlainSandbox({}, limits=Limits(files_mib=5)) as run:
        done = execute(run, *cells)
    assert [done.error_name(0), done.error_name(1)] == ["MemoryError", "OSError"]
    assert done.text(2) == "after\n"


def test_cpu_time_is_limited_and_named() -> None:
    # the kernel's own start counts as well, and takes a slow machine some seconds.
    with PlainSandbox({}, limits=Limits(case_s=1, cell_s=1, submission_s=15)) as run:
        done = execute(run, "while True: pass")
        assert type(done.error).__name__ == "DeadKernelError"
        assert run.cause_of_death is Cause.CPU


def test_a_cell_that_takes_too_long_is_interrupted() -> None:
    with PlainSandbox({}) as run:
        done = execute(run, "while True: pass", "print('after')", cell_s=5)
    assert done.error_name(0) == "KeyboardInterrupt"
    assert done.text(1) == "after\n"


def test_children_of_the_kernel_end_with_it() -> None:
    token = f"vislab-test-{secrets.token_hex(8)}"
    cell = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', '{token}']).pid"
    with PlainSandbox({}) as run:
        done = execute(run, cell)
        pid = int(done.cells[0][0].data["text/plain"])
    for _ in range(1200):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    else:
        pytest.fail(f"process {pid} of the kernel is still running")


def test_a_run_folder_too_long_for_sockets_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with PlainSandbox({}) as run:
        error = execute(run, "1").error
    assert isinstance(error, SandboxFault)
    assert "shorten TMPDIR" in str(error)
    assert os.listdir(long) == []


def test_a_kernel_that_cannot_start_is_our_fault(tmp_path: Path) -> None:
    with (
        PlainSandbox({}) as run,
        pytest.raises(SandboxFault, match=r"the kernel could not be started: PermissionError: .*/nowhere cannot be run"),
    ):
        run.launch(
            [str(tmp_path / "nowhere")],
            {"key": b"", "signature_scheme": "", **{f"{name}_port": 1 for name in ("shell", "iopub", "stdin", "control", "hb")}},
        )
