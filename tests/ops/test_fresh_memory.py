"""The NaN poison of conftest.py is really there, for every way an op allocates."""

import pytest
import torch

LIKE = torch.zeros(3, 5)


@pytest.mark.parametrize(
    "allocate",
    [
        lambda: torch.empty(3, 5),
        lambda: torch.empty_like(LIKE),
        lambda: LIKE.new_empty((3, 5)),
        lambda: torch.empty_strided((3, 5), (1, 3)),
    ],
    ids=["empty", "empty_like", "new_empty", "empty_strided"],
)
def test_fresh_memory_is_nan(allocate):
    assert allocate().isnan().all()
