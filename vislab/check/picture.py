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
        Whether a picture was drawn. ``draw_error`` says of what.
    """
    for case in read_cases(cases_path(), exercise)[0]:
        target = case.targets.get("out.0")
        # of a training there is none, and it would be trained a second time.
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
        target: expected values: ``[..., 2]`` for points, ``[..., 2, 2]`` with at least two leading axes for matrices, or
            ``[..., H, W]`` with H and W of at least 4 for maps. Of several matrices or maps the one that is most wrong is drawn.
        got: float64 answer of the same shape.
    """
    expected = target.value
    if not bool(torch.isfinite(got).all() and torch.isfinite(expected).all()) or expected.numel() == 0:
        return False
    matrices = expected.ndim >= 4 and expected.shape[-2:] == (2, 2)
    if matrices or (expected.ndim >= 2 and min(expected.shape[-2:]) >= 4):
        _draw_images(expected, got, title, numbers=matrices)
    elif expected.ndim >= 2 and expected.shape[-1] == 2:
        _draw_points(expected, got, title)
    else:
        return False
    return True


def _draw_points(expected: torch.Tensor, got: torch.Tensor, title: str) -> None:
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(4.5, 3.5), dpi=80, layout="constrained")
    right, wrong = expected.reshape(-1, 2)[:64].numpy(), got.reshape(-1, 2)[:64].numpy()
    for start, end in zip(right, wrong):
        axes.plot([start[0], end[0]], [start[1], end[1]], color="0.6", linewidth=1, zorder=1)
    axes.scatter(right[:, 0], right[:, 1], marker="o", facecolors="none", edgecolors="#1a7f37", label="expected", zorder=2)
    axes.scatter(wrong[:, 0], wrong[:, 1], marker="x", color="#b42318", label="yours", zorder=3)
    axes.set(xlabel="x", ylabel="y")
    # small enough for "exercise: case" to stay inside the picture.
    axes.set_title(title, fontsize=min(11.0, 480 / len(title)) if title else None)
    axes.invert_yaxis()
    axes.legend()
    plt.show()


def _draw_images(expected: torch.Tensor, got: torch.Tensor, title: str, numbers: bool) -> None:
    # imported here: a check that draws nothing starts without matplotlib.
    import matplotlib.pyplot as plt

    from vislab.show.errors import error_picture
    from vislab.show.style import halo

    worst = int((got - expected).abs().flatten(-2).amax(-1).argmax())
    place = [int(index) for index in torch.unravel_index(torch.tensor(worst), expected.shape[:-2])] if expected.ndim > 2 else []
    right, wrong = expected[tuple(place)], got[tuple(place)]
    figure = plt.figure(figsize=(9, 3), dpi=80, layout="constrained")
    error_picture(right, wrong, names=("expected", "yours", "difference"), caption=f"{title} {place}" if place else title, figure=figure)
    if numbers:
        for panel, matrix in zip(figure.axes, (right, wrong, wrong - right)):
            for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
                text = f"{float(matrix[row, column]):.4g}"
                panel.text(column, row, text, ha="center", va="center", fontsize=14, path_effects=halo())
    plt.show()
