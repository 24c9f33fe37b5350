"""What a row shows of a photograph: exact crops, scaled crops, black beyond the edge, and whole pictures in a square."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from foreign_files import photograph
from PIL import Image

from data_scripts.builder import BuildError
from data_scripts.convert.faults import PictureInvalid
from data_scripts.convert.picture import Pictures, square, whole


def ramp(width: int, height: int) -> Image.Image:
    """A picture whose red counts x and whose green counts y."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x, y, np.full_like(x, 9)], -1).astype(np.uint8))


def test_a_crop_of_its_own_size_is_exact() -> None:
    cut = square(ramp(30, 20), 5, 3, 8, 8)
    assert cut.dtype == np.uint8 and cut.shape == (3, 8, 8)
    assert cut[0, 0].tolist() == list(range(5, 13)) and cut[1, :, 0].tolist() == list(range(3, 11)) and (cut[2] == 9).all()


def test_beyond_the_edge_it_is_black() -> None:
    cut = square(ramp(30, 20), -2, 17, 6, 6)
    assert cut[0, 0].tolist() == [0, 0, 0, 1, 2, 3] and cut[1, :, 5].tolist() == [17, 18, 19, 0, 0, 0]
    assert (cut[2] == 9).sum() == 4 * 3


@pytest.mark.parametrize("size", [8, 32])
def test_pixel_centres_keep_their_places(size: int) -> None:
    # on a ramp the value is the place: x = left - .5 + (X + .5) * side / size.
    cut = square(ramp(64, 64), 16, 8, 16, size)
    wanted = 16 - 0.5 + (np.arange(size) + 0.5) * 16 / size
    inner = slice(2, -2)
    assert np.abs(cut[0, size // 2].astype(float) - wanted)[inner].max() <= 0.51
    # a reader who takes the corners for pixel centres is off by more than rounding.
    wrong = 16 + np.arange(size) * 15 / (size - 1)
    assert np.abs(cut[0, size // 2].astype(float) - wrong)[inner].max() > 0.51 or size == 32


@pytest.mark.parametrize(("left", "side"), [(64, 8), (-8, 8)])
def test_a_crop_of_nothing_is_told(left: int, side: int) -> None:
    with pytest.raises(
        PictureInvalid, match=rf"a crop from \({left}, 0\) of {side} pixels lies outside of its picture of 64 x 64; it must show"
    ):
        square(ramp(64, 64), left, 0, side, 4)


def test_a_crop_much_too_large_is_told() -> None:
    with pytest.raises(
        PictureInvalid, match=r"a crop of 513 pixels is more than 8 times its picture of 64 x 32; scale or box must be wrong"
    ):
        square(ramp(64, 32), 0, 0, 513, 4)
    assert square(ramp(64, 32), 0, 0, 512, 4).shape == (3, 4, 4)


def test_whole_pictures() -> None:
    wide = Image.fromarray(np.full((20, 40, 3), 100, np.uint8))
    padded = whole(wide, 16, "pad")
    assert (padded[0, 4:12] == 100).all() and (padded[0, :4] == 0).all() and (padded[0, 12:] == 0).all()
    assert (whole(wide, 16, "stretch") == 100).all()
    middle = whole(ramp(40, 20), 20, "crop")
    assert middle[0, 0].tolist() == list(range(10, 30)) and middle[1, :, 0].tolist() == list(range(20))
    assert whole(ramp(1, 60), 6, "pad")[2].tolist() == whole(ramp(60, 1), 6, "pad")[2].T.tolist()


def test_folders_are_looked_through_in_order(tmp_path: Path) -> None:
    photograph(tmp_path / "one" / "a.png", 5, 4)
    photograph(tmp_path / "two" / "a.png", 9, 9)
    photograph(tmp_path / "two" / "deep" / "b.png", 3, 2)
    pictures = Pictures([tmp_path / "one", tmp_path / "two"])
    assert pictures.read("a.png").size == (5, 4) and pictures.read("deep/b.png", (3, 2)).size == (3, 2)
    assert pictures.missing(["a.png", "c.png"]) == ["c.png"]
    with pytest.raises(PictureInvalid, match=r"1 of 1 annotated pictures are not in .*one, .*two, first c.png"):
        pictures.read("c.png")
    with pytest.raises(BuildError, match="--images is missing; it must name the folder of the pictures"):
        Pictures([])


def test_grey_and_palette_pictures_become_rgb(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 5), 77, np.uint8)).save(tmp_path / "grey.png")
    Image.fromarray(np.full((4, 5, 3), 88, np.uint8)).convert("P").save(tmp_path / "palette.png")
    pictures = Pictures([tmp_path])
    assert np.asarray(pictures.read("grey.png")).tolist() == np.full((4, 5, 3), 77).tolist()
    assert pictures.read("palette.png").mode == "RGB"


def test_a_picture_is_read_once_for_all_its_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photograph(tmp_path / "a.png", 5, 4)
    pictures = Pictures([tmp_path])
    first = pictures.read("a.png")
    (tmp_path / "a.png").unlink()
    assert pictures.read("a.png") is first
