"""The numbers in the text of notebook 1 are right."""

import pytest
import torch

from vislab.geometry.pixel_coordinates import norm_to_pixel, pixel_to_norm


@pytest.fixture
def text(lessons):
    return "\n".join(cell.source for cell in lessons["1_heatmaps"].cells)


def test_cost_of_a_mixed_convention(text):
    width = 64
    index = torch.arange(width, dtype=torch.float64)
    points = torch.stack((index, index * 0), dim=-1)
    mixed = norm_to_pixel(pixel_to_norm(points, (48, width), False), (48, width), True)[:, 0] - index
    shortcut = (2 * index / width - 1 + 1) / 2 * (width - 1) - index
    assert (round(float(mixed.abs().mean()), 2), round(float(mixed.abs().max()), 2)) == (0.25, 0.49)
    assert (round(float(shortcut.abs().mean()), 2), round(float(shortcut.abs().max()), 2)) == (0.49, 0.98)
    assert "A quarter of a pixel" in text


def test_numbers_of_the_stride_question(text):
    x = 30.0
    ben = (x + 0.5) / 4 - 0.5
    mirrored = 15 - ((63 - x + 0.5) / 4 - 0.5)
    assert ben == 7.125 and 4 * (x / 4 - ben) == 1.5 and mirrored == ben
    anna = (x / 4 + (15 - (63 - x) / 4)) / 2
    assert 4 * (x / 4 - anna) == 1.5
    for number in ("7.125", "0.375", "15.75", "15.375"):
        assert number in text
