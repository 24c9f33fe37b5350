"""What a submitted model is measured by: the same functions at home and with the judge. Higher is better, 1 is perfect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def keypoints_within(maps: Tensor, keypoints: Tensor, visible: Tensor, *, radius_px: float, stride: int) -> float:
    """Return the share of visible joints whose highest map cell lies within a radius of the true position.

    Shapes: B batch, J joints, h and w height and width of the maps.

    Args:
        maps: ``[B, J, h, w]``.
        keypoints: true positions, ``[B, J, 2]``, x then y, image pixels, pixel centres at whole numbers.
        visible: which joints count, bool ``[B, J]``.
        radius_px: largest distance that counts as found, image pixels.
        stride: image pixels per map cell.

    Returns:
        A share in [0, 1]; 0 where no joint is visible.

    Raises:
        ValueError: maps that do not fit the targets.
    """
    if maps.ndim != 4 or maps.shape[:2] != visible.shape or (*maps.shape[:2], 2) != tuple(keypoints.shape):
        raise ValueError(f"maps {list(maps.shape)} do not fit keypoints {list(keypoints.shape)} and visible {list(visible.shape)}")
    best = maps.flatten(2).argmax(dim=-1)
    cells = torch.stack([best % maps.shape[-1], best // maps.shape[-1]], dim=-1).to(torch.float64)
    found = (cells + 0.5) * stride - 0.5
    near = torch.linalg.vector_norm(found - keypoints.to(torch.float64), dim=-1) <= radius_px
    count = int(visible.sum())
    return int((near & visible).sum()) / count if count else 0.0


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Return the share of rows whose highest logit is the label's.

    Args:
        logits: ``[B, C]``.
        labels: int64 ``[B]``, in ``[0, C)``.

    Raises:
        ValueError: logits that do not fit the labels.
    """
    if logits.ndim != 2 or logits.shape[:1] != labels.shape:
        raise ValueError(f"logits {list(logits.shape)} do not fit labels {list(labels.shape)}")
    return float((logits.argmax(dim=-1) == labels).to(torch.float64).mean()) if len(labels) else 0.0


# name -> (function of the output and the targets, names of its options, number of targets).
METRICS: dict[str, tuple[Callable[..., float], frozenset[str], int]] = {
    "keypoints_within": (keypoints_within, frozenset({"radius_px", "stride"}), 2),
    "accuracy": (accuracy, frozenset(), 1),
}


def check_metric(name: str, options: Mapping[str, Any]) -> None:
    """Refuse a metric that does not exist or lacks an option.

    Raises:
        ValueError: names the metrics, or the options, that there are.
    """
    if name not in METRICS:
        raise ValueError(f"metric {name!r} must be one of {', '.join(METRICS)}")
    if set(options) != METRICS[name][1]:
        raise ValueError(f"metric {name!r} takes the options {sorted(METRICS[name][1]) or 'none'}, not {sorted(options)}")


def measured(name: str, options: Mapping[str, Any], output: Tensor, targets: Sequence[Tensor]) -> float:
    """Return the metric ``name`` of an output."""
    return METRICS[name][0](output, *targets, **options)
