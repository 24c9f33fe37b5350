"""Loss curves: mean and spread are those of the numbers, and gaps are told."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes

from vislab.show.curves import loss_curves
from vislab.show.style import notes

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def band(panel: Axes, step: float) -> tuple[float, float]:
    (path,) = panel.collections[0].get_paths()
    heights = path.vertices[path.vertices[:, 0] == step, 1]
    return float(heights.min()), float(heights.max())


def legend(panel: Axes) -> list[str]:
    return [text.get_text() for text in panel.get_legend().get_texts()]


def test_a_band_is_one_standard_deviation_over_the_seeds() -> None:
    runs = torch.tensor([[3.0, 1.0, 2.0], [5.0, 3.0, 2.0], [7.0, 5.0, 2.0]])
    panel = loss_curves({"training": runs}, caption="three")
    assert panel.lines[0].get_xydata().tolist() == [[1, 5], [2, 3], [3, 2]]
    # the standard deviation of 3, 5, 7 divided by S − 1 is 2; divided by S it would be 1.63.
    assert band(panel, 1) == pytest.approx((3, 7)) and band(panel, 3) == pytest.approx((2, 2))
    assert legend(panel) == ["training (mean ± sd of 3 seeds)"] and panel.get_title() == "three"


def test_one_run_has_no_band() -> None:
    for one in (torch.tensor([3.0, 1.0]), torch.tensor([[3.0, 1.0]]), [3.0, 1.0], np.array([3.0, 1.0])):
        panel = loss_curves({"training": one})
        assert len(panel.collections) == 0 and legend(panel) == ["training"] and panel.lines[0].get_ydata().tolist() == [3.0, 1.0]


def test_curves_differ_in_colour_and_then_in_dashes() -> None:
    panel = loss_curves({str(i): [1.0, float(i)] for i in range(9)})
    looks = {(line.get_color(), line.get_linestyle()) for line in panel.lines}
    assert len(looks) == 9


def test_steps_place_a_sparse_curve() -> None:
    panel = loss_curves({"training": [4.0, 3.0, 2.0], "held out": [3.5, 2.5]}, steps={"held out": [1, 3]})
    assert panel.lines[1].get_xdata().tolist() == [1.0, 3.0]
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("step", "loss")


def test_a_gap_is_marked_and_its_first_step_named() -> None:
    panel = loss_curves({"fast": [3.0, 2.0, float("nan"), float("inf"), 5.0], "slow": [3.0, 2.5, 2.2, 2.0, 1.9]})
    drawn = {line.get_label(): line for line in panel.lines}
    assert np.isnan(drawn["fast"].get_ydata()).tolist() == [False, False, True, True, False]
    (marks,) = [line for line in panel.lines if line.get_gid() == "gaps"]
    assert marks.get_xdata().tolist() == [3.0, 4.0] and notes(panel) == ["fast: NaN at step 3, 2 gaps in all"]
    # the lonely last number is a point, not an invisible line.
    assert drawn["fast"].get_marker() == "." and drawn["slow"].get_marker() == ""


def test_one_seed_that_fails_is_a_gap_of_the_mean() -> None:
    panel = loss_curves({"training": torch.tensor([[1.0, 2.0], [3.0, torch.inf]])})
    assert notes(panel) == ["training: infinite at step 2"] and np.isnan(panel.lines[0].get_ydata()[1])


def test_nothing_but_nan_is_still_a_picture() -> None:
    panel = loss_curves({"training": [float("nan")] * 3})
    panel.figure.canvas.draw()
    assert notes(panel) == ["training: NaN at step 1, 3 gaps in all"]


def test_a_band_on_a_logarithmic_axis_stays_above_zero() -> None:
    panel = loss_curves({"training": torch.tensor([[0.01, 1.0], [3.0, 1.1]])}, log=True)
    low, high = band(panel, 1)
    assert panel.get_yscale() == "log" and low == pytest.approx(0.01) and high == pytest.approx(1.505 + np.std([0.01, 3.0], ddof=1))
    panel.figure.canvas.draw()


def test_numbers_of_a_short_logarithmic_axis_can_be_read() -> None:
    panel = loss_curves({"training": [2.0, 0.3]}, log=True)
    panel.figure.canvas.draw()
    texts = {label.get_text() for label in (*panel.get_yticklabels(), *panel.get_yticklabels(minor=True))}
    assert {"1", "2", "0.4"} <= texts and not any("times" in text for text in texts)


@pytest.mark.parametrize(
    ("curves", "more", "error", "text"),
    [
        ([1.0, 2.0], {}, TypeError, r"curves is list; it must map names to numbers"),
        ({}, {}, ValueError, r"curves is empty"),
        ({"a": []}, {}, ValueError, r"curves\['a'\].shape \(0,\) must be \[T\] or \[S, T\]"),
        ({"a": torch.zeros(2, 2, 2)}, {}, ValueError, r"curves\['a'\].shape \(2, 2, 2\) must be"),
        ({"a": [[1.0, 2.0], [1.0]]}, {}, ValueError, r"curves\['a'\] must be numbers.*of equal lengths; cut every seed to the shortest"),
        ({"a": [1.0, 0.0]}, {"log": True}, ValueError, r"curves\['a'\] has a least value of 0; a logarithmic axis needs numbers above 0"),
        ({"a": [1.0, 2.0]}, {"steps": {"a": [1]}}, ValueError, r"steps\['a'\].shape \(1,\) must be \(2,\)"),
        ({"a": [1.0]}, {"steps": {"b": [1]}}, ValueError, r"steps names 'b', which is no curve; the curves are 'a'"),
    ],
)
def test_what_is_no_curve_is_refused(curves: Any, more: dict, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        loss_curves(curves, **more)
    assert plt.get_fignums() == []
