"""The distortions of the spatial-transformer paper, drawn from a seed and applied to many digits at once.

Convention: pixel (0, 0) has its centre at (.5, .5); x runs right and y down; an angle is counter-clockwise as one sees it.
``theta`` says where the digit went: turned by ``angle`` radians, enlarged by ``scale``, its centre ``tx``, ``ty`` px from the picture's.

Source: Jaderberg, Simonyan, Zisserman, Kavukcuoglu, "Spatial transformer networks", 2015, appendix A.4 (R, RTS, P, E, TC). Sizes and ranges
are our own: a CPU must learn from them in a minute.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from data_scripts.digits.base import SIZE_PX
from data_scripts.digits.warp import back_to_digit, homography, pixel_centres, sampled

PROJECTIVE_PX = 42


@dataclass(frozen=True)
class Draw:
    """What one distortion drew for n digits.

    ``theta`` float32 [n, 4] angle scale tx ty; ``extra`` holds what theta cannot say, by dataset name.
    """

    theta: Tensor
    extra: dict[str, Tensor] = field(default_factory=dict)

    def on_whole_centres(self) -> Draw:
        """Return the same for pixels whose centres are whole numbers, as files have them; turns and shifts stay what they are."""
        return self._moved(0.5)

    def on_half_centres(self) -> Draw:
        """Return the inverse of :meth:`on_whole_centres`."""
        return self._moved(-0.5)

    def _moved(self, by: float) -> Draw:
        if "matrix" not in self.extra:
            return self
        move = torch.tensor([[1.0, 0.0, by], [0.0, 1.0, by], [0.0, 0.0, 1.0]], dtype=torch.float64)
        moved = torch.linalg.inv(move) @ self.extra["matrix"].double() @ move
        return replace(self, extra={**self.extra, "matrix": (moved / moved[:, 2:, 2:]).float()})


@dataclass(frozen=True)
class Distortion:
    """One distortion: its name in the file, the side of its pictures, what it does in words, the two steps that make
    them, how much clutter comes on top, and the datasets beside theta."""

    name: str
    size_px: int
    meaning: str
    draw: Callable[[int, torch.Generator], Draw]
    apply: Callable[[Tensor, Draw, int], Tensor]
    clutter_pieces: int = 0
    extra: tuple[str, ...] = ()


def generator(seed: int, *words: str) -> torch.Generator:
    """Return a generator for one purpose: different words give independent streams of the same seed.

    Example:
        >>> generator(0, "R", "train").initial_seed() == generator(0, "R", "test").initial_seed()
        False
    """
    digest = hashlib.sha256("/".join([str(seed), *words]).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def uniform(count: int, low: float, high: float, draws: torch.Generator) -> Tensor:
    """Return float32 [count], uniform in [low, high)."""
    return torch.rand(count, generator=draws) * (high - low) + low


def similarity(turn_deg: float, smallest: float, largest: float, shift_px: float) -> Callable[[int, torch.Generator], Draw]:
    """Return a draw of turns up to ``turn_deg`` either way, scales in [smallest, largest) and shifts up to ``shift_px`` along each axis."""

    def draw(count: int, draws: torch.Generator) -> Draw:
        turn = math.radians(turn_deg)
        ranges = ((-turn, turn), (smallest, largest), (-shift_px, shift_px), (-shift_px, shift_px))
        return Draw(torch.stack([uniform(count, low, high, draws) for low, high in ranges], dim=1))

    return draw


def apply_similarity(images: Tensor, draw: Draw, size_px: int) -> Tensor:
    """Return the digits moved by theta alone. Shapes: float32 [n, 1, 28, 28] to [n, 1, size, size]."""
    return sampled(images, back_to_digit(pixel_centres(size_px), draw.theta, size_px))


def draw_projective(count: int, draws: torch.Generator) -> Draw:
    """Return a similarity, and a homography: the same with each corner of the digit's square moved by up to 5 pixels along each axis.

    ``matrix`` float32 [n, 3, 3] maps homogeneous points of the digit to points of the picture, its last entry 1.
    """
    size_px = PROJECTIVE_PX
    theta = similarity(30.0, 0.8, 1.1, 4.0)(count, draws).theta
    corner = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], dtype=torch.float64) * SIZE_PX
    angle, scale, shift = (part.double() for part in (theta[:, 0], theta[:, 1], theta[:, 2:]))
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    turn = torch.stack([torch.stack([cos, sin], dim=1), torch.stack([-sin, cos], dim=1)], dim=1)
    moved = (corner - SIZE_PX / 2) @ turn.transpose(1, 2) + size_px / 2 + shift[:, None]
    moved = moved + ((torch.rand(count, 4, 2, generator=draws) * 2 - 1) * 5.0).double()
    return Draw(theta, {"matrix": homography(corner.expand(count, 4, 2), moved).float()})


def apply_projective(images: Tensor, draw: Draw, size_px: int) -> Tensor:
    """Return the digits seen through their homography."""
    flat = pixel_centres(size_px).reshape(-1, 2)
    back = torch.linalg.inv(draw.extra["matrix"].double()).float()
    ends = torch.cat([flat, torch.ones(len(flat), 1)], dim=1) @ back.transpose(1, 2)
    points = ends[..., :2] / ends[..., 2:]
    return sampled(images, points.reshape(len(images), size_px, size_px, 2))


def draw_elastic(count: int, draws: torch.Generator) -> Draw:
    """Return no motion of the whole, and ``control`` float32 [n, 4, 4, 2]: a 4 x 4 grid of shifts x, y, standard deviation 2.5 px."""
    theta = torch.tensor([0.0, 1.0, 0.0, 0.0]).repeat(count, 1)
    return Draw(theta, {"control": torch.randn(count, 4, 4, 2, generator=draws) * 2.5})


def apply_elastic(images: Tensor, draw: Draw, size_px: int) -> Tensor:
    """Return the digits with every pixel fetched from beside itself, the shifts interpolated between the control points."""
    field_px = F.interpolate(draw.extra["control"].permute(0, 3, 1, 2), size=(size_px, size_px), mode="bicubic", align_corners=True)
    return sampled(images, pixel_centres(size_px) + field_px.permute(0, 2, 3, 1))


_RTS = similarity(45.0, 0.7, 1.2, 8.0)
_TC = similarity(0.0, 1.0, 1.0, 10.0)
DISTORTIONS = (
    Distortion("R", 28, "turned by up to 90 degrees either way", similarity(90.0, 1.0, 1.0, 0.0), apply_similarity),
    Distortion("RTS", 42, "turned by up to 45 degrees, scaled by .7 to 1.2, moved by up to 8 px", _RTS, apply_similarity),
    Distortion(
        "P",
        PROJECTIVE_PX,
        "turned, scaled and moved a little, its corners moved by up to 5 px",
        draw_projective,
        apply_projective,
        0,
        ("matrix",),
    ),
    Distortion("E", 28, "bent by a 4 x 4 grid of random shifts", draw_elastic, apply_elastic, 0, ("control",)),
    Distortion("TC48", 48, "moved by up to 10 px among six pieces of other digits", _TC, apply_similarity, clutter_pieces=6),
)
