"""Coordinate conventions of stored polygons."""

import numpy as np
import pytest

from vislab.data.layout import Field, destandardise, signed_area, standardise


def test_standardise_and_back() -> None:
    pixels = np.random.default_rng(0).uniform(0, 31, (5, 96, 2))
    values, mean, scale = standardise(pixels)
    assert values.dtype == np.float32
    assert np.allclose(values.mean((0, 1)), 0, atol=1e-6) and np.allclose(values.std((0, 1)), 1, atol=1e-6)
    assert np.abs(destandardise(values, mean, scale) - pixels).max() < 1e-5
    # y is turned over: the lowest pixel row is the largest value.
    assert np.argmax(values[0, :, 1]) == np.argmin(pixels[0, :, 1])


def test_signed_area_of_a_square_and_far_from_the_origin() -> None:
    square = np.array([[[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]]])
    assert signed_area(square).tolist() == [4.0]
    assert signed_area(square[:, ::-1]).tolist() == [-4.0]
    assert signed_area(square + 1e9).tolist() == [4.0]


def test_a_field_says_what_it_is() -> None:
    assert Field("img", "uint8", (3, "H", "W"), "intensity 0-255", "RGB").spell() == "(n, 3, H, W)"
    assert Field("label", "uint8", (), "1", "class").spell() == "(n,)"
    with pytest.raises(ValueError, match="unit and meaning must be given"):
        Field("img", "uint8", (), "", "RGB")
    with pytest.raises(ValueError, match="dtype 'float' must be one of bool, uint8"):
        Field("img", "float", (), "1", "RGB")


def test_standardise_needs_polygons() -> None:
    with pytest.raises(ValueError, match=r"pixels.shape \(0, 96, 2\) must be \(n, V, 2\) with n at least 1"):
        standardise(np.zeros((0, 96, 2)))
