"""What sees: convolutions trained to name single icons and their colours, then frozen; a map of 8 x 8 cells for a scene."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data_scripts.builder import Stored
from data_scripts.scenes.catalogue import TRAIN

CHANNELS = 96
STRIDE_PX = 8
BATCH = 64
LEARNING_RATE = 5e-3
SHARPNESS = 2.0
# of 1: noise on the pixels while training; there is none in the file.
NOISE = 0.06


class Encoder(nn.Module):
    """Convolutions to one cell for 8 x 8 pixels, and two classifiers on the soft maximum over cells."""

    def __init__(self, nouns: int, colours: int) -> None:
        super().__init__()

        def block(before: int, after: int, stride: int = 1) -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())

        self.body = nn.Sequential(block(4, 32, 2), block(32, 64, 2), block(64, 64), block(64, CHANNELS, 2), block(CHANNELS, CHANNELS))
        self.noun, self.colour = nn.Linear(CHANNELS, nouns), nn.Linear(CHANNELS, colours)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return cells. Shapes: float32 [B, 3, S, S] to [B, 96, S / 8, S / 8]."""
        return self.body(off_ground(pictures))

    def named(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of noun and colour of single icons."""
        # a soft maximum over cells: one that is sure counts, wherever it is and however many others see nothing.
        seen = torch.logsumexp(SHARPNESS * self(pictures), (2, 3)) / SHARPNESS
        return self.noun(seen), self.colour(seen)


def off_ground(pictures: Tensor) -> Tensor:
    """Return a fourth channel in front of three: how far a pixel is from the ground, in the channel that differs most.

    The ground is the median of each channel, as objects cover less than half of nearly any picture. Shapes: [B, 3, S, S] to [B, 4, S, S].
    """
    ground = pictures.flatten(2).median(dim=2).values[:, :, None, None]
    far = (pictures - ground).abs().amax(1, keepdim=True)
    return torch.cat([far, pictures], dim=1)


def scaled(pictures: np.ndarray | Tensor) -> Tensor:
    """Return uint8 pictures as float32 in -1 to 1."""
    return torch.as_tensor(pictures).float() / 127.5 - 1


def trained_encoder(stored: Stored, seed: int, steps: int, step: Callable[[str], None]) -> Encoder:
    """Return an encoder after ``steps`` batches of the training singles, frozen.

    Args:
        stored: the scenes' file.
        seed: decides weights, batches and noise.
        steps: batches of 64.
        step: called with a line after each batch.

    Randomness: the global generator is seeded inside, and put back.
    """
    draws = torch.Generator().manual_seed(seed)
    rows = np.flatnonzero(stored.arrays["singles/split"] == TRAIN)
    images, nouns, colours = (torch.from_numpy(stored.arrays[f"singles/{name}"][rows]) for name in ("img", "noun", "colour"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Encoder(len(stored.attributes[""]["nouns"]), len(stored.attributes[""]["colours"]))
    optimiser = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps + 1)
    for number in range(steps):
        batch = torch.randint(len(rows), (BATCH,), generator=draws)
        pictures = scaled(images[batch])
        noun, colour = net.named(pictures + 2 * NOISE * torch.randn(pictures.shape, generator=draws))
        loss = F.cross_entropy(noun, nouns[batch].long(), label_smoothing=0.05) + F.cross_entropy(colour, colours[batch].long())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        step(f"loss {loss.item():.3f}" if number % 20 == 0 else "")
    return net.eval().requires_grad_(False)


@torch.no_grad()
def single_accuracy(net: Encoder, stored: Stored, split: int, most: int = 2000) -> tuple[float, float]:
    """Return the shares of single icons of a split whose noun, and whose colour, is named right."""
    rows = np.flatnonzero(stored.arrays["singles/split"] == split)[:most]
    right = [0, 0]
    for part in np.array_split(rows, 1 + len(rows) // 500):
        for place, (logits, name) in enumerate(zip(net.named(scaled(stored.arrays["singles/img"][part])), ("noun", "colour"))):
            right[place] += int((logits.argmax(1).numpy() == stored.arrays[f"singles/{name}"][part]).sum())
    return right[0] / len(rows), right[1] / len(rows)


@torch.no_grad()
def cells(net: Encoder, pictures: np.ndarray, step: Callable[[str], None], part: int = 250) -> Tensor:
    """Return what a frozen encoder sees in scenes, once and for all.

    Shapes: uint8 [n, 3, 64, 64] to float32 [n, 64, 96], cells row by row.
    """
    found = []
    for start in range(0, len(pictures), part):
        found.append(net(scaled(pictures[start : start + part])).flatten(2).transpose(1, 2).contiguous())
        step(f"scene {start}")
    return torch.cat(found)
