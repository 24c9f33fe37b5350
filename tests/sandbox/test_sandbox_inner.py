from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autograder.sandbox.enclosure import INNER
from autograder.sandbox.inner import privileges_left
from autograder.sandbox.parcel import pack

CLEAN = """Uid:\t1000\t1000\t1000\t1000
Gid:\t1000\t1000\t1000\t1000
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000000000000000
CapAmb:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
"""


def test_a_clean_process_has_nothing_left() -> None:
    assert privileges_left(CLEAN) == []


@pytest.mark.parametrize(
    ("line", "instead", "wanted"),
    [
        ("CapBnd:\t0000000000000000", "CapBnd:\t0000000000000001", "CapBnd=0000000000000001"),
        ("CapEff:\t0000000000000000", "CapEff:\t0000000000200000", "CapEff=0000000000200000"),
        ("CapAmb:\t0000000000000000", "CapAmb:\t0000000000000080", "CapAmb=0000000000000080"),
        ("Uid:\t1000\t1000\t1000", "Uid:\t1000\t1000\t0", "Uid=1000\t1000\t0\t1000"),
        ("Gid:\t1000", "Gid:\t0", "Gid=0\t1000\t1000\t1000"),
        ("NoNewPrivs:\t1", "NoNewPrivs:\t0", "NoNewPrivs=0"),
        ("Seccomp:\t2", "Seccomp:\t0", "Seccomp=0"),
    ],
)
def test_each_privilege_that_is_left_is_named(line: str, instead: str, wanted: str) -> None:
    assert privileges_left(CLEAN.replace(line, instead)) == [wanted]


def run_plain(plan: dict[str, Any], files: dict[str, bytes], tmp_path: Path) -> tuple[dict[str, Any], subprocess.CompletedProcess[bytes]]:
    """Run the launcher without walls, so that its own work can be looked at."""
    read_end, write_end = os.pipe()
    whole = {"walled": False, "demolished": [], "env": {}, "cwd": str(tmp_path), "folders": [], "limits": {}, **plan}
    command = [sys.executable, "-I", "-S", str(INNER), str(write_end)]
    parcel = b"".join(pack(whole, files))
    done = subprocess.run(command, input=parcel, capture_output=True, pass_fds=[write_end], timeout=90, check=False, start_new_session=True)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as stream:
        return json.loads(stream.read()), done


def test_it_places_files_sets_limits_and_becomes_the_program(tmp_path: Path) -> None:
    code = "import os, resource as r, sys; print(os.getcwd(), r.getrlimit(r.RLIMIT_NOFILE), os.environ['A'], sys.stdin.read() == '')"
    plan = {
        "argv": [sys.executable, "-I", "-c", code],
        "env": {"A": "b"},
        "folders": [str(tmp_path / "made" / "here")],
        "limits": {"RLIMIT_NOFILE": [100, 120]},
    }
    status, done = run_plain(plan, {str(tmp_path / "deep" / "file"): b"content"}, tmp_path)
    assert status == {"ready": True, "landlock": 0}
    assert done.stdout.decode().split() == [str(tmp_path), "(100,", "120)", "b", "True"]
    assert (tmp_path / "deep" / "file").read_bytes() == b"content"
    assert (tmp_path / "made" / "here").is_dir()


def test_descriptors_of_the_grader_are_closed(tmp_path: Path) -> None:
    secret = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(secret, True)
    try:
        code = "import os; print(sorted(int(name) for name in os.listdir('/dev/fd'))[:3], len(os.listdir('/dev/fd')))"
        _, done = run_plain({"argv": [sys.executable, "-I", "-c", code]}, {}, tmp_path)
    finally:
        os.close(secret)
    assert done.stdout.decode().strip() == "[0, 1, 2] 4"


def test_a_limit_is_never_raised_above_this_machines_own(tmp_path: Path) -> None:
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= 1 << 30)"
    status, done = run_plain({"argv": [sys.executable, "-I", "-c", code], "limits": {"RLIMIT_NOFILE": [1 << 40, 1 << 40]}}, {}, tmp_path)
    assert status == {"ready": True, "landlock": 0}
    assert done.stdout.decode().strip() == "True"


def test_a_failure_is_reported_with_its_reason(tmp_path: Path) -> None:
    missing = tmp_path / "python"
    status, done = run_plain({"argv": [str(missing)]}, {}, tmp_path)
    assert status["ready"] is False
    assert f"PermissionError: {missing} cannot be run by uid" in status["error"]
    assert done.returncode == 70
    status, _ = run_plain({"argv": [sys.executable], "cwd": str(tmp_path / "nowhere")}, {}, tmp_path)
    assert "FileNotFoundError" in status["error"]


def test_an_exec_that_fails_after_all_is_told_on_standard_error(tmp_path: Path) -> None:
    broken = tmp_path / "program"
    broken.write_text("neither a binary nor a script")
    broken.chmod(0o755)
    status, done = run_plain({"argv": [str(broken)]}, {}, tmp_path)
    assert status == {"ready": True, "landlock": 0}
    assert b"Exec format error" in done.stderr
    assert done.returncode == 70


def test_without_walls_it_refuses_to_believe_in_them(tmp_path: Path) -> None:
    status, _ = run_plain({"argv": [sys.executable], "walled": True, "uid": None, "gid": None, "own": []}, {}, tmp_path)
    assert status["ready"] is False
    assert "privileges are left after they were given up" in status["error"]
    assert "Seccomp=0" in status["error"]
