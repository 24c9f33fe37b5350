"""Nouns and drawings, the scenes file as a whole, and its checks, each seen to fail once."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import h5py
import numpy as np
import pytest

from data_scripts.builder import Finding, Progress, Stored
from data_scripts.discovery import builders
from data_scripts.icons.drawing import blocked_patterns
from data_scripts.production import read, write
from data_scripts.scenes import verification
from data_scripts.scenes.catalogue import TEST, TRAIN, CatalogueError, catalogue, read_drawings, read_table
from data_scripts.scenes.content import content, table_rows
from data_scripts.scenes.example import BOX_SHARED_MOST, VISIBLE_LEAST, shared
from data_scripts.scenes.palette import COLOURS, CONTRAST, colour_of, ground, shade
from data_scripts.scenes.picture import COVERED, LONGEST_PX, Sprites, front, painted, tight_box
from vislab.data.dataset import open_dataset
from vislab.data.layout.verification import inspect_file

COUNT = 40


@pytest.fixture(scope="module")
def path(wheel: Path, tmp_path_factory: pytest.TempPathFactory, progress: Progress) -> Path:
    path = tmp_path_factory.mktemp("scenes") / "scenes.h5"
    write(builders()["scenes"], path, COUNT, 0, progress)
    return path


@pytest.fixture(scope="module")
def scenes(path: Path) -> Stored:
    return read(path)


def found(stored: Stored, check: str) -> Finding:
    one: Finding = getattr(verification, check)(stored)
    assert one.check == check
    return one


def test_checks_pass_on_what_was_built(path: Path, scenes: Stored) -> None:
    report = inspect_file(path)
    assert report.ok, report.problems
    assert report.rows == table_rows(COUNT) == {"train": 40, "test": 8, "singles": 72}
    assert [finding for finding in verification.findings(scenes) if not finding.ok] == []
    assert len(scenes.attributes[""]["nouns"]) == 24 and len(scenes.attributes[""]["colours"]) == 8
    assert len(scenes.attributes[""]["vocabulary"]) == 62
    assert {"CC-BY-4.0", "Apache-2.0", "MIT"} == set(scenes.attributes[""]["licences"])
    counts = (scenes.arrays["train/objects"][..., 0] >= 0).sum(1)
    assert set(counts.tolist()) == {2, 3, 4}


def test_its_tables_open_by_name(path: Path) -> None:
    train, singles = open_dataset(path, "train"), open_dataset(path, "singles")
    assert train.tables == ("train", "test", "singles")
    assert train["img"].shape == (COUNT, 3, 64, 64) and train["mask"].shape == (COUNT, 64, 64)
    assert train["captions"].shape == (COUNT, 5) and train["tokens"].shape == (COUNT, 5, 24)
    assert train["objects"].info.convention == "box_edges" and train["drawing"].shape == (COUNT, 4)
    assert singles["img"].shape == (72, 3, 32, 32) and set(singles["split"].numpy().tolist()) == {TRAIN, TEST}


def test_a_longer_file_begins_with_the_shorter_one(wheel: Path, scenes: Stored, progress: Progress) -> None:
    shorter, other = (content(wheel, 6, seed, progress) for seed in (0, 1))
    for table, columns in shorter.tables.items():
        for name, values in columns.items():
            longer = scenes.arrays[f"{table}/{name}"]
            assert len(values) == table_rows(6)[table] and np.array_equal(values, longer[: len(values)])
    assert not np.array_equal(shorter.tables["train"]["img"], other.tables["train"]["img"])


def test_samples_can_be_drawn(scenes: Stored, tmp_path: Path) -> None:
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    for target in (first, second):
        builders()["scenes"].picture(scenes).savefig(target, metadata={"Software": None})
    assert first.read_bytes() == second.read_bytes()


def test_nothing_that_is_blocked_among_icons_is_shown() -> None:
    patterns = blocked_patterns()
    assert [entry.place for entry in read_table() for pattern in patterns if fnmatch(entry.place, pattern)] == []
    assert any(fnmatch("material/apple", pattern) for pattern in patterns)


def test_overlap_is_bounded_and_pictures_are_what_the_sprites_give(scenes: Stored) -> None:
    objects, mask = scenes.arrays["train/objects"], scenes.arrays["train/mask"]
    for row in range(COUNT):
        boxes = objects[row][objects[row, :, 0] >= 0, 3:]
        for first in range(len(boxes)):
            for second in range(first):
                assert shared(tuple(boxes[first]), tuple(boxes[second])) <= BOX_SHARED_MOST
        assert set(np.unique(mask[row]).tolist()) == set(range(len(boxes) + 1))
    assert shared((0, 0, 4, 4), (4, 0, 8, 4)) == 0 and shared((0, 0, 4, 4), (3, 0, 9, 4)) == 0.25
    assert VISIBLE_LEAST == 0.8


def test_of_two_that_cover_a_pixel_the_later_one_is_in_front() -> None:
    first, second = np.zeros((4, 4), dtype=np.uint8), np.zeros((4, 4), dtype=np.uint8)
    first[:3, :3], second[2:, 2:] = 255, 255
    second[0, 0], first[3, 0] = COVERED - 1, COVERED
    mask = front([first, second])
    assert mask.tolist() == [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 2, 2], [1, 0, 2, 2]]
    # the box of the hidden one still reaches behind the other.
    assert tight_box(first >= COVERED) == (0, 0, 3, 4) and tight_box(mask == 1) == (0, 0, 3, 4)
    red, blue, white = (np.array(colour, dtype=np.uint8) for colour in ((200, 0, 0), (0, 0, 200), (255, 255, 255)))
    img = painted(white, [first, second], [red, blue])
    assert img[:, 2, 2].tolist() == [0, 0, 200] and img[:, 1, 1].tolist() == [200, 0, 0] and img[:, 1, 3].tolist() == [255, 255, 255]
    # 127 of 255 of blue over red.
    assert img[:, 0, 0].tolist() == [100, 0, 100]


def test_sprites_have_the_size_of_their_class(wheel: Path) -> None:
    known, sprites, rng = catalogue(wheel, read_table()), Sprites(), np.random.default_rng(0)
    for size, (low, high) in enumerate(LONGEST_PX):
        sides = [max(sprites.draw(shape, size, rng).alpha.shape) for shape in known.shapes for _ in range(2)]
        # soft edges add a pixel at most on either side.
        assert low <= min(sides) and max(sides) <= high + 2


def test_colours_can_be_told_apart_and_seen_on_any_ground() -> None:
    rng = np.random.default_rng(0)
    for colour in range(len(COLOURS)):
        for _ in range(200):
            rgb, behind = shade(colour, rng), ground(rng)
            assert colour_of(rgb) == colour
            assert np.abs(rgb.astype(int) - behind).max() >= CONTRAST


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("bell material/bell > material/bell-ring", "line 1 'bell material/bell > material/bell-ring' must read NOUN: drawings > drawings"),
        ("# comment\nbell: material/bell", "line 2 .* name one drawing at least on either side of >"),
        ("bell: material/bell >", "name one drawing at least"),
        ("bell: material/bell > material/bell", "line 1: 'bell' or one of its drawings stands above already"),
        ("bell: material/bell > material/bell-ring\nbell: material/cup > material/tea", "line 2: 'bell' or one"),
    ],
)
def test_a_table_of_nouns_that_cannot_be_read_is_told(tmp_path: Path, text: str, told: str) -> None:
    table = tmp_path / "nouns.txt"
    table.write_text(text + "\n")
    with pytest.raises(CatalogueError, match=told):
        read_table(table)


def test_drawings_that_are_missing_or_too_alike_are_told(wheel: Path, tmp_path: Path) -> None:
    table = tmp_path / "nouns.txt"
    table.write_text("bell: material/bell > material/no-such-bell\n")
    with pytest.raises(CatalogueError, match="material/no-such-bell must be a drawing of the folders material, fontawesome/solid"):
        read_drawings(wheel, read_table(table))
    table.write_text("bell: material/bell > fontawesome/brands/apple\n")
    with pytest.raises(CatalogueError, match="fontawesome/brands/apple must be a drawing of the folders"):
        read_drawings(wheel, read_table(table))
    # filled and outlined, one shape.
    table.write_text("bell: material/bell > material/bell-outline\n")
    with pytest.raises(CatalogueError, match="material/bell, material/bell-outline are too alike to stand on both sides of >"):
        catalogue(wheel, read_table(table))


def first_word(array: np.ndarray) -> None:
    array[2, 1] = "the " + array[2, 1]


def swapped_colours(array: np.ndarray) -> None:
    array[0, 0, 1] = (array[0, 0, 1] + 1) % 8


def same_twice(array: np.ndarray) -> None:
    array[3, 4] = array[3, 0]


def wide_box(array: np.ndarray) -> None:
    array[:, :, 5] = np.where(array[:, :, 0] >= 0, np.minimum(array[:, :, 5] + 1, 64), -1)


def erased(array: np.ndarray) -> None:
    array[5][array[5] == 1] = 0


def other_word(array: np.ndarray) -> None:
    array[1, 2, 1] = 60


def unlike(array: np.ndarray) -> None:
    array[:4] = array[:4, ::-1]


def turned(array: np.ndarray) -> None:
    array[4, 1] ^= 1


def strange(array: np.ndarray) -> None:
    array[6, 0] = (array[6, 0] + 40) % 101


def recoloured(array: np.ndarray) -> None:
    array[3] = (array[3] + 1) % 24


def copied(array: np.ndarray) -> None:
    array[7] = array[2]


@pytest.mark.parametrize(
    ("name", "change", "check", "told"),
    [
        ("train/captions", first_word, "words", r"train/captions\[2, 1\]: 'the' in|train/captions\[2, 1\] is 'the .*; its tokens read"),
        ("train/tokens", other_word, "words", r"train/captions\[1, 2\] is .*; its tokens read"),
        ("train/captions", first_word, "captions", r"train/captions\[2, 1\]: word 0 of"),
        ("train/captions", same_twice, "captions", r"train/captions\[3\] has 4 different ones; all 5 must differ"),
        ("train/objects", swapped_colours, "captions", r"train/captions\[0, \d\] .* is not true: mention \d is said to be"),
        ("train/objects", wide_box, "boxes", r"train/objects\[\d+, \d\] has the box .*; its pixels in mask lie in"),
        ("train/mask", erased, "boxes", r"train/objects\[5, 0\] shows 0 pixels in mask; 15 are asked"),
        ("test/img", unlike, "colours", r"test/objects\[0, \d\] is said to be \w+ and looks \w+"),
        ("train/relation", turned, "relations", r"train/relation\[4\] is \[\d, \d, \d\]; the boxes say"),
        ("train/drawing", strange, "drawings", "train/drawing"),
        ("singles/noun", recoloured, "drawings", "singles/noun is not that of its drawing"),
        ("singles/group", copied, "drawings", "singles/group is not that of its drawing"),
        ("train/img", copied, "repetition", r"train/img\[7\] equals train/img\[2\]"),
    ],
)
def test_a_planted_fault_is_seen(scenes: Stored, name: str, change: Callable[[np.ndarray], None], check: str, told: str) -> None:
    array = scenes.arrays[name].copy()
    change(array)
    seen = found(replace(scenes, arrays={**scenes.arrays, name: array}), check)
    assert not seen.ok and re.search(told, seen.detail), seen.detail


def test_a_drawing_on_both_sides_is_seen(path: Path, scenes: Stored, tmp_path: Path) -> None:
    places = list(scenes.attributes[""]["drawings"])
    bell, twin = places.index("material/bell"), places.index("fontawesome/solid/bell")
    # the file says that the test shows the very drawing of training.
    renamed = [*places[:twin], places[bell], *places[twin + 1 :]]
    attributes = {**scenes.attributes, "": {**scenes.attributes[""], "drawings": renamed}}
    seen = found(replace(scenes, attributes=attributes), "leakage")
    assert not seen.ok and "a test drawing is 1.000 like one of training; 0.95 is too much" in seen.detail

    copy = tmp_path / "scenes.h5"
    shutil.copy(path, copy)
    with h5py.File(copy, "r+") as file:
        groups = file.attrs["drawing_groups"]
        groups[twin] = groups[bell]
        file.attrs["drawing_groups"] = groups
    assert any(
        f"drawings of group {groups[bell]} lie in the splits [0, 2]; a group must keep to one" in text
        for text in inspect_file(copy).problems
    )
    with h5py.File(copy, "r+") as file:
        file.attrs["drawing_groups"] = groups[:3]
    assert any("attribute drawing_groups has 3 entries" in text for text in inspect_file(copy).problems)


def test_another_vocabulary_is_seen(scenes: Stored) -> None:
    for name, value in (("vocabulary", list(scenes.attributes[""]["vocabulary"])[::-1]), ("word_meanings", "{}")):
        changed = {**scenes.attributes, "": {**scenes.attributes[""], name: value}}
        seen = found(replace(scenes, attributes=changed), "words")
        assert not seen.ok and "not the grammar's" in seen.detail
