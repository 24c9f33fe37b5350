from __future__ import annotations

import copy
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ordinary_user import run_as_ordinary_user

from autograder.sandbox import doctor
from autograder.sandbox.doctor import Proof, judge_facts, prove
from autograder.sandbox.interpreter import Interpreter

NAMES = {
    "bubblewrap",
    "identity",
    "no privileges",
    "no network",
    "own loopback only",
    "no course tree",
    "no environment",
    "own processes only",
    "private places only",
    "system calls refused",
    "allocation limit",
    "process limit",
    "file limit",
    "memory limit",
    "nothing survives",
}
STATUS = "\n".join(
    [
        "Uid:\t1000\t1000\t1000\t1000",
        "Gid:\t1000\t1000\t1000\t1000",
        *(f"{name}:\t0000000000000000" for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")),
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
    ]
)
GOOD: dict[str, Any] = {
    "status": STATUS,
    "environments": ["HOME=/home/student\0"],
    "pids": [1, 2],
    "interfaces": ["lo"],
    "connected": {"tcp": "ECONNREFUSED", "tcp6": "EADDRNOTAVAIL", "abstract": "ECONNREFUSED", "vsock": "EAFNOSUPPORT"},
    "visible": [],
    "writable": ["/dev/shm", "/home/student", "/run/kernel"],
    "calls": {"ptrace": "EPERM", "mount": "EPERM"},
    "reserved": "ENOMEM",
    "processes": {"started": 39, "refusal": "EAGAIN"},
    "file": {"written_bytes": 60 << 20, "refusal": "ENOSPC", "sparse": "EFBIG"},
}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    # Not tmp_path: its parents belong to one user alone.
    folder = Path(tempfile.mkdtemp(prefix="vislab-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.needs_walls
def test_every_wall_stands_on_this_machine() -> None:
    proofs = prove()
    assert [proof for proof in proofs if not proof.ok] == []
    assert {proof.name for proof in proofs} == NAMES
    assert all(proof.detail for proof in proofs)


@pytest.mark.needs_walls
def test_every_wall_stands_for_an_ordinary_user_too(open_folder: Path) -> None:
    code = "import json; from autograder.sandbox.doctor import prove; print(json.dumps([[p.name, p.ok, p.detail] for p in prove()]))"
    done = run_as_ordinary_user(["-c", code], open_folder)
    assert done.returncode == 0, done.stderr
    proofs = {name: (ok, detail) for name, ok, detail in json.loads(done.stdout)}
    assert proofs["identity"] == (True, "an ordinary user in a user namespace")
    assert {name for name, (ok, _) in proofs.items() if ok} == NAMES, proofs


@pytest.mark.needs_walls
def test_an_ordinary_user_runs_a_notebook_too(open_folder: Path) -> None:
    (open_folder / "run.py").write_text(
        "import nbformat\n"
        "from nbclient import NotebookClient\n"
        "from autograder.sandbox.sandbox import Sandbox\n"
        "book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('import os; print(os.getuid(), open(\"a.txt\").read())')])\n"
        "with Sandbox({'a.txt': b'content'}) as sandbox:\n"
        "    NotebookClient(book, kernel_manager_class=sandbox.kernel_manager_class, timeout=600).execute()\n"
        "print(book.cells[0].outputs[0].text)\n"
    )
    done = run_as_ordinary_user([str(open_folder / "run.py")], open_folder)
    assert done.stdout.strip() == "1000 content", done.stderr


def test_good_facts_prove_everything() -> None:
    assert [proof.name for proof in judge_facts(GOOD) if not proof.ok] == []


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        ({"status": STATUS.replace("NoNewPrivs:\t1", "NoNewPrivs:\t0")}, "no privileges"),
        ({"status": STATUS.replace("Uid:\t1000", "Uid:\t0")}, "no privileges"),
        ({"connected": {**GOOD["connected"], "tcp": "ok"}}, "no network"),
        ({"connected": {**GOOD["connected"], "abstract": "ok"}}, "no network"),
        ({"interfaces": ["lo", "eth0"]}, "own loopback only"),
        ({"visible": ["/repo/gradebook.db"]}, "no course tree"),
        ({"environments": ["HOME=/home/student\0", "VISLAB_DOCTOR_SECRET=outside\0"]}, "no environment"),
        ({"pids": [1, 2, 3, 4]}, "own processes only"),
        ({"writable": ["/", "/home/student"]}, "private places only"),
        ({"calls": {"ptrace": "ok", "mount": "EPERM"}}, "system calls refused"),
        ({"reserved": "ok"}, "allocation limit"),
        ({"processes": {"started": 200, "refusal": "ok"}}, "process limit"),
        ({"file": {"written_bytes": 1 << 30, "refusal": "ok", "sparse": "EFBIG"}}, "file limit"),
        ({"file": {"written_bytes": 60 << 20, "refusal": "ENOSPC", "sparse": "ok"}}, "file limit"),
    ],
)
def test_each_broken_wall_is_seen(broken: dict[str, Any], name: str) -> None:
    proofs = judge_facts({**copy.deepcopy(GOOD), **broken})
    assert [proof.name for proof in proofs if not proof.ok] == [name]
    assert all(proof.required for proof in proofs)


def test_a_missing_bubblewrap_is_the_one_thing_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (proof,) = prove()
    assert (proof.name, proof.ok, proof.required) == ("bubblewrap", False, True)
    assert "sudo apt-get install bubblewrap" in proof.detail


@pytest.mark.needs_walls
def test_a_course_that_would_be_visible_is_told(tmp_path: Path) -> None:
    exposing = Interpreter(Path("/usr/bin/python3"), (Path(os.path.realpath(doctor.COURSE_ROOT)).parent,))
    (proof,) = prove(exposing)
    assert not proof.ok
    assert "must not read" in proof.detail


@pytest.mark.needs_walls
def test_walls_that_cannot_be_built_are_told() -> None:
    proofs = prove(Interpreter(Path("/nowhere/python")))
    assert proofs[-1] == Proof("walls", False, proofs[-1].detail)
    assert "No such file" in proofs[-1].detail
