"""Finding builders, building what is needed, and knowing what is fresh."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from data_scripts import discovery
from data_scripts.builder import Builder, BuildError, Content, Progress
from data_scripts.discovery import builders
from data_scripts.freshness import build_key, file_sha256, read_record
from data_scripts.production import make, read, record_path, set_path
from vislab.data.layout.faults import ContentInvalid
from vislab.data.layout.registry import SCHEMAS


def test_every_builder_is_complete(root: Path) -> None:
    known = builders()
    assert {"icons", "digits"} <= set(known)
    for name, builder in known.items():
        assert builder.name == name and (builder.schema or name) in SCHEMAS and builder.summary.endswith(".")
        assert builder.quick_count < builder.count
        assert all((root / place).exists() for place in builder.sources)


def test_a_module_without_builders_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_scripts.sets.digits.BUILDERS", ())
    with pytest.raises(BuildError, match=r"sets/digits.py must define BUILDERS, a tuple with one Builder at least"):
        builders()


def test_two_builders_of_one_name_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from data_scripts.sets import digits

    monkeypatch.setattr(digits, "BUILDERS", (replace(digits.BUILDERS[0]), digits.BUILDERS[0]))
    with pytest.raises(BuildError, match="builds 'digits', which another module builds already; rename one of them"):
        builders()


def test_a_new_module_is_found_by_being_there() -> None:
    assert {path.stem for path in discovery._SETS.glob("*.py")} - {"__init__"} <= {
        builder.sources[-1].split("/")[-1][:-3] for builder in builders().values()
    }


def test_the_second_time_nothing_is_built(toy: Builder, tmp_path: Path, progress: Progress) -> None:
    first = make(toy, tmp_path, toy.count, 0, progress)
    assert first.built and first.path == set_path(tmp_path, "icons")
    assert first.record.sha256 == file_sha256(first.path) and first.record.size_bytes == first.path.stat().st_size
    asleep = replace(toy, build=lambda count, seed, progress: pytest.fail("must not build"))
    second = make(asleep, tmp_path, toy.count, 0, progress)
    assert not second.built and second.record == first.record


@pytest.mark.parametrize("change", ["seed", "count", "file", "record", "missing", "force"])
def test_what_changed_is_built_again(toy: Builder, tmp_path: Path, progress: Progress, change: str) -> None:
    made = make(toy, tmp_path, 8, 0, progress)
    before = made.path.read_bytes()
    if change == "file":
        made.path.write_bytes(before[:-1] + b"?")
    elif change == "missing":
        made.path.unlink()
    elif change == "record":
        record_path(tmp_path, "icons").write_text("{")
    again = make(toy, tmp_path, 9 if change == "count" else 8, 1 if change == "seed" else 0, progress, force=change == "force")
    assert again.built
    if change not in ("seed", "count"):
        assert again.path.read_bytes() == before


def test_the_key_follows_sources_arguments_and_versions(toy: Builder, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("data_scripts", "vislab/data/layout"):
        shutil.copytree(root / place, tmp_path / place)
    key = build_key(toy, 10, 0, tmp_path)
    assert key == build_key(toy, 10, 0, tmp_path)
    seen = {
        key,
        build_key(toy, 11, 0, tmp_path),
        build_key(toy, 10, 1, tmp_path),
        build_key(replace(toy, packages=("torch",)), 10, 0, tmp_path),
    }
    for name in (
        "data_scripts/icons/blocked.txt",
        "data_scripts/icons/outline.py",
        "data_scripts/production.py",
        "vislab/data/layout/writer.py",
    ):
        with (tmp_path / name).open("a") as file:
            file.write("# changed\n")
        seen.add(build_key(toy, 10, 0, tmp_path))
    assert len(seen) == 8
    # another set's code decides nothing.
    key = build_key(toy, 10, 0, tmp_path)
    (tmp_path / "data_scripts/digits/base.py").write_text("")
    assert build_key(toy, 10, 0, tmp_path) == key
    shutil.rmtree(tmp_path / "data_scripts/icons")
    with pytest.raises(BuildError, match=r"sources names .*icons, which must exist; correct the builder"):
        build_key(toy, 10, 0, tmp_path)


@pytest.mark.parametrize(("count", "seed", "told"), [(0, 0, "count 0 must be 1 or more"), (5, -1, r"seed -1 must be in \[0, 2147483648\)")])
def test_arguments_out_of_range_are_told(toy: Builder, tmp_path: Path, progress: Progress, count: int, seed: int, told: str) -> None:
    with pytest.raises(BuildError, match=told):
        make(toy, tmp_path, count, seed, progress)


def test_a_build_that_fails_leaves_neither_file_nor_record(toy: Builder, tmp_path: Path, progress: Progress) -> None:
    make(toy, tmp_path, 8, 0, progress)

    def broken(count: int, seed: int, progress: Progress) -> Content:
        content = toy.build(count, seed, progress)
        return replace(content, tables={"": {**content.tables[""], "style": content.tables[""]["style"] + 5}})

    with pytest.raises(ContentInvalid, match=r"style\[0\] is .*it must be in \[0, 1\]"):
        make(replace(toy, build=broken), tmp_path, 9, 0, progress)
    assert read_record(record_path(tmp_path, "icons")) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["icons.h5"]
    assert len(read(set_path(tmp_path, "icons")).arrays["img"]) == 8
