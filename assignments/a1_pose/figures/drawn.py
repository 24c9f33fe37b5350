"""The explanatory pictures of assignment 1, one public function each: ``python -m autograder figures a1_pose``."""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

GREEN, RED, BLUE, GREY = "#1a7f37", "#b42318", "#1f5fa8", "0.55"


def conventions() -> Figure:
    """A row of five pixels under the rulers of both conventions."""
    figure, panel = plt.subplots(figsize=(8.5, 3.0))
    for pixel in range(5):
        panel.add_patch(Rectangle((pixel - 0.5, -0.5), 1, 1, facecolor="#eef3f8" if pixel % 2 else "#dbe6f1", edgecolor="white"))
        panel.plot(pixel, 0, "o", color="black", markersize=4)
        panel.text(pixel, -0.32, f"{pixel}", ha="center", va="center")
    panel.text(-0.75, 0, "pixel", ha="right", va="center")
    _ruler(panel, 0.0, 4.0, 1.0, BLUE, "corner-aligned\nalign_corners=True")
    _ruler(panel, -0.5, 4.5, -1.0, RED, "edge-aligned\nalign_corners=False")
    panel.set(xlim=(-2.6, 5.0), ylim=(-1.75, 1.75))
    panel.axis("off")
    return figure


def _ruler(panel: Axes, start: float, end: float, height: float, colour: str, name: str) -> None:
    panel.add_patch(FancyArrowPatch((start, height), (end, height), arrowstyle="|-|", mutation_scale=5, color=colour, linewidth=1.5))
    for value in (-1.0, -0.5, 0.0, 0.5, 1.0):
        place = start + (value + 1) / 2 * (end - start)
        panel.plot([place, place], [height - 0.08, height + 0.08], color=colour)
        panel.text(place, height + (0.32 if height > 0 else -0.32), f"{value:g}", ha="center", va="center", color=colour)
    for place in (start, end):
        panel.plot([place, place], [height, 0.5 if height > 0 else -0.5], ":", color=colour, linewidth=1)
    panel.text(-0.75, height, name, ha="right", va="center", color=colour, fontsize=9)


def programs() -> Figure:
    """Three maps in memory, one program each, walking over blocks of eight cells."""
    figure, panel = plt.subplots(figsize=(8.5, 2.9))
    colours = ("#dbe6f1", "#f3e2dc", "#e3efdf")
    height, width, block = 3, 7, 8
    for n, colour in enumerate(colours):
        for cell in range(height * width):
            panel.add_patch(Rectangle((cell, -1.5 * n), 1, 1, facecolor=colour, edgecolor="white"))
            panel.text(cell + 0.5, 0.5 - 1.5 * n, f"{cell // width},{cell % width}", ha="center", va="center", fontsize=6.5)
        for cell in range(height * width, 24):
            panel.add_patch(Rectangle((cell, -1.5 * n), 1, 1, facecolor="white", edgecolor=GREY, linestyle=":", linewidth=0.8))
        panel.text(-0.3, 0.5 - 1.5 * n, f"program {n}", ha="right", va="center")
        for start in (0, 8, 16):
            panel.add_patch(Rectangle((start, -1.5 * n), block, 1, fill=False, edgecolor="black", linewidth=1.3))
    for number in range(3):
        panel.text(8 * number + 4, 1.3, f"block {number}", ha="center", va="center", fontsize=9)
    panel.text(22.5, -3.6, "masked lanes", ha="center", va="center", fontsize=8, color=GREY)
    panel.set(xlim=(-3.2, 24.2), ylim=(-3.9, 1.7))
    panel.axis("off")
    return figure


def running_maximum() -> Figure:
    """Weights collected block by block: rescaled when the maximum rises."""
    logits = torch.tensor([1.0, 0.2, 1.4, 0.5, 2.6, 1.2, 0.3, 2.2, 0.9, 3.2, 2.4, 0.6])
    figure, panels = plt.subplots(1, 3, figsize=(8.5, 2.3), sharey=True)
    for number, panel in enumerate(panels, 1):
        seen = logits[: 4 * number]
        weight = torch.exp(seen - seen.max())
        panel.bar(range(len(seen)), weight, color=[GREY if i < 4 * (number - 1) else BLUE for i in range(len(seen))])
        factor = "" if number == 1 else f"   old sums × {torch.exp(logits[: 4 * number - 4].max() - seen.max()):.2f}"
        panel.set_title(f"maximum {seen.max():.1f}{factor}", fontsize=9)
        panel.set(xlim=(-0.7, 11.7), xlabel="cell", ylim=(0, 1.08), xticks=range(0, 12, 2))
    panels[0].set_ylabel("exp(h − maximum)")
    figure.tight_layout()
    return figure
