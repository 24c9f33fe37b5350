"""What the set teaches: one small net under three heads that pose the same question differently, compared in pixels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data_scripts.builder import Progress, Stored
from data_scripts.pose.photograph import TEST, TRAIN
from data_scripts.pose.skeleton import JOINTS

STEPS = 600
BATCH = 32
LEARNING_RATE = 2e-3
STRIDE_PX = 2
SIGMA_CELLS = 1.0
HEADS = ("direct", "heat map", "integral")


class Net(nn.Module):
    """Fully convolutional: pictures [B, 3, 64, 64] to maps [B, 17, 32, 32]; the direct head flattens a coarse map instead."""

    def __init__(self, direct: bool) -> None:
        super().__init__()

        def block(before: int, after: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
            convolution = nn.Conv2d(before, after, 3, stride, dilation, dilation, bias=False)
            return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())

        self.body = nn.Sequential(block(3, 24, 2), block(24, 48, 2), block(48, 64), block(64, 64, 1, 2), block(64, 64, 1, 4))
        joints = len(JOINTS)
        if direct:
            self.head: nn.Module = nn.Sequential(block(64, 16, 2), nn.Flatten(), nn.Linear(16 * 8 * 8, 2 * joints))
        else:
            self.head = nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), nn.Conv2d(64, joints, 3, 1, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return maps, or for the direct head [B, 34]."""
        return self.head(self.body(pictures))


def lesson(stored: Stored, seed: int, progress: Progress, steps: int = STEPS) -> dict[str, float]:
    """Train each head for ``steps`` batches of the training rows; returns mean pixel errors over visible joints of the test rows.

    Args:
        stored: a finished file of single people.
        seed: of weights and batches.
        progress: shows stages.
        steps: batches for each head.
    """
    rows = {split: np.flatnonzero(stored.arrays["split"] == split) for split in (TRAIN, TEST)}
    mean = stored.arrays["pose_2d"][rows[TRAIN]].mean(0)
    truth, seen = stored.arrays["pose_2d"][rows[TEST]], stored.arrays["visible"][rows[TEST]]
    found = {"mean pose, px": float(np.linalg.norm(mean - truth, axis=-1)[seen].mean())}
    for head in HEADS:
        step = progress(head, steps)
        predict = _train(stored, rows[TRAIN], head, seed, steps, step)
        guessed = np.concatenate([predict(_pictures(stored, part)).numpy() for part in np.array_split(rows[TEST], 1 + len(truth) // 200)])
        found[f"{head}, px"] = float(np.linalg.norm(guessed - truth, axis=-1)[seen].mean())
    return found


def _train(stored: Stored, rows: np.ndarray, head: str, seed: int, steps: int, step: Callable[[str], None]) -> Callable[[Tensor], Tensor]:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = Net(head == "direct")
    optimiser = torch.optim.AdamW(net.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps + 1)
    for number in range(steps):
        batch = np.sort(rng.choice(rows, min(BATCH, len(rows)), replace=False))
        target = torch.from_numpy(stored.arrays["pose_2d"][batch])
        weight = torch.from_numpy(stored.arrays["visible"][batch]).float()
        losses = _losses(net(_pictures(stored, batch)), target, head)
        loss = (losses * weight).sum() / weight.sum().clamp(min=1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        step(f"loss {loss.item():.3f}" if number % 20 == 0 else "")
    net.eval()

    def predict(pictures: Tensor) -> Tensor:
        with torch.no_grad():
            return to_pixels(net(pictures), head)

    return predict


def _pictures(stored: Stored, rows: np.ndarray) -> Tensor:
    return torch.from_numpy(stored.arrays["img"][rows]).float() / 127.5 - 1


def to_pixels(answer: Tensor, head: str) -> Tensor:
    """Return joints [B, 17, 2] in pixels from what a net answers."""
    if head == "direct":
        return answer.unflatten(1, (len(JOINTS), 2)) * 32 + 31.5
    if head == "integral":
        share = answer.flatten(2).softmax(-1).unflatten(2, answer.shape[2:])
        x, y = (_cell_px(side) for side in (answer.shape[3], answer.shape[2]))
        return torch.stack([(share.sum(2) * x).sum(-1), (share.sum(3) * y).sum(-1)], -1)
    best = answer.flatten(2).argmax(-1)
    return torch.stack([_cell_px(answer.shape[3])[best % answer.shape[3]], _cell_px(answer.shape[2])[best // answer.shape[3]]], -1)


def _cell_px(cells: int) -> Tensor:
    """Return the pixel at the centre of each cell: cell 0 covers pixels 0 and 1, so its centre is .5."""
    return torch.arange(cells) * float(STRIDE_PX) + (STRIDE_PX - 1) / 2


def _losses(answer: Tensor, target: Tensor, head: str) -> Tensor:
    if head == "heat map":
        cells = (target - (STRIDE_PX - 1) / 2) / STRIDE_PX
        x, y = (
            torch.exp(-((torch.arange(side) - cells[..., axis, None]) ** 2) / (2 * SIGMA_CELLS**2))
            for axis, side in ((0, answer.shape[3]), (1, answer.shape[2]))
        )
        wanted = (y[..., :, None] * x[..., None, :]).flatten(2)
        wanted = wanted / wanted.sum(-1, keepdim=True).clamp(min=1e-12)
        return -(wanted * F.log_softmax(answer.flatten(2), -1)).sum(-1)
    return (to_pixels(answer, head) - target).abs().sum(-1) / 10
