"""What a launch may ask for."""

from __future__ import annotations

import pytest

from autograder.exercise.probe import Buffer


@pytest.mark.parametrize("shape", [(), (-1,), (3, -2)], ids=str)
def test_a_buffer_needs_an_axis_for_its_guards(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must have at least one axis of length 0 or more; a single number has shape \(1,\)"):
        Buffer(shape)


def test_guards_cannot_be_negative() -> None:
    with pytest.raises(ValueError, match="guard_rows -1 must be at least 0"):
        Buffer((3,), -1)
    assert Buffer((0, 2), 0).shape == (0, 2)
