"""The instructor's set ``pose_hidden``: other people before other photographs, and checks that can fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_scripts.builder import Progress, Stored
from data_scripts.discovery import builders
from data_scripts.pose import photograph, verification
from data_scripts.pose.example import example, hidden_example
from data_scripts.production import make, read, set_path
from data_scripts.verification import free_licences, inspect

COUNT = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, progress: Progress) -> Path:
    place = tmp_path_factory.mktemp("hidden")
    make(builders()["pose_hidden"], place, COUNT, 5, progress)
    return place


@pytest.fixture(scope="module")
def hidden(folder: Path) -> Stored:
    return read(set_path(folder, "pose_hidden"))


def told(stored: Stored, name: str) -> tuple[bool, str]:
    (found,) = [one for one in verification.hidden_findings(stored) if one.check == name]
    return found.ok, found.detail


def test_the_file_is_one_of_the_set_pose_and_verifies(folder: Path, hidden: Stored, progress: Progress) -> None:
    verdict = inspect(builders()["pose_hidden"], folder, (), progress)
    assert verdict.ok, [one for one in verdict.findings if not one.ok]
    assert free_licences(str(hidden.attributes[""]["sources"])).ok
    assert set(hidden.arrays["split"]) == {photograph.TEST} and len(hidden.arrays["img"]) == COUNT


def test_nobody_and_no_ground_of_it_stands_in_another_set() -> None:
    known = {one.name for one in photograph.PHOTOGRAPHS}
    assert not known & {one.name for one in photograph.HIDDEN_PHOTOGRAPHS} and len(photograph.OF_HIDDEN) >= 2
    for row in range(4):
        # equal seeds and rows give other people.
        assert not np.allclose(hidden_example(0, row)["pose_3d"], example(0, row)["pose_3d"], atol=1e-3)
        assert hidden_example(0, row)["background"] < len(photograph.HIDDEN_PHOTOGRAPHS)


def test_every_hidden_photograph_lies_in_its_wheel() -> None:
    for number in photograph.OF_HIDDEN:
        assert min(photograph.load(number).shape[:2]) >= photograph.SIDE_LEAST_PX


FAULTS: dict[str, Callable[[Stored], Stored]] = {
    "must be a test row": lambda stored: replace(stored, arrays={**stored.arrays, "split": np.zeros_like(stored.arrays["split"])}),
    "stands in other sets": lambda stored: replace(
        stored, attributes={**stored.attributes, "": {**stored.attributes[""], "backgrounds": ["text", "brick"]}}
    ),
}


@pytest.mark.parametrize("words", FAULTS)
def test_the_check_of_grounds_fails_on_its_fault(hidden: Stored, words: str) -> None:
    assert told(hidden, "backgrounds")[0]
    ok, detail = told(FAULTS[words](hidden), "backgrounds")
    assert not ok and words in detail


def test_a_file_of_another_set_is_refused(folder: Path, progress: Progress) -> None:
    other = replace(builders()["pose_hidden"], schema="pose_pairs")
    verdict = inspect(other, folder, (), progress)
    assert "the file holds the set pose; it must hold pose_pairs" in " ".join(one.detail for one in verdict.findings if not one.ok)
