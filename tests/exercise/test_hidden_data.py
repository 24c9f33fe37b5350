"""Data files that only the judge reads: where they are looked for, what is said when they are not there, what follows from their bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.exercise.assignment import AssignmentError, load_assignment
from autograder.exercise.hidden_data import FOLDER_VARIABLE, HiddenDataMissing, data_folder, hidden_file

MODULE = """
from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise


class Doubling(Exercise):
    name = "toy.doubling"
    title = "Toy"
    symbol = "answer"
    points = {"value": 1.0}

    def reference(self, x):
        return 2 * x

    def cases(self):
        return [Case(n, "value", lambda draw: (draw.normal(3, 4),), public=n < "d") for n in "abcd"]
"""
TABLE = 'title = "Toy"\nnotebooks = ["one"]\npoints_total = 1\n'


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course with one assignment that has a hidden file and one that students get."""
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    folder = tmp_path / "assignments" / "t1_toy"
    (folder / "exercises").mkdir(parents=True)
    (folder / "exercises" / "doubling.py").write_text(MODULE, encoding="utf-8")
    (folder / "assignment.toml").write_text(TABLE + 'data = ["seen.h5", "gone.h5"]\nhidden_data = ["unseen.h5"]\n', encoding="utf-8")
    (tmp_path / "data").mkdir()
    for name in ("seen.h5", "unseen.h5"):
        (tmp_path / "data" / name).write_bytes(name.encode())
    return tmp_path


def test_data_and_hidden_data_are_found_beside_the_assignments(course: Path) -> None:
    folder = course / "assignments" / "t1_toy"
    assignment = load_assignment(folder)
    assert assignment.hidden_data == ("unseen.h5",) and data_folder(folder) == course / "data"
    assert assignment.data_files == {"seen.h5": course / "data" / "seen.h5"}
    assert hidden_file("unseen.h5", folder / "exercises" / "doubling.py") == course / "data" / "unseen.h5"


def test_another_folder_may_hold_it(course: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = tmp_path_factory.mktemp("vault")
    (vault / "unseen.h5").write_bytes(b"of another term")
    monkeypatch.setenv(FOLDER_VARIABLE, str(vault))
    assert hidden_file("unseen.h5", course / "assignments" / "t1_toy") == vault / "unseen.h5"


def test_a_missing_one_names_the_command_that_builds_it(course: Path) -> None:
    (course / "data" / "unseen.h5").unlink()
    words = r"unseen.h5 is missing; .* build it with 'python -m data_scripts unseen', .*--seed, or .*VISLAB_HIDDEN_DATA"
    with pytest.raises(HiddenDataMissing, match=words):
        hidden_file("unseen.h5", course / "assignments" / "t1_toy" / "exercises" / "doubling.py")


def test_its_bytes_are_part_of_the_digest(course: Path) -> None:
    folder, seen = course / "assignments" / "t1_toy", []
    for content in (b"one", b"two", None):
        (course / "data" / "unseen.h5").unlink()
        seen.append(load_assignment(folder).digest)
        (course / "data" / "unseen.h5").write_bytes(content or b"one")
        seen.append(load_assignment(folder).digest)
    assert seen[0] == seen[2] == seen[4] and seen[1] == seen[5] and len(set(seen)) == 3
    # what students have decides nothing.
    (course / "data" / "seen.h5").write_bytes(b"more")
    assert load_assignment(folder).digest == seen[5]


def test_a_file_is_handed_out_or_hidden_and_not_both(course: Path) -> None:
    path = course / "assignments" / "t1_toy" / "assignment.toml"
    path.write_text(TABLE + 'data = ["unseen.h5"]\nhidden_data = ["unseen.h5"]\n', encoding="utf-8")
    with pytest.raises(AssignmentError, match=r"'unseen.h5' stands in data and in hidden_data; what is hidden cannot be handed out"):
        load_assignment(path.parent)
    path.write_text(TABLE + 'hidden_data = "unseen.h5"\n', encoding="utf-8")
    with pytest.raises(AssignmentError, match=r"hidden_data 'unseen.h5' must be a list of different names"):
        load_assignment(path.parent)
