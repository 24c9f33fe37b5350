"""The architectures for which weights can be handed in, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from vislab.models.heatmap_net import HeatmapNet

ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {"heatmap_net": HeatmapNet}


def build(name: str, init: Mapping[str, Any]) -> nn.Module:
    """Return a fresh model.

    Args:
        name: one of ``ARCHITECTURES``.
        init: its constructor's arguments.

    Raises:
        ValueError: an unknown name, or arguments that it does not take.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"architecture {name!r} must be one of {', '.join(ARCHITECTURES)}")
    try:
        return ARCHITECTURES[name](**init)
    except TypeError as error:
        raise ValueError(f"architecture {name!r} cannot be built with {dict(init)}: {error}") from error
