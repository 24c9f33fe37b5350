"""The overview of a notebook: what was checked, what was not, and nothing that promises points."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
import torch
from IPython.core.formatters import DisplayFormatter

from vislab.check import check, progress
from vislab.check import face as face_module
from vislab.check.budget import JUDGE_VARIABLE
from vislab.check.face import ChecksFailed, NotWrittenYet
from vislab.check.public_cases import CasesInvalid
from vislab.check.report import Report, Row
from vislab.check.standing import _reports, overview
from vislab.check.verdict import Verdict


@pytest.fixture(autouse=True)
def nothing_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_module, "show_error", lambda exercise, answer, extras: True)
    _reports.clear()


@pytest.fixture
def two_notebooks(edit: Callable[[Callable[[h5py.File], None]], Path]) -> Path:
    def name_them(file: h5py.File) -> None:
        file.attrs["notebooks"] = json.dumps({"1_first": ["toy.scale"], "2_second": ["toy.root"]})
        file["toy.scale"].attrs["points"], file["toy.scale"].attrs["bonus"] = 6.0, False
        file["toy.root"].attrs["points"], file["toy.root"].attrs["bonus"] = 1.0, True

    return edit(name_them)


@pytest.mark.usefixtures("two_notebooks")
def test_before_any_check_the_whole_assignment_is_shown() -> None:
    assert repr(progress()) == (
        "0 of 2 exercises pass every visible check. Hidden checks decide the points.\n"
        "        toy.scale       6 points  not checked yet\n"
        "        toy.root   1 bonus point  not checked yet"
    )


@pytest.mark.usefixtures("two_notebooks")
def test_what_was_checked_last_stands_and_other_notebooks_are_left_out() -> None:
    with pytest.raises(ChecksFailed):
        check("toy.scale", lambda points: 2 * points.float())
    assert repr(progress()).splitlines()[1:] == ["  FAIL  toy.scale  6 points  2 of 3 visible checks passed; bfloat16: WRONG_DTYPE"]
    check("toy.scale", lambda points: points + points)
    assert repr(progress()).splitlines() == [
        "1 of 1 exercise pass every visible check. Hidden checks decide the points.",
        "  ok    toy.scale  6 points  3 of 3 visible checks passed",
    ]
    assert [row.exercise for row in progress("2_second").rows] == ["toy.root"]


@pytest.mark.usefixtures("two_notebooks")
def test_a_stub_is_not_written_yet() -> None:
    def stub(points: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    with pytest.raises(NotWrittenYet):
        check("toy.scale", stub)
    assert progress().rows[0].state == "not written yet" and progress().rows[0].good is None


@pytest.mark.usefixtures("two_notebooks")
def test_an_unknown_notebook_is_told() -> None:
    with pytest.raises(ValueError, match="notebook '3_third' must be one of 1_first, 2_second"):
        progress("3_third")


def test_a_file_that_names_no_notebooks_lists_its_exercises(cases: Path) -> None:
    assert [(row.exercise, row.worth) for row in overview(cases, {}).rows] == [("toy.root", ""), ("toy.scale", "")]
    with pytest.raises(ValueError, match=r"must be one of none: this cases\.h5 names no notebooks"):
        overview(cases, {}, "1_first")


def test_a_damaged_list_is_told(edit: Callable[[Callable[[h5py.File], None]], Path]) -> None:
    path = edit(lambda file: file.attrs.update({"notebooks": "["}))
    with pytest.raises(CasesInvalid, match="is damaged at its list of exercises"):
        overview(path, {})


def test_while_a_notebook_is_graded_nothing_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(JUDGE_VARIABLE, "/somewhere")
    assert progress() is None and capsys.readouterr().out == ""


def test_html_escapes_what_it_shows(two_notebooks: Path) -> None:
    report = Report("toy.scale", [Row("<script>", "value", Verdict.WRONG_VALUE)])
    shown = overview(two_notebooks, {"toy.scale": report})
    page = DisplayFormatter().format(shown)[0]["text/html"]
    assert "<script>" not in page and "&lt;script&gt;: WRONG_VALUE" in page and "6 points" in page and "#57606a" in page
    done = overview(two_notebooks, {"toy.scale": Report("toy.scale", [Row("a", "value", Verdict.OK)])})
    assert "#1a7f37" in done._repr_html_() and "&#10003;" in done._repr_html_()
