"""COCO's keypoints: joints at pixel centres, boxes from the edge, and annotations that fit neither file nor folder."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from foreign_files import PERSON, TERMS, coco, coco_caption, coco_image, coco_person, photograph, silent

from data_scripts.convert import coco_keypoints
from data_scripts.convert.faults import PictureInvalid, SourceInvalid
from data_scripts.convert.picture import Pictures
from data_scripts.convert.plan import Plan
from data_scripts.convert.verification import inspect_path
from data_scripts.convert.writing import carry_out
from vislab.data import Augmentation, DeviceLoader, open_dataset
from vislab.data.dataset import Dataset

RED = (255, 0, 0)
BLOCK = {(x, y): RED for x in (20, 21) for y in (30, 31)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of 64 x 48; the first has a red block of 2 x 2 pixels from (20, 30) on."""
    photograph(tmp_path / "images" / "a.png", 64, 48, BLOCK)
    photograph(tmp_path / "images" / "b.png", 64, 48, {(25, 25): (0, 255, 0)})
    return tmp_path / "images"


def plan(inputs: list[Path], images: Path, **changed: object) -> Plan:
    options: dict[str, object] = {
        "size": 16,
        "margin": 1.0,
        "split": "auto",
        "count": None,
        "skip": False,
        "terms": TERMS,
        "progress": silent,
    }
    return coco_keypoints.plan(inputs, Pictures([images]), **(options | changed))  # type: ignore[arg-type]


IMAGES = [coco_image(7, "a.png", 64, 48), coco_image(9, "b.png", 64, 48)]
# a box of 32 x 20 about (26, 26): the crop is the square from (10, 10) to (42, 42), at 16 pixels half as large.
BOX = (10, 16, 32, 20)


def annotations(path: Path, *people: dict, images: list[dict] | None = None, **more: object) -> Path:
    return coco(path, IMAGES if images is None else images, people, **{"categories": [PERSON], **more})


def converted(path: Path, images: Path, **changed: object) -> Dataset:
    to = path.with_suffix(".h5")
    carry_out(plan([path], images, **changed), to, silent)
    assert inspect_path(to, silent).ok, inspect_path(to, silent).findings
    return open_dataset(to)


def test_joints_boxes_and_pictures_agree(folder: Path, tmp_path: Path) -> None:
    person = coco_person(5, 7, {9: (20.5, 30.5, 2), 0: (11, 12, 1), 16: (60, 40, 2)}, BOX)
    data = converted(annotations(tmp_path / "person_keypoints_val2017.json", person), folder)
    assert data["crop"][0].tolist() == [10, 10, 42, 42]
    # the block of 2 x 2 becomes the pixel (5, 10); its middle, 20.5 and 30.5 between two pixels, becomes that pixel's centre.
    assert data["img"][0][:, 10, 5].tolist()[0] > 120 and data["img"][0][0].argmax() == 10 * 16 + 5
    assert data["pose_2d"][0][9].tolist() == [5, 10] and data["pose_2d"][0][0].tolist() == [0.25, 0.75]
    # a corner of the box is an edge: the block's corner (20, 30) would be (5, 10), where that pixel begins.
    assert data["box"][0].tolist() == [0, 3, 16, 13] and data["person_area"][0] == 12.5 / 4
    assert np.flatnonzero(data["labelled"][0]).tolist() == [0, 9, 16] and np.flatnonzero(data["visible"][0]).tolist() == [9]
    assert (data["annotation"][0], data["picture"].numpy()[0], data["split"][0]) == (5, "a.png", 1)
    names, mirror, parents = (data.attributes[key] for key in ("joint_names", "mirror", "parents"))
    assert names[9] == "left wrist" and names[mirror[9]] == "right wrist" and names[parents[9]] == "left elbow"


def test_the_other_conventions_miss(folder: Path, tmp_path: Path) -> None:
    box = coco_person(5, 7, {9: (20.5, 30.5, 2)}, (20, 30, 2, 2))
    data = converted(annotations(tmp_path / "train.json", box), folder, size=4)
    # a crop of the block alone: red throughout, and the joint in its middle.
    assert data["img"][0][0].min() == 255 and data["pose_2d"][0][9].tolist() == [1.5, 1.5] and data["box"][0].tolist() == [0, 0, 4, 4]
    # joints read as if they were measured from the edge lie half a pixel of the source lower, here a whole one.
    edge = (np.array([20.5, 30.5]) - [20, 30]) * 2 - 0.5
    assert edge.tolist() == [0.5, 0.5] and edge.tolist() != data["pose_2d"][0][9].tolist()
    # a box read as if its corners were pixel centres would leave the crop.
    assert ((np.array([20, 30]) - [20, 30] + 0.5) * 2).tolist() == [1, 1] != data["box"][0][:2].tolist()


def test_flips_take_labels_along(folder: Path, tmp_path: Path) -> None:
    data = converted(annotations(tmp_path / "train.json", coco_person(5, 7, {9: (20.5, 30.5, 2)}, BOX)), folder)
    (batch,) = DeviceLoader(data, 1, fields=["img", "pose_2d", "labelled", "visible"], augmentation=Augmentation(flip=1.0))
    # the left wrist of the mirrored person is what was the right one: nobody labelled that.
    assert batch["labelled"][0].nonzero().flatten().tolist() == [10] and batch["visible"][0].nonzero().flatten().tolist() == [10]
    assert batch["pose_2d"][0, 10].tolist() == [10, 10] and batch["img"][0, 0].argmax().item() == 10 * 16 + 10


def test_who_is_left_out_is_counted(folder: Path, tmp_path: Path) -> None:
    people = [
        coco_person(1, 7, {0: (20, 20, 2)}, BOX, iscrowd=1),
        coco_person(2, 7, {}, BOX),
        coco_person(3, 7, {0: (20, 20, 2)}, BOX, category_id=2),
        coco_person(4, 9, {0: (20, 20, 2)}, BOX),
    ]
    made = plan([annotations(tmp_path / "train.json", *people)], folder)
    assert made.rows == {("", "train"): 1} and made.tally.counts == {
        "annotations left out: crowds": 1,
        "annotations left out: not of people": 1,
        "people left out: no joint labelled": 1,
    }


def test_people_of_one_picture_share_a_group_and_follow_each_other(folder: Path, tmp_path: Path) -> None:
    people = [coco_person(number, 7 if number % 2 else 9, {0: (20, 20, 2)}, BOX) for number in range(1, 7)]
    data = converted(annotations(tmp_path / "annotations.json", *people), folder, split="hash")
    assert data["annotation"].numpy().tolist() == [1, 3, 5, 2, 4, 6] and data["group"].numpy().tolist() == [0, 0, 0, 1, 1, 1]
    assert plan([tmp_path / "annotations.json"], folder, count=2).total == 2


def test_two_files_make_two_splits(folder: Path, tmp_path: Path) -> None:
    one = annotations(tmp_path / "person_keypoints_train2017.json", coco_person(1, 7, {0: (20, 20, 2)}, BOX))
    two = annotations(tmp_path / "person_keypoints_val2017.json", coco_person(2, 9, {0: (20, 20, 2)}, BOX))
    assert plan([one, two], folder).rows == {("", "train"): 1, ("", "val"): 1}
    again = annotations(tmp_path / "val.json", coco_person(1, 7, {0: (20, 20, 2)}, BOX))
    with pytest.raises(
        SourceInvalid, match=r"a.png is in two splits by the names of the annotation files; it must be in one; pass --split hash"
    ):
        plan([one, again], folder)


GOOD = coco_person(5, 7, {0: (20, 20, 2)}, BOX)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda p: annotations(p, {**GOOD, "image_id": 8}),
            "annotation 5 is of picture 8, which images does not list; 1 annotations are; every one",
        ),
        (lambda p: annotations(p, GOOD, GOOD), "annotations[1] has the id 5, which another annotation has; ids must differ"),
        (
            lambda p: annotations(p, GOOD, images=[IMAGES[0], IMAGES[0]]),
            "images[1] has the id 7, which another picture has; ids must differ",
        ),
        (lambda p: annotations(p, {**GOOD, "keypoints": [1] * 50}), "annotations[0]: keypoints is [1, 1, 1"),
        (
            lambda p: annotations(p, {**GOOD, "keypoints": [1, 1, 3] * 17}),
            "keypoint 0 has the flag 3; it must be 0 (not labelled), 1 (hidden) or 2",
        ),
        (lambda p: annotations(p, {**GOOD, "bbox": [0, 0, True, 1]}), "bbox is [0, 0, True, 1]; it must hold 4 finite numbers"),
        (
            lambda p: annotations(p, {**GOOD, "bbox": [1, 1, 0, 5]}),
            "annotation 5 has the bbox [1.0, 1.0, 0.0, 5.0]; width and height must be",
        ),
        (lambda p: annotations(p, {**GOOD, "area": -1}), "area -1 and category_id 1 must be numbers, area 0 or more"),
        (lambda p: annotations(p, {**GOOD, "id": "5"}), "annotations[0]: id is '5'; it must be a whole number"),
        (
            lambda p: annotations(p, coco_caption(5, 7, "a dog")),
            "annotations[0] has no 'keypoints'; it must hold 51 numbers; this reads person_",
        ),
        (lambda p: annotations(p, GOOD, images=[{"id": 7}]), "images[0]: file_name is None; it must be text"),
        (
            lambda p: annotations(p, GOOD, categories=[{"id": 1, "name": "person"}]),
            "categories has no joints; one category must have COCO's 17",
        ),
        (
            lambda p: annotations(p, GOOD, categories=[{**PERSON, "keypoints": ["head top"] * 17}]),
            "categories has head top, head top, head top, head top ...; one category must have COCO's 17 joints, nose first",
        ),
        (
            lambda p: coco(p, IMAGES, [GOOD]),
            "lacks the array 'categories'; it has info, licenses, images, annotations; pass the annotation file",
        ),
        (lambda p: annotations(p, GOOD, images=["a"]), "images[0] is 'a'; it must be an object"),
        (lambda p: p.write_text(annotations(p, GOOD).read_text()[:-30]) and p, "is truncated; copy it again"),
        (lambda p: annotations(p, GOOD, images=[coco_image(7, "c.png", 1, 1)]), "1 of 1 annotated pictures are not in "),
    ],
)
def test_faults_are_told(folder: Path, tmp_path: Path, make, told: str) -> None:
    with pytest.raises(SourceInvalid, match=re.escape(told)):
        plan([make(tmp_path / "train.json")], folder)


def test_what_is_faulty_is_left_out_when_asked(folder: Path, tmp_path: Path) -> None:
    people = [GOOD, {**GOOD, "id": 6, "image_id": 8}, {**GOOD, "id": 7, "bbox": [1, 1, 0, 5]}, {**GOOD, "id": 8, "image_id": 9}]
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:-60])
    path = annotations(
        tmp_path / "train.json", *people, {**GOOD, "id": 9, "image_id": 10}, images=[*IMAGES, coco_image(10, "gone.png", 9, 9)]
    )
    made = plan([path], folder, skip=True)
    assert carry_out(made, tmp_path / "new.h5", silent).report.rows == {"": 1}
    assert made.tally.counts == {
        "people left out: of no picture in the file": 1,
        "people left out: an empty box": 1,
        "people left out: picture missing": 1,
        "people left out: picture or crop unusable": 1,
    }


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-60]), "a.png cannot be read as a picture: "),
        (lambda path: path.write_text("no picture"), "a.png cannot be read as a picture: "),
        (lambda path: photograph(path, 32, 24), "a.png is 32 x 24, but the annotations say 64 x 48; coordinates would be wrong"),
    ],
)
def test_pictures_that_cannot_be_used_are_told(folder: Path, tmp_path: Path, spoil, told: str) -> None:
    spoil(folder / "a.png")
    with pytest.raises(PictureInvalid, match=told):
        carry_out(plan([annotations(tmp_path / "train.json", GOOD)], folder), tmp_path / "new.h5", silent)
    assert [path.name for path in tmp_path.iterdir() if "new" in path.name] == []


def test_nothing_left_is_told(folder: Path, tmp_path: Path) -> None:
    photograph(folder / "a.png", 1, 1)
    made = plan([annotations(tmp_path / "train.json", GOOD)], folder, skip=True)
    with pytest.raises(SourceInvalid, match=r"nothing is left to write \(people left out: picture or crop unusable: 1\); one row at least"):
        carry_out(made, tmp_path / "new.h5", silent)
    assert json.loads((tmp_path / "train.json").read_text())["info"] and not (tmp_path / "new.h5").exists()


def test_pictures_are_read_as_they_are_needed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [coco_image(number, "a.png" if number % 2 else "b.png", 64, 48) for number in range(100)]
    people = [coco_person(number, number, {0: (20, 20, 2)}, BOX) for number in range(100)]
    names: list[str] = []
    read = Pictures.read

    def watched(pictures: Pictures, name: str, size: tuple[int, int] | None = None) -> object:
        names.append(name)
        return read(pictures, name, size)

    monkeypatch.setattr(Pictures, "read", watched)
    batches = plan([annotations(tmp_path / "train.json", *people, images=images)], folder).batches()
    # nothing is read while planning, and no more than a batch before somebody asks for the next.
    assert names == [] and len(next(batches)[1]["img"]) == 64 and len(names) == 64
    assert len(next(batches)[1]["img"]) == 36 and len(names) == 100 and next(batches, None) is None
