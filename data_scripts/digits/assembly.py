"""All arrays of the digits' file, from a count and a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from data_scripts.digits.base import TEST, TRAIN, Base
from data_scripts.digits.clutter import with_clutter
from data_scripts.digits.distortion import DISTORTIONS, Distortion, Draw, generator

# pictures made at once: memory, and the stretches of one stream that draws are taken from.
CHUNK = 4096
SPLITS = {"train": TRAIN, "test": TEST}


def distorted(base: Base, how: Distortion, split: str, count: int, seed: int) -> dict[str, np.ndarray]:
    """Return one distortion of one split.

    Args:
        base: undistorted digits.
        how: the distortion.
        split: "train" or "test"; only its digits are used, for clutter too.
        count: how many pictures, 1 or more. Every digit of the split is used as often as every other, give or take one.
        seed: any int.

    Returns:
        By dataset name: ``img`` uint8 [count, 1, S, S], ``label`` uint8 [count], ``base`` int16 [count] row in the table base,
        ``theta`` float32 [count, 4], and what the distortion adds.

    Randomness: a generator from ``seed``, the distortion's name and the split; no other is touched.
    """
    draws = generator(seed, how.name, split)
    members = torch.from_numpy(base.members(SPLITS[split]))
    rounds = -(-count // len(members))
    order = torch.cat([members[torch.randperm(len(members), generator=draws)] for _ in range(rounds)])[:count]
    ink = torch.from_numpy(base.img).float() / 255
    pool = ink[members]
    pictures, drawn = [], []
    for chunk in order.split(CHUNK):
        draw = how.draw(len(chunk), draws)
        made = how.apply(ink[chunk], draw, how.size_px)
        if how.clutter_pieces:
            made = with_clutter(made, pool, how.clutter_pieces, draws)
        pictures.append((made.clamp(0, 1) * 255).round().to(torch.uint8))
        drawn.append(draw.on_whole_centres())
    arrays = {
        "img": torch.cat(pictures).numpy(),
        "label": base.label[order.numpy()],
        "base": order.numpy().astype(np.int16),
        "theta": torch.cat([draw.theta for draw in drawn]).numpy(),
    }
    return arrays | {name: _joined(drawn, name) for name in drawn[0].extra}


def _joined(drawn: list[Draw], name: str) -> np.ndarray:
    return torch.cat([draw.extra[name] for draw in drawn]).numpy()


def all_tables(base: Base, train_count: int, test_count: int, seed: int, step: Callable[[str], None]) -> dict[str, dict[str, np.ndarray]]:
    """Return every table of the file by its path, such as ``RTS/train``.

    Args:
        base: undistorted digits.
        train_count: pictures of each distortion's training set.
        test_count: likewise of its test set.
        seed: any int.
        step: called with a line after each distortion of each split.
    """
    tables = {"base": {"img": base.img, "label": base.label, "split": base.split}}
    for how in DISTORTIONS:
        for split, count in (("train", train_count), ("test", test_count)):
            tables[f"{how.name}/{split}"] = distorted(base, how, split, count, seed)
            step(f"{how.name} {split}")
    return tables
