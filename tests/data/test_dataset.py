"""``open_dataset``: one call for three kinds of files, one convention, one clear error for each fault."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from small_sets import icon_columns, pose_columns, write_digits, write_icons, write_pose, write_scenes

from vislab.data.dataset import open_dataset
from vislab.data.layout import DatasetMissing, DatasetWriter, destandardise, signed_area
from vislab.data.layout.faults import ContentInvalid, FileDamaged, FileForeign, FileNewer

ORIGINAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "ImagerIcon_subset.hdf5"


def original_icons(path: Path) -> Path:
    """A file as the original course wrote them, of other content."""
    columns, _ = icon_columns(8)
    with h5py.File(path, "w") as file:
        file["img"] = columns["img"]
        file["polygon"] = columns["polygon"]
    return path


def original_pose(path: Path, joints: int = 18, dtype: str = "uint8", scale: float = 1.0) -> Path:
    """A file of the original pose schema: joints in 0..1, no attributes."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file["img"] = rng.integers(0, 256, (5, 3, 20, 24)).astype(dtype)
        file["pose_2d"] = (rng.uniform(0, 1, (5, joints, 2)) * scale).astype(np.float64)
        file["pose_3d"] = rng.uniform(-1, 1, (5, joints, 3)).astype(np.float32)
    return path


def test_columns_have_units_and_are_read_when_asked_for(tmp_path: Path) -> None:
    icons = open_dataset(write_icons(tmp_path / "icons.h5"))
    columns, _ = icon_columns(24)
    assert (icons.origin, icons.set_name, len(icons)) == ("layout", "icons", 24)
    assert icons["img"].unit == "intensity 0-255" and icons["img"].shape == (24, 3, 32, 32) and icons["img"].dtype == "uint8"
    assert icons["polygon"].unit == "standard deviation" and icons.info["polygon"].convention == "standardised_y_up"
    assert "intensity 0-255" in repr(icons["img"])
    assert icons["img"].tensor().dtype == torch.uint8
    assert np.shares_memory(icons["img"].tensor().numpy(), icons["img"].numpy())
    assert icons["name"][3] == columns["name"][3] and icons["name"][np.array([5, 1])].tolist() == ["icône 5", "icône 1"]
    rows = np.array([23, 0, 7, 7, 16])
    assert np.array_equal(icons["img"][rows], columns["img"][rows])
    assert icons.attributes["licences"] == ["CC-BY-2.0", "MIT"] and icons.attributes["seed"] == 0
    with pytest.raises(TypeError, match="name is text; it has no tensor"):
        icons["name"].tensor()
    with pytest.raises(DatasetMissing, match="has no dataset 'image'; it has img, polygon"):
        icons["image"]
    with pytest.raises(IndexError, match="rows of img run from 0 to 23; got 24 to 24"):
        icons["img"][24]


@pytest.mark.parametrize("rows", [[], [0], [1199, 0, 600, 600], list(range(1199, -1, -7))])
def test_rows_come_in_the_order_asked_for(tmp_path_factory, rows: list[int]) -> None:
    path = tmp_path_factory.getbasetemp() / "many_icons.h5"
    if not path.exists():
        write_icons(path, 1200, 300)
    columns, _ = icon_columns(1200)
    icons = open_dataset(path)
    assert np.array_equal(icons["img"][np.array(rows, int)], columns["img"][np.array(rows, int)])


def test_polygons_come_in_one_convention_however_they_are_stored(tmp_path: Path) -> None:
    columns, scale = icon_columns(24)
    standard = open_dataset(write_icons(tmp_path / "standard.h5"))["polygon"].numpy()
    has = columns["has_polygon"]
    pixels = np.where(has[:, None, None], destandardise(columns["polygon"], scale["mean"], scale["scale"]), 0).astype(np.float32)
    path = tmp_path / "pixels.h5"
    with DatasetWriter(path, "icons", sources=_sources(), generator="tests 1", conventions={"polygon": "pixel"}) as writer:
        writer.append(**(columns | {"polygon": pixels}))
        writer.set_dataset_attribute("polygon", **scale)
    stored_in_pixels = open_dataset(path)["polygon"]
    assert stored_in_pixels.unit == "standard deviation"
    assert standard.shape == (24, 2, 96) and np.array_equal(standard.transpose(0, 2, 1), columns["polygon"])
    assert np.abs(stored_in_pixels.numpy() - standard).max() < 1e-5
    assert np.all(stored_in_pixels.numpy()[~has] == 0)
    assert np.all(signed_area(standard[has].transpose(0, 2, 1)) < 0)


def test_files_of_the_original_schemas_open_through_the_same_call(tmp_path: Path) -> None:
    icons = open_dataset(original_icons(tmp_path / "icons.hdf5"))
    assert icons.origin == "original icons" and icons["polygon"].shape == (8, 2, 96) and icons["polygon"].info.mean is None
    pose_file = original_pose(tmp_path / "pose.hdf5")
    pose = open_dataset(pose_file)
    assert pose.origin == "original pose" and "18 joints" in pose["pose_2d"].meaning and pose["pose_2d"].unit == "pixel"
    with h5py.File(pose_file) as file:
        stored = file["pose_2d"][:]
    assert np.abs(pose["pose_2d"].numpy() - (stored * [24, 20] - 0.5)).max() < 1e-5
    assert pose["pose_2d"].numpy().dtype == np.float32


def test_the_original_pose_with_channels_last_and_floats(tmp_path: Path) -> None:
    path = original_pose(tmp_path / "pose.hdf5", dtype="float64")
    with h5py.File(path, "r+") as file:
        images = file["img"][:]
        del file["img"]
        file["img"] = images.transpose(0, 2, 3, 1)
    pose = open_dataset(path)
    assert pose["img"].shape == (5, 3, 20, 24) and pose["img"].dtype == "float32"
    assert np.array_equal(pose["img"].numpy(), images.astype(np.float32))


def test_original_poses_in_pixels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentInvalid, match=r"pose_2d reaches 6\d\.\d+; without layout attributes it must be normalised to 0..1"):
        open_dataset(original_pose(tmp_path / "pose.hdf5", scale=64))


def test_tables_of_a_set(tmp_path: Path) -> None:
    path = write_digits(tmp_path / "digits.h5")
    train = open_dataset(path, table="RTS/train")
    assert train["img"].shape == (5, 1, 42, 42) and "RTS/test" in train.tables and "RTS/val" not in train.tables
    with pytest.raises(DatasetMissing, match="needs one of its tables; pass table= one of 'base', 'R/train'"):
        open_dataset(path)
    with pytest.raises(DatasetMissing, match="has no table 'RTS/val'"):
        open_dataset(path, table="RTS/val")
    assert len(open_dataset(write_scenes(tmp_path / "scenes.h5"), "train")) == 4


@pytest.mark.parametrize("name", ["pose", "pose_pairs", "pose_sequences"])
def test_the_pose_sets(tmp_path: Path, name: str) -> None:
    pose = open_dataset(write_pose(tmp_path / "pose.h5", name))
    lead = {"pose": (), "pose_pairs": (2,), "pose_sequences": (3,)}[name]
    assert pose["pose_2d"].shape == (8, *lead, 4, 2)
    assert pose.info["pose_2d"].mirror == (0, 2, 1, 3)
    assert pose["visible"].tensor().dtype == torch.bool


def test_a_set_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "source" / "lesson").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "source" / "lesson")
    with pytest.raises(
        FileNotFoundError, match=r"the set 'icons' was not found as icons.h5 in .*; build it with `make data`, or set VISLAB_DATA"
    ):
        open_dataset("icons")
    with pytest.raises(
        FileNotFoundError,
        match=r"the set 'keypoints' was not found .*; convert files of your own with `python -m data_scripts convert`, or",
    ):
        open_dataset("keypoints")
    write_icons(tmp_path / "data" / "icons.h5")
    assert len(open_dataset("icons")) == 24
    other = tmp_path / "elsewhere"
    other.mkdir()
    write_icons(other / "icons.h5", 4)
    monkeypatch.setenv("VISLAB_DATA", str(other))
    assert len(open_dataset("icons")) == 4
    with pytest.raises(FileNotFoundError, match="is neither a file nor one of the sets icons, pose"):
        open_dataset("faces")


def change(path: Path, fault) -> Path:
    with h5py.File(path, "r+") as file:
        fault(file)
    return path


def without(name: str):
    return lambda file: file.pop(name)


def test_one_clear_error_for_each_fault(tmp_path: Path) -> None:
    path = tmp_path / "icons.h5"
    with pytest.raises(DatasetMissing, match="lacks alpha, which icons must have; build the file again"):
        open_dataset(change(write_icons(path), without("alpha")))
    with pytest.raises(FileNewer, match="has layout version 7"):
        open_dataset(change(write_icons(path), lambda file: file.attrs.modify("schema", 7)))
    with pytest.raises(DatasetMissing, match="polygon lacks the attributes mean and scale"):
        open_dataset(change(write_icons(path), lambda file: file["polygon"].attrs.pop("mean")))
    with pytest.raises(ContentInvalid, match="attribute convention is 'metres'"):
        open_dataset(change(write_icons(path), lambda file: file["polygon"].attrs.modify("convention", "metres")))
    with pytest.raises(ContentInvalid, match="the datasets of a table must have one length"):
        open_dataset(change(write_icons(path), lambda file: file["group"].resize(20, axis=0)))
    with pytest.raises(DatasetMissing, match="lacks the attribute joint_names, which pose must have"):
        open_dataset(change(write_pose(path), lambda file: file.attrs.pop("joint_names")))
    path.unlink()
    with h5py.File(path, "w") as file:
        file["weather"] = np.zeros(3)
    with pytest.raises(FileForeign, match=r"is a foreign HDF5 file: it lacks the attributes schema and set \(it holds weather\)"):
        open_dataset(path)
    path.write_bytes(b"PK\x03\x04 a zip")
    with pytest.raises(FileForeign, match="is no HDF5 file"):
        open_dataset(path)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_damaged(tmp_path: Path, share: float) -> None:
    path = write_icons(tmp_path / "icons.h5")
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(FileDamaged, match="is damaged or truncated"):
        open_dataset(path)


def test_damage_inside_a_chunk_shows_when_it_is_read(tmp_path: Path) -> None:
    path = write_icons(tmp_path / "icons.h5")
    raw = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        chunk = file["img"].id.get_chunk_info(0)
    raw[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(raw)
    icons = open_dataset(path)
    with pytest.raises(FileDamaged, match="is damaged or truncated"):
        icons["img"].numpy()
    assert icons["colour"].numpy().shape == (24, 2, 3)


@pytest.mark.needs_original
def test_the_original_file_opens_unchanged() -> None:
    icons = open_dataset(ORIGINAL)
    assert icons.origin == "original icons" and len(icons) == 44
    polygon = icons["polygon"].numpy()
    with h5py.File(ORIGINAL) as file:
        assert np.array_equal(polygon.transpose(0, 2, 1), file["polygon"][:])
        assert np.array_equal(icons["img"].numpy(), file["img"][:])
    # the convention that is promised for every file.
    assert np.abs(polygon.mean((0, 2))).max() < 1e-6 and np.abs(polygon.std((0, 2)) - 1).max() < 1e-6
    assert np.all(signed_area(polygon.transpose(0, 2, 1)) < 0)
    assert np.mean(np.all(polygon[:, :, 0] == polygon[:, :, -1], axis=1)) == pytest.approx(0.636, abs=0.001)


@pytest.mark.needs_original
def test_the_original_and_ours_give_the_same_kind_of_tensors(tmp_path: Path) -> None:
    theirs, ours = open_dataset(ORIGINAL), open_dataset(write_icons(tmp_path / "icons.h5"))
    for name in ("img", "polygon"):
        assert theirs.info[name].shape == ours.info[name].shape and theirs.info[name].dtype == ours.info[name].dtype
        assert theirs.info[name].unit == ours.info[name].unit and theirs.info[name].convention == ours.info[name].convention


def test_pose_columns_are_stored_as_given(tmp_path: Path) -> None:
    pose = open_dataset(write_pose(tmp_path / "pose.h5"))
    for name, values in pose_columns(8).items():
        assert np.array_equal(pose[name].numpy(), values)


def _sources():
    from small_sets import SOURCES

    return SOURCES
