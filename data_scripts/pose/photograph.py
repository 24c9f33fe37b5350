"""Photographs that lie inside installed wheels: whose they are, which split sees them, and random crops of them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from data_scripts.builder import BuildError
from vislab.data.layout.provenance import Source

TRAIN, VAL, TEST = 0, 1, 2
_SKIMAGE, _SKLEARN = ("scikit-image", "skimage", "data"), ("scikit-learn", "sklearn", "datasets/images")
SIDE_LEAST_PX = 96
# of the backgrounds of training: what is redrawn in four random colours, how far tones move, what lies out of focus.
RECOLOURED_SHARE = 0.5
RAMP = np.linspace(0, 1, 4)
GAMMA_LOG = 0.6
CONTRAST = (0.4, 1.3)
BLURRED_SHARE = 0.4
BLUR_PX = (0.7, 4.0)


@dataclass(frozen=True)
class Photograph:
    """One picture: its file in a package, the split that sees it, licence and whom to name."""

    name: str
    package: tuple[str, str, str]
    file: str
    split: int
    licence: str
    attribution: str


PHOTOGRAPHS = (
    Photograph("brick", _SKIMAGE, "brick.png", TRAIN, "CC0-1.0", ""),
    Photograph(
        "china", _SKLEARN, "china.jpg", TRAIN, "CC-BY-2.0", "photograph by danielbuechele, flickr.com/photos/danielbuechele/6061409035"
    ),
    Photograph("coffee", _SKIMAGE, "coffee.png", TRAIN, "CC0-1.0", ""),
    Photograph("coins", _SKIMAGE, "coins.png", TRAIN, "public domain", "Brooklyn Museum; no known copyright restrictions"),
    Photograph("grass", _SKIMAGE, "grass.png", TRAIN, "CC0-1.0", ""),
    Photograph("gravel", _SKIMAGE, "gravel.png", TRAIN, "CC0-1.0", ""),
    Photograph("cell", _SKIMAGE, "cell.png", TRAIN, "CC0-1.0", ""),
    Photograph("retina", _SKIMAGE, "retina.jpg", TRAIN, "CC0-1.0", ""),
    Photograph("hubble", _SKIMAGE, "hubble_deep_field.jpg", TRAIN, "public domain", "NASA, Hubble eXtreme Deep Field"),
    Photograph("clock", _SKIMAGE, "clock_motion.png", VAL, "public domain", ""),
    Photograph(
        "ihc", _SKIMAGE, "ihc.png", VAL, "public domain", "Center for Microscopy and Molecular Imaging; no known copyright restrictions"
    ),
    Photograph("chelsea", _SKIMAGE, "chelsea.png", TEST, "CC0-1.0", ""),
    Photograph("flower", _SKLEARN, "flower.jpg", TEST, "CC-BY-2.0", "photograph by vultilion, flickr.com/photos/vultilion/6056698931"),
    Photograph("rocket", _SKIMAGE, "rocket.jpg", TEST, "public domain", "SpaceX"),
)
OF_SPLIT = {split: tuple(n for n, one in enumerate(PHOTOGRAPHS) if one.split == split) for split in (TRAIN, VAL, TEST)}
# seen by no set that students have: grounds of the pictures on which their nets are marked.
HIDDEN_PHOTOGRAPHS = (
    Photograph("microaneurysms", _SKIMAGE, "microaneurysms.png", TEST, "CC0-1.0", ""),
    Photograph("text", _SKIMAGE, "text.png", TEST, "public domain", ""),
)
OF_HIDDEN = tuple(range(len(PHOTOGRAPHS), len(PHOTOGRAPHS) + len(HIDDEN_PHOTOGRAPHS)))

_CHANGES = {
    TRAIN: "cropped, turned, recoloured and blurred",
    VAL: "cropped, flipped and dimmed",
    TEST: "cropped, flipped and dimmed",
}


def sources(hidden: bool = False) -> list[Source]:
    """Return the provenance of every photograph, or of those of the hidden set."""
    return [
        Source(
            f"photograph {one.name}",
            f"{one.package[0]} {metadata.version(one.package[0])}",
            one.licence,
            f"{one.attribution}; {_CHANGES[one.split]}" if one.attribution else "",
            f"{('training', 'validation', 'test')[one.split]} backgrounds and what stands in front of people",
        )
        for one in (HIDDEN_PHOTOGRAPHS if hidden else PHOTOGRAPHS)
    ]


@functools.cache
def load(number: int) -> np.ndarray:
    """Return a photograph: uint8 [H, W, 3], read only.

    Raises:
        BuildError: its package is not installed, or lacks the file.
    """
    one = (*PHOTOGRAPHS, *HIDDEN_PHOTOGRAPHS)[number]
    distribution, module, folder = one.package
    # found, not imported: scikit-image is installed without what it needs to run, and its loader would ask the network.
    spec = find_spec(module)
    path = Path(spec.origin).parent / folder / one.file if spec and spec.origin else None
    if path is None or not path.is_file():
        raise BuildError(f"photograph {one.name!r} must lie in the package {distribution} as {folder}/{one.file}; run make setup")
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    pixels.setflags(write=False)
    return pixels


def crop(rng: np.random.Generator, pixels: np.ndarray, size_px: int) -> np.ndarray:
    """Return a random square of a photograph, flipped half of the time, its light and tint changed.

    Args:
        rng: where draws come from.
        pixels: uint8 [H, W, 3].
        size_px: side of the result.

    Returns:
        float64 [size, size, 3], 0 to 255.
    """
    height, width = pixels.shape[:2]
    side = rng.uniform(SIDE_LEAST_PX, min(height, width))
    left, top = rng.uniform(0, width - side), rng.uniform(0, height - side)
    image = Image.fromarray(pixels).resize((size_px, size_px), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    found = np.asarray(image, dtype=np.float64)
    if rng.random() < 0.5:
        found = found[:, ::-1]
    light, tint = rng.uniform(0.7, 1.15), rng.uniform(0.88, 1.12, 3)
    return (found * (light * tint)).clip(0, 255)


def background(rng: np.random.Generator, number: int, size_px: int) -> np.ndarray:
    """Return a random crop of a photograph; one of training, or of the hidden set, is varied besides, since there are few of them.

    Args:
        rng: where draws come from.
        number: place in ``PHOTOGRAPHS``, those of the hidden set counted after them.
        size_px: side of the result.

    Returns:
        float64 [size, size, 3], 0 to 255.
    """
    found = crop(rng, load(number), size_px)
    return found if number in (*OF_SPLIT[VAL], *OF_SPLIT[TEST]) else varied(rng, found)


def varied(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Return a picture with other colours, another contrast, turned by quarters, or out of focus.

    Args:
        rng: where draws come from.
        picture: float64 [S, S, 3], 0 to 255.

    Returns:
        Same shape and range.
    """
    found = np.rot90(picture, int(rng.integers(4)))[..., rng.permutation(3)] / 255
    if rng.random() < RECOLOURED_SHARE:
        found = recoloured(found, rng.random((len(RAMP), 3)))
    found = found ** np.exp(rng.uniform(-GAMMA_LOG, GAMMA_LOG))
    grey = found.mean((0, 1))
    found = grey + (found - grey) * rng.uniform(*CONTRAST)
    if rng.random() < BLURRED_SHARE:
        found = _blurred(found, rng.uniform(*BLUR_PX))
    return 255 * found.clip(0, 1)


def recoloured(picture: np.ndarray, ramp: np.ndarray) -> np.ndarray:
    """Return a picture in the colours of a ramp, from what is darkest in it to what is brightest.

    Args:
        picture: float64 [H, W, 3].
        ramp: float64 [4, 3], the colour at 0, 1/3, 2/3 and all of the way from dark to bright.

    Returns:
        float64 [H, W, 3].
    """
    grey = picture.mean(2)
    share = (grey - grey.min()) / max(np.ptp(grey), 1e-9)
    return np.stack([np.interp(share, RAMP, ramp[:, colour]) for colour in range(3)], -1)


def _blurred(picture: np.ndarray, sigma_px: float) -> np.ndarray:
    """Return a picture under a Gaussian, its border continued."""
    reach = int(np.ceil(3 * sigma_px))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(picture, [(reach, reach) if axis == where else (0, 0) for where in range(3)], mode="edge")
        picture = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis) @ weights
    return picture
