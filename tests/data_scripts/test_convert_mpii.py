"""MPII: one-based pixels, the published structure and the JSON form, videos that stay together."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from foreign_files import NOTHING, TERMS, mpii_mat, mpii_point, mpii_rect, photograph, silent

from data_scripts.builder import BuildError
from data_scripts.convert import mpii
from data_scripts.convert.faults import PictureInvalid, SourceInvalid
from data_scripts.convert.picture import Pictures
from data_scripts.convert.plan import Plan
from data_scripts.convert.verification import inspect_path
from data_scripts.convert.writing import carry_out
from vislab.data import open_dataset
from vislab.data.dataset import Dataset

RED, GREEN = (255, 0, 0), (0, 255, 0)
# in MATLAB the upper left pixel is (1, 1): Python's pixels (30, 40) and (33, 44).
WRIST, NECK = mpii_point(15, 31, 41), mpii_point(8, 34, 45, NOTHING)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of 100 x 90; in the first one the pixels of two joints are red and green."""
    photograph(tmp_path / "images" / "a.png", 100, 90, {(30, 40): RED, (33, 44): GREEN})
    photograph(tmp_path / "images" / "b.png", 100, 90)
    return tmp_path / "images"


def plan(inputs: list[Path], images: Path, **changed: object) -> Plan:
    options: dict[str, object] = {
        "size": 40,
        "margin": 1.0,
        "split": "auto",
        "count": None,
        "skip": False,
        "terms": TERMS,
        "progress": silent,
    }
    return mpii.plan(inputs, Pictures([images]), **(options | changed))  # type: ignore[arg-type]


def converted(path: Path, images: Path, **changed: object) -> Dataset:
    to = path.with_suffix(".h5")
    carry_out(plan([path], images, **changed), to, silent)
    assert inspect_path(to, silent).ok, inspect_path(to, silent).findings
    return open_dataset(to)


def somebody(scale: float = 0.2, **more: Any) -> dict[str, Any]:
    """A person of 40 pixels about MATLAB's pixel (36, 41)."""
    return mpii_rect([WRIST, NECK], 36, 41, scale, **more)


def at(data: Dataset, row: int, joint: int) -> list[int]:
    """The colour of the pixel that a joint names."""
    x, y = data["pose_2d"][row][joint]
    assert x == round(x) and y == round(y)
    return data["img"][row][:, int(y), int(x)].tolist()


def test_joints_lie_on_their_pixels(folder: Path, tmp_path: Path) -> None:
    data = converted(mpii_mat(tmp_path / "m.mat", [("a.png", [somebody()], 1, 3.0)]), folder)
    assert data["img"].shape == (1, 3, 40, 40) and data.attributes["joint_names"][15] == "left wrist"
    # place 36 in MATLAB is 35.5 from the edge; the crop of 40 pixels begins at 15.5, rounded up; 3 pixels lower for the legs.
    assert data["crop"][0].tolist() == [16, 24, 56, 64]
    assert data["pose_2d"][0][15].tolist() == [14, 16] and data["pose_2d"][0][8].tolist() == [17, 20]
    assert at(data, 0, 15) == list(RED) and at(data, 0, 8) == list(GREEN)
    assert np.flatnonzero(data["labelled"][0]).tolist() == [8, 15]
    # .6 of the diagonal of 3 x 4 pixels; the video is the group; the first picture's first person.
    assert data["head_size"][0] == 3.0 and data["annotation"][0] == 0 and data["picture"].numpy().tolist() == ["a.png"]


def test_coordinates_taken_from_zero_miss_their_pixels(folder: Path, tmp_path: Path) -> None:
    # the same file with every number one larger is what a reader sees who forgets that MATLAB counts from 1.
    points = [mpii_point(15, 32, 42), mpii_point(8, 35, 46)]
    data = converted(mpii_mat(tmp_path / "m.mat", [("a.png", [mpii_rect(points, 37, 42, 0.2)], 1, 1.0)]), folder)
    assert at(data, 0, 15) != list(RED) and at(data, 0, 8) != list(GREEN)


def test_scaled_crops_keep_pixel_centres(folder: Path, tmp_path: Path) -> None:
    data = converted(mpii_mat(tmp_path / "m.mat", [("a.png", [somebody()], 1, 1.0)]), folder, size=80)
    # twice as large: pixel centres move by half a pixel of the result.
    assert data["pose_2d"][0][15].tolist() == [28.5, 32.5] and data["head_size"][0] == 6.0
    red = data["img"][0][0]
    assert red[32:34, 28:30].min() > 100 and red[:31].max() < 60


def test_what_is_hidden_missing_or_outside(folder: Path, tmp_path: Path) -> None:
    points = [mpii_point(0, 31, 41, 0.0), mpii_point(1, 31, 41, "0"), mpii_point(2, 31, 41, "1"), mpii_point(9, 90, 41, NOTHING)]
    data = converted(mpii_mat(tmp_path / "m.mat", [("a.png", [mpii_rect(points, 36, 41, 0.2)], 1, 1.0)]), folder)
    assert np.flatnonzero(data["labelled"][0]).tolist() == [0, 1, 2, 9]
    assert np.flatnonzero(data["visible"][0]).tolist() == [2] and data["pose_2d"][0][9].tolist() == [73, 16]
    assert data["pose_2d"][0][5].tolist() == [0, 0]


def test_who_has_no_joints_is_left_out_and_counted(folder: Path, tmp_path: Path) -> None:
    nobody, lost = mpii_rect([], 36, 41, 0.2), {**somebody(), "scale": NOTHING}
    pictures = [("a.png", [nobody, somebody(), lost], 1, 1.0), ("b.png", [somebody()], 0, 2.0), ("none.png", [], 1, NOTHING)]
    made = plan([mpii_mat(tmp_path / "m.mat", pictures)], folder)
    assert made.total == 1 and made.tally.counts == {
        "people left out: no joint labelled": 1,
        "people left out: no scale or place given": 1,
        "pictures left out: of the test set, whose joints are not published": 1,
    }


def test_a_video_keeps_to_one_split(folder: Path, tmp_path: Path) -> None:
    for number in range(30):
        photograph(folder / f"{number}.png", 100, 90, {(30 + number // 2, 40): (8 * number, 255, 7)})
    pictures = [(f"{number}.png", [somebody(), somebody()], 1, float(number // 3)) for number in range(30)]
    data = converted(mpii_mat(tmp_path / "m.mat", pictures), folder)
    group, split = data["group"].numpy(), data["split"].numpy()
    assert group.tolist() == [row // 6 for row in range(60)] and len(set(split.tolist())) > 1
    assert data["annotation"].numpy()[:4].tolist() == [0, 1, 1000, 1001]
    shorter = plan([tmp_path / "m.mat"], folder, count=7)
    assert shorter.total == 7 and plan([tmp_path / "m.mat"], folder, split="val").rows == {("", "val"): 60}
    assert next(shorter.batches())[1]["split"].tolist() == split[:7].tolist()


def as_json(path: Path, **changed: object) -> Path:
    """The JSON form of ``somebody`` in MATLAB's pixels; ``changed`` replaces or, with None, removes."""
    joints, flags = [[-1, -1]] * 16, [0] * 16
    joints[15], joints[8], flags[15], flags[8] = [31, 41], [34, 45], 1, 1
    one: dict[str, object] = {"image": "a.png", "center": [36.0, 41.0], "scale": 0.2, "joints": joints, "joints_vis": flags} | changed
    path.write_text(json.dumps([{key: value for key, value in one.items() if value is not None}]))
    return path


def test_the_json_form_gives_the_same(folder: Path, tmp_path: Path) -> None:
    mat = converted(mpii_mat(tmp_path / "m.mat", [("a.png", [somebody()], 1, 1.0)]), folder)
    data = converted(as_json(tmp_path / "valid.json"), folder)
    for name in ("img", "pose_2d", "labelled", "crop"):
        assert np.array_equal(mat[name].numpy(), data[name].numpy()), name
    # the file's name tells the split; the form has no head's box.
    assert data["split"].numpy().tolist() == [1] and "head_size" not in data
    assert plan([as_json(tmp_path / "people.json", joints=None), tmp_path / "valid.json"], folder).tally.counts == {
        "people left out: no joint labelled": 1
    }
    assert plan([as_json(tmp_path / "people.json", center=[-1, -1]), tmp_path / "valid.json"], folder).total == 1


def test_a_picture_in_two_splits_is_told(folder: Path, tmp_path: Path) -> None:
    inputs = [as_json(tmp_path / "train.json"), as_json(tmp_path / "valid.json")]
    with pytest.raises(SourceInvalid, match=r"picture a.png is in two splits by the names of the annotation files; .*--split hash"):
        plan(inputs, folder)
    assert plan(inputs, folder, split="hash").total == 2


def flipped(path: Path) -> Path:
    """Damage in the middle of what is packed."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0x55
    path.write_bytes(bytes(raw))
    return path


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda p: as_json(p, joints=[[1, 2]]),
            "person 0: joints is [[1, 2]]; it must be a list of 16; each person must have image, center",
        ),
        (lambda p: as_json(p, joints=[[1, None]] * 16), "person 0: joints is [1, None]; it must hold 2 finite numbers"),
        (lambda p: as_json(p, joints_vis=None), "person 0 has no 'joints_vis'; it must hold 16 numbers"),
        (lambda p: as_json(p, scale="big"), "person 0: scale is ['big']; it must hold 1 finite numbers"),
        (lambda p: as_json(p, image=None), "it must be an object with the name of its image"),
        (lambda p: p.write_text('{"images": []}') and p, "is no JSON at character 0 ('{\"images\": []}'): must be an array"),
        (lambda p: p.write_text(as_json(p).read_text()[:-40]) and p, "the file is truncated; copy it again"),
        (lambda p: p.write_bytes(b"\0" * 300) and p, "is no MATLAB file, or is damaged or truncated: "),
        (
            lambda p: p.write_bytes(mpii_mat(p, [("a.png", [somebody()], 1, 1.0)], packed=False).read_bytes()[:-8]) and p,
            "is damaged or truncated: it breaks off within a variable",
        ),
        (
            lambda p: p.write_bytes(mpii_mat(p, [("a.png", [somebody()], 1, 1.0)]).read_bytes() + b"???") and p,
            "is damaged or truncated: it breaks off between two variables",
        ),
        (lambda p: flipped(mpii_mat(p, [("a.png", [somebody()], 1, 1.0)])), "is no MATLAB file, or is damaged or truncated: "),
        (lambda p: mpii_mat(p, [("a.png", [somebody()], 1, "far")]), "annolist(1): vididx is 'far'; it must be a finite number"),
        (
            lambda p: mpii_mat(p, [("a.png", [somebody()], 1, 1.0)], img_train="x"),
            "img_train holds <U1; it must hold 0 or 1 for each picture",
        ),
        (lambda p: p.write_bytes(b"") or p, "is no MATLAB file, or is damaged or truncated: "),
        (lambda p: p.write_bytes(mpii_mat(p, [("a.png", [somebody()], 1, 1.0)]).read_bytes()[:-30]) and p, "is damaged or truncated: "),
        (
            lambda p: scipy.io.savemat(p, {"x": 1}, do_compression=True) or p,
            "lacks the variable RELEASE, which must hold MPII's annotations; pass mpii_human_pose",
        ),
        (
            lambda p: scipy.io.savemat(p, {"RELEASE": {"annolist": 1}}, do_compression=True) or p,
            "RELEASE lacks the field img_train, which MPII's annotations have",
        ),
        (
            lambda p: mpii_mat(p, [("a.png", [mpii_rect([mpii_point(16, 1, 1)], 36, 41, 0.2)], 1, 1.0)]),
            "annolist(1).annorect(1): a point has the id 16; it must be a whole number in [0, 15]",
        ),
        (
            lambda p: mpii_mat(p, [("a.png", [mpii_rect([mpii_point(1, np.nan, 1)], 36, 41, 0.2)], 1, 1.0)]),
            "annolist(1).annorect(1): x is nan; it must be a finite number",
        ),
        (
            lambda p: mpii_mat(p, [("a.png", [somebody()], 1, 1.0)], img_train=np.ones((1, 2))),
            "img_train has 2 numbers and annolist 1 pictures",
        ),
        (lambda p: mpii_mat(p, [("a.png", [somebody(scale=51)], 1, 1.0)]), "a.png, annotation 0, has the scale 51; it must be in (0, 50]"),
    ],
)
def test_faults_are_told(folder: Path, tmp_path: Path, make, told: str) -> None:
    with pytest.raises(SourceInvalid, match=re.escape(told)):
        plan([make(tmp_path / "annotations.mat")], folder)


def test_a_file_without_checksums_is_read_and_told(folder: Path, tmp_path: Path) -> None:
    pictures = [("a.png", [somebody()], 1, 1.0)]
    packed, plain = (plan([mpii_mat(tmp_path / f"{way}.mat", pictures, packed=way)], folder) for way in (True, False))
    assert packed.tally.counts == {} and list(plain.tally.counts) == [
        "annotation files without checksums, whose damage cannot be told; save them with -v7 in MATLAB"
    ]
    assert np.array_equal(next(packed.batches())[1]["pose_2d"], next(plain.batches())[1]["pose_2d"])


def test_version_7_3_is_told(folder: Path, tmp_path: Path) -> None:
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (tmp_path / "new.mat").write_bytes(head.ljust(600, b"\0"))
    with pytest.raises(SourceInvalid, match=r"is of MATLAB's format 7.3, which SciPy does not read; .*save it with -v7"):
        plan([tmp_path / "new.mat"], folder)


def test_missing_pictures_are_told_or_left_out(folder: Path, tmp_path: Path) -> None:
    path = mpii_mat(tmp_path / "m.mat", [("a.png", [somebody()], 1, 1.0), ("gone.png", [somebody(), somebody()], 1, 1.0)])
    with pytest.raises(SourceInvalid, match=r"1 of 2 annotated pictures are not in .*images, first gone.png; .*--skip-faulty to leave"):
        plan([path], folder)
    made = plan([path], folder, skip=True)
    assert made.total == 1 and made.tally.counts == {"people left out: picture missing": 2}
    assert made.generator == "python -m data_scripts convert mpii --size 40 --margin 1.0 --split auto --skip-faulty"
    with pytest.raises(BuildError, match=r"--images .*nowhere is no folder; it must hold the pictures; unpack them first"):
        plan([path], tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"none.mat is no file; it must hold MPII's annotations"):
        plan([tmp_path / "none.mat"], folder)


def test_a_crop_beside_its_picture_is_told_or_left_out(folder: Path, tmp_path: Path) -> None:
    far = mpii_rect([WRIST], 500, 41, 0.2)
    path = mpii_mat(tmp_path / "m.mat", [("a.png", [far, somebody()], 1, 1.0)])
    with pytest.raises(
        PictureInvalid, match=r"a.png, annotation 0: a crop from \(480, 24\) of 40 pixels lies outside of its picture of 100 x 90"
    ):
        carry_out(plan([path], folder), tmp_path / "m.h5", silent)
    assert not (tmp_path / "m.h5").exists()
    made = plan([path], folder, skip=True)
    assert carry_out(made, tmp_path / "m.h5", silent).report.rows == {"": 1}
    assert made.tally.counts == {"people left out: picture or crop unusable": 1}
