"""A whole answer against its targets: precedence, what is missing, guard rows, and sentences that give nothing away."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from call_plans import function_plan, kernel_plan

from vislab.check.compare import Finding, Target
from vislab.check.examine import examine, examine_failure, without_guards
from vislab.check.verdict import PRECEDENCE, Verdict

PLAN, INPUTS = function_plan(torch.arange(6.0).reshape(2, 3))
NAN = float("nan")


def target(*values: float, dtype: torch.dtype = torch.float32) -> Target:
    return Target(torch.tensor(values, dtype=torch.float64), dtype, 1e-4, 1e-4)


def tensor_said(**more: Any) -> dict[str, Any]:
    return {"kind": "tensor", "dtype": "torch.float32", "layout": "torch.strided", "device": "cpu", "sent": True, **more}


def judged(tensors: dict[str, torch.Tensor], targets: dict[str, Target], outputs: list[dict[str, Any]] | None = None) -> Finding | None:
    said = outputs if outputs is not None else [tensor_said() for name in targets if name.startswith("out.")]
    return examine(PLAN, said, [], tensors, targets, INPUTS)


def test_a_right_answer_has_no_fault() -> None:
    tensors = {"out.0": torch.tensor([1.0, 2.0]), "out.1": torch.tensor([3.0]), "grad.0": torch.tensor([4.0])}
    assert judged(tensors, {"out.0": target(1, 2), "out.1": target(3), "grad.0": target(4)}) is None


@pytest.mark.parametrize("count", [0, 1, 3, 64])
def test_another_number_of_outputs_is_the_wrong_type(count: int) -> None:
    targets = {"out.0": target(1), "out.1": target(2), "grad.0": target(0)}
    tensors = {f"out.{i}": torch.tensor([i + 1.0]) for i in range(count)}
    found = judged(tensors, targets, [tensor_said()] * count)
    assert found == Finding(Verdict.WRONG_TYPE, f"{count} values were returned, expected 2")


def test_outputs_the_other_way_round_are_wrong_values() -> None:
    targets = {"out.0": target(1, 2), "out.1": target(30, 40)}
    found = judged({"out.0": torch.tensor([30.0, 40.0]), "out.1": torch.tensor([1.0, 2.0])}, targets)
    assert found is not None and found.verdict is Verdict.WRONG_VALUE


def test_the_gravest_of_several_faults_is_reported() -> None:
    targets = {"out.0": target(1), "out.1": target(2), "grad.0": target(3)}
    right: dict[str, torch.Tensor] = {"out.0": torch.tensor([1.0]), "out.1": torch.tensor([2.0]), "grad.0": torch.tensor([3.0])}
    spoiled = {
        Verdict.WRONG_SHAPE: torch.ones(2),
        Verdict.WRONG_DTYPE: torch.ones(1).half(),
        Verdict.NOT_FINITE: torch.tensor([NAN]),
        Verdict.WRONG_VALUE: torch.tensor([55.0]),
    }
    ordered = [*spoiled, Verdict.WRONG_GRADIENT]
    assert ordered == sorted(ordered, key=PRECEDENCE.index)
    for grave, answer in spoiled.items():
        for light in ordered[ordered.index(grave) + 1 :]:
            if light is Verdict.WRONG_GRADIENT:
                tensors = {**right, "out.1": answer, "grad.0": torch.tensor([9.0])}
            else:
                tensors = {**right, "out.0": spoiled[light], "out.1": answer}
            found = judged(tensors, targets)
            assert found is not None and found.verdict is grave, (grave, light)


@pytest.mark.parametrize(
    ("said", "verdict", "text"),
    [
        ({"kind": "other", "class": "NoneType"}, Verdict.WRONG_TYPE, "nothing was returned; the answer must be a torch.Tensor"),
        ({"kind": "other", "class": "generator"}, Verdict.WRONG_TYPE, "the answer must be a torch.Tensor"),
        ({}, Verdict.WRONG_TYPE, "the answer must be a torch.Tensor"),
        ({"kind": ["tensor"]}, Verdict.WRONG_TYPE, "the answer must be a torch.Tensor"),
        (tensor_said(layout="torch.sparse_coo"), Verdict.WRONG_TYPE, "the answer must be a dense tensor"),
        (tensor_said(layout="nested"), Verdict.WRONG_TYPE, "the answer must be a dense tensor"),
        (tensor_said(device="meta"), Verdict.WRONG_TYPE, "the answer is a meta tensor without values"),
        (tensor_said(dtype="torch.complex64"), Verdict.WRONG_DTYPE, "answer has dtype complex64, expected float32"),
        (tensor_said(dtype="torch.quint8"), Verdict.WRONG_DTYPE, "answer has dtype quint8, expected float32"),
        (tensor_said(dtype="torch.manual_seed"), Verdict.WRONG_DTYPE, "answer has another dtype, expected float32"),
        (tensor_said(dtype="<b>float</b>"), Verdict.WRONG_DTYPE, "answer has another dtype, expected float32"),
        (tensor_said(dtype=None), Verdict.WRONG_DTYPE, "answer has another dtype, expected float32"),
        (tensor_said(sent=False), Verdict.OUTPUT_LIMIT, "the answer is too large to be sent"),
        (tensor_said(sent=True), Verdict.OUTPUT_LIMIT, "the answer is too large to be sent"),
    ],
)
def test_a_tensor_that_did_not_come_is_explained_by_what_was_said_of_it(said: dict[str, Any], verdict: Verdict, text: str) -> None:
    assert judged({}, {"out.0": target(1)}, [said]) == Finding(verdict, text)


def test_what_is_said_of_a_tensor_that_came_does_not_matter() -> None:
    for said in ({"kind": "other"}, tensor_said(dtype="torch.int64", layout="lie", device="meta", sent=False), {}):
        assert judged({"out.0": torch.tensor([1.0])}, {"out.0": target(1)}, [said]) is None
        found = judged({"out.0": torch.tensor([2.5])}, {"out.0": target(1)}, [said])
        assert found is not None and found.verdict is Verdict.WRONG_VALUE


def test_a_missing_gradient_is_a_fault_only_where_it_is_not_zero() -> None:
    right = {"out.0": torch.tensor([1.0])}
    assert judged(right, {"out.0": target(1), "grad.0": target(0, 0)}) is None
    assert judged(right, {"out.0": target(1), "gradw.out.weight": target(0)}) is None
    for name in ("grad.0", "gradw.out.weight"):
        found = judged(right, {"out.0": target(1), name: target(0, 1e-30)})
        assert found == Finding(Verdict.WRONG_GRADIENT, "no gradient flows back; something in the computation cuts the graph")
    # a gradient of zeros where zeros are expected is as right as none.
    assert judged({**right, "grad.0": torch.zeros(2)}, {"out.0": target(1), "grad.0": target(0, 0)}) is None


def test_a_named_term_closes_the_question_and_an_unnamed_one_leaves_it_open() -> None:
    doubled = judged({"out.0": torch.tensor([2.0, 4.5])}, {"out.0": target(1, 2.25)})
    assert doubled == Finding(Verdict.WRONG_VALUE, "max error 2.2 (allowed 0.0001); your answer is twice what was expected")
    odd = judged({"out.0": torch.tensor([2.0, 4.25])}, {"out.0": target(1, 2.25)})
    assert odd == Finding(Verdict.WRONG_VALUE, "max error 2 (allowed 0.0001)", diagnosable=True)
    gradient = judged({"out.0": torch.tensor([1.0]), "grad.0": -torch.tensor([3.0, 1.0])}, {"out.0": target(1), "grad.0": target(3, 1)})
    assert gradient == Finding(Verdict.WRONG_GRADIENT, "max error 6 (allowed 0.0001); your gradient has the wrong sign")


def test_a_wrong_answer_in_a_case_about_its_gradient_says_so() -> None:
    asked = {**PLAN, "cotangents": ["cot.0"]}
    targets = {"out.0": target(1, 2.25), "grad.0": target(3, 1)}
    wrong = {"out.0": torch.tensor([2.0, 4.25]), "grad.0": torch.tensor([30.0, 10.0])}
    found = examine(asked, [tensor_said()], [], wrong, targets, INPUTS)
    told = "the answer itself is wrong, so its gradient was not judged: max error 2 (allowed 0.0001)"
    assert found == Finding(Verdict.WRONG_VALUE, told, diagnosable=True)
    # where no gradient is asked there is nothing to add, and a wrong gradient of a right answer is a gradient's fault.
    assert examine(PLAN, [tensor_said()], [], wrong, targets, INPUTS) == Finding(
        Verdict.WRONG_VALUE, "max error 2 (allowed 0.0001)", diagnosable=True
    )
    right = {**wrong, "out.0": torch.tensor([1.0, 2.25])}
    found = examine(asked, [tensor_said()], [], right, targets, INPUTS)
    assert found is not None and found.verdict is Verdict.WRONG_GRADIENT and "not judged" not in found.text
    # a gradient of a graver kind is the gradient's fault as well.
    found = examine(asked, [tensor_said()], [], {**right, "grad.0": torch.ones(3)}, targets, INPUTS)
    assert found == Finding(Verdict.WRONG_SHAPE, "gradient has shape [3], expected [2]")


def test_right_values_in_a_wrong_shape_are_explained() -> None:
    value = torch.arange(6.0).reshape(2, 3).double()
    found = judged({"out.0": value.T.float()}, {"out.0": Target(value, torch.float32, 1e-4, 1e-4)})
    expected = "answer has shape [3, 2], expected [2, 3]; your answer has the right values with its last two axes transposed"
    assert found == Finding(Verdict.WRONG_SHAPE, expected)
    found = judged({"out.0": value.T.float() + 1}, {"out.0": Target(value, torch.float32, 1e-4, 1e-4)})
    assert found == Finding(Verdict.WRONG_SHAPE, "answer has shape [3, 2], expected [2, 3]")


def test_a_softmax_of_the_input_over_the_wrong_axis_is_named() -> None:
    logits = INPUTS["in.0"]
    found = judged({"out.0": torch.softmax(logits, 0)}, {"out.0": Target(torch.softmax(logits.double(), 1), torch.float32, 1e-4, 1e-4)})
    assert found is not None and found.text.endswith("; your answer is a softmax over axis 0, where one over axis 1 was asked")


def test_sizes_of_the_first_input_name_a_forgotten_mean() -> None:
    found = judged({"out.0": torch.tensor([3.0, 7.5])}, {"out.0": target(1, 2.5)})
    assert found is not None and "lacks a division by the length of axis 1 of the input" in found.text


OUTPUTS = [{"shape": [2, 2], "dtype": "float32", "guard_rows": 2}, {"shape": [3], "dtype": "float32", "guard_rows": 1}]
KERNEL_PLAN, KERNEL_INPUTS = kernel_plan(torch.ones(2, 4), [], OUTPUTS, [2])
KERNEL_TARGETS = {"out.0": Target(torch.tensor([[1.0, 2], [3, 4]]).double(), torch.float32, 1e-4, 1e-4), "out.1": target(5, 6, 7)}


def buffers() -> dict[str, torch.Tensor]:
    guarded = torch.full((6, 2), NAN)
    guarded[2:4] = torch.tensor([[1.0, 2], [3, 4]])
    return {"out.0": guarded, "out.1": torch.tensor([NAN, 5.0, 6, 7, NAN])}


def launched(tensors: dict[str, torch.Tensor]) -> Finding | None:
    return examine(KERNEL_PLAN, [tensor_said(), tensor_said()], [], tensors, KERNEL_TARGETS, KERNEL_INPUTS)


def test_a_kernel_that_fills_its_window_and_nothing_else_is_right() -> None:
    assert launched(buffers()) is None


@pytest.mark.parametrize("row", [0, 1, 4, 5])
@pytest.mark.parametrize("value", [0.0, 3.0, float("inf")])
def test_a_write_into_a_guard_row_is_caught(row: int, value: float) -> None:
    spoiled = buffers()
    spoiled["out.0"][row, 1] = value
    assert launched(spoiled) == Finding(Verdict.WRONG_VALUE, "output 1 of 2: the kernel wrote outside its output")


def test_elements_never_written_are_counted() -> None:
    spoiled = buffers()
    spoiled["out.0"][3] = NAN
    assert launched(spoiled) == Finding(
        Verdict.NOT_FINITE, "output 1 of 2: 2 of 4 output elements are NaN: never written, or computed as NaN"
    )


def test_a_buffer_of_another_shape_or_dtype_is_refused() -> None:
    for answer in (torch.full((5, 2), NAN), torch.ones(2, 2), torch.tensor(1.0), torch.full((7, 2), NAN)):
        found = launched({**buffers(), "out.0": answer})
        assert found == Finding(Verdict.WRONG_SHAPE, "output 1 of 2: the kernel's output buffer came back with another shape")
    found = launched({**buffers(), "out.0": torch.full((6, 3), NAN)})
    assert found is not None and found.verdict in (Verdict.NOT_FINITE, Verdict.WRONG_SHAPE)
    for dtype in (torch.int64, torch.bool):
        found = launched({**buffers(), "out.0": torch.ones(6, 2).to(dtype)})
        assert found is not None and found.verdict is Verdict.WRONG_VALUE
    wide = launched({**buffers(), "out.0": buffers()["out.0"].double()})
    assert wide == Finding(Verdict.WRONG_DTYPE, "output 1 of 2: answer has dtype float64, expected float32")


def test_the_wrong_term_of_any_output_is_found_behind_its_own_guards() -> None:
    first, second = buffers(), buffers()
    first["out.0"] *= 2
    second["out.1"] *= 2
    for spoiled in (first, second):
        found = launched(spoiled)
        assert found is not None and found.text.endswith("your answer is twice what was expected")


def test_guards_are_cut_off() -> None:
    buffer = torch.full((6, 2), NAN)
    inner, intact = without_guards(buffer, 2)
    assert inner.shape == (2, 2) and intact
    buffer[0, 0] = 1
    assert not without_guards(buffer, 2)[1]
    whole, intact = without_guards(torch.ones(3), 0)
    assert whole.shape == (3,) and intact
    # an empty output consists of guards alone.
    assert without_guards(torch.full((4, 2), NAN), 2)[0].shape == (0, 2)


STATE_DICT = "the module's parameters have other names or shapes than the exercise states"


@pytest.mark.parametrize(
    ("stage", "error", "verdict", "text"),
    [
        ("call", "NotImplementedError", Verdict.NOT_ATTEMPTED, "not written yet"),
        ("call", "MemoryError", Verdict.MEMORY_LIMIT, "the call ran out of memory"),
        ("call", "Tripped", Verdict.RULE, "a ready solution of this exercise was called"),
        (
            "construct",
            "StateDictMismatch",
            Verdict.WRONG_TYPE,
            "the module's parameters have other names or shapes than the exercise states",
        ),
        ("launch", "WrongKind", Verdict.WRONG_TYPE, "what was handed in is not the kind of thing that the exercise asks for"),
        ("call", "ZeroDivisionError", Verdict.RUNTIME_ERROR, "ZeroDivisionError was raised in the call"),
        ("construct", "TypeError", Verdict.RUNTIME_ERROR, "TypeError was raised while the module was built"),
        ("backward", "RuntimeError", Verdict.RUNTIME_ERROR, "RuntimeError was raised during the backward pass"),
        ("launch", "IndexError", Verdict.RUNTIME_ERROR, "IndexError was raised while the kernel was launched"),
        ("call", "SystemExit", Verdict.RUNTIME_ERROR, "SystemExit was raised in the call"),
        ("nonsense", "ValueError", Verdict.RUNTIME_ERROR, "ValueError was raised in the call"),
        ("call", "print", Verdict.RUNTIME_ERROR, "an exception was raised in the call"),
        ("call", "object", Verdict.RUNTIME_ERROR, "an exception was raised in the call"),
        ("call", "__loader__", Verdict.RUNTIME_ERROR, "an exception was raised in the call"),
        ("call", "<script>alert(1)</script>", Verdict.RUNTIME_ERROR, "an exception was raised in the call"),
        ("call", "", Verdict.RUNTIME_ERROR, "an exception was raised in the call"),
    ],
)
def test_what_an_exception_means(stage: str, error: str, verdict: Verdict, text: str) -> None:
    assert examine_failure(stage, error) == Finding(verdict, text)


NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def secrets_in(text: str, *hidden: torch.Tensor) -> list[str]:
    """Numbers of a text that equal an element of hidden material, to four digits or more."""
    known = {f"{abs(float(element)):.4g}" for tensor in hidden for element in tensor.reshape(-1)}
    return [number for number in NUMBER.findall(text) if len(number.strip("-0.")) >= 4 and f"{abs(float(number)):.4g}" in known]


def test_no_sentence_holds_a_hidden_value() -> None:
    generator = torch.Generator().manual_seed(3)
    inputs = {"in.0": torch.rand(3, 5, generator=generator) * 100}
    value = torch.rand(3, 2, generator=generator).double() * 100
    hidden = Target(value, torch.float32, 1e-4, 1e-5)
    right = value.float()
    nan, near, lean = right.clone(), right.clone(), right + 5e-5
    nan[0, 0], near[0, 0] = NAN, near[0, 0] + 2e-4
    answers = [
        torch.zeros_like(right),
        -right,
        2 * right,
        right + 0.5,
        right.flip(-1),
        right[:1].expand(3, 2),
        right.half(),
        nan,
        near,
        lean,
    ]
    answers += [right.reshape(2, 3), right[0], torch.full_like(right, 1e30)]
    for answer in answers:
        for name in ("out.0", "grad.0"):
            targets = {"out.0": hidden} if name == "out.0" else {"out.0": hidden, "grad.0": hidden}
            found = examine(PLAN, [tensor_said()], [], {"out.0": right, name: answer}, targets, inputs)
            assert found is not None
            assert secrets_in(found.text, value, inputs["in.0"]) == []


def test_a_leak_would_be_seen() -> None:
    value = torch.tensor([12.34567, 3.5])
    assert secrets_in("expected 12.34567 here", value) == ["12.34567"]
    assert secrets_in("max error 12 (allowed 0.0001)", value) == []
