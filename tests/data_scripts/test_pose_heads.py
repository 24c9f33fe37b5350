"""How heads become pixels, held against maps drawn by a double loop; half a pixel off is seen."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from data_scripts.pose import heads
from data_scripts.pose.heads import DIRECT, HEADS, HEAT_MAP, INTEGRAL, Net, floor_px, heat_maps, losses, refined, to_pixels

STRIDES = (4, 8)


def drawn(x: float, y: float, stride_px: int) -> Tensor:
    """A Gaussian of one cell's width about a pixel, [1, 17, H, W], from pixels alone: a cell's middle is the mean of its pixels."""
    cells = 64 // stride_px
    maps = torch.zeros(1, 17, cells, cells)
    for row in range(cells):
        for column in range(cells):
            off_x = sum(range(column * stride_px, (column + 1) * stride_px)) / stride_px - x
            off_y = sum(range(row * stride_px, (row + 1) * stride_px)) / stride_px - y
            maps[..., row, column] = math.exp(-(off_x**2 + off_y**2) / (2 * stride_px**2))
    return maps / maps.sum((2, 3), keepdim=True)


def worst_px(read: Callable[[Tensor], Tensor], stride_px: int) -> float:
    """How far from the truth a way of reading maps is, over joints near the middle, so that no map is cut off."""
    places = [(33.0, 29.25), (31.5, 31.5), (29.7, 35.1)]
    found = [(read(drawn(x, y, stride_px).log()) - torch.tensor([x, y])).norm(dim=-1).max() for x, y in places]
    return float(max(found))


@pytest.mark.parametrize("stride_px", STRIDES)
def test_maps_are_read_where_they_were_drawn(stride_px: int) -> None:
    assert worst_px(lambda maps: refined(maps, stride_px), stride_px) < 1e-3
    assert worst_px(lambda maps: to_pixels(maps, INTEGRAL, stride_px), stride_px) < 1e-2
    # a cell's corner is the farthest from its middle.
    assert 0.1 < worst_px(lambda maps: to_pixels(maps, HEAT_MAP, stride_px), stride_px) <= stride_px / math.sqrt(2)


@pytest.mark.parametrize("stride_px", STRIDES)
def test_half_a_pixel_off_is_seen(stride_px: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "centres_px", lambda cells, stride_px: (torch.arange(cells) + 0.5) * stride_px)
    for read in (lambda maps: refined(maps, stride_px), lambda maps: to_pixels(maps, INTEGRAL, stride_px)):
        assert worst_px(read, stride_px) == pytest.approx(math.hypot(0.5, 0.5), abs=0.02)
    wanted = heat_maps(torch.full((1, 17, 2), 20.0), 64 // stride_px, stride_px)
    assert float((wanted - drawn(20.0, 20.0, stride_px)).abs().max()) > 1e-3


@pytest.mark.parametrize("stride_px", STRIDES)
def test_wanted_maps_equal_the_double_loop(stride_px: int) -> None:
    for x, y in ((20.0, 33.25), (0.0, 63.0), (70.0, 5.0)):
        torch.testing.assert_close(heat_maps(torch.tensor([x, y]).expand(1, 17, 2), 64 // stride_px, stride_px), drawn(x, y, stride_px))
    far = heat_maps(torch.full((1, 17, 2), 1e4), 64 // stride_px, stride_px)
    assert torch.equal(far, torch.zeros_like(far))


def test_numbers_and_maps_without_an_opinion_give_the_middle() -> None:
    torch.testing.assert_close(to_pixels(torch.zeros(1, 34), DIRECT, 4), torch.full((1, 17, 2), 31.5))
    torch.testing.assert_close(to_pixels(torch.ones(1, 34), DIRECT, 4), torch.full((1, 17, 2), 63.5))
    for stride_px in STRIDES:
        flat = torch.zeros(1, 17, 64 // stride_px, 64 // stride_px)
        torch.testing.assert_close(to_pixels(flat, INTEGRAL, stride_px), torch.full((1, 17, 2), 31.5))
        # of equals the first, and at the border there is nothing to refine.
        torch.testing.assert_close(refined(flat, stride_px), torch.full((1, 17, 2), (stride_px - 1) / 2))


def test_losses_are_least_at_the_truth_and_count_tens_of_pixels() -> None:
    joints = torch.tensor([20.0, 33.25]).expand(1, 17, 2)
    best = drawn(20.0, 33.25, 4).log()
    for head, answer in ((HEAT_MAP, best), (INTEGRAL, best), (DIRECT, ((joints - 31.5) / 32).flatten(1))):
        right, moved = losses(answer, joints, head, 4), losses(answer, joints + torch.tensor([10.0, 0.0]), head, 4)
        assert right.shape == (1, 17) and bool((moved > right + 0.9).all()), head
        if head != HEAT_MAP:
            torch.testing.assert_close(moved - right, torch.ones(1, 17), atol=1e-2, rtol=0)


def test_the_right_cell_leaves_the_error_of_arg_max() -> None:
    joints = torch.rand(500, 17, 2, generator=torch.Generator().manual_seed(0)) * 64 - 0.5
    seen = torch.ones(500, 17, dtype=torch.bool)
    for stride_px in STRIDES:
        # the mean distance from the middle of a square of side 1 is .3826.
        assert floor_px(joints, seen, stride_px) == pytest.approx(0.3826 * stride_px, rel=0.02)
        read = to_pixels(heat_maps(joints, 64 // stride_px, stride_px), HEAT_MAP, stride_px)
        assert float((read - joints).norm(dim=-1).mean()) == pytest.approx(floor_px(joints, seen, stride_px), rel=1e-3)


def test_nets_differ_in_their_last_layer_alone() -> None:
    bodies = {tuple(value.shape for name, value in Net(head, 4).named_parameters() if not name.startswith("last")) for head in HEADS}
    assert len(bodies) == 1
    pictures = torch.zeros(2, 3, 64, 64)
    assert {Net(head, stride_px)(pictures).shape[1:] for head in (HEAT_MAP, INTEGRAL) for stride_px in STRIDES} == {
        (17, 16, 16),
        (17, 8, 8),
    }
    assert Net(DIRECT, 4)(pictures).shape == (2, 34)


def test_an_unknown_head_or_stride_is_refused() -> None:
    with pytest.raises(ValueError, match="head 'heatmap' must be one of direct, heat map, integral"):
        Net("heatmap", 4)
    with pytest.raises(ValueError, match="stride_px 2 must be 4 or 8; the net halves its maps two or three times"):
        Net(DIRECT, 2)
