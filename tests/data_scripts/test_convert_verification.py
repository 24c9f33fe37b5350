"""``verify PATH``: each check of a converted file, seen to fail once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foreign_files import silent

from data_scripts.convert import words
from data_scripts.convert.provenance import UNSTATED
from data_scripts.convert.skeleton import COCO
from data_scripts.convert.verification import inspect_path
from data_scripts.verification import Verdict
from vislab.data.layout import DatasetWriter, Source


def write(path: Path, set_name: str, tables: Mapping[str, Mapping[str, Any]], licence: str = "CC-BY-4.0", **attributes: object) -> Verdict:
    source = [Source("made here", "1", licence, "", "everything")]
    with DatasetWriter(path, set_name, sources=source, generator="tests", attributes=attributes) as writer:
        for table, columns in tables.items():
            writer.append(table, **columns)
    return inspect_path(path, silent)


def digits(count: int = 40) -> dict[str, Any]:
    return {
        "img": np.random.default_rng(0).integers(0, 256, (count, 1, 6, 6), dtype=np.uint8),
        "label": (np.arange(count) % 10).astype(np.uint8),
        "split": np.array([0, 0, 1, 2], np.uint8)[np.arange(count) % 4],
    }


def people(count: int = 8) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {
        "img": rng.integers(0, 256, (count, 3, 20, 20), dtype=np.uint8),
        "pose_2d": rng.uniform(0, 19, (count, 17, 2)).astype(np.float32),
        "labelled": np.ones((count, 17), bool),
        "group": np.arange(count, dtype=np.int32),
        "split": np.zeros(count, np.uint8),
    }


def captions(count: int = 6) -> dict[str, dict[str, Any]]:
    table = {
        "img": np.random.default_rng(2).integers(0, 256, (count, 3, 8, 8), dtype=np.uint8),
        "tokens": np.tile(np.array([1, 4, 5, 3, 2, 0], np.int32), (count, 2, 1)),
        "captions": [["a dog barks", "a dog sleeps"]] * count,
        "group": np.arange(count, dtype=np.int32),
    }
    return {"train": table, "vocabulary": {"word": [*words.SPECIAL, "a", "dog"], "occurrences": np.zeros(6, np.int64)}}


def said(verdict: Verdict, check: str) -> str:
    (detail,) = [finding.detail for finding in verdict.findings if finding.check == check and not finding.ok]
    assert not verdict.ok
    return detail


def test_good_files_are_well(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.h5", "digits_plain", {"": digits()})
    assert plain.ok and [finding.check for finding in plain.findings] == ["layout", "sources", "splits", "leakage", "pictures"]
    told = {finding.check: finding.detail for finding in plain.findings}
    assert told["splits"] == "train 20, val 10, test 10" and told["leakage"].startswith("0 of 10 test pictures are training pictures")
    assert plain.rows == {"": 40} and len(plain.sha256) == 64 and plain.deterministic is None
    posed = write(tmp_path / "b.h5", "keypoints", {"": people()}, joint_names=list(COCO.names))
    assert posed.ok and posed.findings[-1].detail == "136 of 136 labelled joints lie inside their image"
    told_of = write(tmp_path / "c.h5", "captions", captions())
    assert told_of.ok and told_of.findings[-1].detail == "12 of 36 words are not in the vocabulary of 6"


def test_an_unstated_licence_is_told_and_no_fault(tmp_path: Path) -> None:
    verdict = write(tmp_path / "a.h5", "digits_plain", {"": digits()}, licence=UNSTATED)
    (detail,) = [finding.detail for finding in verdict.findings if finding.check == "sources"]
    assert verdict.ok and detail.endswith("look up the source's terms before you hand it on")


def test_twins_across_splits_are_told(tmp_path: Path) -> None:
    columns = digits()
    columns["img"][3] = columns["img"][0]
    verdict = write(tmp_path / "a.h5", "digits_plain", {"": columns})
    assert said(verdict, "leakage").startswith("1 of 10 test pictures are training pictures, bit by bit")


def test_blank_pictures_are_told(tmp_path: Path) -> None:
    columns = digits()
    columns["img"][1:40:2] = np.arange(20, dtype=np.uint8)[:, None, None, None]
    assert said(write(tmp_path / "a.h5", "digits_plain", {"": columns}), "pictures") == "20 of 40 pictures are of one colour throughout"


def test_joints_of_other_pictures_are_told(tmp_path: Path) -> None:
    columns = people()
    # pixels of the photograph instead of the crop's.
    columns["pose_2d"] += 300
    detail = said(write(tmp_path / "a.h5", "keypoints", {"": columns}, joint_names=list(COCO.names)), "joints")
    assert detail == "0 of 136 labelled joints lie inside their image; half of them must; coordinates and pictures may not belong together"


def test_a_foreign_vocabulary_is_told(tmp_path: Path) -> None:
    tables = captions()
    tables["train"]["tokens"][..., 1:3] = words.UNK
    assert said(write(tmp_path / "a.h5", "captions", tables), "tokens").startswith("36 of 36 words are not in the vocabulary of 6; half")


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    assert "is no file" in said(inspect_path(tmp_path / "none.h5", silent), "layout")
    (tmp_path / "text.h5").write_text("text")
    assert "is no HDF5 file" in said(inspect_path(tmp_path / "text.h5", silent), "layout")
    write(tmp_path / "a.h5", "digits_plain", {"": digits()})
    (tmp_path / "a.h5").write_bytes((tmp_path / "a.h5").read_bytes()[:-500])
    assert "damaged or truncated" in said(inspect_path(tmp_path / "a.h5", silent), "layout")


@pytest.mark.parametrize("wrong", ["split", "label"])
def test_a_changed_file_is_told(tmp_path: Path, wrong: str) -> None:
    import h5py

    write(tmp_path / "a.h5", "digits_plain", {"": digits()})
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file[wrong][0] = 99 if wrong == "split" else 1
    assert ("split[0] is 99" if wrong == "split" else "it was changed") in said(inspect_path(tmp_path / "a.h5", silent), "layout")
