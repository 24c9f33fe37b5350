"""From a case's inputs to the plan that travels: the format in docs/architecture.md, and nothing secret in it."""

from __future__ import annotations

import json

import torch
from toy_exercises import Head, RowSums, SquareSum

from autograder.exercise.case import Case, Inputs
from autograder.exercise.exercise import Exercise
from autograder.exercise.expected import expect
from autograder.exercise.plan import CallPlan, differentiated, make_plan
from vislab.wire.frames import encode

SEED = b"\x07" * 32


def planned(exercise: Exercise, case: Case, seed: int = 5) -> CallPlan:
    inputs = case.inputs(SEED)
    return make_plan(exercise, case, inputs, expect(exercise, case, inputs, b"\x08" * 32).cotangents, seed)


def test_a_function_plan_without_gradient() -> None:
    plan = planned(SquareSum(), SquareSum().cases()[0])
    assert plan.header == {
        "probe": "function",
        "seed": 5,
        "args": [{"tensor": "in.0", "layout": "contiguous"}],
        "kwargs": {},
        "cotangents": None,
        "wrt": [],
        "wrt_weights": False,
        "forbidden": [],
        "tripwires": [],
    }
    assert plan.tensors.keys() == {"in.0"} and plan.tensors["in.0"].dtype is torch.float32


def test_a_gradient_case_brings_its_cotangents() -> None:
    plan = planned(SquareSum(), SquareSum().cases()[2])
    assert plan.header["cotangents"] == ["cot.0"] and plan.header["wrt"] == [0]
    assert plan.tensors["cot.0"].shape == (3,) and plan.tensors["cot.0"].dtype is torch.float32


def test_layouts_hold_for_two_axes_or_more() -> None:
    def material(draw):
        return Inputs((draw.normal(3, 4), draw.normal(5), draw.normal(), draw.integers(0, 5, 2, 2)), {"k": draw.normal(2, 2)})

    header = planned(
        type("E", (SquareSum,), {"reference": lambda self, *a, k: a[0]})(), Case("c", "value", material, layout="strided")
    ).header
    assert [spec["layout"] for spec in header["args"]] == ["strided", "contiguous", "contiguous", "strided"]
    assert header["kwargs"] == {"k": {"tensor": "kw.k", "layout": "strided"}}


def test_plain_values_and_rules_travel_in_the_header() -> None:
    class Strict(SquareSum):
        forbidden = ("torch.softmax", "aten::_softmax")
        tripwires = ("vislab.ops.soft_argmax.soft_argmax",)

        def reference(self, x, flag, *, mode, nothing):
            return x

    case = Case("c", "value", lambda draw: Inputs((draw.normal(2), True), {"mode": "sum", "nothing": None}))
    header = planned(Strict(), case).header
    assert header["args"][1] == {"value": True} and header["kwargs"] == {"mode": {"value": "sum"}, "nothing": {"value": None}}
    assert header["forbidden"] == ["torch.softmax", "aten::_softmax"] and header["tripwires"] == ["vislab.ops.soft_argmax.soft_argmax"]


def test_a_module_plan_names_its_weights() -> None:
    plan = planned(Head(), Head().cases()[2])
    assert plan.header["probe"] == "module" and plan.header["init"] == {"inner": 4, "outer": 3} and plan.header["training"] is False
    assert plan.header["weights"] == {"linear.weight": "weight.0", "linear.bias": "weight.1"} and plan.header["wrt_weights"] is True
    assert plan.tensors["weight.0"].shape == (3, 4) and plan.tensors["weight.1"].dtype is torch.float32
    assert planned(Head(), Head().cases()[0]).header["wrt_weights"] is False


def test_a_kernel_plan_says_how_to_launch() -> None:
    plan = planned(RowSums(), RowSums().cases()[0])
    assert plan.header["args"] == [{"tensor": "in.0", "layout": "contiguous"}, {"value": 8}]
    assert plan.header["launch"] == {
        "arguments": [{"in": 0}, {"out": 0}, {"value": 5}, {"stride": [0, 0]}, {"stride": [0, 1]}, {"value": 0.5}],
        "outputs": [{"shape": [4], "dtype": "float32", "guard_rows": 3}],
        "grid": [4],
        "constants": {"B": 8},
    }


def test_every_plan_can_be_sent_and_recorded() -> None:
    for exercise in (SquareSum(), Head(), RowSums()):
        for case in exercise.cases():
            plan = planned(exercise, case)
            assert encode({"type": "case", "id": 0, **plan.header}, plan.tensors)
            assert json.loads(json.dumps(plan.header, allow_nan=False)) == plan.header


def test_nothing_of_the_answer_travels() -> None:
    for exercise in (SquareSum(), Head(), RowSums()):
        for case in exercise.cases():
            plan = planned(exercise, case)
            # families, names and expectations stay with the judge.
            known = {"probe", "seed", "args", "kwargs", "cotangents", "wrt", "wrt_weights", "forbidden", "tripwires"}
            assert plan.header.keys() - known <= {"init", "training", "weights", "launch"}
            assert case.name not in json.dumps(plan.header)
            assert all(name.split(".")[0] in ("in", "kw", "cot", "weight") for name in plan.tensors)


def test_which_inputs_are_differentiated() -> None:
    inputs = Inputs((torch.ones(2).double(), 3, torch.ones(2, dtype=torch.int64), torch.ones(1).double()), {"k": torch.ones(2).double()})
    draw = lambda _: inputs  # noqa: E731
    assert differentiated(Case("c", "gradient", draw), inputs) == (0, 3)
    assert differentiated(Case("c", "gradient", draw, wrt=(3,)), inputs) == (3,)
    assert differentiated(Case("c", "gradient", draw, wrt=()), inputs) == ()
    assert differentiated(Case("c", "value", draw, wrt=(3,)), inputs) == ()
