"""The references of every assignment say what their oracles say, and are asked about inputs that hide nothing."""

import hashlib

import pytest
import torch
from course_assignments import EXERCISES

from autograder.exercise.expected import oracle_outputs, reference_outputs
from vislab.check.verdict import OBSERVED_FAMILIES

# those whose reference is a formula; trainings, tests and weights are held against bands, suspects and bars by the audit.
WITH_ORACLE = ("function", "module", "step", "kernel")
NAMES = sorted(name for name, exercise in EXERCISES.items() if exercise.probe.kind in WITH_ORACLE)


def seed(*parts):
    return hashlib.sha256(repr(parts).encode()).digest()


def largest_distance(exercise, seeds):
    """Largest distance of reference and oracle over all cases and seeds, relative to the answer's size."""
    worst = 0.0
    for number in range(seeds):
        for case in exercise.cases():
            inputs = case.inputs(seed(number, case.name))
            for expected, independent in zip(reference_outputs(exercise, inputs), oracle_outputs(exercise, inputs), strict=True):
                assert expected.shape == independent.shape, case.name
                assert bool(torch.isfinite(expected).all()), case.name
                if expected.numel():
                    # masks and indices are compared as numbers.
                    expected, independent = expected.double(), independent.double()
                    worst = max(worst, float((expected - independent).abs().max() / (1 + expected.abs().max())))
    return worst


@pytest.mark.parametrize("name", NAMES)
def test_reference_equals_its_oracle_over_twenty_seeds(name):
    assert largest_distance(EXERCISES[name], 20) < 1e-13


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_reference_is_caught_by_the_oracle(name):
    class Wrong(type(EXERCISES[name])):
        def reference(self, *args, **kwargs):
            outputs = super().reference(*args, **kwargs)
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            return tuple(output.double() * (1 + 1e-9) for output in outputs)

    assert largest_distance(Wrong(), 1) > 1e-11


@pytest.mark.parametrize("name", NAMES)
def test_every_paid_family_has_a_hidden_case(name):
    exercise = EXERCISES[name]
    hidden = {case.family for case in exercise.cases() if not case.public}
    assert hidden == {family for family in exercise.points_by_family if family not in OBSERVED_FAMILIES}


@pytest.mark.parametrize("name", NAMES)
def test_value_inputs_are_generic(name):
    for case in EXERCISES[name].cases():
        inputs = case.inputs(seed(name, case.name))
        first = inputs.args[0]
        if str(case.family) != "value" or "corner" in case.name:
            continue
        assert bool((first != 0).all()) and bool((first != 1).all()), case.name
        if first.ndim >= 3 and first.shape[-1] != 2:
            assert len(set(first.shape)) == first.ndim, f"{case.name}: axes {tuple(first.shape)} must all differ"
        if "height" in inputs.kwargs:
            assert inputs.kwargs["height"] != inputs.kwargs["width"], case.name
