"""The icons file as a whole, and its checks, each seen to fail on a planted fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from data_scripts.builder import Builder, BuildError, Finding, Progress, Stored
from data_scripts.discovery import builders
from data_scripts.icons.assembly import assemble
from data_scripts.icons.verification import findings, outlines_px
from data_scripts.production import read, write
from vislab.data.dataset import open_dataset
from vislab.data.layout.conventions import signed_area


def spoilt(stored: Stored, **arrays: np.ndarray) -> Stored:
    return replace(stored, arrays={**stored.arrays, **arrays})


def row(stored: Stored, family: str, name: str) -> int:
    (found,) = np.flatnonzero((stored.arrays["name"] == name) & (stored.arrays["family"] == family))
    return int(found)


def found(stored: Stored, check: str) -> Finding:
    (one,) = [finding for finding in findings(stored) if finding.check == check]
    return one


def test_the_file_holds_what_was_drawn(stored: Stored) -> None:
    names = [f"{family}/{name}" for family, name in zip(stored.arrays["family"], stored.arrays["name"])]
    # sixteen: the copy of the square is a near-duplicate.
    assert len(names) == 16 and "material/square" in names and "material/square-copy" not in names
    assert names[:3] == ["material/arrow", "material/cross", "material/disc"] and names[-1] == "octicons/drop-fill-16"
    assert [name for name, has in zip(names, stored.arrays["has_polygon"]) if not has] == ["material/two-bars"]
    assert stored.arrays["licence"][row(stored, "fontawesome-solid", "heart")] == "CC-BY-4.0"
    assert stored.attributes[""]["drawings_read"] == 17


def test_pairs_and_groups(stored: Stored) -> None:
    for first, second in (
        (("material", "house"), ("material", "house-outline")),
        (("material", "disc"), ("material", "disc-outline")),
        (("fontawesome-solid", "heart"), ("fontawesome-regular", "heart")),
    ):
        filled, outlined = row(stored, *first), row(stored, *second)
        assert stored.arrays["pair"][filled] == outlined and stored.arrays["pair"][outlined] == filled
        assert stored.arrays["group"][filled] == stored.arrays["group"][outlined]
        assert stored.arrays["style"][[filled, outlined]].tolist() == [0, 1]
    assert (stored.arrays["pair"] >= 0).sum() == 6
    discs = [row(stored, "material", name) for name in ("disc", "disc-outline")]
    assert len(set(stored.arrays["outline"][discs])) == 1


def test_polygons_are_stored_as_the_convention_says(stored: Stored) -> None:
    polygon = stored.arrays["polygon"]
    has = stored.arrays["has_polygon"]
    assert stored.attributes["polygon"]["convention"] == "standardised_y_up"
    assert np.abs(polygon[has].mean((0, 1))).max() < 1e-6 and np.abs(polygon[has].std((0, 1)) - 1).max() < 1e-6
    house = outlines_px(stored)[np.flatnonzero(has).tolist().index(row(stored, "material", "house"))]
    # framed: the house is 20 wide and 19 high, so x runs from 2 to 30, and the roof's tip is the start.
    assert house[0] == pytest.approx([16, 16 - 9.5 * 1.4], abs=1e-4)
    assert house[:, 0].min() == pytest.approx(2, abs=1e-4) and house[:, 0].max() == pytest.approx(30, abs=1e-4)


@pytest.mark.needs_original
def test_names_dtypes_and_orientation_are_the_original_file_s(stored: Stored, root: Path) -> None:
    with h5py.File(root.parent / "shared" / "data" / "ImagerIcon_subset.hdf5") as original:
        for name in original:
            assert stored.arrays[name].dtype == original[name].dtype, name
            assert stored.arrays[name].shape[1:] == original[name].shape[1:], name
        theirs = signed_area(original["polygon"][:])
    ours = signed_area(stored.arrays["polygon"][stored.arrays["has_polygon"]])
    assert set(np.sign(theirs)) == set(np.sign(ours)) == {-1.0}


def test_checks_pass_on_what_was_built(stored: Stored) -> None:
    assert [finding for finding in findings(stored) if not finding.ok] == []


def licence(stored: Stored) -> Stored:
    licences = stored.arrays["licence"].copy()
    licences[3] = "proprietary"
    return spoilt(stored, licence=licences)


def unpainted(stored: Stored) -> Stored:
    img = stored.arrays["img"].copy()
    img[2, 1, 16, 16] ^= 64
    return spoilt(stored, img=img)


def crossing(stored: Stored) -> Stored:
    polygon = stored.arrays["polygon"].copy()
    polygon[0, [10, 40]] = polygon[0, [40, 10]]
    return spoilt(stored, polygon=polygon)


def rolled(stored: Stored) -> Stored:
    return spoilt(stored, polygon=np.roll(stored.arrays["polygon"], 6, axis=1))


def outside(stored: Stored) -> Stored:
    polygon = stored.arrays["polygon"].copy()
    polygon[0, :, 0] += 1
    return spoilt(stored, polygon=polygon)


def shrunk(stored: Stored) -> Stored:
    return spoilt(stored, polygon=stored.arrays["polygon"] * np.float32(0.8))


def poor_fit(stored: Stored) -> Stored:
    return spoilt(stored, iou=stored.arrays["iou"] * np.float32(0.98))


def doubled(stored: Stored) -> Stored:
    alpha, img, colour = (stored.arrays[name].copy() for name in ("alpha", "img", "colour"))
    alpha[1], img[1], colour[1] = alpha[0], img[0], colour[0]
    return spoilt(stored, alpha=alpha, img=img, colour=colour)


def leaking_bitmap(stored: Stored) -> Stored:
    alpha, split = stored.arrays["alpha"].copy(), np.zeros(len(stored.arrays["split"]), dtype=np.uint8)
    alpha[1] = alpha[0]
    alpha[1, 0, 16, 14:18] = 0
    split[1] = 2
    return spoilt(stored, alpha=alpha, split=split)


def leaking_silhouette(stored: Stored) -> Stored:
    split = np.zeros(len(stored.arrays["split"]), dtype=np.uint8)
    split[row(stored, "material", "disc-outline")] = 2
    return spoilt(stored, split=split)


def too_few(stored: Stored) -> Stored:
    return replace(stored, attributes={**stored.attributes, "": {**stored.attributes[""], "drawings_read": 10_042}})


def pale(stored: Stored) -> Stored:
    from data_scripts.icons.bitmap import painted

    colour = stored.arrays["colour"].copy()
    colour[4] = [[200, 200, 200], [210, 210, 210]]
    return spoilt(stored, colour=colour, img=painted(stored.arrays["alpha"], colour))


def invisible(stored: Stored) -> Stored:
    from data_scripts.icons.bitmap import painted

    alpha = stored.arrays["alpha"].copy()
    alpha[5] = 0
    return spoilt(stored, alpha=alpha, img=painted(alpha, stored.arrays["colour"]))


@pytest.mark.parametrize(
    ("fault", "check", "told"),
    [
        (licence, "licences", "is under 'proprietary'; it must be"),
        (unpainted, "painting", r"img\[2\] is 64 levels off"),
        (pale, "painting", r"colour\[4\] differs by 10 in lightness; at least 80"),
        (invisible, "painting", r"alpha\[5\] covers 0.0000 of the picture"),
        (crossing, "outlines", r"polygon\[0\] crosses itself"),
        (outside, "outlines", r"polygon\[0\] reaches .* outside of the picture"),
        (rolled, "outlines", r"starts \d.\d vertices from the topmost crossing"),
        (shrunk, "fit", "of the ink lies outside of the outlines; at most 2% may"),
        (poor_fit, "fit", r"mean intersection over union is 0.97\d\d; at least 0.995"),
        (doubled, "duplicates", "arrow and cross are 1.0000 alike, 0.99 or more; 1 pairs are"),
        (leaking_bitmap, "leakage", "bitmaps: .* has a neighbour 0.9.* alike in another split"),
        (leaking_silhouette, "leakage", "silhouettes: .*disc.* has a neighbour 1.0000 alike in another split"),
        (too_few, "counts", "16 bitmaps, 15 of them with a polygon, .* at least 9000, 4000, 1700 are promised"),
    ],
)
def test_a_planted_fault_is_seen(stored: Stored, fault: Callable[[Stored], Stored], check: str, told: str) -> None:
    import re

    assert found(stored, check).ok
    seen = found(fault(stored), check)
    assert not seen.ok and re.search(told, seen.detail), seen.detail


def test_nothing_to_assemble_is_told() -> None:
    with pytest.raises(BuildError, match="one drawing at least must have a single outline, and none of 0 has; raise --count"):
        assemble([], 0)


def test_the_seed_decides_splits_alone(toy: Builder, stored: Stored, tmp_path: Path, progress: Progress) -> None:
    path = tmp_path / "icons.h5"
    write(toy, path, toy.count, 5, progress)
    other = read(path)
    differing = {name for name in stored.arrays if not np.array_equal(stored.arrays[name], other.arrays[name])}
    assert differing == {"split"}


def test_a_few_drawings_of_the_wheel(wheel: Path, tmp_path: Path, progress: Progress) -> None:
    builder = builders()["icons"]
    path = tmp_path / "icons.h5"
    write(builder, path, 250, 0, progress)
    drawn = read(path)
    assert [finding for finding in findings(drawn) if not finding.ok] == []
    assert len(drawn.arrays["img"]) > 240 and drawn.arrays["has_polygon"].mean() > 0.3
    assert set(drawn.arrays["family"]) == {"material", "fontawesome-solid", "fontawesome-regular", "octicons"}
    assert builder.picture(drawn).get_size_inches().tolist() == [10.0, 10.5]


@pytest.mark.slow
def test_all_drawings_of_the_wheel(wheel: Path, tmp_path: Path, progress: Progress) -> None:
    builder = builders()["icons"]
    path = tmp_path / "icons.h5"
    write(builder, path, builder.count, 0, progress)
    drawn = read(path)
    assert [finding for finding in findings(drawn) if not finding.ok] == []
    assert path.stat().st_size < 15e6
    assert len(drawn.arrays["img"]) >= 9_000 and drawn.arrays["has_polygon"].sum() >= 4_000 and drawn.arrays["outline"].max() + 1 >= 1_700


@pytest.mark.needs_original
def test_one_reader_hands_out_either_file_alike(toy: Builder, root: Path, tmp_path: Path, progress: Progress) -> None:
    write(toy, tmp_path / "icons.h5", toy.count, 0, progress)
    ours = open_dataset(tmp_path / "icons.h5")
    theirs = open_dataset(root.parent / "shared" / "data" / "ImagerIcon_subset.hdf5")
    for name in ("img", "polygon"):
        assert ours[name].shape[1:] == theirs[name].shape[1:] and ours[name].dtype == theirs[name].dtype, name
        assert ours.info[name].convention == theirs.info[name].convention, name
