"""One seed for every generator."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from vislab.train import seeded


def draws(seed: int) -> tuple[float, ...]:
    generator = seeded(seed)
    return random.random(), float(np.random.rand()), float(torch.rand(1)), float(torch.rand(1, generator=generator))


def test_every_generator_follows_the_seed() -> None:
    first, again, other = draws(3), draws(3), draws(4)
    assert first == again and all(one != two for one, two in zip(first, other))


@pytest.mark.parametrize(
    ("seed", "error", "text"),
    [
        (-1, ValueError, "seed -1 must lie in"),
        (2**32, ValueError, "seed 4294967296"),
        ("0", TypeError, "seed is str"),
        (True, TypeError, "seed is bool"),
    ],
)
def test_what_is_no_seed_is_refused(seed: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        seeded(seed)  # type: ignore[arg-type]
