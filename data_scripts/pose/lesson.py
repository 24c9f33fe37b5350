"""What the set teaches: one small net under three heads that pose the same question differently, compared in pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from data_scripts.builder import BuildError, Progress, Stored
from data_scripts.pose.augmentation import augmented
from data_scripts.pose.heads import DIRECT, HEAT_MAP, INTEGRAL, Net, floor_px, losses, refined, to_pixels
from data_scripts.pose.photograph import TEST, TRAIN

# of a person's longest extent in pixels.
CORRECT_SHARE = 0.1
# head and stride; maps of 16 x 16 cells for every head, then coarser ones, where arg max must lose.
TRAININGS = ((DIRECT, 4), (HEAT_MAP, 4), (INTEGRAL, 4), (HEAT_MAP, 8), (INTEGRAL, 8))


@dataclass(frozen=True)
class Setting:
    """How one head is trained: the same for each.

    Args:
        steps: batches.
        batch: pictures in each.
        learning_rate: the highest, a fifth of the way in.
        augment: change the pictures of each batch at random.
        yaw_most_deg: who turns away further than this from the camera is left out, of training and test; 180 keeps everybody. Whoever may
            be seen from behind as well has a left hand where the next one has a right hand, and the nets take long to tell which.
    """

    steps: int = 600
    batch: int = 32
    learning_rate: float = 4e-3
    augment: bool = True
    yaw_most_deg: float = 75.0


def lesson(stored: Stored, seed: int, progress: Progress, setting: Setting | None = None) -> dict[str, float]:
    """Train each head on the training rows; returns what it reaches on the visible joints of the test rows.

    Args:
        stored: a finished file of single people.
        seed: of weights, batches and augmentation.
        progress: shows stages.
        setting: how to train.

    Returns:
        By the head's name and figure: the mean distance in pixels, and the share of joints within a tenth of the person's extent. Besides,
        the mean training pose, the error of the right cell, and the heat map read between its cells.

    Raises:
        BuildError: nobody to train on or to ask about.
    """
    setting = setting or Setting()
    rows, of_training = (chosen(stored, split, setting) for split in (TEST, TRAIN))
    truth, seen = torch.from_numpy(stored.arrays["pose_2d"][rows]), torch.from_numpy(stored.arrays["visible"][rows])
    mean = torch.from_numpy(stored.arrays["pose_2d"][of_training].mean(0))
    found = scores("mean pose", mean.expand_as(truth), truth, seen)
    for head, stride_px in TRAININGS:
        name = f"{head} /{stride_px}"
        answer = answers(trained(stored, head, stride_px, seed, progress, setting), stored, rows)
        found |= scores(name, to_pixels(answer, head, stride_px), truth, seen)
        if head == HEAT_MAP:
            found |= scores(f"{name} refined", refined(answer, stride_px), truth, seen)
            found[f"right cell /{stride_px}, px"] = floor_px(truth, seen, stride_px)
    return found


def chosen(stored: Stored, split: int, setting: Setting) -> np.ndarray:
    """Return the rows of a split that a setting looks at.

    Raises:
        BuildError: there are none.
    """
    facing = np.abs(stored.arrays["yaw"]) <= np.float32(np.radians(setting.yaw_most_deg))
    rows = np.flatnonzero((stored.arrays["split"] == split) & facing)
    if not rows.size:
        raise BuildError(
            f"split {split} of {len(facing)} rows must have a person within yaw_most_deg {setting.yaw_most_deg:g}; build more with --count"
        )
    return rows


def scores(name: str, guessed: Tensor, truth: Tensor, seen: Tensor) -> dict[str, float]:
    """Return the two figures of joints [N, 17, 2] over those that are seen, bool [N, 17]."""
    off = (guessed - truth).norm(dim=-1)
    extent = (truth.amax(1) - truth.amin(1)).amax(-1, keepdim=True)
    correct = (off <= CORRECT_SHARE * extent)[seen]
    return {f"{name}, px": float(off[seen].mean()), f"{name}, PCK@.1": float(correct.float().mean())}


def trained(stored: Stored, head: str, stride_px: int, seed: int, progress: Progress, setting: Setting) -> Net:
    """Return a net that was trained on the training rows."""
    rows = chosen(stored, TRAIN, setting)
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Net(head, stride_px)
    # convolutions of this size take two thirds of the time when a pixel's channels lie side by side.
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(net.parameters(), setting.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, setting.learning_rate, total_steps=setting.steps + 1, pct_start=0.2)
    step = progress(f"{head} /{stride_px}", setting.steps)
    net.train()
    for number, batch in zip(range(setting.steps), batches(rows, setting.batch, generator)):
        pictures, joints, visible = (torch.from_numpy(stored.arrays[name][batch]) for name in ("img", "pose_2d", "visible"))
        pictures = pictures.float()
        if setting.augment:
            pictures, joints, visible = augmented(pictures, joints, visible, generator)
        weight = visible.float()
        loss = (losses(net(normalised(pictures)), joints, head, stride_px) * weight).sum() / weight.sum().clamp(min=1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        step(f"loss {loss.item():.3f}" if number % 20 == 0 else "")
    return net.eval()


def batches(rows: np.ndarray, size: int, generator: torch.Generator) -> Iterator[np.ndarray]:
    """Yield batches without end: all rows in a random order, then all of them in another one; a batch may hold the end of one and more."""
    waiting = rows[:0]
    while True:
        while len(waiting) < size:
            waiting = np.concatenate([waiting, rows[torch.randperm(len(rows), generator=generator).numpy()]])
        yield waiting[:size]
        waiting = waiting[size:]


def answers(net: Net, stored: Stored, rows: np.ndarray) -> Tensor:
    """Return what a net answers to the pictures of rows, as they are stored."""
    with torch.no_grad():
        parts = np.array_split(rows, 1 + len(rows) // 200)
        return torch.cat([net(normalised(torch.from_numpy(stored.arrays["img"][part]).float())) for part in parts])


def normalised(pictures: Tensor) -> Tensor:
    """Return pictures of 0 to 255 between -1 and 1, each pixel's channels side by side in memory."""
    return (pictures / 127.5 - 1).contiguous(memory_format=torch.channels_last)
