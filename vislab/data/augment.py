"""Random changes to a batch, on its device: flip, affine jitter, colour jitter, cutout, drawn from a generator that is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, pi

import torch
from torch import Tensor

from vislab.data.constants import constant
from vislab.data.info import FieldInfo

# Rec. 601 luma, what "grey" means to most libraries' saturation jitter.
LUMA = (0.299, 0.587, 0.114)
_COLUMNS = 14


@dataclass(frozen=True)
class AffineJitter:
    """Turn, scale, shear and shift about the image's centre; uniform draws, one for all frames of a row.

    Args:
        rotation_rad: largest turn either way, radian, at most π.
        scale: smallest and largest factor, positive; above 1 enlarges. The logarithm is uniform.
        shift: largest shift along x and y, share of the width and height.
        shear_rad: largest shear angle either way, radian, below π/2.
        padding: what lies outside the image: ``"zeros"`` (black), ``"border"`` or ``"reflection"``.
    """

    rotation_rad: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shift: tuple[float, float] = (0.0, 0.0)
    shear_rad: float = 0.0
    padding: str = "border"

    def __post_init__(self) -> None:
        # written so that NaN fails.
        if not 0 <= self.rotation_rad <= pi:
            raise ValueError(f"rotation_rad {self.rotation_rad} must lie in [0, pi]; convert degrees with math.radians")
        if not 0 < self.scale[0] <= self.scale[1] < float("inf"):
            raise ValueError(f"scale {self.scale} must be (smallest, largest), both positive; (1.0, 1.0) leaves sizes alone")
        if not (0 <= self.shift[0] < float("inf") and 0 <= self.shift[1] < float("inf")):
            raise ValueError(f"shift {self.shift} must hold two shares of at least 0; (0.1, 0.1) is a tenth of each side")
        if not 0 <= self.shear_rad < pi / 2:
            raise ValueError(f"shear_rad {self.shear_rad} must lie in [0, pi/2); convert degrees with math.radians")
        if self.padding not in ("zeros", "border", "reflection"):
            raise ValueError(f"padding {self.padding!r} must be one of zeros, border, reflection")


@dataclass(frozen=True)
class ColourJitter:
    """Change saturation, then brightness, then contrast about mid-grey; clamped to 0..1 at the end.

    Args:
        brightness, contrast, saturation: each one's factor is uniform in 1 ± this, share in [0, 1].
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} {getattr(self, name)} must lie in [0, 1]: factors are drawn from 1 - {name} to 1 + {name}")


@dataclass(frozen=True)
class Cutout:
    """Fill one rectangle; joints under it become invisible.

    Args:
        share: largest side of the rectangle as a share of the image's, in (0, 1]; sides are uniform from a third of that on.
        probability: how often.
        fill: intensity in 0..1.
    """

    share: float = 0.4
    probability: float = 0.5
    fill: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share {self.share} must lie in (0, 1]; 0.4 covers up to 40 % of each side")
        if not (0 <= self.probability <= 1 and 0 <= self.fill <= 1):
            raise ValueError(f"probability {self.probability} and fill {self.fill} must lie in [0, 1]")


@dataclass(frozen=True)
class Augmentation:
    """What is done to each row, in this order; None leaves a step out.

    Flip and affine jitter move everything in a batch that lies in the image, in one resampling: images, masks (nearest pixel), joints,
    outlines, visibility. A flip also swaps left and right joints and body parts and turns ``pose_3d``, ``root`` and ``camera`` over; affine
    jitter refuses those three, which no camera would see so.

    Args:
        flip: probability of a horizontal flip.
        affine, colour, cutout: see the classes.
    """

    flip: float = 0.0
    affine: AffineJitter | None = None
    colour: ColourJitter | None = None
    cutout: Cutout | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.flip <= 1:
            raise ValueError(f"flip {self.flip} must be a probability in [0, 1]")

    def check(self, info: Mapping[str, FieldInfo]) -> None:
        """Refuse what cannot be kept consistent.

        Raises:
            ValueError: a field that a flip or a warp would make wrong, with the remedy.
        """
        leave = "leave it out with fields=[...]"
        for name, field in info.items():
            role = field.role
            if (self.flip or self.affine) and role == "bound":
                raise ValueError(f"{name} tells of places in the image as they were; flip and affine would make it wrong; {leave}")
            if (self.flip or self.affine) and role == "outline" and field.mean is None:
                raise ValueError(
                    f"{name} has no known place in the image (the file lacks mean and scale); flip and affine need it; {leave}"
                )
            if self.affine and role in ("space", "camera", "box"):
                raise ValueError(f"{name} cannot follow affine jitter: no camera would see it so; {leave}, or use flip alone")
            if self.affine and role == "visibility" and "pose_2d" not in info:
                raise ValueError(f"{name} follows affine jitter only together with pose_2d; load pose_2d too, or {leave}")
            if self.flip and role == "space" and field.convention == "source_axes":
                raise ValueError(f"{name} lies on axes that the file does not name; flip must know which of them is x; {leave}")
            swapped = role in ("points", "visibility", "joints") or name in ("pose_3d", "limb")
            if self.flip and swapped and field.mirror is None:
                raise ValueError(f"{name} has left and right, but the file does not say which is which; flip needs its mirror; {leave}")
        if (self.colour or self.cutout) and "img" in info and info["img"].dtype != "uint8":
            raise ValueError(
                f"img is stored as {info['img'].dtype}, of unknown range; colour and cutout need uint8; convert the file to uint8"
            )
        if (self.flip or self.affine or self.colour or self.cutout) and "img" not in info:
            raise ValueError(f"augmentation needs img among the fields, here {', '.join(info)}; add it to fields")

    def draw(self, count: int, size: tuple[int, int], generator: torch.Generator, device: torch.device) -> Draws:
        """Draw the parameters of ``count`` rows for images of ``size`` (H, W).

        Randomness:
            One tensor of uniform numbers from ``generator``, whatever is switched on: a step more leaves the others' draws as they were.
        """
        uniform = torch.rand(count, _COLUMNS, generator=generator, device=device)
        lows, spans = self._ranges(size)
        # one product and one sum bring every column to its range; column by column they would cost more than the pixels.
        ranged = torch.addcmul(constant(lows, uniform.dtype, device), uniform, constant(spans, uniform.dtype, device))
        mirrored = uniform[:, 0] < self.flip if self.flip else None
        return Draws(
            mirrored,
            None if self.affine is None else _forward(ranged[:, 1:6], mirrored, size),
            None if self.colour is None else _colour(ranged[:, 6:9]),
            None if self.cutout is None else _hole(self.cutout, ranged[:, 9:14], size),
        )

    def _ranges(self, size: tuple[int, int]) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Lowest value and span of each column of uniform numbers."""
        height, width = size
        jitter, colour, cutout = self.affine or AffineJitter(), self.colour or ColourJitter(), self.cutout or Cutout()
        ends = (
            (0.0, 1.0),
            (-jitter.rotation_rad, jitter.rotation_rad),
            (log(jitter.scale[0]), log(jitter.scale[1])),
            (-jitter.shear_rad, jitter.shear_rad),
            (-jitter.shift[0] * width, jitter.shift[0] * width),
            (-jitter.shift[1] * height, jitter.shift[1] * height),
            *((1 - spread, 1 + spread) for spread in (colour.saturation, colour.brightness, colour.contrast)),
            (cutout.share / 3 * width, cutout.share * width),
            (cutout.share / 3 * height, cutout.share * height),
            (0.0, 1.0),
            (0.0, 1.0),
            (0.0, 1.0),
        )
        return tuple(low for low, _ in ends), tuple(high - low for low, high in ends)


@dataclass(frozen=True)
class Draws:
    """Parameters drawn for a batch of B rows.

    ``mirrored`` bool ``[B]``. ``forward`` ``[B, 2, 3]``: pixel in the source, flip included, to pixel in the result. ``colour`` ``[B, 3]``:
    saturation factor, gain, offset (intensity 0..1). ``hole`` ``[B, 4]``: x0, y0, x1, y1 pixels, half-open, x1 = x0 where there is none.
    """

    mirrored: Tensor | None
    forward: Tensor | None
    colour: Tensor | None
    hole: Tensor | None


def _forward(ranged: Tensor, mirrored: Tensor | None, size: tuple[int, int]) -> Tensor:
    """``ranged``: angle, logarithm of the scale, shear angle, shift along x and y in pixels."""
    height, width = size
    factor, shear = ranged[:, 1].exp(), ranged[:, 2].tan()
    cosine, sine = factor * ranged[:, 0].cos(), factor * ranged[:, 0].sin()
    # turn after shear: [[c, -s], [s, c]] @ [[1, k], [0, 1]].
    left, right = torch.stack([cosine, sine], -1), torch.stack([cosine * shear - sine, sine * shear + cosine], -1)
    if mirrored is not None:
        # the flip comes first, so it turns the first column over.
        left = torch.where(mirrored[:, None], -left, left)
    # the centre stays where it is but for the shift.
    offset = constant(((width - 1) / 2, (height - 1) / 2), ranged.dtype, ranged.device) + ranged[:, 3:5]
    offset = offset.sub(left, alpha=(width - 1) / 2).sub_(right, alpha=(height - 1) / 2)
    return torch.stack([left, right, offset], -1)


def _colour(ranged: Tensor) -> Tensor:
    """``ranged``: factors of saturation, brightness and contrast."""
    saturation, brightness, contrast = ranged.unbind(-1)
    return torch.stack([saturation, brightness * contrast, (contrast * -0.5).add_(0.5)], -1)


def _hole(cutout: Cutout, ranged: Tensor, size: tuple[int, int]) -> Tensor:
    """``ranged``: width and height in pixels, not yet whole; then 0..1 for the corner's x and y and for whether there is a hole."""
    extent = constant((size[1], size[0]), ranged.dtype, ranged.device)
    sides = ranged[:, 0:2].round().clamp_(min=1).mul_(ranged[:, 4:5] < cutout.probability)
    room = extent - sides
    # whole positions 0 to extent - side, each equally likely.
    corner = (ranged[:, 2:4] * (room + 1)).floor_().minimum(room)
    return torch.cat([corner, corner + sides], -1)
