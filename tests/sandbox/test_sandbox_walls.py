from __future__ import annotations

import os
import resource
import stat
import sys
from pathlib import Path

import pytest

from autograder.sandbox import walls
from autograder.sandbox.faults import SandboxMissing
from autograder.sandbox.identity import Identity
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.limits import Limits
from autograder.sandbox.walls import Descriptors, Walls, find_bwrap, resource_limits

ORDINARY = Identity(1000, 1000, namespaced=True)
ROOT = Identity(1_900_000_000, 1_900_000_001, namespaced=False)
PYTHON = Interpreter(Path("/opt/env/bin/python"), (Path("/opt/env"),), ((Path("/data/python3"), Path("/shims/python")),))


@pytest.fixture(autouse=True)
def nothing_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine happens to hold is masked elsewhere."""
    for name in ("HIDDEN_FOLDERS", "PROC_FILES", "PROC_FOLDERS"):
        monkeypatch.setattr(walls, name, ())
    monkeypatch.setattr(walls, "setuid_programs", lambda: ())


def words_of(identity: Identity = ORDINARY, **more: object) -> list[str]:
    made = Walls(PYTHON, identity, Limits(files_mib=7), **more)  # type: ignore[arg-type]
    return made.words(Descriptors(4, 5, 6, {"/etc/passwd": 7}))


def pairs(words: list[str], option: str) -> list[tuple[str, str]]:
    return [(words[i + 1], words[i + 2]) for i, word in enumerate(words) if word == option]


def test_every_namespace_is_new() -> None:
    for identity in (ORDINARY, ROOT):
        words = words_of(identity)
        assert {"--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--new-session", "--die-with-parent"} <= set(words)
        assert "--clearenv" in words
        assert words[-4:] == ["--info-fd", "4", "--seccomp", "6"]


def test_an_ordinary_user_gets_a_user_namespace_and_root_does_not() -> None:
    assert ("--uid", "1000") in zip(words_of(), words_of()[1:])
    assert "--unshare-user" in words_of() and "--cap-add" not in words_of()
    as_root = words_of(ROOT)
    assert "--unshare-user" not in as_root
    kept = {as_root[i + 1] for i, word in enumerate(as_root) if word == "--cap-add"}
    assert kept == {"CAP_CHOWN", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"}
    assert as_root.index("--cap-drop") < as_root.index("--cap-add")


def test_everything_of_this_machine_is_bound_read_only() -> None:
    words = words_of(package=Path("/repo/vislab"), judge_dir=Path("/tmp/judge"), programs=(Path("/repo/inner.py"),))
    assert not {"--bind", "--dev-bind", "--bind-try", "--dev-bind-try"} & set(words)
    bound = dict(pairs(words, "--ro-bind"))
    assert bound["/opt/env"] == "/opt/env"
    assert bound["/data/python3"] == "/shims/python"
    assert bound["/repo/vislab"] == "/opt/vislab/vislab"
    assert bound["/tmp/judge"] == "/run/judge"
    assert bound["/repo/inner.py"] == "/run/walls/inner.py"
    assert set(bound) - {"/opt/env", "/data/python3", "/repo/vislab", "/tmp/judge", "/repo/inner.py"} <= {
        str(f) for f in walls.SYSTEM_FOLDERS
    }


def test_memory_file_systems_are_limited_and_the_root_is_sealed_last() -> None:
    words = words_of()
    places = [i for i, word in enumerate(words) if word == "--tmpfs"]
    assert {words[i + 1]: (words[i - 2], words[i - 1]) for i in places} == {
        "/dev/shm": ("--size", str(7 << 20)),
        "/home/student": ("--size", str(7 << 20)),
        "/run/kernel": ("--size", str(1 << 20)),
    }
    assert ("home/student/tmp", "/tmp") in pairs(words, "--symlink")
    sealed = [i for i, word in enumerate(words) if word == "--remount-ro"]
    assert [words[i + 1] for i in sealed] == ["/dev", "/"]
    assert min(sealed) > max(i for i, word in enumerate(words) if word in {"--ro-bind", "--tmpfs", "--dir", "--file", "--symlink"})


def test_folders_above_a_mount_are_made_for_everybody() -> None:
    words = words_of(package=Path("/repo/vislab"), programs=(Path("/repo/inner.py"),))
    made = {words[i + 1] for i, word in enumerate(words) if word == "--dir"}
    assert {"/opt", "/opt/vislab", "/shims", "/run", "/run/walls", "/etc", "/home"} <= made


def test_the_environment_is_a_fixed_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/repo")
    variables = Walls(PYTHON, ORDINARY, Limits()).variables()
    assert "AWS_SECRET_ACCESS_KEY" not in variables and "VISLAB_JUDGE" not in variables
    assert variables["PYTHONPATH"] == "/opt/vislab"
    assert variables["PATH"] == "/opt/env/bin:/usr/bin:/bin"
    assert (variables["TRITON_INTERPRET"], variables["OMP_NUM_THREADS"], variables["PYTHONHASHSEED"]) == ("1", "1", "0")
    more = Walls(PYTHON, ORDINARY, Limits(), judge_dir=Path("/tmp/judge"), environment={"VISLAB_CI": "1", "TZ": "CET"}).variables()
    assert (more["VISLAB_JUDGE"], more["VISLAB_CI"], more["TZ"]) == ("/run/judge/judge.sock", "1", "CET")


def test_the_synthetic_etc_knows_the_student_only() -> None:
    texts = Walls(PYTHON, ROOT, Limits()).small_files()
    assert texts["/etc/passwd"] == b"student:x:1900000000:1900000001:student:/home/student:/bin/sh\n"
    assert all(path.startswith("/etc/") for path in texts)


def test_resource_limits_follow_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    found = resource_limits(Limits(memory_mib=1024, files_mib=3, processes=40, submission_s=100.5), ROOT)
    assert found["RLIMIT_DATA"] == (2048 << 20, 2048 << 20)
    assert found["RLIMIT_FSIZE"] == (3 << 20, 3 << 20)
    assert found["RLIMIT_NPROC"] == (40, 40)
    assert found["RLIMIT_CPU"] == (103, 104)
    assert found["RLIMIT_CORE"] == (1, 1)
    assert all(hasattr(resource, name) for name in found)


def test_old_kernels_count_processes_of_the_whole_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.release", lambda: "5.10.0-28-amd64")
    assert "RLIMIT_NPROC" not in resource_limits(Limits(), ORDINARY)
    assert "RLIMIT_NPROC" in resource_limits(Limits(), ROOT)
    monkeypatch.setattr("platform.release", lambda: "5.14.0")
    assert "RLIMIT_NPROC" in resource_limits(Limits(), ORDINARY)


def fake_bwrap(folder: Path, says: str) -> None:
    script = folder / "bwrap"
    script.write_text(f"#!/bin/sh\necho '{says}'\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)


def test_a_missing_bubblewrap_names_the_install_words_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxMissing, match=r"bwrap was not found on PATH; install it with `sudo apt-get install bubblewrap`$"):
        find_bwrap()


@pytest.mark.parametrize("says", ["bubblewrap 0.6.1", "something else"])
def test_an_old_bubblewrap_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str) -> None:
    fake_bwrap(tmp_path, says)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    with pytest.raises(SandboxMissing, match=rf"says '{says}' and must be bubblewrap 0.8.0 or newer; upgrade it with"):
        find_bwrap()


def test_a_recent_bubblewrap_is_accepted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_bwrap(tmp_path, "bubblewrap 0.11.0")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    assert find_bwrap() == tmp_path / "bwrap"


def test_other_systems_are_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxMissing, match=r"platform 'darwin' has no bubblewrap; use Linux"):
        find_bwrap()
