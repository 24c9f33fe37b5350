"""An assignment on disk: its table, its exercise modules, and a sentence for each way of getting them wrong."""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.exercise.assignment import AssignmentError, find_assignments, load_assignment, resolve_assignment
from autograder.exercise.exercise import ExerciseError

TABLE = 'title = "Toy"\nnotebooks = ["toy_one", "toy_two"]\npoints_total = 12\n'
MODULE = """
from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise


def noise(draw):
    return (draw.normal(3, 4),)


class {name}(Exercise):
    name = "toy.{exercise}"
    title = "Toy"
    symbol = "answer"
    points = {{"value": 1.0}}

    def reference(self, x):
        return {factor} * x

    def cases(self):
        return [Case(n, "value", noise, public=n < "d") for n in "abcd"]
"""


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Write an assignment folder."""

    def write(table: str = TABLE, name: str = "t1_toy", **modules: str) -> Path:
        folder = tmp_path / name
        (folder / "exercises").mkdir(parents=True, exist_ok=True)
        (folder / "assignment.toml").write_text(table, encoding="utf-8")
        for stem, text in (modules or {"doubling": MODULE.format(name="Doubling", exercise="doubling", factor=2)}).items():
            (folder / "exercises" / f"{stem}.py").write_text(text, encoding="utf-8")
        return folder

    return write


def test_a_folder_becomes_an_assignment(make: Callable[..., Path]) -> None:
    table = (
        TABLE
        + 'id = "t1_toy"\ndue = 2027-02-05T23:59:00+01:00\nextra_files = ["weights.safetensors"]\ndata = ["icons"]\n'
        + "[late]\npenalty_per_day = 0.1\n[limits]\ncase_s = 20\n"
    )
    found = load_assignment(make(table))
    assert (found.name, found.title, found.notebooks, found.points_total) == ("t1_toy", "Toy", ("toy_one", "toy_two"), 12.0)
    assert found.due == datetime.datetime.fromisoformat("2027-02-05T23:59:00+01:00") and found.penalty_per_day == 0.1
    assert found.extra_files == ("weights.safetensors",) and found.data == ("icons",) and found.limits == {"case_s": 20}
    assert list(found.exercises) == ["toy.doubling"]


def test_what_is_left_out_has_a_default(make: Callable[..., Path]) -> None:
    found = load_assignment(make())
    assert (found.due, found.penalty_per_day, found.extra_files, found.data, dict(found.limits)) == (None, 0.0, (), (), {})


def test_exercises_of_all_modules_are_found_and_private_ones_are_not(make: Callable[..., Path]) -> None:
    two = MODULE.format(name="Second", exercise="second", factor=2) + "\nclass _Base(Exercise):\n    pass\n"
    imported = "from autograder.exercise.exercise import Exercise\n" + MODULE.format(name="Third", exercise="third", factor=3)
    folder = make(b=two, a=imported, _shared="raise RuntimeError('never imported')")
    assert list(load_assignment(folder).exercises) == ["toy.third", "toy.second"]


def test_two_assignments_may_have_modules_of_one_name(make: Callable[..., Path]) -> None:
    first = load_assignment(make(name="t1_toy", losses=MODULE.format(name="E", exercise="one", factor=2)))
    second = load_assignment(make(name="t2_toy", losses=MODULE.format(name="E", exercise="two", factor=3)))
    assert list(first.exercises) == ["toy.one"] and list(second.exercises) == ["toy.two"]


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("title = ", "is not valid TOML"),
        ('notebooks = ["a"]\npoints_total = 1', "key 'title' is missing; add it"),
        ('title = "T"\npoints_total = 1', "key 'notebooks' is missing; add it"),
        ('title = "T"\nnotebooks = ["a"]', "key 'points_total' is missing; add it"),
        (TABLE + 'tittle = "x"', "unknown keys ['tittle']; the known ones are ['data', 'due',"),
        (TABLE + 'id = "t2_toy"', "id 't2_toy' must equal the folder's name 't1_toy'"),
        (TABLE.replace('"Toy"', "3"), "title 3 must be a text"),
        (TABLE.replace('["toy_one", "toy_two"]', '"toy_one"'), "notebooks 'toy_one' must be a list of different names"),
        (TABLE.replace('["toy_one", "toy_two"]', '["a", "a"]'), "notebooks ['a', 'a'] must be a list of different names"),
        (TABLE.replace('["toy_one", "toy_two"]', "[1]"), "notebooks [1] must be a list of different names"),
        (TABLE.replace('["toy_one", "toy_two"]', "[]"), "notebooks is empty; name the lesson files in reading order"),
        (TABLE + 'extra_files = "w.bin"', "extra_files 'w.bin' must be a list of different names"),
        (TABLE.replace("12", '"12"'), "points_total '12' must be a number greater than 0"),
        (TABLE.replace("12", "0"), "points_total 0 must be a number greater than 0"),
        (TABLE.replace("12", "nan"), "points_total nan must be a number greater than 0"),
        (TABLE.replace("12", "true"), "points_total True must be a number greater than 0"),
        (TABLE + "due = 2027-02-05T23:59:00", "must be a date and time with a UTC offset, such as 2027-02-05T23:59:00+01:00"),
        (TABLE + "due = 2027-02-05", "must be a date and time with a UTC offset"),
        (TABLE + 'due = "tomorrow"', "due 'tomorrow' must be a date and time with a UTC offset"),
        (TABLE + "late = 3", "late 3 must be a table"),
        (TABLE + "[late]\npenalty = 0.1", "[late] has unknown keys ['penalty']; it knows penalty_per_day"),
        (TABLE + "[late]\npenalty_per_day = 10", "penalty_per_day 10 must lie in [0, 1]; it is a share of the maximum"),
        (TABLE + "[late]\npenalty_per_day = -0.1", "penalty_per_day -0.1 must lie in [0, 1]"),
        (TABLE + '[late]\npenalty_per_day = "10 %"', "penalty_per_day '10 %' must lie in [0, 1]"),
        (TABLE + "limits = [1]", "limits [1] must be a table"),
    ],
)
def test_an_unfit_table_is_refused(make: Callable[..., Path], table: str, text: str) -> None:
    with pytest.raises(AssignmentError, match=re.escape(text)) as caught:
        load_assignment(make(table))
    assert "t1_toy" in str(caught.value)


def test_a_table_in_another_encoding_is_refused(make: Callable[..., Path]) -> None:
    folder = make()
    (folder / "assignment.toml").write_bytes('title = "Übung"'.encode("latin-1"))
    with pytest.raises(AssignmentError, match="is not valid TOML"):
        load_assignment(folder)


def test_a_folder_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssignmentError, match=r"has no assignment\.toml; an assignment folder needs one"):
        load_assignment(tmp_path)


def test_a_folder_without_exercises_is_refused(make: Callable[..., Path]) -> None:
    with pytest.raises(AssignmentError, match=r"exercises/\*\.py define no exercise; subclass autograder\.exercise\.exercise\.Exercise"):
        load_assignment(make(empty="X = 1\n"))


def test_a_name_used_twice_is_refused(make: Callable[..., Path]) -> None:
    folder = make(a=MODULE.format(name="A", exercise="same", factor=2), b=MODULE.format(name="B", exercise="same", factor=2))
    with pytest.raises(ExerciseError, match=r"exercise 'toy\.same' is defined twice in t1_toy; rename one"):
        load_assignment(folder)


def test_a_broken_rule_of_an_exercise_is_refused_when_it_is_loaded(make: Callable[..., Path]) -> None:
    with pytest.raises(ExerciseError, match=r"a name must read topic\.exercise"):
        load_assignment(make(a=MODULE.format(name="A", exercise="Not A Name", factor=2)))


def test_a_module_that_cannot_be_imported_is_named_and_not_left_behind(make: Callable[..., Path]) -> None:
    folder = make(broken="import no_such_package\n")
    with pytest.raises(AssignmentError, match=r"broken\.py cannot be imported: ModuleNotFoundError: No module named 'no_such_package'"):
        load_assignment(folder)
    assert "_vislab_exercises.t1_toy.broken" not in sys.modules


def test_assignments_are_found_by_their_table(make: Callable[..., Path], tmp_path: Path) -> None:
    make(name="t2_toy")
    make(name="t1_toy")
    (tmp_path / "no_assignment").mkdir()
    assert list(find_assignments(tmp_path)) == ["t1_toy", "t2_toy"]
    assert resolve_assignment(tmp_path, "t2_toy").name == "t2_toy"
    with pytest.raises(AssignmentError, match=r"unknown assignment 't3_toy'; the assignments under .* are: t1_toy, t2_toy"):
        resolve_assignment(tmp_path, "t3_toy")
    with pytest.raises(AssignmentError, match="are: none"):
        resolve_assignment(tmp_path / "no_assignment", "t1_toy")


def test_the_digest_follows_whatever_decides_a_mark(make: Callable[..., Path]) -> None:
    folder = make()
    before = load_assignment(folder).digest
    (folder / "lessons").mkdir()
    (folder / "lessons" / "toy_one.py").write_text("# text for students")
    assert load_assignment(folder).digest == before
    make(doubling=MODULE.format(name="Doubling", exercise="doubling", factor=2.5))
    changed = load_assignment(folder).digest
    assert changed != before
    (folder / "assignment.toml").write_text(TABLE + "[limits]\ncase_s = 3\n")
    assert load_assignment(folder).digest not in (before, changed)
