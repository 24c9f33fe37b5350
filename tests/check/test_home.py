"""A check at home: every fault gets its row, with the line of the student's own code where that helps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
import torch
from call_plans import function_plan, kernel_plan
from case_files import add_case

from vislab.check.home import check_at_home
from vislab.check.report import Report
from vislab.check.verdict import Verdict

pytestmark = pytest.mark.usefixtures("cases")


def scale(points: torch.Tensor) -> torch.Tensor:
    return points + points


def report(answer: Any, exercise: str = "toy.scale") -> Report:
    return check_at_home(exercise, answer, {})


def verdicts(answer: Any, exercise: str = "toy.scale") -> list[Verdict]:
    return [row.verdict for row in report(answer, exercise).rows]


def test_a_right_answer_passes_every_case() -> None:
    result = report(scale)
    assert result.ok and [row.text for row in result.rows] == ["", "", ""]
    assert result.hidden == ("value", "stability", "edge")


def test_a_stub_is_not_attempted() -> None:
    def stub(points):
        raise NotImplementedError

    result = report(stub)
    assert result.not_attempted and [row.text for row in result.rows] == ["not written yet"] * 3


def test_a_detached_answer_fails_its_gradient_alone() -> None:
    assert verdicts(lambda p: scale(p).detach()) == [Verdict.OK, Verdict.WRONG_GRADIENT, Verdict.OK]


def test_a_wrong_dtype_fails_that_case_alone() -> None:
    assert verdicts(lambda p: scale(p).float()) == [Verdict.OK, Verdict.OK, Verdict.WRONG_DTYPE]


@pytest.mark.parametrize(
    ("answer", "verdict", "text"),
    [
        (lambda p: scale(p).flip(-1), Verdict.WRONG_VALUE, "has x and y swapped"),
        (lambda p: p, Verdict.WRONG_VALUE, "is half of what was expected"),
        (lambda p: scale(p)[0], Verdict.WRONG_SHAPE, "answer has shape [2], expected [3, 2]"),
        (lambda p: scale(p).tolist(), Verdict.WRONG_TYPE, "3 values were returned, expected 1"),
        (lambda p: scale(p).numpy(), Verdict.WRONG_TYPE, "the answer must be a torch.Tensor"),
        (lambda p: (scale(p), p), Verdict.WRONG_TYPE, "2 values were returned, expected 1"),
        (lambda p: scale(p) / 0, Verdict.NOT_FINITE, "6 of 6 elements of the answer are NaN or infinite"),
        (lambda p: torch.multiply(p, 2), Verdict.RULE, "uses torch.multiply, which this exercise asks you to write yourself"),
        # a rule weighs more than a changed input.
        (lambda p: p.multiply_(2), Verdict.RULE, "uses torch.multiply, which this exercise asks you to write yourself"),
        (lambda p: p.add_(p), Verdict.MUTATED_INPUT, "changes its input number 1 in place"),
        (lambda p: scale(p) + 0 * torch.rand(2), Verdict.MUTATED_INPUT, "draws from a global random generator"),
        (None, Verdict.WRONG_TYPE, "hand in the function itself, not NoneType"),
    ],
)
def test_a_fault_is_named(answer: Callable[..., Any], verdict: Verdict, text: str) -> None:
    row = report(answer).rows[0]
    assert (row.verdict, text in row.text) == (verdict, True), row


def test_a_ready_solution_is_named() -> None:
    from ready_solutions import double

    row = report(lambda p: double(p)).rows[0]
    assert row.verdict is Verdict.RULE and "ready_solutions.double is the ready solution of this exercise" in row.text


def test_an_exception_shows_its_message_and_the_students_own_line() -> None:
    def broken(points):
        shifted = points + torch.ones(7)
        return shifted

    row = report(broken).rows[0]
    assert row.verdict is Verdict.RUNTIME_ERROR
    assert row.text.startswith("RuntimeError was raised in the call: The size of tensor a (2) must match the size of tensor b (7)")
    assert "of broken: shifted = points + torch.ones(7))" in row.text


def test_an_exception_inside_a_library_shows_the_line_that_led_there() -> None:
    row = report(lambda p: torch.nn.functional.cross_entropy(p, "target")).rows[0]
    assert 'torch.nn.functional.cross_entropy(p, "target")' in row.text


@pytest.mark.parametrize(("message", "shown"), [("", False), ("one\ntwo", True), ("x" * 5000, True)])
def test_messages_of_any_length_fit_a_row(message: str, shown: bool) -> None:
    def broken(points):
        raise ValueError(message)

    text = report(broken).rows[0].text
    assert len(text) < 500 and "\n" not in text
    assert ("ValueError was raised in the call: " in text) is shown


def test_an_exception_inside_an_interpreted_kernel_shows_the_kernels_own_line(cases: Path) -> None:
    pytest.importorskip("triton")
    from student_kernels import unknown_name

    plan, tensors = kernel_plan(
        torch.ones(3, 4), [{"in": 0}, {"out": 0}], [{"shape": [3], "dtype": "float32", "guard_rows": 1}], [3], BLOCK=4
    )
    with h5py.File(cases, "r+") as file:
        add_case(file.create_group("toy.kernel"), "rows", "value", plan, tensors, {"out.0": (torch.ones(3), "float32")})
    row = check_at_home("toy.kernel", unknown_name, {"grid": lambda n: (n,)}).rows[0]
    assert row.text.startswith("NameError was raised while the kernel was launched: name 'bogus' is not defined (line ")
    assert "of unknown_name: tl.store(out, bogus)" in row.text


def test_a_wrong_number_is_shown_beside_the_right_one(cases: Path) -> None:
    plan, tensors = function_plan(torch.ones(3, 2))
    with h5py.File(cases, "r+") as file:
        add_case(file.create_group("toy.total"), "total", "value", plan, tensors, {"out.0": (torch.tensor(6.0), "float32")})
    row = check_at_home("toy.total", lambda p: p.sum() + 1.25, {}).rows[0]
    assert row.text.startswith("max error 1.2 (allowed 0.0001)") and row.text.endswith("; yours is 7.25, expected 6")
    assert "yours" not in check_at_home("toy.total", lambda p: p.sum()[None], {}).rows[0].text


def test_an_exit_does_not_end_the_notebook() -> None:
    row = report(lambda p: exit(3)).rows[0]
    assert row.verdict is Verdict.RUNTIME_ERROR and row.text.startswith("SystemExit was raised in the call")


class OwnError(ValueError):
    pass


def root(x: torch.Tensor, error: type[Exception] = ValueError) -> torch.Tensor:
    if bool((x < 0).any()):
        raise error("negative")
    return x**0.5


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (root, Verdict.OK),
        (lambda x: root(x, OwnError), Verdict.OK),
        (lambda x: root(x, TypeError), Verdict.RUNTIME_ERROR),
        (lambda x: root(x, NotImplementedError), Verdict.NOT_ATTEMPTED),
        (lambda x: x**0.5, Verdict.WRONG_VALUE),
    ],
)
def test_a_call_that_must_raise(answer: Any, verdict: Verdict) -> None:
    first, second = report(answer, "toy.root").rows
    assert first.verdict is Verdict.OK and second.verdict is verdict
    if verdict is Verdict.WRONG_VALUE:
        assert second.text == "the call must raise ValueError, and returned"


def test_an_interrupt_ends_the_check() -> None:
    def slow(points):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        report(slow)


def test_the_place_of_an_error_is_the_students_wherever_the_course_lies(tmp_path: Path) -> None:
    # a folder of the course's own name must not hide the student's line.
    folder = tmp_path / "vislab"
    folder.mkdir()
    path = folder / "answer.py"
    path.write_text("def answer(points):\n    return points @ points\n")
    space: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    assert "line 2 of answer: return points @ points" in report(space["answer"]).rows[0].text
