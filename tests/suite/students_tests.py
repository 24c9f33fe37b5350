"""Tests that students might hand in: an honest one, and its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Impl = Callable[..., Any]


def generic(impl: Impl) -> None:
    rows = torch.randn(4, 6)
    torch.testing.assert_close(impl(rows), rows - rows.mean(dim=-1, keepdim=True), atol=1e-5, rtol=0)


def layout(impl: Impl) -> None:
    rows = torch.randn(4, 8)[:, ::2]
    torch.testing.assert_close(impl(rows), rows - rows.mean(dim=-1, keepdim=True), atol=1e-5, rtol=0)


def precision(impl: Impl) -> None:
    assert impl(torch.randn(2, 3, dtype=torch.float64)).dtype == torch.float64


def complaint(impl: Impl) -> None:
    try:
        impl(torch.zeros(2, 0))
    except ValueError:
        return
    raise AssertionError("nothing was raised")


def honest(impl: Impl) -> None:
    for part in (generic, layout, precision, complaint):
        part(impl)
