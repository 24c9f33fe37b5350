from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sandbox_bench import WAIT_S, Bench

from autograder.sandbox import control_group, demolition
from autograder.sandbox.control_group import PREFIX, ControlGroup, Parents, sweep
from autograder.sandbox.demolition import Wall
from autograder.sandbox.interpreter import COURSE_ROOT
from autograder.sandbox.limits import Limits
from autograder.sandbox.watchdog import Cause

needs_walls = pytest.mark.needs_walls
loud = pytest.mark.filterwarnings("ignore::autograder.sandbox.demolition.DemolitionWarning")
LIMITS = Limits(memory_mib=512, processes=40)


@pytest.fixture
def parents() -> Parents:
    found = Parents.find()
    if "memory" not in found.folders:
        pytest.skip("this machine lets this user make no control group")
    return found


def mounted(*lines: tuple[str, Path, str]) -> str:
    """Text of mountinfo: (kind and options, mount point, root) to lines as the kernel writes them."""
    text = ""
    for number, (options, point, root) in enumerate(lines):
        kind, _, names = options.partition(" ")
        text += f"{30 + number} 25 0:{number} {root} {point} rw,nosuid - {kind} {kind} rw,{names}\n"
    return text


def test_version_1_has_a_folder_for_each_controller(tmp_path: Path) -> None:
    for name in ("memory/user/me", "pids", "cpu,cpuacct/user"):
        (tmp_path / name).mkdir(parents=True)
    groups = "5:memory:/user/me\n4:pids:/\n3:cpu,cpuacct:/user\n2:freezer:/\n1:name=systemd:/x\n0::/\n"
    mounts = mounted(
        ("cgroup memory", tmp_path / "memory", "/"),
        ("cgroup pids", tmp_path / "pids", "/"),
        ("cgroup cpu,cpuacct", tmp_path / "cpu,cpuacct", "/"),
        ("cgroup2 nsdelegate", tmp_path / "unified", "/"),
        ("proc x", tmp_path, "/"),
    )
    assert Parents.find(groups, mounts) == Parents(
        {"memory": tmp_path / "memory/user/me", "pids": tmp_path / "pids", "cpuacct": tmp_path / "cpu,cpuacct/user"}
    )


def test_a_container_sees_a_part_of_the_hierarchy(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    mounts = mounted(("cgroup memory", tmp_path, "/docker/abc"))
    assert Parents.find("1:memory:/docker/abc/inner\n", mounts).folders == {"memory": tmp_path / "inner"}
    assert Parents.find("1:memory:/docker/abc\n", mounts).folders == {"memory": tmp_path}


def test_what_cannot_be_written_is_left_out(tmp_path: Path) -> None:
    mounts = mounted(("cgroup memory", tmp_path / "nowhere", "/"))
    assert Parents.find("1:memory:/\n", mounts) == Parents({})
    assert ControlGroup.make(LIMITS, parents=Parents({})) is None


def make_version_2(folder: Path, given: str, limit: str = "max") -> str:
    (folder / "slice" / "scope").mkdir(parents=True)
    for group in (folder, folder / "slice", folder / "slice" / "scope"):
        (group / "cgroup.procs").touch()
        (group / "cgroup.subtree_control").write_text(given if group.name == "slice" else "")
        (group / "memory.max").write_text(f"{limit}\n")
        (group / "pids.max").write_text("max\n")
    return mounted(("cgroup2 nsdelegate", folder, "/"))


def test_version_2_makes_its_groups_beside_the_graders_own(tmp_path: Path) -> None:
    mounts = make_version_2(tmp_path / "a", "cpu memory pids\n")
    assert Parents.find("0::/slice/scope\n", mounts) == Parents(
        dict.fromkeys(("memory", "pids", "cpuacct"), tmp_path / "a" / "slice"), unified=True
    )


def test_version_2_does_not_leave_a_group_that_is_limited_or_without_controllers(tmp_path: Path) -> None:
    assert Parents.find("0::/slice/scope\n", make_version_2(tmp_path / "a", "cpu memory pids\n", "1000000000")) == Parents({})
    assert Parents.find("0::/slice/scope\n", make_version_2(tmp_path / "b", "cpu\n")) == Parents({})


def test_version_2_is_told_by_its_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_group, "_REMOVE_S", 0.0)
    group = ControlGroup.make(LIMITS, parents=Parents(dict.fromkeys(control_group.CONTROLLERS, tmp_path), unified=True))
    (made,) = tmp_path.iterdir()
    assert group is not None and made.name.startswith(PREFIX)
    assert (made / "memory.max").read_text() == str((512 + 128) << 20)
    assert (made / "pids.max").read_text() == "42"
    (made / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 1\noom_kill 3\noom_group_kill 0\n")
    (made / "memory.peak").write_text("1234567\n")
    (made / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    assert (group.memory_kills(), group.peak_memory_bytes(), group.cpu_s()) == (3, 1234567, 2.5)
    assert group.entrance(["bwrap", "--x"])[3:] == ["sh", str(made / "cgroup.procs"), "--", "bwrap", "--x"]
    group.remove()
    assert (group.memory_kills(), group.cpu_s()) == (3, 2.5)


@needs_walls
def test_every_sandbox_has_a_group_and_none_is_left(bench: Bench, parents: Parents) -> None:
    enclosure = bench.start("import time; time.sleep(60)", LIMITS)
    assert enclosure.group is not None and set(enclosure.group.controllers) == set(parents.folders)
    made = enclosure.group.folders
    assert {folder.parent for folder in made} == set(parents.folders.values()) and all(folder.is_dir() for folder in made)
    assert len(made) == len(set(parents.folders.values()))
    held = {int(pid) for path in made for pid in (path / "cgroup.procs").read_text().split()}
    assert enclosure.bwrap_pid in held and len(held) >= 3 and os.getpid() not in held
    enclosure.close()
    assert not any(folder.exists() for folder in made) and enclosure.group.folders == ()


@needs_walls
@pytest.mark.parametrize("bench", ["forked"], indirect=True)
def test_a_forked_sandbox_is_in_its_group_and_its_server_is_not(bench: Bench, parents: Parents) -> None:
    enclosure = bench.start("import time; time.sleep(60)", LIMITS)
    assert enclosure.group is not None and set(enclosure.group.controllers) == set(parents.folders)
    made = enclosure.group.folders
    for path in made:
        # Pid 1 and the program.
        assert len((path / "cgroup.procs").read_text().split()) == 2
    enclosure.close()
    assert not any(folder.exists() for folder in made)


@needs_walls
@loud
def test_the_kernel_stops_a_memory_bomb_that_nobody_watches(bench: Bench, parents: Parents) -> None:
    code = "held = []\nwhile len(held) < 44: held.append(b'1' * (16 << 20))\nprint('survived')"
    stopped = bench.run(code, LIMITS, watched=False)
    assert (stopped.status, stopped.out, stopped.cause) == (128 + 9, "", Cause.MEMORY)
    with demolition.without("memory"):
        survived = bench.run(code, LIMITS, watched=False)
    assert (survived.status, survived.out, survived.cause) == (0, "survived\n", None)


@needs_walls
def test_a_child_that_is_stopped_costs_the_whole_sandbox(bench: Bench, parents: Parents) -> None:
    """Otherwise a submission could try again and again in children, and one that is too large would be judged by luck."""
    code = """
import os, time
if os.fork() == 0:
    held = []
    while len(held) < 44: held.append(b'1' * (16 << 20))
    os._exit(0)
os.wait(); time.sleep(30); print('survived')
"""
    assert bench.run(code, LIMITS, watched=True).cause is Cause.MEMORY


@needs_walls
@loud
def test_processes_are_counted_by_the_group_as_well(bench: Bench, parents: Parents) -> None:
    if "pids" not in parents.folders:
        pytest.skip("this machine's groups do not count processes")
    code = """
import os
children, (r, w) = [], os.pipe()
try:
    while len(children) < 60:
        child = os.fork()
        if not child: os.close(w); os.read(r, 1); os._exit(0)
        children.append(child)
except BlockingIOError: pass
os.close(w)
for child in children: os.waitpid(child, 0)
print(len(children))
"""
    started = bench.run(code, Limits(processes=100), group_limits=Limits(processes=24)).out
    assert 15 < int(started) < 24
    with demolition.without("processes"):
        assert bench.run(code, Limits(processes=100), group_limits=Limits(processes=24)).out == "60\n"


@needs_walls
def test_cpu_time_of_children_that_nobody_waited_for_is_counted(bench: Bench, parents: Parents) -> None:
    if "cpuacct" not in parents.folders:
        pytest.skip("this machine's groups do not count CPU time")
    code = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0:
    while time.process_time() < 1: pass
    os._exit(0)
try: os.wait()
except ChildProcessError: pass
"""
    enclosure = bench.start(code)
    assert enclosure.wait(WAIT_S) == 0 and enclosure.group is not None
    assert enclosure.group.cpu_s() >= 1


@needs_walls
def test_a_group_of_a_grader_that_was_killed_is_swept_away(bench: Bench, parents: Parents) -> None:
    code = """
import signal
from sandbox_bench import Bench
bench = Bench()
enclosure = bench.start("import time; time.sleep(60)")
print(*enclosure.group.folders, flush=True)
signal.pause()
"""
    paths = os.pathsep.join([str(COURSE_ROOT), str(Path(__file__).parent)])
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}) as grader:
        assert grader.stdout is not None
        mine = [Path(word) for word in grader.stdout.readline().decode().split()]
        assert len(mine) == len(set(parents.folders.values()))
        for folder in set(parents.folders.values()):
            assert mine[0].name not in sweep(folder), "a group of a grader that lives was taken away"
        assert all(folder.exists() for folder in mine)
        grader.kill()
    # The next sandbox that anybody starts cleans up.
    assert bench.run("print('next')").out == "next\n"
    assert not any(path.exists() for path in mine)


def test_a_group_that_is_swept_before_it_is_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_group, "_REMOVE_S", 0.0)
    taken: list[Path] = []
    lock = control_group._make_locked

    def once_too_late(folder: Path) -> int:
        if not taken:
            taken.append(folder)
            raise FileNotFoundError(folder)
        return lock(folder)

    monkeypatch.setattr(control_group, "_make_locked", once_too_late)
    group = ControlGroup.make(LIMITS, parents=Parents({"pids": tmp_path}))
    assert group is not None and len(taken) == 1
    (made,) = tmp_path.iterdir()
    assert made != taken[0]
    group.remove()


def test_what_somebody_else_named_alike_is_left_alone(tmp_path: Path) -> None:
    names = ["vislab", "vislab-course", f"{PREFIX}course", f"{PREFIX}{'0' * 15}", f"{PREFIX}{'0' * 16}.slice"]
    for name in [*names, f"{PREFIX}{'0' * 16}"]:
        (tmp_path / name).mkdir()
    assert sweep(tmp_path) == [f"{PREFIX}{'0' * 16}"]
    assert {path.name for path in tmp_path.iterdir()} == set(names)


def test_a_machine_that_refuses_has_no_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(control_group, "_make_locked", refuse)
    assert ControlGroup.make(LIMITS, parents=Parents({"memory": tmp_path})) is None
    assert ControlGroup.make(LIMITS, frozenset({Wall.PID}), Parents({"memory": tmp_path})) is None


def test_removing_gives_up_after_a_while_and_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_group, "_REMOVE_S", 0.05)
    group = ControlGroup.make(LIMITS, parents=Parents({"pids": tmp_path}))
    assert group is not None
    (made,) = tmp_path.iterdir()
    (made / "stuck").mkdir()
    # 0 is how a process of a foreign namespace is listed; the signal must not come back to this process.
    (made / "cgroup.procs").write_text("0\n1\n")
    started = time.monotonic()
    group.remove()
    assert made.exists() and time.monotonic() > started
    # Unlocked, so that the next grader may try.
    (made / "stuck").rmdir()
    for path in made.iterdir():
        path.unlink()
    assert sweep(tmp_path) == [made.name]
