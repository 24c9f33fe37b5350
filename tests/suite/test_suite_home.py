"""A test at home: held against the student's own solution, and against that solution with a fault put in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from students_tests import Impl, generic, honest

from autograder.authoring.record import record_cases
from autograder.exercise.assignment import Assignment
from vislab.check.crossing import pack, pack_call, unpack, unpack_call
from vislab.check.face import ChecksFailed, NotWrittenYet, check
from vislab.check.home import check_at_home
from vislab.check.report import Report
from vislab.check.spoil import SPOILERS, spoilt
from vislab.check.suite import RightMissing
from vislab.check.verdict import Verdict
from vislab.wire.limits import WireError


def centre(rows: torch.Tensor) -> torch.Tensor:
    return rows - rows.mean(dim=-1, keepdim=True)


@pytest.fixture(scope="module")
def recorded(duo: Assignment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cases") / "cases.h5"
    record_cases(duo, path)
    return path


@pytest.fixture
def checked(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Report]:
    monkeypatch.setenv("VISLAB_CASES", str(recorded))
    return lambda test, **extras: check_at_home("duo.test_centre", test, extras)


def said(report: Report) -> dict[str, tuple[Verdict, str]]:
    return {row.case: (row.verdict, row.text) for row in report.rows}


def test_an_honest_test_passes_the_own_solution_and_fails_the_spoilt_ones(checked: Callable[..., Report]) -> None:
    report = checked(generic, right=centre)
    assert report.ok and len(report.rows) == 4
    assert report.summary == "duo.test_centre: 4 of 4 visible checks passed; hidden checks also test value, dtype and edge."


def test_a_weak_test_is_told_what_it_lets_pass(checked: Callable[..., Report]) -> None:
    def weak(impl: Impl) -> None:
        assert impl(torch.ones(2, 3)).shape == (2, 3)

    found = said(checked(weak, right=centre))
    assert found["your own duo.centre"] == (Verdict.OK, "")
    assert {verdict for verdict, _ in list(found.values())[1:]} == {Verdict.WRONG_VALUE}
    assert found["columns reversed"][1].startswith("your test passes this wrong implementation")


def test_a_test_that_fails_the_own_solution_says_how(checked: Callable[..., Report]) -> None:
    def strict(impl: Impl) -> None:
        assert impl(torch.ones(2, 3)).sum() == 1, "the sum must be one"

    verdict, text = said(checked(strict, right=centre))["your own duo.centre"]
    assert verdict is Verdict.WRONG_VALUE
    assert text == "your test fails it, so one of the two is wrong: AssertionError: the sum must be one"


def test_a_solution_that_is_not_written_yet_is_named(checked: Callable[..., Report]) -> None:
    def stub(rows: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    assert said(checked(honest, right=stub))["your own duo.centre"] == (
        Verdict.NOT_ATTEMPTED,
        "it is not written yet; solve that exercise first",
    )


def test_the_face_knows_a_stub_a_failure_and_a_missing_solution(checked: Callable[..., Report]) -> None:
    def stub(impl: Impl) -> None:
        raise NotImplementedError

    with pytest.raises(NotWrittenYet):
        check("duo.test_centre", stub, right=centre)
    with pytest.raises(ChecksFailed, match="3 of 4 visible checks failed"):
        check("duo.test_centre", lambda impl: None, right=centre)
    with pytest.raises(RightMissing, match=r"hand in your own solution of duo.centre beside the test: check\(name, test, right=...\)"):
        check("duo.test_centre", honest)


def test_no_code_of_an_implementation_is_recorded(recorded: Path) -> None:
    held = recorded.read_bytes()
    assert b"shifted" in held and not any(word in held for word in (b"mean(", b"over_columns", b"halved", b"no_complaint", b"lambda"))


def test_values_cross_unchanged() -> None:
    wide = torch.arange(24.0).reshape(4, 6)
    given = (wide, wide[:, ::2], wide.t(), wide[:1].expand(3, 6), torch.zeros(0, 3)[:, ::2], 3, 0.5, True, None, "same", (4, [5, 6.0]))
    header, tensors = pack_call(given, {"size": (2, 3)})
    args, kwargs = unpack_call(header, {name: tensor.contiguous() for name, tensor in tensors.items()})
    assert kwargs == {"size": (2, 3)} and args[5:] == [*given[5:]]
    for one, other in zip(args[:4], given[:4]):
        assert isinstance(other, torch.Tensor) and torch.equal(one, other) and one.stride() == other.stride()
    # beside a strided view lies nothing that could be read by mistake.
    assert torch.isnan(args[1].as_strided((1,), (1,), 1)).all()


@pytest.mark.parametrize(
    "spec",
    [
        None,
        {},
        {"plain": [1]},
        {"plain": 1, "more": 2},
        {"tensor": "y", "stride": None},
        {"tensor": "x", "stride": [1]},
        {"tensor": "x", "stride": [True, 1]},
        {"tensor": "x", "stride": [1 << 60, 1]},
        {"items": [{"plain": 1}] * 65, "tuple": True},
    ],
    ids=str,
)
def test_descriptions_that_nobody_writes_are_refused(spec: Any) -> None:
    with pytest.raises(WireError):
        unpack(spec, {"x": torch.zeros(2, 2)})


def test_huge_strides_take_no_memory() -> None:
    rebuilt = unpack({"tensor": "x", "stride": [1 << 39, 1]}, {"x": torch.ones(2, 2)})
    assert torch.equal(rebuilt, torch.ones(2, 2))


@pytest.mark.parametrize(("fault", "options"), [("shifted", {"by": 1.0}), ("scaled", {"by": 2}), ("reversed", {"axis": 0})])
def test_faults_go_into_every_floating_output(fault: str, options: dict[str, float]) -> None:
    first, second, kept = spoilt(lambda x: (x, 2 * x, 7), fault, options)(torch.tensor([1.0, 4.0]))
    assert not torch.equal(first, torch.tensor([1.0, 4.0])) and not torch.equal(second, torch.tensor([2.0, 8.0])) and kept == 7


def test_every_fault_changes_a_plain_answer() -> None:
    options = {"reversed": {"axis": -1}, "shifted": {"by": 0.5}, "scaled": {"by": 2.0}}
    answer = torch.tensor([[1.25, 2.5], [3.5, 4.75]])
    for name in SPOILERS:
        wrong = spoilt(lambda: answer, name, options.get(name, {}))()
        assert wrong.dtype != answer.dtype or not torch.equal(wrong, answer), name


def test_a_packed_value_names_only_its_own_tensors() -> None:
    tensors: dict[str, torch.Tensor] = {}
    assert pack((torch.zeros(1), [torch.ones(2)]), "out", tensors)["tuple"] is True
    assert set(tensors) == {"out.0", "out.1.0"}
