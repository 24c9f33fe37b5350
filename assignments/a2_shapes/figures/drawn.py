"""The explanatory pictures of assignment 2, one public function each: ``python -m autograder figures a2_shapes``."""

from __future__ import annotations

from itertools import pairwise

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

GREEN, RED, BLUE, GREY = "#1a7f37", "#b42318", "#1f5fa8", "0.55"


def shoelace() -> Figure:
    """The triangles between the origin and the four edges of a quadrilateral: two are added, two taken away."""
    figure, panels = plt.subplots(1, 3, figsize=(9.5, 3.1), layout="constrained")
    corners = [(2.0, 0.8), (4.2, 1.2), (3.6, 3.4), (1.4, 2.6)]
    edges = list(zip(corners, corners[1:] + corners[:1], strict=True))
    areas = [(a * d - c * b) / 2 for (a, b), (c, d) in edges]
    for panel, keep, name in zip(panels[:2], (True, False), ("counter-clockwise from the origin: +", "clockwise: −"), strict=True):
        for (start, end), area in zip(edges, areas, strict=True):
            if (area > 0) is keep:
                panel.add_patch(
                    Polygon([(0, 0), start, end], facecolor=GREEN if keep else RED, alpha=0.3, edgecolor="black", linewidth=0.6)
                )
                panel.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": "black"})
                middle = ((start[0] + end[0]) / 3, (start[1] + end[1]) / 3)
                panel.text(*middle, f"{area:+.2f}", ha="center", va="center", fontsize=9)
        panel.set_title(name, fontsize=9)
    panels[2].add_patch(Polygon(corners, facecolor=GREEN, alpha=0.3, edgecolor="black"))
    panels[2].text(2.8, 2.0, f"{sum(areas):+.2f}", ha="center", va="center")
    panels[2].set_title("what stays", fontsize=9)
    for panel in panels:
        panel.plot(0, 0, "o", color="black", markersize=4)
        for number, (x, y) in enumerate(corners):
            panel.plot(x, y, "o", color=BLUE, markersize=4)
            panel.text(x + 0.1, y + 0.12, f"{number}", color=BLUE, fontsize=9)
        panel.set(xlim=(-0.4, 4.7), ylim=(-0.4, 3.9), aspect="equal")
        panel.axis("off")
    return figure


def crossings() -> Figure:
    """Rays at the height of a vertex: a line that passes, a peak, a valley, a horizontal edge; full dots mark owned ends."""
    figure, panels = plt.subplots(1, 4, figsize=(10, 2.5), layout="constrained")
    lines = {
        "passes: met once": ([(2.2, -1.0), (2.8, 0.0), (2.3, 1.0)], 1),
        "peak: not met": ([(2.0, -1.0), (2.6, 0.0), (3.2, -1.0)], 0),
        "valley: met twice": ([(2.0, 1.0), (2.6, 0.0), (3.2, 1.0)], 2),
        "step: met once": ([(1.7, -1.0), (2.1, 0.0), (3.1, 0.0), (3.5, 1.0)], 1),
    }
    for panel, (name, (corners, met)) in zip(panels, lines.items(), strict=True):
        panel.annotate("", xy=(4.2, 0), xytext=(0.5, 0), arrowprops={"arrowstyle": "-|>", "color": RED, "linewidth": 1.2})
        panel.plot(0.5, 0, "o", color=RED)
        panel.text(0.5, 0.25, "p", color=RED, ha="center")
        panel.plot(*zip(*corners, strict=True), color="black", linewidth=1.8)
        for start, end in pairwise(corners):
            _owned_end(panel, start, end)
        panel.set_title(name, fontsize=9)
        panel.set(xlim=(0.2, 4.4), ylim=(-1.3, 1.3))
        panel.axis("off")
        assert met == sum((a[1] <= 0) != (b[1] <= 0) for a, b in pairwise(corners))
    return figure


def _owned_end(panel: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A full dot a little way up from the lower end, which the edge owns, and an open one below the upper end."""
    if start[1] == end[1]:
        return
    low, high = sorted((start, end), key=lambda place: place[1])
    for place, other, face in ((low, high, BLUE), (high, low, "white")):
        x, y = (near + 0.09 * (far - near) for near, far in zip(place, other, strict=True))
        panel.plot(x, y, "o", color=BLUE, markerfacecolor=face, markersize=6, zorder=5)


def nearest() -> Figure:
    """An edge, the strip of points whose nearest point lies between its ends, and the two half planes that belong to the ends."""
    figure, panel = plt.subplots(figsize=(8, 2.9), layout="constrained")
    panel.add_patch(Rectangle((-2.5, -1.3), 2.5, 2.6, facecolor="#f3e2dc"))
    panel.add_patch(Rectangle((0, -1.3), 4, 2.6, facecolor="#dbe6f1"))
    panel.add_patch(Rectangle((4, -1.3), 2.5, 2.6, facecolor="#e3efdf"))
    panel.plot([0, 4], [0, 0], color="black", linewidth=2.5)
    for place, name in ((0, "a"), (4, "b")):
        panel.plot(place, 0, "o", color="black")
        panel.text(place + (-0.15 if place == 0 else 0.15), -0.3, name, ha="center")
    for point, foot in (((-1.6, 0.8), (0, 0)), ((1.4, 0.9), (1.4, 0)), ((2.9, -0.8), (2.9, 0)), ((5.5, -0.7), (4, 0))):
        panel.plot(*zip(point, foot, strict=True), "--", color=RED, linewidth=1)
        panel.plot(*point, "o", color=RED)
        panel.text(point[0] + 0.12, point[1] + 0.1, "p", color=RED)
        panel.plot(*foot, "o", color=BLUE, markersize=5, zorder=5)
    for place, words in ((-1.3, "t < 0: the end a"), (2.0, "0 ≤ t ≤ 1: between"), (5.2, "t > 1: the end b")):
        panel.text(place, 1.42, words, ha="center", fontsize=9)
    panel.set(xlim=(-2.5, 6.5), ylim=(-1.3, 1.7), aspect="equal")
    panel.axis("off")
    return figure
