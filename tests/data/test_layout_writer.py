"""The writer: the same bytes every time, whole or not at all, nothing converted."""

import hashlib
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from small_sets import JOINTS, SOURCES, icon_columns, pose_columns, write_digits, write_icons, write_pose, write_scenes

from vislab.data.layout import ContentInvalid, DatasetWriter, Field, Source, verify_file
from vislab.data.layout.writer import block_rows, chunk_rows


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("write", [write_icons, write_pose, write_digits, write_scenes])
def test_two_builds_in_two_seconds_are_equal(tmp_path: Path, write) -> None:
    first = digest(write(tmp_path / "one.h5"))
    # HDF5 keeps times in whole seconds.
    time.sleep(1.01)
    assert digest(write(tmp_path / "another name.h5")) == first


def test_one_changed_pixel_changes_bytes_and_content(tmp_path: Path) -> None:
    img = icon_columns(24)[0]["img"].copy()
    img[3, 0, 0, 0] ^= 1
    one, other = write_icons(tmp_path / "one.h5"), write_icons(tmp_path / "other.h5", img=img)
    assert digest(one) != digest(other)
    assert verify_file(one).content != verify_file(other).content


@pytest.mark.parametrize("count", [1, 63, 1100])
def test_the_cut_into_batches_leaves_no_trace(tmp_path: Path, count: int) -> None:
    columns, scale = icon_columns(count)
    small = {name: columns[name] for name in columns}
    found = set()
    for batch in (7, 64, count):
        path = tmp_path / f"{batch}.h5"
        found.add(digest(write_icons(path, count, batch)))
        with h5py.File(path) as file:
            assert np.array_equal(file["img"][:], small["img"])
            assert file["name"].asstr()[:].tolist() == small["name"]
            assert np.array_equal(file["polygon"].attrs["mean"], scale["mean"])
    assert len(found) == 1


def test_an_exception_leaves_no_file_and_keeps_the_old_one(tmp_path: Path) -> None:
    path = write_icons(tmp_path / "icons.h5")
    before = digest(path)
    with pytest.raises(RuntimeError, match="stop"), DatasetWriter(path, "icons", sources=SOURCES, generator="tests 1") as writer:
        writer.append(**icon_columns(4)[0])
        raise RuntimeError("stop")
    assert digest(path) == before
    assert [one.name for one in tmp_path.iterdir()] == ["icons.h5"]


def test_what_does_not_verify_never_gets_its_name(tmp_path: Path) -> None:
    with (
        pytest.raises(ContentInvalid, match="attribute joint_names is missing"),
        DatasetWriter(tmp_path / "pose.h5", "pose", sources=SOURCES, generator="tests 1") as writer,
    ):
        writer.append(**pose_columns(4))
    assert list(tmp_path.iterdir()) == []


def test_a_set_larger_than_its_blocks_is_written_in_blocks() -> None:
    images = {"img": np.zeros((1, 3, 256, 256), np.uint8), "label": np.zeros(1, np.uint8)}
    assert block_rows(images) == 64
    assert chunk_rows(images["img"], 64) == 1
    assert chunk_rows(images["label"], 64) == 64
    assert block_rows({"label": images["label"]}) == 1024


def test_extra_fields_describe_themselves(tmp_path: Path) -> None:
    path = tmp_path / "pose.h5"
    light = Field("light", "float32", (3,), "1", "direction of the light", -1, 1)
    with DatasetWriter(path, "pose", sources=SOURCES, generator="tests 1", attributes=JOINTS, extra={"": [light]}) as writer:
        writer.append(**pose_columns(4), light=np.zeros((4, 3), np.float32))
    assert verify_file(path).ok
    with h5py.File(path, "r+") as file:
        del file["light"].attrs["unit"]
    with pytest.raises(ContentInvalid, match="light is no dataset of pose and does not describe itself"):
        verify_file(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"img": np.zeros((4, 3, 32, 32), np.float32)}, r"img has dtype float32; it must be uint8; convert it before it is written"),
        ({"img": np.zeros((4, 32, 32, 3), np.uint8)}, r"img has shape \(4, 32, 32, 3\); it must be \(n, 3, H, W\)"),
        ({"alpha": np.zeros((4, 1, 16, 32), np.uint8)}, r"alpha has shape \(4, 1, 16, 32\); it must be \(n, 1, H, W\) \(H is 32 here\)"),
        ({"group": np.zeros(3, np.int32)}, "columns of a batch must have equal lengths"),
        ({"split": np.full(4, 3, np.uint8)}, r"split\[0\] is 3; it must be in \[0, 2\] 1; 4 numbers break this"),
        ({"polygon": np.full((4, 96, 2), np.nan, np.float32)}, r"polygon\[0, 0, 0\] is nan; it must be finite"),
        ({"name": [b"bytes"] * 4}, "name holds bytes; it must hold str alone; decode bytes first"),
        ({"name": ["a\0b"] * 4}, "must be free of NUL characters"),
        ({"shape": np.zeros(4)}, "shape is no dataset of icons"),
    ],
)
def test_a_bad_column_is_told_at_once(tmp_path: Path, change: dict, told: str) -> None:
    with (
        pytest.raises(ContentInvalid, match=told),
        DatasetWriter(tmp_path / "x.h5", "icons", sources=SOURCES, generator="tests 1") as writer,
    ):
        writer.append(**(icon_columns(4)[0] | change))


def test_batches_bring_the_same_columns(tmp_path: Path) -> None:
    columns = icon_columns(4)[0]
    with (
        pytest.raises(ContentInvalid, match="every batch must bring the datasets of the first one; this one differs in licence"),
        DatasetWriter(tmp_path / "x.h5", "icons", sources=SOURCES, generator="tests 1") as writer,
    ):
        writer.append(**columns)
        writer.append(**columns, licence=["MIT"] * 4)


def test_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="set_name 'faces' must be one of icons, pose"):
        DatasetWriter(tmp_path / "x.h5", "faces", sources=SOURCES, generator="tests 1")
    with pytest.raises(ContentInvalid, match="sources is empty"):
        DatasetWriter(tmp_path / "x.h5", "icons", sources=[], generator="tests 1")
    with pytest.raises(ValueError, match="licence must be given"):
        Source("a picture", "1", " ", "", "backgrounds")
    writer = DatasetWriter(tmp_path / "x.h5", "icons", sources=SOURCES, generator="tests 1")
    with pytest.raises(RuntimeError, match="the writer is not open"):
        writer.append(**icon_columns(4)[0])
    with pytest.raises(ContentInvalid, match="attribute licences is derived"):
        writer.set_attribute("licences", ["MIT"])
    with pytest.raises(ContentInvalid, match="takes 70000 bytes; at most 60000 fit"):
        writer.set_attribute("notes", "x" * 70_000)
    with pytest.raises(ContentInvalid, match="attribute flag is True"):
        writer.set_attribute("flag", True)
