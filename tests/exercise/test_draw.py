"""Seeded material: dtypes, shapes, ranges, and the same on every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from autograder.exercise.draw import Draw

DRAWS: dict[str, tuple[Callable[[Draw], Any], torch.dtype]] = {
    "normal": (lambda draw: draw.normal(40, 50), torch.float64),
    "uniform": (lambda draw: draw.uniform(-2.0, 3.0, 40, 50), torch.float64),
    "integers": (lambda draw: draw.integers(2, 7, 40, 50), torch.int64),
    "mask": (lambda draw: draw.mask(0.25, 40, 50), torch.bool),
}


def draw(seed: int = 0) -> Draw:
    return Draw(seed.to_bytes(32, "big"))


@pytest.mark.parametrize("kind", DRAWS)
def test_a_draw_has_its_dtype_and_shape_and_repeats(kind: str) -> None:
    make, dtype = DRAWS[kind]
    first = make(draw())
    assert first.dtype is dtype and first.shape == (40, 50)
    assert torch.equal(first, make(draw())) and not torch.equal(first, make(draw(1)))


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2)], ids=str)
def test_numbers_of_no_axes_and_empty_ones(shape: tuple[int, ...]) -> None:
    source = draw()
    for made in (source.normal(*shape), source.uniform(0, 1, *shape), source.integers(0, 2, *shape), source.mask(0.5, *shape)):
        assert isinstance(made, torch.Tensor) and made.shape == shape


def test_ranges_are_half_open() -> None:
    source = draw()
    uniform, whole = source.uniform(-2.0, 3.0, 10_000), source.integers(2, 5, 10_000)
    assert -2 <= float(uniform.min()) < -1.9 and 2.9 < float(uniform.max()) < 3
    assert set(whole.tolist()) == {2, 3, 4}
    assert {source.whole(2, 4) for _ in range(100)} == {2, 3} and isinstance(source.whole(0, 9), int)
    numbers = [source.number(1.0, 2.0) for _ in range(100)]
    assert all(1 <= number < 2 for number in numbers) and isinstance(numbers[0], float)


def test_moments_are_as_asked() -> None:
    source = draw()
    values = source.normal(100_000, mean=3.0, std=0.5)
    assert abs(float(values.mean()) - 3) < 0.01 and abs(float(values.std()) - 0.5) < 0.01
    assert abs(float(source.mask(0.25, 100_000).double().mean()) - 0.25) < 0.01


def test_every_byte_of_a_seed_counts() -> None:
    base = bytes(range(32))
    drawn = {float(Draw(base).number(0, 1))}
    for place in range(32):
        drawn.add(float(Draw(base[:place] + bytes([base[place] ^ 0x80]) + base[place + 1 :]).number(0, 1)))
    assert len(drawn) == 33


def test_global_generators_are_left_alone() -> None:
    before = torch.get_rng_state()
    draw().normal(5)
    assert torch.equal(before, torch.get_rng_state())
