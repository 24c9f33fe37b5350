from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from sandbox_bench import Bench

from autograder.sandbox import demolition
from autograder.sandbox.interpreter import COURSE_ROOT
from autograder.sandbox.masks import HIDDEN_FOLDERS, PROC_FILES, PROC_FOLDERS, mask_words, setuid_programs

needs_walls = pytest.mark.needs_walls
loud = pytest.mark.filterwarnings("ignore::autograder.sandbox.demolition.DemolitionWarning")
LOOK = """
import json, os
def seen(path):
    try:
        if os.path.isdir(path): return bool(os.listdir(path))
        return bool(open(path, 'rb').read(1))
    except OSError: return False
print(json.dumps([path for path in PATHS if seen(path)]))
"""


def look(bench: Bench, paths: list[str]) -> set[str]:
    return set(bench.run(f"PATHS = {paths!r}{LOOK}").json())


def test_what_is_not_there_or_roots_alone_needs_no_mask(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "roots").write_text("x")
    (tmp_path / "file").chmod(0o644)
    (tmp_path / "roots").chmod(0o400)
    (tmp_path / "folder").mkdir()
    files, folders = [f"{tmp_path}/file", f"{tmp_path}/nothing", f"{tmp_path}/roots"], [f"{tmp_path}/folder", f"{tmp_path}/nothing"]
    assert mask_words(files, folders) == [
        *("--ro-bind", "/dev/null", f"{tmp_path}/file"),
        *("--perms", "0555", "--tmpfs", f"{tmp_path}/folder", "--remount-ro", f"{tmp_path}/folder"),
    ]


def test_a_folder_that_holds_the_interpreter_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "src" / "python").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "src" / "python")
    assert mask_words([], [f"{tmp_path}/src"], [tmp_path / "link"]) == []
    assert mask_words([], [f"{tmp_path}/src"], [tmp_path]) != []


def test_every_setuid_program_in_the_usual_places_is_found() -> None:
    folders = [folder for folder in ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/libexec") if Path(folder).is_dir()]
    command = ["find", *folders, "-xdev", "-maxdepth", "1", "-type", "f", "-perm", "/6000"]
    found = set(subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout.split())
    assert found <= set(setuid_programs())
    assert all(os.stat(path).st_mode & (stat.S_ISUID | stat.S_ISGID) for path in setuid_programs())


@needs_walls
@loud
def test_the_machines_own_proc_is_covered(bench: Bench) -> None:
    paths = [path for path in (*PROC_FILES, *PROC_FOLDERS) if os.path.exists(path)]
    assert len(paths) > 20
    assert look(bench, paths) == set()
    # What programs need to know stays.
    needed = {"/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/self/status", "/proc/sys/vm/overcommit_memory", "/proc/mounts"}
    assert look(bench, sorted(needed)) == needed
    with demolition.without("proc"):
        assert len(look(bench, paths)) > 5


@needs_walls
@loud
def test_set_uid_programs_and_sources_are_covered(bench: Bench) -> None:
    folders = [folder for folder in HIDDEN_FOLDERS if os.path.isdir(folder) and os.listdir(folder)]
    if not (setuid_programs() or folders):
        pytest.skip("this machine has neither")
    paths = [*setuid_programs(), *folders]
    assert look(bench, paths) == set()
    with demolition.without("files"):
        assert look(bench, paths) >= set(folders)
    code = f"""
import subprocess
for path in {setuid_programs()!r}:
    try: subprocess.run([path, '--version'], timeout=20); print('ran', path)
    except PermissionError: pass
"""
    assert bench.run(code).out == ""


@needs_walls
def test_what_may_be_mounted_for_covering_cannot_be_written(bench: Bench) -> None:
    code = f"""
import os
for folder in {(*PROC_FOLDERS, *HIDDEN_FOLDERS)!r}:
    try: open(folder + '/x', 'w'); print('written', folder)
    except OSError: pass
"""
    assert bench.run(code).out == ""


@needs_walls
def test_no_process_inside_tells_a_path_of_this_machine(bench: Bench, tmp_path: Path) -> None:
    code = """
import json, os
found = {}
for pid in filter(str.isdecimal, os.listdir('/proc')):
    for name in ('cmdline', 'environ'):
        try: found[f'{pid} {name}'] = open(f'/proc/{pid}/{name}').read()
        except OSError: found[f'{pid} {name}'] = None
print(json.dumps(found))
"""
    found = bench.run(code).json()
    first = found["1 cmdline"].split("\0")
    assert first[1] == "--args" and "--ro-bind" not in first
    assert not found["1 environ"]
    # The interpreter runs at its own path; nothing else of the course is named.
    told = " ".join(text or "" for text in found.values()).replace(str(COURSE_ROOT / ".venv"), "")
    assert str(COURSE_ROOT) not in told
