"""What must be true of a finished digits file, recomputed from the file alone."""

from __future__ import annotations

import numpy as np
import torch

from data_scripts.builder import Finding, Stored
from data_scripts.contact_sheet import spread
from data_scripts.digits.base import SIZE_PX, TEST, TRAIN
from data_scripts.digits.distortion import DISTORTIONS, Distortion, Draw

SAMPLED = 200
# levels of 255: what storing theta in float32 and rounding twice may change.
LEVELS_OFF_MOST = 4
# a digit of the test set that is closer than this to one of the training set would be the same one.
MEAN_LEVELS_APART_LEAST = 2.0


def findings(stored: Stored) -> list[Finding]:
    """Return what was looked at: the base, leaks, how often each digit is used, ink, and whether theta tells the truth."""
    return [split(stored), leakage(stored), balance(stored), ink(stored), *(truth(stored, how) for how in DISTORTIONS)]


def split(stored: Stored) -> Finding:
    """The base is cut once, so that at most one writer stands on both sides; both have every digit."""
    splits, labels = stored.arrays["base/split"], stored.arrays["base/label"]
    cuts = np.flatnonzero(np.diff(splits.astype(int)))
    if len(cuts) != 1 or set(splits) != {TRAIN, TEST}:
        return Finding("split", False, f"base/split changes {len(cuts)} times along the file; it must be cut once into training and test")
    fewest = min(np.bincount(labels[splits == which], minlength=10).min() for which in (TRAIN, TEST))
    if fewest < 1:
        return Finding("split", False, "a split of base lacks one of the ten digits; cut it elsewhere")
    return Finding("split", True, f"cut once after row {cuts[0]}; {fewest} of the rarest digit in the smaller split")


def leakage(stored: Stored) -> Finding:
    """No test digit is a training digit."""
    images = stored.arrays["base/img"].reshape(len(stored.arrays["base/img"]), -1).astype(np.float32)
    splits = stored.arrays["base/split"]
    test, train = images[splits == TEST], images[splits == TRAIN]
    apart = np.sqrt(np.maximum((test**2).sum(1)[:, None] + (train**2).sum(1)[None] - 2 * test @ train.T, 0)).min(axis=1) / SIZE_PX
    if apart.min() < MEAN_LEVELS_APART_LEAST:
        row = int(np.flatnonzero(splits == TEST)[apart.argmin()])
        return Finding(
            "leakage", False, f"base/img[{row}] of the test set is {apart.min():.2f} levels (root mean square) from a training digit"
        )
    return Finding("leakage", True, f"nearest training digit of any test digit: {apart.min():.0f} levels away (root mean square)")


def balance(stored: Stored) -> Finding:
    """Every digit of a split is used as often as every other, give or take one."""
    for how in DISTORTIONS:
        for name, which in (("train", TRAIN), ("test", TEST)):
            used = np.bincount(stored.arrays[f"{how.name}/{name}/base"], minlength=len(stored.arrays["base/split"]))
            used = used[stored.arrays["base/split"] == which]
            if used.max() - used.min() > 1:
                told = f"{how.name}/{name} uses one digit {used.max()} times and another {used.min()}; they may differ by one"
                return Finding("balance", False, told)
    return Finding("balance", True, "every base digit of a split is used equally often, give or take one")


def ink(stored: Stored) -> Finding:
    """No picture is blank, or nearly."""
    lowest = np.inf
    for how in DISTORTIONS:
        for name in ("train", "test"):
            share = stored.arrays[f"{how.name}/{name}/img"].mean(axis=(1, 2, 3)) / 255
            if share.min() < 0.01:
                return Finding(
                    "ink", False, f"{how.name}/{name}/img[{int(share.argmin())}] has ink on {share.min():.2%} of the picture; 1% is asked"
                )
            lowest = min(lowest, float(share.min()))
    return Finding("ink", True, f"ink covers {lowest:.1%} of any picture, or more")


def truth(stored: Stored, how: Distortion) -> Finding:
    """Distorting the base once more as the file says gives the stored picture; clutter may add ink and take none."""
    worst = 0.0
    for name in ("train", "test"):
        arrays = {column: stored.arrays[f"{how.name}/{name}/{column}"] for column in ("img", "base", "theta", *how.extra)}
        rows = spread(np.arange(len(arrays["img"])), SAMPLED)
        said = {column: torch.from_numpy(arrays[column][rows]) for column in how.extra}
        draw = Draw(torch.from_numpy(arrays["theta"][rows]), said).on_half_centres()
        base = torch.from_numpy(stored.arrays["base/img"][arrays["base"][rows]]).float() / 255
        expected = how.apply(base, draw, how.size_px).clamp(0, 1).numpy() * 255
        off = expected - arrays["img"][rows]
        off = (np.maximum(off, 0) if how.clutter_pieces else np.abs(off)).max(axis=(1, 2, 3))
        if off.max() > LEVELS_OFF_MOST:
            row = int(rows[off.argmax()])
            told = f"{how.name}/{name}/img[{row}] is {off.max():.0f} levels off what base and theta give; {LEVELS_OFF_MOST} are allowed"
            return Finding(f"truth {how.name}", False, told)
        worst = max(worst, float(off.max()))
    return Finding(f"truth {how.name}", True, f"{SAMPLED} of each split are what base and theta give, within {worst:.1f} levels")
