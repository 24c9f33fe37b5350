"""Error pictures: one scale for both, a difference that is even about 0, and no division by nothing."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from rendered import colour_at, near

from vislab.show.errors import error_picture
from vislab.show.style import NOT_FINITE, notes

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    expected = torch.arange(12.0).reshape(3, 4)
    got = expected.clone()
    got[1, 2] += 1.0
    got[2, 0] -= 3.0
    return expected, got


def test_the_difference_is_signed_and_its_scale_even() -> None:
    figure = error_picture(*pair(), caption="a lesson")
    left, middle, right = figure.axes[:3]
    assert [panel.get_title() for panel in (left, middle)] == ["expected", "got"] and right.get_title() == "difference: −3 at x 0, y 2"
    assert left.images[0].get_clim() == middle.images[0].get_clim() == (0.0, 11.0)
    assert right.images[0].get_clim() == (-3.0, 3.0) and figure.get_suptitle() == "a lesson"
    wanted = torch.zeros(3, 4)
    wanted[1, 2], wanted[2, 0] = 1.0, -3.0
    assert np.asarray(right.images[0].get_array()).tolist() == wanted.tolist()
    # red is too high, blue is too low, white is right.
    too_high, too_low = colour_at(right, 2, 1), colour_at(right, 0, 2)
    assert too_high[0] > too_high[2] and too_low[2] > too_low[0] and near(colour_at(right, 3, 0), "white", 0.05)


def test_the_other_way_round_is_another_picture() -> None:
    expected, got = pair()
    right = error_picture(got, expected).axes[2]
    assert right.get_title() == "difference: 3 at x 0, y 2" and colour_at(right, 0, 2)[0] > colour_at(right, 0, 2)[2]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0.0, 0.3, -1e6])
def test_equal_images_divide_by_nothing(value: float) -> None:
    figure = error_picture(torch.full((4, 4), value), torch.full((4, 4), value))
    right = figure.axes[2]
    figure.canvas.draw()
    assert right.get_title() == "difference: none" and right.images[0].get_clim() == (-1.0, 1.0)
    low, high = figure.axes[0].images[0].get_clim()
    assert low < value < high and near(colour_at(right, 1, 1), "white", 0.05)


def test_nan_is_seen_in_its_panel_and_named() -> None:
    expected, got = pair()
    got[0, 1], got[0, 3] = torch.nan, torch.inf
    figure = error_picture(expected, got)
    left, middle, right = figure.axes[:3]
    assert notes(left) == [] and notes(middle) == ["got: 1 NaN and 1 infinite of 12 values"]
    assert notes(right) == ["difference: 2 NaN of 12 pixels"] and right.get_title() == "difference: −3 at x 0, y 2"
    assert near(colour_at(middle, 1, 0), NOT_FINITE) and near(colour_at(right, 3, 0), NOT_FINITE)
    nothing = error_picture(torch.full((2, 2), torch.nan), torch.full((2, 2), torch.nan)).axes[2]
    assert nothing.get_title() == "difference: no number"


def test_images_show_the_channel_that_differs_most() -> None:
    expected = torch.full((3, 2, 2), 0.5)
    got = expected.clone()
    got[0, 0, 1], got[2, 0, 1] = 0.6, 0.1
    figure = error_picture(expected, got)
    assert near(colour_at(figure.axes[1], 1, 0), (0.6, 0.5, 0.1)) and figure.axes[2].get_title() == "difference: −0.4 at x 1, y 0"
    assert figure.axes[2].images[0].get_clim() == pytest.approx((-0.4, 0.4))


def test_bytes_differ_below_zero_too() -> None:
    low, high = torch.zeros(1, 2, 2, dtype=torch.uint8), torch.full((1, 2, 2), 200, dtype=torch.uint8)
    assert error_picture(high, low).axes[2].get_title() == "difference: −200 at x 0, y 0"


def test_it_draws_into_a_part_of_a_page() -> None:
    whole = plt.figure(layout="constrained")
    upper, _ = whole.subfigures(2, 1)
    assert error_picture(*pair(), figure=upper) is upper and plt.get_fignums() == [whole.number]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("expected", "got", "more", "text"),
    [
        (torch.zeros(2, 3), torch.zeros(3, 2), {}, r"got.shape \(3, 2\) must equal expected.shape \(2, 3\)"),
        (torch.zeros(2, 5, 3), torch.zeros(2, 5, 3), {}, r"expected.shape \(2, 5, 3\) must be \[H, W\].*expected\[0\]"),
        (torch.zeros(0, 3), torch.zeros(0, 3), {}, r"with at least one pixel"),
        (torch.zeros(2, 2), torch.zeros(2, 2), {"names": ("a", "b")}, r"names has 2 entries; it must have 3"),
        (torch.zeros(2, 2), torch.zeros(2, 2), {"value_range": (1, 0)}, r"value_range \(1, 0\) must be two finite numbers"),
    ],
)
def test_what_cannot_be_compared_is_refused(expected: torch.Tensor, got: torch.Tensor, more: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        error_picture(expected, got, **more)
    assert plt.get_fignums() == []
