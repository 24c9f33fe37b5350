"""Fixture folders: what they may say, and that the suites hold what they must."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.attack.fixture import FixtureError, find_fixtures, read_fixture, wrong_control

TESTS = Path(__file__).resolve().parent.parent
GOOD = 'title = "t"\nclass = "promise"\n[expect]\nverdicts = { "range.centre" = "WRONG_VALUE" }\n'


def written(tmp_path: Path, text: str, name: str = "wrong_value-thing") -> Path:
    folder = tmp_path / "channel" / name
    folder.mkdir(parents=True)
    (folder / "expect.toml").write_text(text)
    return folder


def test_a_fixture_is_read(tmp_path: Path) -> None:
    fixture = read_fixture(written(tmp_path, GOOD))
    assert fixture.name == "channel/wrong_value-thing" and fixture.student == "channel-wrong_value-thing"
    assert fixture.kind == "promise" and fixture.submission == {"base": "wrong"} and fixture.notebook == "aim"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD.replace("promise", "joke"), "class 'joke' must be one of ('promise', 'observed', 'control')"),
        (GOOD.replace('title = "t"\n', ""), "title is missing; say in one line what is tried"),
        (GOOD + "more = 1\n", "unknown keys ['more']"),
        (GOOD.replace("[expect]", '[submission]\nbase = "half"\n[expect]'), "base 'half' must be one of"),
        (GOOD + 'earns = ["luck"]\n', "earns names ['luck']; the families are value"),
        (GOOD.replace("WRONG_VALUE", "OK"), "it must begin with an expected verdict or status, one of ['graded', 'ok']"),
        (GOOD.replace("[expect]", 'nbgrader = "maybe"\n[expect]'), "nbgrader 'maybe' must be one of ('gained', 'not gained')"),
        ("title = ", "expect.toml"),
    ],
)
def test_a_faulty_fixture_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(FixtureError) as caught:
        read_fixture(written(tmp_path, text))
    assert told in str(caught.value)


def test_a_folder_without_fixtures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FixtureError, match=r"no expect\.toml in or below"):
        find_fixtures([tmp_path])


def test_two_fixtures_of_one_name_are_refused(tmp_path: Path) -> None:
    for half in ("a", "b"):
        written(tmp_path / half, GOOD)
    with pytest.raises(FixtureError, match="occur twice"):
        find_fixtures([tmp_path])


def test_the_suites_are_as_large_as_promised() -> None:
    fixtures = find_fixtures([TESTS / "attacks", TESTS / "honest"])
    attacks = [fixture for fixture in fixtures if fixture.kind != "control"]
    controls = [fixture for fixture in fixtures if fixture.kind == "control"]
    assert len(attacks) >= 90 and len(controls) >= 40
    assert {fixture.folder.parent.name for fixture in attacks} == {"notebook", "files", "objects", "wrong", "calls", "host", "reader"}
    # a fixture that tries nothing proves nothing.
    idle = [one.name for one in attacks if not {"answers", "cells", "change", "make", "files"} & set(one.submission)]
    assert idle == []
    assert all(fixture.verdicts or fixture.status != "GRADED" for fixture in attacks)


def test_every_file_of_a_fixture_is_used() -> None:
    unused = []
    for fixture in find_fixtures([TESTS / "attacks", TESTS / "honest"]):
        told = fixture.submission
        named = {"expect.toml", told.get("change"), told.get("make"), told.get("files"), *told.get("answers", {}).values()}
        named |= {cell["file"] for cell in told.get("cells", ())}
        unused += [f"{fixture.name}/{path.name}" for path in fixture.folder.iterdir() if path.name not in named]
    assert unused == []


def test_the_wrong_control_answers_everything_wrongly() -> None:
    recipe = wrong_control("aim").recipe(["aim", "sample"], {"range.centre": "wrong/centre.py"})
    assert recipe.notebooks["aim"] == {"base": "untouched", "answers": {"range.centre": "wrong/centre.py"}}
    assert recipe.notebooks["sample"] == {"base": "absent"}
