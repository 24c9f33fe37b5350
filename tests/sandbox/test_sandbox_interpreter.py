from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autograder.sandbox.faults import SandboxMissing
from autograder.sandbox.interpreter import COURSE_ROOT, Interpreter, places_to_hide


def make_environment(folder: Path, python: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(python)
    return folder / "bin" / "python"


def test_the_running_interpreter_is_covered() -> None:
    found = Interpreter.current()
    visible = (*found.prefixes, Path("/usr"), *(seen for _, seen in found.links))
    real = Path(sys.executable).resolve()
    assert any(Path(sys.executable).is_relative_to(folder) for folder in visible)
    assert any(real.is_relative_to(folder) for folder in visible)


def test_a_link_that_leaves_the_environment_is_shown_where_it_stands(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "python3.11"
    real.parent.mkdir()
    real.write_bytes(b"")
    middle = tmp_path / "shims" / "python"
    middle.parent.mkdir()
    middle.symlink_to("../elsewhere/python3.11")
    executable = make_environment(tmp_path / "venv", middle)

    found = Interpreter.at(executable, [tmp_path / "venv"])

    assert found.executable == executable
    assert found.prefixes == (tmp_path / "venv",)
    assert found.links == ((real, middle), (real, real))


def test_links_inside_a_prefix_need_nothing_more(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "python3").write_bytes(b"")
    found = Interpreter.at(make_environment(tmp_path / "venv", base / "python3"), [tmp_path / "venv", base, base / "lib"])
    assert found.prefixes == (tmp_path / "venv", base)
    assert found.links == ()


def test_a_prefix_that_is_a_link_is_bound_under_both_names(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "name").symlink_to("real")
    found = Interpreter.at(make_environment(tmp_path / "venv", tmp_path / "name" / "python"), [tmp_path / "name"])
    assert set(found.prefixes) >= {tmp_path / "name", tmp_path / "real"}


def test_a_system_interpreter_needs_no_prefix() -> None:
    assert Interpreter.at(Path("/usr/bin/python3"), [Path("/usr")]).prefixes == ()


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert len(Interpreter.at(tmp_path / "a", []).links) == 40


def test_a_prefix_that_holds_the_course_is_refused(tmp_path: Path) -> None:
    course = tmp_path / "env" / "course"
    course.mkdir(parents=True)
    interpreter = Interpreter(tmp_path / "env" / "bin" / "python", (tmp_path / "env",))
    with pytest.raises(SandboxMissing, match=rf"{tmp_path}/env is visible inside the sandbox and holds {course}.*move {course} elsewhere"):
        interpreter.refuse_exposure([course])


def test_a_course_below_a_system_folder_is_refused() -> None:
    with pytest.raises(SandboxMissing, match=r"/usr is visible inside the sandbox and holds /usr/src/course"):
        Interpreter(Path("/usr/bin/python3")).refuse_exposure([Path("/usr/src/course")])


def test_an_environment_inside_the_course_is_accepted(tmp_path: Path) -> None:
    course = tmp_path / "course"
    Interpreter(course / ".venv" / "bin" / "python", (course / ".venv",)).refuse_exposure([course, tmp_path])


def test_the_course_and_the_home_are_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert places_to_hide() == [COURSE_ROOT, tmp_path]
    assert (COURSE_ROOT / "autograder" / "sandbox").is_dir()
    monkeypatch.setenv("HOME", "/")
    assert places_to_hide() == [COURSE_ROOT]
