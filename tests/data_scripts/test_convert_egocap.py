"""The original pose file: pixels as the reader makes them, units, joints, and frames that stay together."""

from __future__ import annotations

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from foreign_files import TERMS, original_pose, silent

from data_scripts.builder import BuildError
from data_scripts.convert import egocap, hdf5_source
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.plan import Plan
from data_scripts.convert.verification import inspect_path
from data_scripts.convert.writing import carry_out
from vislab.data import Augmentation, DeviceLoader, open_dataset
from vislab.data.dataset import Dataset


def plan(path: Path, **changed: object) -> Plan:
    options: dict[str, object] = {
        "joints": "unnamed",
        "pose_2d": "unit",
        "unit": "stored",
        "block_rows": 2,
        "split": "auto",
        "count": None,
        "terms": TERMS,
        "progress": silent,
    }
    return egocap.plan(path, **(options | changed))  # type: ignore[arg-type]


def converted(path: Path, to: Path, **changed: object) -> Dataset:
    carry_out(plan(path, **changed), to, silent)
    assert inspect_path(to, silent).ok
    return open_dataset(to)


def test_both_ways_of_opening_agree(tmp_path: Path) -> None:
    source = original_pose(tmp_path / "pose.hdf5")
    before, after = open_dataset(source), converted(source, tmp_path / "new.h5")
    assert before.origin == "original pose" and after.set_name == "keypoints"
    assert np.array_equal(before["img"].numpy(), after["img"].numpy())
    assert np.abs(before["pose_2d"].numpy() - after["pose_2d"].numpy()).max() < 1e-5
    assert np.array_equal(before["pose_3d"].numpy(), after["pose_3d"].numpy()) and after["pose_3d"].unit == "as stored"
    assert after.attributes["joint_names"][:2] == ["joint 0", "joint 1"] and "mirror" not in after.attributes
    assert after["labelled"].numpy().all() and "visible" not in after


def test_numbers_by_hand(tmp_path: Path) -> None:
    # 20 wide, 10 high: the middle of the image lies between the pixels 9 and 10, and between 4 and 5.
    pose = np.tile(np.float32([[0.5, 0.5], [0.0, 1.0], [1.5 / 20, 2.5 / 10]]), (4, 1, 1))
    space = np.tile(np.float32([[0, 0, 0], [1, 2, 3], [100, -50, 1000]]), (4, 1, 1))
    data = converted(original_pose(tmp_path / "a.hdf5", rows=4, joints=3, pose_2d=pose, pose_3d=space), tmp_path / "a.h5", unit="mm")
    assert data["pose_2d"][0].tolist() == [[9.5, 4.5], [-0.5, 9.5], [1.0, 2.0]]
    assert np.allclose(data["pose_3d"][0], [[0, 0, 0], [0.001, 0.002, 0.003], [0.1, -0.05, 1.0]]) and data["pose_3d"].unit == "metre"
    # read as pixels, the same numbers are others: the convention decides.
    twin = converted(tmp_path / "a.hdf5", tmp_path / "b.h5", pose_2d="pixel")
    assert twin["pose_2d"][0].tolist() == pose[0].tolist()


@pytest.mark.parametrize(("values", "wanted"), [([0.0, 0.5, 1.0], [0, 128, 255]), ([0.0, 254.6, 255.0], [0, 255, 255])])
def test_floating_pictures_with_channels_last(tmp_path: Path, values: list[float], wanted: list[int]) -> None:
    img = np.zeros((4, 10, 20, 3), np.float32)
    img[:, 2, 5] = values
    data = converted(original_pose(tmp_path / "a.hdf5", rows=4, img=img), tmp_path / "a.h5")
    assert data["img"].shape == (4, 3, 10, 20) and data["img"][1][:, 2, 5].tolist() == wanted and data["img"][1].sum() == sum(wanted)


def test_joints_without_numbers_are_not_labelled(tmp_path: Path) -> None:
    source = original_pose(tmp_path / "a.hdf5", rows=4)
    held = open_dataset(source)["pose_3d"].numpy().copy()
    held[1, 3] = np.nan
    data = converted(original_pose(tmp_path / "b.hdf5", rows=4, pose_3d=held), tmp_path / "b.h5")
    assert np.argwhere(~data["labelled"].numpy()).tolist() == [[1, 3]]
    assert data["pose_2d"][1][3].tolist() == [0, 0] and data["pose_3d"][1][3].tolist() == [0, 0, 0]


def test_neighbouring_frames_share_a_split(tmp_path: Path) -> None:
    data = converted(original_pose(tmp_path / "a.hdf5", rows=60), tmp_path / "a.h5", block_rows=4)
    group, split = data["group"].numpy(), data["split"].numpy()
    assert group.tolist() == [row // 4 for row in range(60)] and len(set(split.tolist())) > 1
    assert all(len(set(split[group == block].tolist())) == 1 for block in range(15))
    assert converted(tmp_path / "a.hdf5", tmp_path / "b.h5", split="test")["split"].numpy().tolist() == [2] * 60


def test_a_named_skeleton(tmp_path: Path) -> None:
    source = original_pose(tmp_path / "a.hdf5")
    data = converted(source, tmp_path / "a.h5", joints="egocap")
    names, mirror, parents = (data.attributes[key] for key in ("joint_names", "mirror", "parents"))
    assert names[2] == "left shoulder" and names[mirror[2]] == "right shoulder" and names[parents[5]] == "left wrist"
    with pytest.raises(ValueError, match="pose_3d lies on axes that the file does not name; flip must know which of them is x"):
        DeviceLoader(data, 2, augmentation=Augmentation(flip=1.0))
    (batch,) = DeviceLoader(data, 6, fields=["img", "pose_2d", "labelled"], augmentation=Augmentation(flip=1.0))
    turned = batch["pose_2d"][batch["row"].argsort()].numpy()
    assert np.allclose(turned[:, 2, 0], 19 - data["pose_2d"].numpy()[:, mirror[2], 0])

    own = tmp_path / "own.json"
    own.write_text(json.dumps({"joint_names": ["a", "b"], "parents": [-1, 0], "mirror": [1, 0]}))
    two = original_pose(tmp_path / "two.hdf5", joints=2)
    assert converted(two, tmp_path / "two.h5", joints=str(own)).attributes["joint_names"] == ["a", "b"]
    with pytest.raises(BuildError, match=r"has 2 joints; the file has 18; they must agree; pass unnamed, or a JSON file"):
        plan(source, joints=str(own))
    own.write_text('{"joint_names": ["a"], "parents": [-1, 0], "mirror": [0]}')
    with pytest.raises(BuildError, match="joint_names, parents and mirror must be equally long"):
        plan(source, joints=str(own))
    own.write_text("[]")
    with pytest.raises(BuildError, match="must hold an object with the lists joint_names, parents and mirror; it does not"):
        plan(source, joints=str(own))
    with pytest.raises(BuildError, match=r"--skeleton nobody must be unnamed, egocap, or a JSON file"):
        plan(source, joints="nobody")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"pose_3d": None},
            "lacks the dataset pose_3d, which must be joints in space, (n, J, 3); it holds img, pose_2d; pass the original",
        ),
        (
            {"pose_2d": np.full((6, 18, 2), 63, np.float32)},
            "pose_2d reaches 63; as shares of the image it must lie within 4; pass --pose-2d pixel",
        ),
        ({"pose_2d": np.zeros((6, 17, 2), np.float32)}, "pose_3d is float32 (6, 18, 3); it must be float (n, J, 3), J as in pose_2d"),
        ({"img": np.zeros((6, 20, 10), np.uint8)}, "img is uint8 (6, 20, 10); it must be uint8 or float"),
        ({"img": np.full((6, 3, 10, 20), -1.5)}, "img runs from -1.5 to 0; it must lie in 0 to 1 or in 0 to 255; undo what was subtracted"),
        ({"img": np.full((6, 3, 10, 20), np.inf)}, "img[0, 0, 0, 0] is inf; it must be a number within 1e+06"),
        ({"img": np.zeros((5, 3, 10, 20), np.uint8)}, "the datasets have {'img': 5, 'pose_2d': 6, 'pose_3d': 6} rows"),
    ],
)
def test_faults_are_told(tmp_path: Path, changed: dict[str, object], told: str) -> None:
    with pytest.raises(SourceInvalid, match=re.escape(told)):
        plan(original_pose(tmp_path / "a.hdf5", **changed))  # type: ignore[arg-type]


def test_whole_chunks_are_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        small = file.create_dataset("small", (1000, 3, 8, 8), "u1", chunks=(100, 3, 8, 8))
        large = file.create_dataset("large", (4000, 3, 256, 256), "u1", chunks=(1000, 3, 256, 256))
        plain = file.create_dataset("plain", (1000, 3), "f4")
        assert [hdf5_source.piece_rows(held, 64) for held in (small, large, plain)] == [100, 64, 64]
        assert hdf5_source.piece_rows(small, 101) == 200
    assert [piece.stop - piece.start for piece in hdf5_source.pieces(250, 100)] == [100, 100, 50]
