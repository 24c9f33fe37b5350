"""The tolerance policy over the exercises of every assignment: honest answers never fail, in any dtype, under twenty secrets."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from course_assignments import EXERCISES, owner

from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from autograder.exercise.expected import Expected, expect
from autograder.exercise.plan import CallPlan, make_plan
from autograder.exercise.seeds import SeedSource
from vislab.check.calls import Answer, carry_out
from vislab.check.examine import examine, without_guards
from vislab.check.verdict import Family

# tests, trainings and weights are not judged by a tolerance.
FUNCTIONS = sorted(name for name, exercise in EXERCISES.items() if exercise.probe.kind in ("function", "module"))
KERNELS = sorted(name for name, exercise in EXERCISES.items() if exercise.probe.kind == "kernel")
# their answers are indices, or copies of what came in: nothing is rounded.
EXACT = {"pose.find_peaks", "pose.match_limbs", "pose.occlude", "shapes.count_crossings", "shapes.counter_clockwise", "shapes.inside"}
# they promise float32 and float64; in half precision their cases ask for more than its digits, or torch lacks an operation.
NOT_IN_HALF = {"pose.decode_heatmap", "pose.fill_in", "pose.heatmap_loss", "pose.integral_bias", "pose.limb_field", "pose.pck"}
NOT_IN_HALF |= {f"shapes.{name}" for name in ("cyclic_procrustes", "generalised_mean", "hausdorff", "procrustes", "shift_costs")}
NOT_IN_HALF |= {f"shapes.{name}" for name in ("centroid", "counter_clockwise", "inside", "resample", "signed_distance")}
NOT_IN_HALF |= {"shapes.fit_pca", "shapes.principal_angles"}
SECRETS = 20
# an honest answer that uses this much of a tolerance under twenty secrets would exceed it under thousands.
SHARE_MAX = 0.5


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def accepted(exercise: Exercise) -> dict[str, tuple[Any, dict[str, Any]]]:
    found = {}
    for path in sorted((owner(exercise.name).folder / "accepted" / exercise.file_stem).glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"accepted_{exercise.file_stem}_{path.stem}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found[path.stem] = (
            getattr(module, exercise.symbol),
            {"grid": getattr(module, f"{exercise.symbol.removesuffix('_kernel')}_grid", None)},
        )
    assert len(found) >= 2
    return found


def prepared(exercise: Exercise, case: Case, number: int) -> tuple[CallPlan, Expected]:
    seeds = SeedSource(hashlib.sha256(b"honest %d" % number).digest(), "a submission")
    inputs = case.inputs(seeds.case_seed(exercise.name, case.name))
    expected = expect(exercise, case, inputs, seeds.cotangent_seed(exercise.name, case.name))
    return make_plan(exercise, case, inputs, expected.cotangents, 1), expected


def share_used(given: Answer, expected: Expected, plan: CallPlan) -> float:
    """Largest part of a tolerance or of a bias bound that an answer uses up."""
    used = 0.0
    for name, target in expected.targets.items():
        got = given.tensors.get(name)
        finite = torch.isfinite(target.value)
        if got is None or target.atol == 0 or not bool(finite.any()):
            continue
        if plan.header["probe"] == "kernel":
            got, _ = without_guards(got, plan.header["launch"]["outputs"][0]["guard_rows"])
        error = (got.double() - target.value)[finite]
        used = max(used, float(error.abs().max()) / target.atol, abs(float(error.mean())) / target.bias)
    return used


def largest_share(exercise: Exercise, cases: list[Case], numbers: range) -> float:
    answers, largest = accepted(exercise), 0.0
    for number in numbers:
        for case in cases:
            plan, expected = prepared(exercise, case, number)
            for name, (answer, extras) in answers.items():
                given = carry_out(plan.header, plan.tensors, answer, extras)
                fault = examine(plan.header, given.outputs, given.gradients, given.tensors, expected.targets, plan.tensors)
                assert fault is None, (name, case.name, number, fault)
                largest = max(largest, share_used(given, expected, plan))
    return largest


@pytest.mark.parametrize("name", FUNCTIONS)
def test_accepted_answers_keep_clear_of_every_bound(name: str) -> None:
    exercise = EXERCISES[name]
    share = largest_share(exercise, list(exercise.cases()), range(SECRETS))
    assert share < SHARE_MAX and (share == 0) is (name in EXACT)


@pytest.mark.parametrize(
    ("dtype", "name"),
    [(dtype, name) for dtype in ("float16", "float64") for name in FUNCTIONS if dtype == "float64" or name not in NOT_IN_HALF],
)
def test_accepted_answers_are_right_in_other_dtypes(dtype: str, name: str) -> None:
    exercise = EXERCISES[name]
    cases = [replace(case, dtype=dtype) for case in exercise.cases() if case.family in (Family.VALUE, Family.GRADIENT, Family.EDGE)]
    assert largest_share(exercise, cases, range(3)) < 1


@pytest.mark.parametrize("name", KERNELS)
def test_accepted_kernels_keep_clear_of_every_bound(name: str) -> None:
    pytest.importorskip("triton")
    exercise = EXERCISES[name]
    # large float16 maps are slow in the interpreter; the audit runs them under every secret.
    quick = [case for case in exercise.cases() if case.family is not Family.DTYPE]
    half = [case for case in exercise.cases() if case.family is Family.DTYPE]
    assert 0 < largest_share(exercise, quick, range(3)) < SHARE_MAX
    assert largest_share(exercise, half[:1], range(1)) < 1


def test_a_wrong_term_would_be_seen() -> None:
    exercise = EXERCISES["pose.norm_to_pixel"]
    case = exercise.cases()[2]
    plan, expected = prepared(exercise, case, 0)
    answer, _ = accepted(exercise)["scale_and_shift"]
    given = carry_out(plan.header, plan.tensors, lambda *args, **grid: answer(*args, **grid) * 1.0001, {})
    assert share_used(given, expected, plan) > 1
    assert examine(plan.header, given.outputs, given.gradients, given.tensors, expected.targets, plan.tensors) is not None
