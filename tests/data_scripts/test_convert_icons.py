"""The original icon file: opened through the converter as it is opened without."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from foreign_files import TERMS, original_icons, silent, star

from data_scripts.convert import original_icons as room
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.plan import Plan
from data_scripts.convert.verification import inspect_path
from data_scripts.convert.writing import carry_out
from vislab.data import Augmentation, DeviceLoader, open_dataset
from vislab.data.layout.conventions import signed_area
from vislab.data.layout.faults import FileForeign


def plan(path: Path, **changed: object) -> Plan:
    return room.plan(path, **({"split": "auto", "count": None, "terms": TERMS, "progress": silent} | changed))  # type: ignore[arg-type]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return original_icons(tmp_path / "source.hdf5", np.stack([star(points, points / 3) for points in range(3, 11)]))


def test_numbers_stay_as_they_are(source: Path, tmp_path: Path) -> None:
    carry_out(plan(source), tmp_path / "icons.h5", silent)
    before, after = open_dataset(source), open_dataset(tmp_path / "icons.h5")
    assert before.origin == "original icons" and after.set_name == "icons_plain"
    for name in ("img", "polygon"):
        assert np.array_equal(before[name].numpy(), after[name].numpy())
        assert before[name].info.unit == after[name].info.unit and before[name].info.convention == after[name].info.convention
    with h5py.File(source) as file:
        # x first, y up, vertices last.
        assert after["polygon"][3].T.tolist() == file["polygon"][3].tolist()
    assert after["polygon"].info.mean is None
    with pytest.raises(ValueError, match="polygon has no known place in the image"):
        DeviceLoader(after, 2, augmentation=Augmentation(flip=0.5))
    assert inspect_path(tmp_path / "icons.h5", silent).ok


def test_what_runs_the_other_way_round_is_reversed(source: Path, tmp_path: Path) -> None:
    with h5py.File(source, "r+") as file:
        kept = file["polygon"][2].copy()
        file["polygon"][2] = np.concatenate([kept[:1], kept[:0:-1]])
        assert signed_area(file["polygon"][:])[2] > 0
    made = plan(source)
    carry_out(made, tmp_path / "icons.h5", silent)
    assert made.tally.counts == {"outlines reversed to run clockwise on the screen": 1}
    assert np.array_equal(open_dataset(tmp_path / "icons.h5")["polygon"][2].T, kept)


def test_the_first_rows_are_standardised_anew(source: Path, tmp_path: Path) -> None:
    with h5py.File(source, "r+") as file:
        file["polygon"][:3] *= 2
    made = plan(source, count=4)
    carry_out(made, tmp_path / "icons.h5", silent)
    assert made.tally.counts == {"rows standardised anew": 4}
    polygon = open_dataset(tmp_path / "icons.h5")["polygon"].numpy()
    assert np.abs(polygon.mean((0, 2))).max() < 1e-6 and np.abs(polygon.std((0, 2)) - 1).max() < 1e-6


def test_rows_alike_share_a_group_and_a_split(source: Path, tmp_path: Path) -> None:
    with h5py.File(source, "r+") as file:
        # the same outline from another vertex, and the other way round; and the same picture.
        file["polygon"][4] = np.roll(file["polygon"][1][::-1], 17, 0)
        file["img"][6] = file["img"][4]
        # row 7 joins two rows that were apart until then.
        file["polygon"][7], file["img"][7] = file["polygon"][0], file["img"][2]
    made = plan(source)
    carry_out(made, tmp_path / "icons.h5", silent)
    data = open_dataset(tmp_path / "icons.h5")
    assert data["group"].numpy().tolist() == [0, 1, 0, 3, 1, 5, 1, 0]
    assert made.tally.counts["rows that share their outline or picture with an earlier one"] == 4
    assert len({int(code) for code in data["split"].numpy()[[0, 2, 7]]}) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda file: file.pop("polygon"),
            "lacks the dataset polygon, which must be outlines, float (n, 96, 2); it holds img; pass the original",
        ),
        (
            lambda file: file["polygon"].write_direct(np.full((8, 96, 2), np.nan, np.float32)),
            "polygon[0, 0, 0] is nan; it must be a number within 10000",
        ),
        (lambda file: file["polygon"].__setitem__(3, 1.0), "polygon[3] covers nothing; an outline must have an inside"),
        (
            lambda file: (file.pop("img"), file.create_dataset("img", data=np.zeros((8, 32, 32, 3), np.uint8))),
            "img is uint8 (8, 32, 32, 3); it must be",
        ),
        (
            lambda file: (file.pop("polygon"), file.create_dataset("polygon", data=np.zeros((8, 64, 2)))),
            "polygon is float64 (8, 64, 2); it must be",
        ),
        (
            lambda file: (file.pop("img"), file.create_dataset("img", data=np.zeros((7, 3, 32, 32), np.uint8))),
            "the datasets have {'img': 7, 'polygon': 8} rows; they must have equally many",
        ),
        (lambda file: file.attrs.update(schema=1, set="icons"), "is a file of the layout already, of the set icons; open it as it is"),
    ],
)
def test_faults_are_told(source: Path, change, told: str) -> None:
    with h5py.File(source, "r+") as file:
        change(file)
    with pytest.raises(SourceInvalid, match=re.escape(told)):
        plan(source)


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "text.hdf5").write_text("no HDF5")
    with pytest.raises(FileForeign, match="is no HDF5 file"):
        plan(tmp_path / "text.hdf5")


@pytest.mark.needs_original
def test_the_original_file_converts(root: Path, tmp_path: Path) -> None:
    source = root.parent / "shared" / "data" / "ImagerIcon_subset.hdf5"
    made = plan(source)
    carry_out(made, tmp_path / "icons.h5", silent)
    before, after = open_dataset(source), open_dataset(tmp_path / "icons.h5")
    assert len(after) == 44 and made.tally.counts.keys() <= {"rows that share their outline or picture with an earlier one"}
    assert np.array_equal(before["img"].numpy(), after["img"].numpy())
    assert np.array_equal(before["polygon"].numpy(), after["polygon"].numpy())
    assert inspect_path(tmp_path / "icons.h5", silent).ok
