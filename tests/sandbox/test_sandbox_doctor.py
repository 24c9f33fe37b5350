from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ordinary_user import run_as_ordinary_user

from autograder.sandbox.control_group import Parents
from autograder.sandbox.doctor import judge_facts, prove
from autograder.sandbox.interpreter import COURSE_ROOT, Interpreter
from autograder.sandbox.landlock import probe_abi
from autograder.sandbox.proof import Proof

NAMES = {
    "bubblewrap",
    "identity",
    "namespaces",
    "no privileges",
    "system-call filter",
    "Landlock",
    "machine's own /proc and set-uid programs",
    "control group",
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
    "fork server",
    "forked: server out of reach",
    "forked: nothing of earlier children",
    "forked: own namespaces",
    "forked: namespaces",
    "forked: no privileges",
    "forked: system-call filter",
    "forked: allocation limit",
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
    "namespaces": {"ipc": 1, "mnt": 2, "net": 3, "pid": 4, "uts": 5},
    "refused": {"keyctl": "EPERM", "clone3": "ENOSYS"},
    "covered": {"/proc/kcore": "EACCES", "/usr/src": "ENOENT"},
    "landlock": 6,
    "domain": {"write /proc/self/comm": "EACCES", "signal pid 1": "EPERM"},
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


# What a kernel or a machine may lack: told, and not required.
ON_TOP = {"Landlock": probe_abi() > 0, "control group": "memory" in Parents.find().folders}


@pytest.mark.needs_walls
def test_every_wall_stands_on_this_machine() -> None:
    proofs = prove()
    assert [proof for proof in proofs if not proof.ok and ON_TOP.get(proof.name, True)] == []
    assert {proof.name: proof.ok for proof in proofs if proof.name in ON_TOP} == ON_TOP
    assert {proof.name for proof in proofs} == NAMES
    assert all(proof.detail for proof in proofs)


@pytest.mark.needs_walls
def test_every_wall_stands_for_an_ordinary_user_too(open_home: Path) -> None:
    code = "import json; from autograder.sandbox.doctor import prove; print(json.dumps([[p.name, p.ok, p.detail] for p in prove()]))"
    done = run_as_ordinary_user(["-c", code], open_home)
    assert done.returncode == 0, done.stderr
    proofs = {name: (ok, detail) for name, ok, detail in json.loads(done.stdout)}
    assert proofs["identity"] == (True, "an ordinary user in a user namespace")
    assert set(proofs) == NAMES
    assert {name for name, (ok, _) in proofs.items() if not ok} <= {"control group", *(name for name, has in ON_TOP.items() if not has)}, (
        proofs
    )
    assert proofs["control group"][0] or "the watchdog measures" in proofs["control group"][1]


@pytest.mark.needs_walls
def test_an_ordinary_user_runs_a_notebook_too(open_home: Path) -> None:
    (open_home / "run.py").write_text(
        "import nbformat\n"
        "from nbclient import NotebookClient\n"
        "from autograder.sandbox.sandbox import Sandbox\n"
        "book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('import os; print(os.getuid(), open(\"a.txt\").read())')])\n"
        "with Sandbox({'a.txt': b'content'}) as sandbox:\n"
        "    NotebookClient(book, kernel_manager_class=sandbox.kernel_manager_class, timeout=600).execute()\n"
        "print(book.cells[0].outputs[0].text)\n"
    )
    done = run_as_ordinary_user([str(open_home / "run.py")], open_home)
    assert done.stdout.strip() == "1000 content", done.stderr


def test_good_facts_prove_everything() -> None:
    assert [proof.name for proof in judge_facts(GOOD) if not proof.ok] == []


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        ({"status": STATUS.replace("NoNewPrivs:\t1", "NoNewPrivs:\t0")}, "no privileges"),
        ({"status": STATUS.replace("Uid:\t1000", "Uid:\t0")}, "no privileges"),
        ({"status": STATUS.replace("Seccomp:\t2", "Seccomp:\t0")}, "system-call filter"),
        ({"refused": {"keyctl": "EINVAL", "clone3": "ENOSYS"}}, "system-call filter"),
        ({"namespaces": {**GOOD["namespaces"], "net": os.stat("/proc/self/ns/net").st_ino}}, "namespaces"),
        ({"covered": {"/proc/kcore": "ok"}}, "machine's own /proc and set-uid programs"),
        ({"domain": {"write /proc/self/comm": "ok", "signal pid 1": "EPERM"}}, "Landlock"),
        ({"domain": {"write /proc/self/comm": "EACCES", "signal pid 1": "ok"}}, "Landlock"),
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


def test_a_kernel_without_landlock_is_told_and_still_grades() -> None:
    proofs = judge_facts({**copy.deepcopy(GOOD), "landlock": 0})
    (landlock,) = [proof for proof in proofs if not proof.ok]
    assert landlock == Proof("Landlock", False, "this kernel has none: namespaces and the filter stand alone", required=False)


def test_an_older_kernels_landlock_is_told_by_what_it_knows() -> None:
    for abi, known in (
        (1, "files"),
        (4, "files, TCP"),
        (5, "files, TCP, devices"),
        (6, "files, TCP, devices, signals and abstract sockets"),
    ):
        domain = {"write /proc/self/comm": "EACCES", "signal pid 1": "EPERM" if abi == 6 else "ok"}
        (proof,) = [proof for proof in judge_facts({**copy.deepcopy(GOOD), "landlock": abi, "domain": domain}) if proof.name == "Landlock"]
        assert (proof.ok, proof.detail) == (True, f"ABI {abi}: {known}")


def test_a_missing_bubblewrap_is_the_one_thing_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (proof,) = prove()
    assert (proof.name, proof.ok, proof.required) == ("bubblewrap", False, True)
    assert "sudo apt-get install bubblewrap" in proof.detail


@pytest.mark.needs_walls
def test_a_course_that_would_be_visible_is_told(tmp_path: Path) -> None:
    exposing = Interpreter(Path("/usr/bin/python3"), (Path(os.path.realpath(COURSE_ROOT)).parent,))
    (proof,) = prove(exposing)
    assert not proof.ok
    assert "must not read" in proof.detail


@pytest.mark.needs_walls
def test_walls_that_cannot_be_built_are_told() -> None:
    proofs = prove(Interpreter(Path("/nowhere/python")))
    assert proofs[-1] == Proof("walls", False, proofs[-1].detail)
    assert "No such file" in proofs[-1].detail
