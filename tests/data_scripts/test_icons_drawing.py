"""Drawings on disk, names, pairs, categories, splits."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from data_scripts.icons.category import CategoryError, category, category_words
from data_scripts.icons.drawing import FAMILIES, Drawing, DrawingError, blocked_patterns, drawing_files, read_drawing, wheel_folder
from data_scripts.icons.likeness import levels
from data_scripts.icons.pairs import telling, twins
from data_scripts.icons.splits import TEST, TRAIN, VALIDATION, split_groups

DRAWINGS = Path(__file__).parent / "drawings"


def test_files_come_family_after_family_without_the_blocked_ones() -> None:
    names = [f"{family.name}/{path.stem}" for family, path in drawing_files(DRAWINGS, ["material/logo", "*/drop-fill*"])]
    assert names[0] == "material/arrow" and names[-1] == "octicons/drop-16"
    assert "material/logo" not in names and "octicons/drop-fill-16" not in names
    assert [name for name in names if name.endswith("heart")] == ["fontawesome-solid/heart", "fontawesome-regular/heart"]


def test_a_missing_family_is_told(tmp_path: Path) -> None:
    shutil.copytree(DRAWINGS / "material", tmp_path / "material")
    with pytest.raises(DrawingError, match=r"must hold the folder fontawesome/solid; take the one of mkdocs-material"):
        list(drawing_files(tmp_path, []))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<svg><path d='M0 0h1v1z' transform='scale(2)'/></svg>", "has the attribute transform; convert its shapes"),
        ("<svg><circle r='3'/></svg>", "has <circle>; convert its shapes"),
        ("<svg></svg>", "must have a <path>, and has none"),
        ("<svg>", "must be an SVG"),
    ],
)
def test_a_drawing_we_cannot_draw_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "odd.svg"
    path.write_text(text)
    with pytest.raises(DrawingError, match=re.escape(told)):
        read_drawing(FAMILIES[0], path)


def test_a_wheel_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_scripts.icons.drawing.PACKAGE", "no-such-package-of-drawings")
    with pytest.raises(
        DrawingError, match=r"no-such-package-of-drawings, which holds the drawings, must be installed; pip install --no-deps"
    ):
        wheel_folder()


def test_styles_are_read_off_names() -> None:
    by_name = {family.name: family for family in FAMILIES}
    for family, name, outlined in (
        ("material", "cat", False),
        ("material", "cat-outline", True),
        ("fontawesome-regular", "heart", True),
        ("fontawesome-solid", "heart", False),
        ("octicons", "heart-16", True),
        ("octicons", "heart-fill-16", False),
    ):
        assert Drawing(name, by_name[family], ()).outlined is outlined, (family, name)


def test_twins_are_found_by_name() -> None:
    names = [
        ("material", "cat"),
        ("material", "cat-outline"),
        ("material", "cat-outline-outline"),
        ("fontawesome-solid", "cat"),
        ("fontawesome-regular", "cat"),
        ("octicons", "cat"),
        ("material", "dog-outline"),
    ]
    assert twins(names).tolist() == [[0, 1], [3, 4]]
    assert twins([]).shape == (0, 2)


def test_twins_that_look_the_same_are_dropped() -> None:
    alpha = np.zeros((4, 1, 8, 8), dtype=np.uint8)
    alpha[0, 0, 1:7, 1:7] = alpha[1, 0, 1:7, 1:7] = alpha[2, 0, 1:7, 1:7] = 255
    alpha[1, 0, 3:5, 3:5] = 0
    alpha[2, 0, 1, 1] = 0
    pairs = np.array([[0, 1], [0, 2]])
    assert telling(pairs, levels(alpha)).tolist() == [[0, 1]]


def test_categories_go_by_the_first_known_word() -> None:
    words = {"cat": "animals", "box": "papers"}
    assert [category(name, words) for name in ("cat-in-box", "big-box", "thing")] == ["animals", "papers", "other"]


def test_the_table_of_categories_does_not_contradict_itself(tmp_path: Path) -> None:
    assert len(set(category_words().values())) > 15
    path = tmp_path / "table.txt"
    path.write_text("# comment\n\nanimals: cat dog\nfood: dog\n")
    with pytest.raises(CategoryError, match="'dog' stands under animals already; keep it in one category"):
        category_words(path)
    path.write_text("animals cat\n")
    with pytest.raises(CategoryError, match="line 1 'animals cat' must read CATEGORY: words"):
        category_words(path)


def test_groups_stay_together_and_shares_are_met() -> None:
    rng = np.random.default_rng(0)
    group = np.concatenate([np.zeros(300, dtype=int), 1 + rng.integers(0, 900, 1700)])
    names = [f"n{number}" for number in range(2000)]
    split = split_groups(group, names, 0)
    assert all(len(set(split[group == number])) == 1 for number in np.unique(group))
    assert set(split[group == 0]) == {TRAIN}
    for which in (TEST, VALIDATION):
        assert 190 <= (split == which).sum() <= 200
    assert np.array_equal(split, split_groups(group, names, 0))
    assert not np.array_equal(split, split_groups(group, names, 1))


def test_one_drawing_more_moves_few_others() -> None:
    group, names = np.arange(2000), [f"n{number}" for number in range(2000)]
    fewer = np.delete(np.arange(2000), 5)
    before, after = split_groups(group, names, 0), split_groups(group[fewer], [names[number] for number in fewer], 0)
    assert (before[fewer] != after).sum() <= 3


def test_every_pattern_of_the_block_list_still_blocks_something(wheel: Path) -> None:
    stems = [f"{family.folder}/{path.stem}" for family, path in drawing_files(wheel, [])]
    left = {f"{family.folder}/{path.stem}" for family, path in drawing_files(wheel, blocked_patterns())}
    assert "fontawesome/solid/hand-middle-finger" in stems and "fontawesome/solid/hand-middle-finger" not in left
    for pattern in blocked_patterns():
        rule = re.compile(re.escape(pattern).replace(r"\*", ".*"))
        assert any(rule.fullmatch(stem) for stem in stems), f"{pattern} blocks nothing; the wheel has changed"
        assert not any(rule.fullmatch(stem) for stem in left), pattern


def test_no_folder_of_logos_is_read(wheel: Path) -> None:
    folders = {path.parent.relative_to(wheel).as_posix() for _, path in drawing_files(wheel, [])}
    assert folders == {"material", "fontawesome/solid", "fontawesome/regular", "octicons"}
