"""What the digits teach: a net that looks straight at the digit first makes fewer errors than an equally large one that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data_scripts.builder import Progress, Stored

KIND = "RTS"
CROP_PX = 28
BATCH = 128


def convolutions(widths: tuple[int, ...], side_px: int, outputs: int) -> nn.Sequential:
    """Return convolutions of stride 2, each followed by a rectifier, and one linear layer.

    Args:
        widths: channels after each convolution; the first one sees one channel, and has no batch norm, as it sees the picture itself.
        side_px: side of the square picture.
        outputs: of the linear layer.
    """
    layers: list[nn.Module] = []
    before = 1
    for number, width in enumerate(widths):
        layers += [nn.Conv2d(before, width, 3, stride=2, padding=1), *([nn.BatchNorm2d(width)] if number else []), nn.ReLU()]
        before, side_px = width, (side_px + 1) // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * side_px**2, outputs))


class Plain(nn.Module):
    """Convolutions on the whole picture."""

    def __init__(self, side_px: int, widths: tuple[int, ...] = (24, 48, 64)) -> None:
        super().__init__()
        self.classifier = convolutions(widths, side_px, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits. Shapes: float32 [n, 1, S, S] to [n, 10]."""
        return self.classifier(images)


class Transformer(nn.Module):
    """Convolutions say where to look, a window of 28 x 28 is sampled there, and convolutions classify it.

    Convention: ``align_corners=False``, -1 and 1 are the picture's outer edges.
    """

    def __init__(self, side_px: int, window: float = 0.8) -> None:
        super().__init__()
        self.localisation = convolutions((16, 32, 32), side_px, 6)
        self.classifier = convolutions((20, 32, 64), CROP_PX, 10)
        last = self.localisation[-1]
        assert isinstance(last, nn.Linear)
        # it starts by looking at the middle, whatever it sees.
        nn.init.zeros_(last.weight)
        last.bias.data = torch.tensor([window, 0.0, 0.0, 0.0, window, 0.0])

    def window(self, images: Tensor) -> Tensor:
        """Return what the net looks at. Shapes: float32 [n, 1, S, S] to [n, 1, 28, 28]."""
        theta = self.localisation(images).view(-1, 2, 3)
        grid = F.affine_grid(theta, [len(images), 1, CROP_PX, CROP_PX], align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits. Shapes: float32 [n, 1, S, S] to [n, 10]."""
        return self.classifier(self.window(images))


@dataclass(frozen=True)
class Digits:
    """Pictures uint8 [n, 1, S, S] and labels int64 [n]."""

    images: Tensor
    labels: Tensor

    @classmethod
    def of(cls, stored: Stored, split: str, kind: str = KIND) -> Digits:
        """Return one split of one distortion."""
        images, label = (stored.arrays[f"{kind}/{split}/{name}"] for name in ("img", "label"))
        return cls(torch.from_numpy(images), torch.from_numpy(label.astype(np.int64)))


def scaled(images: Tensor) -> Tensor:
    """Return float32 in [0, 1]; zero is the ground, and what lies outside of the picture."""
    return images.float() / 255


def trained(make: Callable[[], nn.Module], data: Digits, steps: int, seed: int, step: Callable[[str], None]) -> nn.Module:
    """Return a net after ``steps`` batches of Adam under a one-cycle schedule.

    Args:
        make: builds the net; its weights are drawn from ``seed``.
        data: training set.
        steps: batches.
        seed: decides weights and batches.
        step: called with a line after each batch.

    Randomness: the global generator is seeded inside, and put back.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = make()
    draws = torch.Generator().manual_seed(seed)
    slow = list(net.localisation.parameters()) if isinstance(net, Transformer) else []
    known = {id(weight) for weight in slow}
    fast = [weight for weight in net.parameters() if id(weight) not in known]
    # where to look must not run away before what is seen there means anything.
    groups = [{"params": fast}, *([{"params": slow}] if slow else [])]
    optimiser = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, [3e-3, 9e-4][: len(groups)], total_steps=steps)
    net.train()
    for number in range(steps):
        rows = torch.randint(len(data.labels), (BATCH,), generator=draws)
        loss = F.cross_entropy(net(scaled(data.images[rows])), data.labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        step(f"loss {loss.item():.3f}" if number % 20 == 0 else "")
    return net.eval()


@torch.no_grad()
def error_percent(net: nn.Module, data: Digits) -> float:
    """Return the share of wrong answers, in percent."""
    wrong = sum(
        int((net(scaled(images)).argmax(1) != labels).sum()) for images, labels in zip(data.images.split(1000), data.labels.split(1000))
    )
    return 100 * wrong / len(data.labels)


def weights(net: nn.Module) -> int:
    """Return how many numbers a net learns."""
    return sum(weight.numel() for weight in net.parameters())


def lesson(stored: Stored, seed: int, progress: Progress, steps: int = 1400) -> dict[str, float]:
    """Train both nets on the same pictures, for as many batches; return their test and training errors and their sizes.

    Args:
        stored: the digits' file.
        seed: decides weights and batches of both.
        progress: shows stages.
        steps: batches of 128 for each net.
    """
    train, test = Digits.of(stored, "train"), Digits.of(stored, "test")
    side = train.images.shape[-1]
    figures: dict[str, float] = {}
    for name, make in (("CNN", lambda: Plain(side)), ("STN", lambda: Transformer(side))):
        net = trained(make, train, steps, seed, progress(f"{name} seed {seed}", steps))
        figures[f"{name} weights"] = weights(net)
        figures[f"{name} train error %"] = error_percent(net, Digits(train.images[:3000], train.labels[:3000]))
        figures[f"{name} test error %"] = error_percent(net, test)
    return figures
