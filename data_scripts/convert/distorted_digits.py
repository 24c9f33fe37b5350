"""MNIST under the distortions of the course's own digits: the set ``digits``, with real MNIST in its table ``base``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from data_scripts.builder import BuildError, Progress
from data_scripts.convert import mnist
from data_scripts.convert.plan import Batch, Plan
from data_scripts.convert.provenance import Terms, command
from vislab.data.layout.schema import SPLITS

SIZE_PX = 28
# rows of base are counted in 16 bits.
BASE_MOST = {"train": 24_000, "test": 8_000}


def plan(inputs: Sequence[Path], *, count: int, seed: int, terms: Terms, progress: Progress) -> Plan:
    """Read the digits and say what will be written.

    Args:
        inputs: as for ``mnist.plan``; both training and test files are needed.
        count: training pictures of each distortion; the test set has a quarter as many.
        seed: decides every draw.
        terms: licence and attribution.
        progress: shows a step for each distortion of each split.

    Convention: of each split the first rows are taken, at most ``BASE_MOST``; they, and what is drawn from them, are held in memory.

    Raises:
        BuildError: no training or no test digits, or pictures that are not 28 x 28.
        FileNotFoundError, SourceInvalid: see ``mnist.plan``.
    """
    # only here: drawing needs torch, converting does not.
    from data_scripts.digits.assembly import all_tables
    from data_scripts.digits.base import Base
    from data_scripts.digits.distortion import DISTORTIONS

    plain = mnist.plan(inputs, split="auto", val_count=0, count=None, terms=terms)
    if plain.image[1:] != (SIZE_PX, SIZE_PX):
        raise BuildError(f"the pictures are {plain.image[2]} x {plain.image[1]}; --distort asks for {SIZE_PX} x {SIZE_PX}; leave it out")
    for name in BASE_MOST:
        if not plain.rows.get(("", name)):
            raise BuildError(f"there are no {name} digits; --distort needs both; pass the folder of both, or leave it out")
    held = {name: _first(plain, name, most) for name, most in BASE_MOST.items()}
    base = Base(*(np.concatenate([held[name][column] for name in held]) for column in ("img", "label", "split")))
    fewer = max(1, count // 4)

    def batches() -> Iterator[Batch]:
        step = progress("distorting", 2 * len(DISTORTIONS))
        yield from all_tables(base, count, fewer, seed, step).items()

    rows = {("base", name): len(held[name]["img"]) for name in held}
    for how in DISTORTIONS:
        rows |= {(f"{how.name}/train", "train"): count, (f"{how.name}/test", "test"): fewer}
    return Plan(
        "digits",
        rows,
        plain.image,
        plain.sources,
        command("mnist", distort=count, seed=seed),
        batches,
        attributes={f"meaning_{how.name}": how.meaning for how in DISTORTIONS},
    )


def _first(plain: Plan, name: str, most: int) -> dict[str, np.ndarray]:
    """The first digits of a split; the whole source is read, so that damage at its end is seen too."""
    found: dict[str, list[np.ndarray]] = {"img": [], "label": [], "split": []}
    taken = 0
    for _, columns in plain.batches():
        rows = np.flatnonzero(columns["split"] == SPLITS[name])[: most - taken]
        taken += len(rows)
        for column, pieces in found.items():
            pieces.append(columns[column][rows])
    return {column: np.concatenate(pieces) for column, pieces in found.items()}
