"""``check`` itself: what a notebook shows, when it stops, and how it speaks where something is missing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from vislab.check import check
from vislab.check import face as face_module
from vislab.check.face import ChecksFailed, NotWrittenYet
from vislab.check.kernels import TritonMissing
from vislab.check.public_cases import CASES_VARIABLE, CasesInvalid, CasesMissing
from vislab.check.report import Report


def scale(points: torch.Tensor) -> torch.Tensor:
    return points + points


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pictures have a test of their own."""
    drawn: list[str] = []
    monkeypatch.setattr(face_module, "show_error", lambda exercise, answer, extras: drawn.append(exercise) or True)
    return drawn


@pytest.mark.usefixtures("cases")
def test_a_right_answer_returns_its_table(capsys: pytest.CaptureFixture[str], no_pictures: list[str]) -> None:
    result = check("toy.scale", scale)
    assert isinstance(result, Report) and result.ok
    assert capsys.readouterr().out == "" and no_pictures == []


@pytest.mark.usefixtures("cases")
def test_a_stub_stops_the_notebook_kindly(capsys: pytest.CaptureFixture[str], no_pictures: list[str]) -> None:
    def stub(points):
        raise NotImplementedError

    with pytest.raises(NotWrittenYet) as caught:
        check("toy.scale", stub)
    sentence = "toy.scale is not written yet. Fill in the cell above and run it and this one again; the notebook goes on from here."
    assert str(caught.value) == sentence
    # IPython shows this instead of a traceback.
    assert caught.value._render_traceback_() == [sentence]
    assert capsys.readouterr().out == "" and no_pictures == []


@pytest.mark.usefixtures("cases")
def test_a_wrong_answer_shows_its_table_and_a_picture_and_stops(capsys: pytest.CaptureFixture[str], no_pictures: list[str]) -> None:
    with pytest.raises(ChecksFailed) as caught:
        check("toy.scale", lambda p: 2 * p.float())
    sentence = "toy.scale: 1 of 3 visible checks failed; the table above says which and why."
    assert caught.value._render_traceback_() == [sentence]
    out = capsys.readouterr().out
    assert "toy.scale: 2 of 3 visible checks passed; hidden checks also test value, stability and edge." in out
    assert "FAIL  bfloat16      dtype  WRONG_DTYPE: answer has dtype float32, expected bfloat16" in out
    assert no_pictures == ["toy.scale"]


@pytest.mark.usefixtures("cases")
def test_a_stub_in_one_of_two_branches_is_a_failed_check() -> None:
    def half_written(points):
        if points.dtype is torch.bfloat16:
            raise NotImplementedError
        return points + points

    with pytest.raises(ChecksFailed):
        check("toy.scale", half_written)


@pytest.mark.usefixtures("cases")
def test_inside_a_notebook_the_table_is_displayed(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: InteractiveShell)
    monkeypatch.setattr("IPython.display.display", shown.append)
    with pytest.raises(ChecksFailed):
        check("toy.scale", lambda p: p)
    (report,) = shown
    assert isinstance(report, Report) and report.passed == 0


@pytest.mark.usefixtures("cases")
def test_the_sentence_is_all_that_ipython_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    def stub(points):
        raise NotImplementedError

    shell = InteractiveShell()
    shell.user_ns.update(check=check, stub=stub)
    written = io.StringIO()
    monkeypatch.setattr("sys.stdout", written)
    result = shell.run_cell('check("toy.scale", stub)')
    assert isinstance(result.error_in_exec, NotWrittenYet)
    assert "Traceback" not in written.getvalue() and "toy.scale is not written yet." in written.getvalue()


def test_a_missing_file_says_where_it_belongs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CASES_VARIABLE, raising=False)
    monkeypatch.delenv("VISLAB_JUDGE", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CasesMissing, match=r"keep cases\.h5 beside the notebook") as caught:
        check("toy.scale", scale)
    # a sentence in the notebook, as for an exercise that is not written yet.
    assert caught.value._render_traceback_() == [str(caught.value)]


@pytest.mark.usefixtures("cases")
def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(CasesInvalid, match=r"holds no exercise 'toy.unknown'; it holds toy.root, toy.scale") as caught:
        check("toy.unknown", scale)
    assert caught.value._render_traceback_() == [str(caught.value)]


@pytest.mark.usefixtures("cases")
def test_a_missing_triton_is_told_and_the_notebook_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def needs_triton(points):
        raise TritonMissing("Triton is not installed here. Hand it in all the same.")

    assert check("toy.scale", needs_triton) is None
    assert capsys.readouterr().out == "toy.scale: Triton is not installed here. Hand it in all the same.\n"


@pytest.mark.parametrize(
    ("platform", "text"),
    [
        (
            "linux",
            "Triton is not installed here, so this kernel cannot run. Run %pip install triton in a new cell and restart the notebook.",
        ),
        ("darwin", "Triton exists for Linux only, so this kernel cannot run here. Try it on Colab."),
        ("win32", "Triton exists for Linux only, so this kernel cannot run here. Try it on Colab."),
    ],
)
def test_a_kernel_where_triton_is_not_installed(platform: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from vislab.check import kernels

    monkeypatch.setattr(kernels, "triton_available", lambda: False)
    monkeypatch.setattr(kernels.sys, "platform", platform)
    with pytest.raises(TritonMissing) as caught:
        kernels.launch({}, None, {})
    assert str(caught.value) == f"{text} What you hand in is graded all the same."


@pytest.mark.usefixtures("cases")
def test_extras_reach_the_answer_of_a_kernel_only() -> None:
    assert check("toy.scale", scale, grid=None) is not None
