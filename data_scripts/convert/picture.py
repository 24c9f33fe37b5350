"""Reads one photograph at a time and cuts what a row shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from data_scripts.builder import BuildError
from data_scripts.convert.faults import PictureInvalid

# a crop larger than this many times its picture comes from a wrong scale or box.
_CROP_SHARE_MAX = 8.0
PAD, CROP, STRETCH = "pad", "crop", "stretch"


class Pictures:
    """The pictures of a data set, in one folder or several; the last one that was read is kept.

    Args:
        folders: where they lie; looked through in order.

    Raises:
        BuildError: no folder at all, or one that is not there.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        if not folders:
            raise BuildError(
                "--images is missing; it must name the folder of the pictures; pass --images FOLDER, several times for several"
            )
        for folder in folders:
            if not folder.is_dir():
                raise BuildError(f"--images {folder} is no folder; it must hold the pictures; unpack them first")
        self._folders = list(folders)
        self._kept: tuple[str, Image.Image] | None = None

    def find(self, name: str) -> Path | None:
        """Return where a picture lies, None where there is none."""
        return next((folder / name for folder in self._folders if (folder / name).is_file()), None)

    def missing(self, names: Sequence[str]) -> list[str]:
        """Return the names of pictures that are not there."""
        return [name for name in names if self.find(name) is None]

    def told_missing(self, names: Sequence[str], told: int) -> str:
        """Return the sentence about missing pictures, of ``told`` that are named."""
        places = ", ".join(str(folder) for folder in self._folders)
        return (
            f"{len(names)} of {told} annotated pictures are not in {places}, first {names[0]}; every one must be there; pass the right"
            " folder with --images, or --skip-faulty to leave them out"
        )

    def read(self, name: str, size: tuple[int, int] | None = None) -> Image.Image:
        """Return a picture in RGB.

        Args:
            name: as the annotations have it.
            size: (width, height) that the annotations claim; None where they claim nothing.

        Raises:
            PictureInvalid: missing, no picture, truncated, or of another size.
        """
        if self._kept is not None and self._kept[0] == name:
            return self._kept[1]
        path = self.find(name)
        if path is None:
            raise PictureInvalid(self.told_missing([name], 1))
        try:
            with Image.open(path) as opened:
                picture = opened.convert("RGB")
        # Pillow has no class of its own for damage: decoders raise whatever they met.
        except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
            raise PictureInvalid(
                f"{path} cannot be read as a picture: {error}; copy it again, or pass --skip-faulty to leave it out"
            ) from error
        if size is not None and picture.size != size:
            raise PictureInvalid(
                f"{path} is {picture.width} x {picture.height}, but the annotations say {size[0]} x {size[1]}; coordinates would be wrong;"
                " pass the pictures as they were published, or --skip-faulty to leave it out"
            )
        self._kept = (name, picture)
        return picture


def square(picture: Image.Image, left: int, top: int, side: int, size: int) -> np.ndarray:
    """Cut a square and scale it.

    Args:
        picture: RGB.
        left, top: the square's corner in whole pixels from the picture's outer edge; may lie outside, where the result is black.
        side: of the square, 1 or more.
        size: of the result.

    Returns:
        uint8 [3, size, size]. Pixels are averaged where the result is smaller, interpolated where it is larger.

    Convention: ``x_result = (x - left + .5) * size / side - .5`` for pixel centres at whole numbers.

    Raises:
        PictureInvalid: a square that has nothing to do with the picture.
    """
    if not side <= _CROP_SHARE_MAX * max(picture.size):
        raise PictureInvalid(
            f"a crop of {side} pixels is more than {_CROP_SHARE_MAX:g} times its picture of {picture.width} x {picture.height}; scale or"
            " box must be wrong; correct the annotation, or pass --skip-faulty to leave it out"
        )
    if left >= picture.width or top >= picture.height or left + side <= 0 or top + side <= 0:
        raise PictureInvalid(
            f"a crop from ({left}, {top}) of {side} pixels lies outside of its picture of {picture.width} x {picture.height}; it must show"
            " something; correct the annotation, or pass --skip-faulty to leave it out"
        )
    cut = picture.crop((left, top, left + side, top + side))
    return _planes(cut if side == size else cut.resize((size, size), Image.Resampling.BILINEAR))


def whole(picture: Image.Image, size: int, fit: str) -> np.ndarray:
    """Show a whole picture in a square.

    Args:
        picture: RGB.
        size: of the result.
        fit: ``pad`` (everything is shown, black above and below or left and right), ``crop`` (the middle square), ``stretch`` (everything,
            out of proportion).

    Returns:
        uint8 [3, size, size].
    """
    width, height = picture.size
    if fit == CROP:
        side = min(width, height)
        return square(picture, (width - side) // 2, (height - side) // 2, side, size)
    if fit == STRETCH:
        return _planes(picture.resize((size, size), Image.Resampling.BILINEAR))
    scale = size / max(width, height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    ground = Image.new("RGB", (size, size))
    ground.paste(picture.resize(inner, Image.Resampling.BILINEAR), ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return _planes(ground)


def _planes(picture: Image.Image) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(picture).transpose(2, 0, 1))
