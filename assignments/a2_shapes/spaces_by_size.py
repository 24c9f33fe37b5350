"""Errors of notebook 4's shape spaces by size of the code: ``python -m assignments.a2_shapes.spaces_by_size --seeds 3``.

Prints two tables in Markdown, of mean squared errors of a coordinate on the icons that a space was fitted to and on those held out: PCA for
three choices of the start, and PCA, autoencoder and VAE at equal size of the code. The functions and the icons are the lesson's own. About
40 CPU seconds a seed.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assignments.lesson_code import by_seed_parser, code_cells, markdown_table, parse_counts, require, run_quietly

LESSON = Path(__file__).resolve().parent / "lessons" / "4_shape_spaces.py"
NEEDED = ("FILES", "restart", "pca_errors", "ShapeAutoencoder", "train_net", "ShapeVae", "train_vae")
PCA_SIZES = (1, 2, 5, 10, 20, 40)
NET_SIZES = (2, 5, 10, 20)
STEPS = 3000
VARIANCE = 0.1
# a number of the code whose means vary by less says nothing about the outline.
ACTIVE = 0.01

Errors = tuple[float, float]


def lesson_names(text: str) -> dict[str, Any]:
    """Run a lesson's code up to its ``FILES`` of icons, and of the cells behind it the definitions alone: nothing is trained.

    Args:
        text: py:percent text with the solutions in it.

    Returns:
        What the cells define.

    Raises:
        LookupError: something that the tables need is not there.
    """
    names: dict[str, Any] = {}
    for _, code in code_cells(text):
        tree = ast.parse(code)
        if "FILES" in names:
            tree.body = [part for part in tree.body if isinstance(part, (ast.FunctionDef, ast.ClassDef))]
        exec(compile(tree, str(LESSON), "exec"), names)
    require(names, NEEDED, LESSON, f"these tables need all of {', '.join(NEEDED)}")
    return names


def random_starts(lesson: dict[str, Any], seed: int) -> tuple[Any, Any]:
    """The icons to learn from and those held out ``[B, 2, N]``, begun at random as the lesson does it with seed 0."""
    generator = lesson["torch"].Generator().manual_seed(seed)
    train, held = lesson["FILES"]["topmost starts"]
    return tuple(
        lesson["restart"](each, lesson["torch"].randint(each.shape[2], (len(each),), generator=generator)) for each in (train, held)
    )


def pca_rows(lesson: dict[str, Any], sizes: Sequence[int], seeds: int) -> list[list[str]]:
    """Rows of the first table: k, and error, held-out error and explained share for each choice of the start; random ones by their mean."""
    draws = [random_starts(lesson, seed) for seed in range(seeds)]
    files = [draws, *([lesson["FILES"][name]] for name in ("topmost starts", "aligned starts"))]
    # for each choice of the start and each draw: seen, held out and share, each by size.
    found = [[lesson["pca_errors"](*pair, list(sizes)) for pair in pairs] for pairs in files]
    rows = []
    for place, k in enumerate(sizes):
        means = [[statistics.mean(draw[part][place] for draw in choice) for part in range(3)] for choice in found]
        rows.append([str(k), *(f"{value:.{3 if part == 2 else 4}f}" for mean in means for part, value in enumerate(mean))])
    return rows


def net_errors(lesson: dict[str, Any], k: int, steps: int, seed: int) -> tuple[Errors, Errors, int]:
    """Errors of an autoencoder and of a VAE by its mean codes, seen and held out, and how many numbers of the VAE's code are active."""
    torch = lesson["torch"]
    shapes, held = lesson["FILES"]["aligned starts"]
    torch.manual_seed(seed)
    net = lesson["train_net"](lesson["ShapeAutoencoder"](shapes.shape[2], 128, k), shapes, steps, seed=seed)
    vae = lesson["train_vae"](shapes, steps, VARIANCE, k, seed=seed)
    with torch.no_grad():
        bent = [float((net(each) - each).square().mean()) for each in (shapes, held)]
        cloud = [float((vae.decoder(vae.encode(each)[0]) - each).square().mean()) for each in (shapes, held)]
        active = int((vae.encode(shapes)[0].var(dim=0) > ACTIVE).sum())
    return (bent[0], bent[1]), (cloud[0], cloud[1]), active


def net_rows(lesson: dict[str, Any], sizes: Sequence[int], steps: int, seeds: int) -> list[list[str]]:
    """Rows of the second table: k, errors of PCA, autoencoder and VAE, and active numbers of the VAE's code."""
    seen, held, _ = lesson["pca_errors"](*lesson["FILES"]["aligned starts"], list(sizes))
    rows = []
    for place, k in enumerate(sizes):
        found = [net_errors(lesson, k, steps, seed) for seed in range(seeds)]
        active = sorted({counted for _, _, counted in found})
        nets = (_spread([errors[which] for errors in found]) for which in (0, 1))
        rows.append(
            [str(k), _spread([(seen[place], held[place])]), *nets, "–".join(str(count) for count in active[:: max(1, len(active) - 1)])]
        )
    return rows


def _spread(errors: Sequence[Any]) -> str:
    columns = list(zip(*errors))
    text = " / ".join(f"{statistics.mean(column):.4f}" for column in columns)
    return text if len(errors) == 1 else f"{text} (sd {' / '.join(f'{statistics.stdev(column):.4f}' for column in columns)})"


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = by_seed_parser("assignments.a2_shapes.spaces_by_size", __doc__, "draw random starts and train nets with seeds 0, 1 ...")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"steps of each training (default {STEPS})")
    asked = parse_counts(parser, arguments)
    lesson = run_quietly(LESSON, lesson_names)
    most = min(len(lesson["FILES"]["topmost starts"][0]) - 1, max(PCA_SIZES))
    choices = ("random starts", "topmost", "cyclic-aligned")
    head = ["k", *(column for choice in choices for column in (choice, "held out", "share"))]
    print(markdown_table(head, pca_rows(lesson, [k for k in PCA_SIZES if k <= most], asked.seeds)), end="\n\n", flush=True)
    head = ["k", "PCA", "autoencoder", f"VAE, variance {VARIANCE}", "active"]
    print(markdown_table(head, net_rows(lesson, [k for k in NET_SIZES if k <= most], asked.steps, asked.seeds)))


if __name__ == "__main__":
    main()
