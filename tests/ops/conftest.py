"""Fresh memory is NaN in these tests: an element that a kernel forgets to write cannot pass by luck."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def nan_in_fresh_memory():
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    yield
    torch.use_deterministic_algorithms(before[0], warn_only=before[1])
    torch.utils.deterministic.fill_uninitialized_memory = filled
