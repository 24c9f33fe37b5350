"""A picture of the error at home: expected, got and difference of the first wrong public case."""

from __future__ import annotations

from typing import Any

import torch

from vislab.check.calls import carry_out
from vislab.check.compare import Target, compare
from vislab.check.examine import without_guards
from vislab.check.failures import CallFailed
from vislab.check.public_cases import cases_path, read_cases


def show_error(exercise: str, answer: Any, extras: dict[str, Any]) -> bool:
    """Draw the first public case whose values are wrong, where a picture says more than the table.

    Returns:
        Whether a picture was drawn. Points ``[..., 2]`` are drawn as arrows from expected to got, maps ``[..., H, W]`` as images.
    """
    for case in read_cases(cases_path(), exercise)[0]:
        target = case.targets.get("out.0")
        if target is None or not target.value.is_floating_point():
            continue
        try:
            got = carry_out(case.plan, case.tensors, answer, extras).tensors.get("out.0")
        except CallFailed:
            continue
        if got is not None and case.plan["probe"] == "kernel":
            got, _ = without_guards(got, case.plan["launch"]["outputs"][0]["guard_rows"])
        if got is None or got.shape != target.value.shape or compare(got, target) is None:
            continue
        if draw_error(target, got.detach().to(torch.float64), f"{exercise}: {case.name}"):
            return True
    return False


def draw_error(target: Target, got: torch.Tensor, title: str) -> bool:
    """Draw one wrong answer; return False where its shape has no picture.

    Args:
        target: expected values, ``[..., 2]`` for points or ``[..., H, W]`` with H and W of at least 4 for maps.
        got: float64 answer of the same shape.
    """
    expected = target.value
    if not bool(torch.isfinite(got).all() and torch.isfinite(expected).all()):
        return False
    points = expected.ndim >= 2 and expected.shape[-1] == 2 and expected.numel() > 0
    maps = expected.ndim >= 2 and min(expected.shape[-2:]) >= 4
    if not points and not maps:
        return False
    import matplotlib.pyplot as plt

    if points:
        figure, axes = plt.subplots(figsize=(4.5, 3.5), dpi=80)
        right, wrong = expected.reshape(-1, 2)[:64].numpy(), got.reshape(-1, 2)[:64].numpy()
        for start, end in zip(right, wrong):
            axes.plot([start[0], end[0]], [start[1], end[1]], color="0.6", linewidth=1, zorder=1)
        axes.scatter(right[:, 0], right[:, 1], marker="o", facecolors="none", edgecolors="#1a7f37", label="expected", zorder=2)
        axes.scatter(wrong[:, 0], wrong[:, 1], marker="x", color="#b42318", label="yours", zorder=3)
        axes.set(xlabel="x", ylabel="y", title=title)
        axes.invert_yaxis()
        axes.legend()
    else:
        first = (0,) * (expected.ndim - 2)
        images = [expected[first], got[first], got[first] - expected[first]]
        figure, panels = plt.subplots(1, 3, figsize=(9, 3), dpi=80)
        for panel, image, name in zip(panels, images, ("expected", "yours", "difference")):
            drawn = panel.imshow(image.numpy(), cmap="coolwarm" if name == "difference" else "viridis")
            panel.set_title(name)
            panel.set_axis_off()
            figure.colorbar(drawn, ax=panel, shrink=0.8)
        figure.suptitle(title)
    figure.tight_layout()
    plt.show()
    return True
