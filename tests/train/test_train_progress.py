"""What is seen of a run: a bar for people, a figure that is replaced in notebooks, nothing in continuous integration."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import pytest
from small_runs import adam, crashing_at, line_batches, net, squared

from vislab.check.budget import JUDGE_VARIABLE
from vislab.train import History, fit
from vislab.train import progress as watched


@pytest.fixture(autouse=True)
def a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JUDGE_VARIABLE, raising=False)
    monkeypatch.setenv("VISLAB_CI", "0")
    # every step draws, however quick it is.
    monkeypatch.setattr(watched, "_PAUSE_S", 0.0)
    monkeypatch.setattr(watched, "_SHARE", float("inf"))


def run(**more: Any) -> History:
    model = net()
    return fit(model, **({"batches": line_batches(), "loss": squared, "optimizer": adam(model), "steps": 6, "seed": 0} | more))


class Notebook:
    """A stand-in for IPython that records what is displayed and what is replaced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import IPython.display

        self.shown: list[bytes] = []
        self.replaced: list[bytes] = []
        monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: SimpleNamespace(kernel=object()))
        monkeypatch.setattr(IPython.display, "display", self.display)

    def display(self, picture: Any, display_id: bool) -> Any:
        assert display_id is True
        self.shown.append(picture.data)
        return SimpleNamespace(update=lambda newer: self.replaced.append(newer.data))


def test_a_person_sees_a_bar_with_the_loss(capsys: pytest.CaptureFixture[str]) -> None:
    history = run(validate=lambda m: 0.25, validate_every=2)
    seen = capsys.readouterr()
    assert "6/6" in seen.out and f"loss={history.losses[-1]:.4g}" in seen.out.replace(" ", "") and "validation=0.25" in seen.out
    assert seen.err == ""


@pytest.mark.parametrize(("name", "value"), [("VISLAB_CI", "1"), (JUDGE_VARIABLE, "/run/judge/judge.sock")])
def test_nothing_is_seen_in_continuous_integration_and_while_graded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    notebook = Notebook(monkeypatch)
    run()
    assert capsys.readouterr() == ("", "") and notebook.shown == []


def test_a_notebook_sees_one_figure_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch)
    run()
    # one step, five more, and the last once more.
    assert len(notebook.shown) == 1 and len(notebook.replaced) == 6
    assert all(picture.startswith(b"\x89PNG") for picture in (*notebook.shown, *notebook.replaced))
    assert notebook.shown[0] != notebook.replaced[0] != notebook.replaced[1] and plt.get_fignums() == []


def test_live_false_and_a_terminal_leave_the_figure_out(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch)
    run(live=False)
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: None)
    run()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: SimpleNamespace())
    run()
    assert notebook.shown == []


def test_pictures_are_rare_where_steps_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch)
    clock = iter(range(10_000))
    monkeypatch.setattr(watched.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(watched, "_PAUSE_S", 1.0)
    monkeypatch.setattr(watched, "_SHARE", 0.05)
    run(steps=100)
    # a picture takes one tick of this clock and a step one more: after each, twenty ticks of rest; and one at the end.
    assert 4 <= len(notebook.shown) + len(notebook.replaced) <= 7


def test_an_error_closes_the_bar_and_leaves_the_last_figure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = Notebook(monkeypatch)
    with pytest.raises(ZeroDivisionError):
        run(loss=crashing_at(1, error=ZeroDivisionError))
    assert notebook.shown == [] and "0/6" in capsys.readouterr().out


def test_a_history_is_drawn_with_its_validations_where_they_were_taken() -> None:
    panel = History(losses=[4.0, 2.0, 1.0], validations=[(1, 3.0), (3, 1.5)]).draw(log=True, caption="run")
    assert panel.lines[0].get_xydata().tolist() == [[1, 4], [2, 2], [3, 1]] and panel.lines[1].get_xydata().tolist() == [[1, 3], [3, 1.5]]
    plt.close("all")
    with pytest.raises(ValueError, match="history has 0 steps; it must have at least 1 to be drawn; train first"):
        History().draw()
    assert plt.get_fignums() == []


CELL = """
import os
os.environ.pop("VISLAB_CI", None)
%matplotlib inline
import torch
from torch import nn
from vislab.train import fit, progress
from vislab.show import error_picture
progress._PAUSE_S = 0.0
model = nn.Linear(1, 1)
fit(model, [{"x": torch.ones(2, 1)}], lambda m, b: m(b["x"]).square().mean(), optimizer=torch.optim.SGD(model.parameters(), 0.1), steps=5);
"""


def test_a_real_notebook_holds_one_picture_a_cell(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    cells = [
        CELL,
        "error_picture(torch.zeros(2, 2), torch.ones(2, 2))",
        "kept = error_picture(torch.zeros(2, 2), torch.ones(2, 2))",
        "kept",
        "import matplotlib.pyplot as plt\nerror_picture(torch.zeros(2, 2), torch.ones(2, 2))\nplt.show()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    done = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    pictures = [[one for one in cell.outputs if "image/png" in one.get("data", {})] for cell in done.cells]
    assert [len(one) for one in pictures] == [1] * 5
    bar = "".join(one.text for one in done.cells[0].outputs if one.output_type == "stream" and one.name == "stdout")
    assert "5/5" in bar and not [one for one in done.cells[0].outputs if one.get("name") == "stderr"]
