"""What ``verify`` says of a file, each check seen to fail once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import count as counting
from pathlib import Path

import h5py
import numpy as np
import pytest

from data_scripts.builder import Builder, BuildError, Content, Progress
from data_scripts.production import make, record_path, set_path
from data_scripts.verification import FULL, QUICK, Verdict, build_again, free_licences, inspect, two_builds


@pytest.fixture(scope="module")
def made(toy: Builder, tmp_path_factory: pytest.TempPathFactory, progress: Progress) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make(toy, folder, toy.count, 0, progress)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the built folder, to spoil."""
    yield Path(shutil.copytree(made, tmp_path / "data"))


def said(verdict: Verdict, check: str) -> str:
    (detail,) = [finding.detail for finding in verdict.findings if finding.check == check and not finding.ok]
    assert not verdict.ok
    return detail


def test_a_good_file_is_well(toy: Builder, made: Path, progress: Progress) -> None:
    verdict = inspect(toy, made, (QUICK, FULL), progress)
    assert verdict.ok, verdict.findings
    told = verdict.as_json()
    assert json.loads(json.dumps(told)) == told
    assert told["ok"] is True and told["rows"] == {"": 16}
    assert {"layout", "checksum", "fresh", "sources", "licences", "leakage", "two builds", "build again"} <= set(told["checks"])  # type: ignore[arg-type]


def test_whether_builds_agree_is_told(toy: Builder, made: Path, progress: Progress) -> None:
    assert inspect(toy, made, (), progress).as_json()["deterministic"] is None
    assert inspect(toy, made, (FULL,), progress).as_json()["deterministic"] is True
    number = counting()

    def restless(count: int, seed: int, progress: Progress) -> Content:
        content = toy.build(count, seed, progress)
        return replace(content, attributes={**content.attributes, "drawings_read": next(number)})

    assert inspect(replace(toy, build=restless), made, (QUICK,), progress).as_json()["deterministic"] is False


def test_nothing_looked_at_is_not_well() -> None:
    assert not Verdict("nowhere").ok


def test_a_missing_file_is_told(toy: Builder, tmp_path: Path, progress: Progress) -> None:
    assert "make data" in said(inspect(toy, tmp_path, (), progress), "layout")


def test_a_foreign_file_is_told(toy: Builder, folder: Path, progress: Progress) -> None:
    set_path(folder, "icons").write_text("no HDF5")
    assert "is no HDF5 file" in said(inspect(toy, folder, (), progress), "layout")


def test_a_damaged_file_is_told(toy: Builder, folder: Path, progress: Progress) -> None:
    path = set_path(folder, "icons")
    path.write_bytes(path.read_bytes()[:-2000])
    assert "damaged or truncated" in said(inspect(toy, folder, (), progress), "layout")


def test_values_out_of_range_are_told(toy: Builder, folder: Path, progress: Progress) -> None:
    with h5py.File(set_path(folder, "icons"), "r+") as file:
        file["split"][0] = 7
    assert "split[0] is 7" in said(inspect(toy, folder, (), progress), "layout")


def test_a_file_of_another_set_is_told(toy: Builder, folder: Path, progress: Progress) -> None:
    shutil.copy(set_path(folder, "icons"), set_path(folder, "digits"))
    assert "the file holds the set icons; it must hold digits" in said(inspect(replace(toy, name="digits"), folder, (), progress), "set")


def test_another_checksum_is_told(toy: Builder, folder: Path, progress: Progress) -> None:
    # nothing that HDF5 would see: a byte after the end.
    with set_path(folder, "icons").open("ab") as file:
        file.write(b"?")
    assert "was written; run python -m data_scripts icons" in said(inspect(toy, folder, (), progress), "checksum")


def test_a_missing_record_is_told(toy: Builder, folder: Path, progress: Progress) -> None:
    record_path(folder, "icons").unlink()
    assert "icons.json must lie beside the file" in said(inspect(toy, folder, (), progress), "checksum")
    with pytest.raises(BuildError, match="must say how the file was built, and is missing"):
        build_again(toy, folder, progress)
    # one set without its record is a line of the table, not the end of it.
    assert "must say how the file was built, and is missing" in said(inspect(toy, folder, (FULL,), progress), "build again")


def test_other_code_is_told(toy: Builder, folder: Path, progress: Progress) -> None:
    other = replace(toy, packages=(*toy.packages, "torch"))
    assert "was built by other code or package versions" in said(inspect(other, folder, (), progress), "fresh")


@pytest.mark.parametrize(
    ("licence", "attribution", "told"),
    [
        ("GPL-3.0", "somebody", "is under 'GPL-3.0'; it must be one of Apache-2.0"),
        ("CC-BY-4.0", "", "which asks for attribution; name its author"),
    ],
)
def test_a_licence_that_does_not_do_is_told(licence: str, attribution: str, told: str) -> None:
    source = {"name": "x", "version": "1", "licence": "MIT", "attribution": "", "used_for": "all"}
    assert free_licences(json.dumps([source])).ok
    seen = free_licences(json.dumps([source, {**source, "licence": licence, "attribution": attribution}]))
    assert not seen.ok and told in seen.detail


def test_builds_that_differ_are_told(toy: Builder, folder: Path, progress: Progress) -> None:
    number = counting()

    def restless(count: int, seed: int, progress: Progress) -> Content:
        content = toy.build(count, seed, progress)
        area = np.asarray(content.tables[""]["area"]).copy()
        area[0] = next(number) / 100
        return replace(content, tables={"": {**content.tables[""], "area": area}})

    seen = two_builds(replace(toy, build=restless), progress)
    assert not seen.ok and "two builds of 17 with seed 0 differ" in seen.detail
    seen = build_again(replace(toy, build=restless), folder, progress)
    assert not seen.ok and "building again gives sha256" in seen.detail


def test_a_seed_without_effect_is_told(toy: Builder, progress: Progress) -> None:
    seen = two_builds(replace(toy, build=lambda count, seed, progress: toy.build(count, 0, progress)), progress)
    assert not seen.ok and "seed 1 gives the same file as seed 0" in seen.detail
