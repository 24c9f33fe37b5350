"""The set ``pose``: what is built, that it depends on the seed alone, and that every check of a finished file can fail."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_scripts.builder import BuildError, Progress, Stored
from data_scripts.discovery import builders
from data_scripts.pose import photograph, verification
from data_scripts.pose.content import people as build_people
from data_scripts.pose.example import example, split_of
from data_scripts.pose.photograph import OF_SPLIT, PHOTOGRAPHS, TEST, TRAIN, VAL
from data_scripts.pose.picture import majority
from data_scripts.pose.skeleton import JOINTS, PARTS
from data_scripts.production import read, write
from data_scripts.verification import free_licences

COUNT = 225


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory, progress: Progress) -> Stored:
    """A file of a few hundred rows, as read back. Tests that spoil it copy it first."""
    path = tmp_path_factory.mktemp("people") / "pose.h5"
    write(builders()["pose"], path, COUNT, 0, progress)
    return read(path)


def spoilt(people: Stored, **changed: np.ndarray) -> Stored:
    return replace(people, arrays={**people.arrays, **changed})


def finding(people: Stored, name: str) -> tuple[bool, str]:
    (found,) = [one for one in verification.findings(people) if one.check == name]
    return found.ok, found.detail


def test_a_finished_file_is_as_it_must_be(people: Stored) -> None:
    assert {name: array.dtype.name for name, array in people.arrays.items()} == {
        "img": "uint8",
        "pose_2d": "float32",
        "pose_3d": "float32",
        "root": "float32",
        "camera": "float32",
        "visible": "bool",
        "limb": "int8",
        "split": "uint8",
        "box": "float32",
        "group": "int32",
        "background": "int16",
        "yaw": "float32",
    }
    assert people.arrays["img"].shape == (COUNT, 3, 64, 64) and people.arrays["pose_2d"].shape == (COUNT, 17, 2)
    assert people.attributes["pose_2d"]["convention"] == "pixel" and people.attributes["pose_3d"]["unit"] == "metre"
    assert [one.detail for one in verification.findings(people) if not one.ok] == []
    assert free_licences(str(people.attributes[""]["sources"])).ok


def test_values_lie_where_people_are(people: Stored) -> None:
    arrays = people.arrays
    assert (arrays["pose_3d"][:, 0] == 0).all() and 1.2 < np.ptp(arrays["pose_3d"][..., 1], axis=1).max() < 2.2
    assert (arrays["root"][:, 2] >= 2.5).all() and (arrays["root"][:, 2] <= 5.0).all()
    assert (arrays["camera"][:, 0] == arrays["camera"][:, 1]).all()
    assert set(np.unique(arrays["limb"])) == set(range(-1, len(PARTS)))
    assert 0.55 < arrays["visible"].mean() < 0.85
    # whole people fill 62 to 92 % of the image, and about one in eight reaches beyond it.
    beyond = ((arrays["pose_2d"] < -0.5) | (arrays["pose_2d"] >= 63.5)).any((1, 2))
    assert 0.03 < beyond.mean() < 0.2
    assert np.abs(arrays["yaw"]).max() > 2.8 and np.abs(arrays["yaw"]).min() < 0.3


def test_rows_are_shared_out_among_splits(people: Stored) -> None:
    assert np.bincount(people.arrays["split"]).tolist() == [COUNT * 19 // 25, COUNT * 2 // 25, COUNT * 4 // 25]
    assert [split_of(row) for row in range(25)] == [split_of(row + 50) for row in range(25)]
    assert all(OF_SPLIT[split] for split in (TRAIN, VAL, TEST)) and not set(OF_SPLIT[TRAIN]) & set(OF_SPLIT[TEST])


FAULTS: dict[str, tuple[str, Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]]] = {
    "projection": ("px off the projection of root", lambda a: {"pose_2d": a["pose_2d"] + np.float32(0.01)}),
    "limbs": ("limb shows a joint's own part at", lambda a: {"limb": a["limb"][:, ::-1]}),
    "outside": ("is true of a joint outside of the image", lambda a: {"visible": np.ones_like(a["visible"])}),
    "boxes": ("the person's pixels have", lambda a: {"box": a["box"] + np.float32(1)}),
    "bones": ("longer or shorter than its twin", lambda a: {"pose_3d": a["pose_3d"] * np.where(np.arange(17) == 13, 1.02, 1)[:, None]}),
    "backgrounds": ("it belongs to split 0 alone", lambda a: {"background": np.where(a["split"] == TEST, 0, a["background"])}),
    "leakage": (
        "from a training picture",
        lambda a: {"img": np.where((np.arange(len(a["img"])) == 4)[:, None, None, None], a["img"][0], a["img"])},
    ),
    "facing": ("the nose is visible in", lambda a: {"yaw": np.float32(np.pi) - np.abs(a["yaw"])}),
    "seen": ("of the pictures show fewer than", lambda a: {"visible": np.zeros_like(a["visible"])}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_check_fails_on_its_fault(people: Stored, name: str) -> None:
    told, spoil = FAULTS[name]
    ok, detail = finding(spoilt(people, **spoil(people.arrays)), name)
    assert not ok and told in detail
    assert set(FAULTS) == {one.check for one in verification.findings(people)}


def digest(rows: range, seed: int) -> str:
    found = hashlib.sha256()
    for row in rows:
        for name, value in sorted(example(seed, row).items()):
            found.update(name.encode() + np.asarray(value).tobytes())
    return found.hexdigest()


def test_a_row_depends_on_the_seed_and_its_number_alone(people: Stored, progress: Progress) -> None:
    some = build_people(12, 0, progress).tables[""]
    for name, array in some.items():
        np.testing.assert_array_equal(array, people.arrays[name][:12])
    assert digest(range(3), 0) == digest(range(3), 0) != digest(range(3), 1)


def test_the_number_of_threads_changes_nothing(root: Path) -> None:
    told = (
        "import hashlib, sys; from data_scripts.pose.example import example\n"
        "found = hashlib.sha256()\n"
        "for row in range(6):\n"
        "    for name, value in sorted(example(0, row).items()): found.update(name.encode() + value.tobytes())\n"
        "print(found.hexdigest(), 'skimage' in sys.modules, 'pooch' in sys.modules)"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", told],
            cwd=root,
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "4")
    }
    # photographs are read from the wheels' folders: the loader that would ask the network is never imported.
    assert said == {f"{digest(range(6), 0)} False False\n"}


def test_a_missing_photograph_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(PHOTOGRAPHS[0], file="absent.png")
    monkeypatch.setattr(photograph, "PHOTOGRAPHS", (absent,))
    photograph.load.cache_clear()
    with pytest.raises(BuildError, match=r"photograph 'brick' must lie in the package scikit-image as data/absent.png; run make setup"):
        photograph.load(0)
    monkeypatch.setattr(photograph, "PHOTOGRAPHS", (replace(absent, package=("nowhere", "no_such_module", "data")),))
    with pytest.raises(BuildError, match=r"must lie in the package nowhere as data/absent.png"):
        photograph.load(0)


def test_every_photograph_lies_in_its_wheel_and_crops_differ() -> None:
    for number, one in enumerate(PHOTOGRAPHS):
        pixels = photograph.load(number)
        assert pixels.dtype == np.uint8 and min(pixels.shape[:2]) >= photograph.SIDE_LEAST_PX, one.name
        first, second = (photograph.crop(np.random.default_rng(seed), pixels, 64) for seed in (0, 1))
        assert first.shape == (64, 64, 3) and 0 <= first.min() and first.max() <= 255
        assert np.abs(first - second).mean() > 3
        assert one.attribution or one.licence != "CC-BY-2.0"


def test_backgrounds_of_training_are_varied_and_those_of_the_test_are_not() -> None:
    for number, one in enumerate(PHOTOGRAPHS):
        plain = photograph.crop(np.random.default_rng(5), photograph.load(number), 64)
        found = photograph.background(np.random.default_rng(5), number, 64)
        assert found.shape == (64, 64, 3) and found.dtype == np.float64 and 0 <= found.min() and found.max() <= 255
        assert np.array_equal(found, plain) == (one.split != TRAIN), one.name


def test_whoever_must_be_named_is_told_what_was_changed() -> None:
    named = {one.name: one.attribution for one in photograph.sources()}
    assert named["photograph china"].endswith("danielbuechele/6061409035; cropped, turned, recoloured and blurred")
    assert named["photograph flower"].endswith("vultilion/6056698931; cropped, flipped and dimmed")
    assert named["photograph brick"] == ""


def test_varied_backgrounds_differ_in_colour_and_in_focus() -> None:
    brick = photograph.crop(np.random.default_rng(0), photograph.load(0), 64)
    varied = [photograph.varied(np.random.default_rng(seed), brick) for seed in range(40)]
    # the bricks are grey: what is recoloured has colours, the rest keeps the crop's tint.
    colourful = [np.ptp(one, axis=2).mean() > 40 for one in varied]
    steps = np.array([np.abs(np.diff(one, axis=0)).mean() / one.std() for one in varied])
    assert 10 < sum(colourful) < 30 and (steps < 0.25 * steps.max()).sum() > 4 and len({one.tobytes() for one in varied}) == 40


def test_a_ramp_gives_its_colours_from_dark_to_bright() -> None:
    ramp = np.array([[0.1, 0, 0], [0, 0.2, 0], [0, 0, 0.3], [0.4, 0.4, 0.4]])
    grey = np.array([[10.0, 20.0], [30.0, 40.0]])[..., None].repeat(3, 2)
    np.testing.assert_allclose(photograph.recoloured(grey, ramp).reshape(4, 3), ramp, atol=1e-12)
    # one tone alone is the darkest.
    np.testing.assert_allclose(photograph.recoloured(np.full((2, 2, 3), 7.0), ramp), np.broadcast_to(ramp[0], (2, 2, 3)))


def test_majority_takes_the_first_of_equals() -> None:
    assert majority(np.array([[3, 1, 1, 2], [4, 5, 4, 5], [7, 8, 9, 8]])).tolist() == [1, 4, 8]


def test_the_sheet_shows_every_split(people: Stored) -> None:
    figure = builders()["pose"].picture(people)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0] == "training" and "test: photographs that training never sees" in titles and len(titles) == 5
    assert len(figure.axes[1].lines) > 8 * len(JOINTS)
    alone = spoilt(people, **{name: array[:3] for name, array in people.arrays.items()})
    assert builders()["pose"].picture(alone).axes[3].get_title() == ""
