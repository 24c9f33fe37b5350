"""Public cases, recorded: what a student's check reads, the same bytes each time."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from autograder.authoring.fault import AuthoringError
from autograder.authoring.record import compare_cases, record_cases
from autograder.exercise.assignment import Assignment
from autograder.exercise.case import Case
from vislab.check.calls import carry_out
from vislab.check.examine import examine
from vislab.check.public_cases import listed_exercises, read_cases
from vislab.check.verdict import Family

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def recorded(mini, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("cases") / "cases.h5"
    record_cases(mini, path, {"only": sorted(mini.exercises)})
    return path


def test_public_cases_and_no_others(mini, recorded):
    with h5py.File(recorded, "r") as file:
        assert dict(file.attrs) == {"schema": 1, "assignment": "aX_mini", "notebooks": json.dumps({"only": sorted(mini.exercises)})}
        assert set(file) == set(mini.exercises)
    assert {(each.exercise, each.notebook, each.points, each.bonus) for each in listed_exercises(recorded)} == {
        (name, "only", exercise.points_total, exercise.bonus) for name, exercise in mini.exercises.items()
    }
    for name, exercise in mini.exercises.items():
        cases, _ = read_cases(recorded, name)
        assert [case.name for case in cases] == [case.name for case in exercise.cases() if case.public]
    assert b"secret" not in recorded.read_bytes()


def test_the_families_of_hidden_cases_are_told(recorded):
    assert read_cases(recorded, "mini.norm")[1] == ("value", "stability")
    assert read_cases(recorded, "mini.centre")[1] == ("value",)


@pytest.mark.parametrize("name", ["mini.centre", "mini.norm", "mini.clip"])
def test_the_reference_passes_what_was_recorded(name, mini, recorded):
    exercise = mini.exercises[name]
    for case in read_cases(recorded, name)[0]:
        given = carry_out(case.plan, case.tensors, exercise.reference, {})
        assert examine(case.plan, given.outputs, given.gradients, given.tensors, case.targets, case.tensors) is None, case.name


def test_a_wrong_answer_fails_what_was_recorded(recorded):
    for case in read_cases(recorded, "mini.centre")[0]:
        given = carry_out(case.plan, case.tensors, lambda rows: rows, {})
        assert examine(case.plan, given.outputs, given.gradients, given.tensors, case.targets, case.tensors) is not None, case.name


def test_dtypes_gradients_and_seeds(mini, recorded):
    case = read_cases(recorded, "mini.norm")[0][1]
    assert case.tensors["in.0"].dtype == torch.bfloat16
    assert case.targets["out.0"].dtype == torch.bfloat16
    gradient = read_cases(recorded, "mini.centre")[0][2]
    assert gradient.plan["cotangents"] == ["cot.0"]
    assert set(gradient.targets) == {"out.0", "grad.0"}
    exercise = mini.exercises["mini.centre"]
    public = {exercise.public_seed(case).hex() for case in exercise.cases()}
    text = recorded.read_bytes()
    assert not any(bytes.fromhex(seed) in text or seed.encode() in text for seed in public)
    seeds = [case.plan["seed"] for name in mini.exercises for case in read_cases(recorded, name)[0]]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_the_plan_is_json_in_a_stable_order(recorded):
    with h5py.File(recorded, "r") as file:
        text = file["mini.centre/0"].attrs["plan"]
    assert list(json.loads(text)) == sorted(json.loads(text))


def test_two_processes_write_the_same_bytes(mini, recorded, tmp_path):
    again = tmp_path / "again.h5"
    code = (
        "import sys; from pathlib import Path; from autograder.authoring.record import record_cases;"
        "from autograder.exercise.assignment import load_assignment;"
        "mini = load_assignment(Path(sys.argv[1]));"
        "record_cases(mini, Path(sys.argv[2]), {'only': sorted(mini.exercises)})"
    )
    subprocess.run([sys.executable, "-c", code, str(mini.folder), str(again)], check=True, cwd=ROOT, timeout=600)
    assert again.read_bytes() == recorded.read_bytes()


def test_the_number_of_threads_stays_as_it_was(mini, tmp_path):
    before = torch.get_num_threads()
    record_cases(mini, tmp_path / "cases.h5")
    assert torch.get_num_threads() == before


def edited(recorded: Path, tmp_path: Path, change) -> Path:
    copy = tmp_path / "edited.h5"
    shutil.copyfile(recorded, copy)
    with h5py.File(copy, "a") as file:
        change(file)
    return copy


def test_rounding_is_no_difference(recorded, tmp_path):
    def nudge(file):
        data = file["mini.centre/0/expected/out.0"]
        data[...] = np.nextafter(data[()], np.inf)

    assert compare_cases(recorded, edited(recorded, tmp_path, nudge)) == []


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda file: file["mini.centre/0"].attrs.__setitem__("name", "other"), "mini.centre/0@name differs"),
        (lambda file: file["mini.centre/0"].attrs.__setitem__("plan", "{}"), "mini.centre/0@plan differs"),
        (lambda file: file["mini.centre/0/inputs/in.0"].__setitem__((0, 0), 9.0), "mini.centre/0/inputs/in.0 differs"),
        (lambda file: file["mini.centre/0/expected/out.0"].__setitem__((0, 0), np.nan), "mini.centre/0/expected/out.0 differs"),
        (lambda file: file["mini.centre"].__delitem__("2"), "mini.centre/2@name is only in the old file"),
        (lambda file: file.create_group("mini.more").attrs.__setitem__("x", 1), "mini.more@x is only in the new file"),
        (lambda file: file.attrs.__setitem__("schema", 2), "@schema differs"),
    ],
)
def test_other_differences_are_told(change, difference, recorded, tmp_path):
    assert difference in compare_cases(recorded, edited(recorded, tmp_path, change))


def test_tolerances_may_differ_by_the_slack_alone(recorded, tmp_path):
    def widen(file):
        attrs = file["mini.centre/0/expected/out.0"].attrs
        attrs["atol"] = attrs["atol"] * 3

    other = edited(recorded, tmp_path, widen)
    name = "mini.centre/0/expected/out.0@atol differs"
    assert compare_cases(recorded, other) == compare_cases(other, recorded) == [name]
    assert compare_cases(recorded, other, slack=2.9) == [name]
    assert compare_cases(recorded, other, slack=3.1) == []


def test_a_case_that_cannot_be_drawn_is_named(mini: Assignment, tmp_path):
    class Broken(type(mini.exercises["mini.centre"])):
        def cases(self):
            return [Case("three rows", Family.VALUE, lambda draw: draw.nothing, public=True)]

    broken = dataclasses.replace(mini, exercises={"mini.centre": Broken()})
    with pytest.raises(
        AuthoringError, match=r"mini.centre: public case 'three rows' cannot be recorded: AttributeError: .*; correct its draw"
    ):
        record_cases(broken, tmp_path / "cases.h5")
