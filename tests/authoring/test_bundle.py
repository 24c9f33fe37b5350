"""Bundles are complete on their own, the same bytes each time, and hold no secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.authoring.bundle import make_bundle
from autograder.authoring.fault import AuthoringError
from autograder.authoring.wheel import build_wheel

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "numbers.h5").write_bytes(b"\x89HDF no real file, but bytes")
    (folder / "numbers.h5").write_bytes(b"numbers")
    return folder


def test_the_wheel_holds_the_package_alone(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {"vislab", "vislab-0.1.0.dist-info"}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "vislab").rglob("*.py")}
    assert {name for name in names if name.startswith("vislab/") and name.endswith(".py")} == modules
    assert not any("__pycache__" in name for name in names)


def test_building_the_wheel_leaves_nothing_behind_and_repeats(wheel, tmp_path):
    before = set(os.listdir(ROOT))
    again = build_wheel(ROOT, tmp_path)
    assert again.read_bytes() == wheel.read_bytes()
    assert {name for name in set(os.listdir(ROOT)) - before if "egg" in name or name in ("build", "dist")} == set()


def test_a_project_without_its_files_is_refused(tmp_path):
    (tmp_path / "vislab").mkdir()
    with pytest.raises(AuthoringError, match=r"lacks \['pyproject.toml', 'README.md', 'LICENSE'\], which the wheel is built from"):
        build_wheel(tmp_path, tmp_path / "out")


def test_a_build_that_fails_is_told(tmp_path):
    for name in ("README.md", "LICENSE"):
        (tmp_path / name).touch()
    (tmp_path / "vislab").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project\n", encoding="utf-8")
    with pytest.raises(AuthoringError, match="the wheel could not be built:\n"):
        build_wheel(tmp_path, tmp_path / "out")


def test_a_bundle_is_complete(mini, built_mini, wheel, data, tmp_path):
    bundle = make_bundle(mini, built_mini.root, tmp_path / "out", data=data, wheel=wheel)
    assert bundle.path == tmp_path / "out" / "aX_mini.zip"
    assert bundle.shared == ()
    with zipfile.ZipFile(bundle.path) as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert set(names) == {
            f"aX_mini/{name}"
            for name in ("README.md", "cases.h5", "figures/rows.png", "mini_more.ipynb", "mini_vectors.ipynb", "numbers.h5", wheel.name)
        }
        assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) for entry in archive.infolist())
        release = built_mini.release.folder / "cases.h5"
        assert archive.read("aX_mini/cases.h5") == release.read_bytes()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["aX_mini.zip"]


def test_two_bundles_are_equal(mini, built_mini, wheel, data, tmp_path):
    first = make_bundle(mini, built_mini.root, tmp_path / "1", data=data, wheel=wheel).path.read_bytes()
    os.utime(built_mini.release.folder / "README.md", (1, 1))
    os.chmod(built_mini.release.folder / "README.md", 0o600)
    assert make_bundle(mini, built_mini.root, tmp_path / "2", data=data, wheel=wheel).path.read_bytes() == first


def test_an_unpacked_bundle_runs_to_its_first_unsolved_exercise(mini, built_mini, wheel, data, tmp_path):
    bundle = make_bundle(mini, built_mini.root, tmp_path / "out", data=data, wheel=wheel)
    with zipfile.ZipFile(bundle.path) as archive:
        archive.extractall(tmp_path / "student")
    folder = tmp_path / "student" / "aX_mini"
    notebook = json.loads((folder / "mini_vectors.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    code = f"import vislab\nprint(vislab.__file__)\nfor cell in {cells!r}:\n    exec(cell, globals())\n"
    # a wheel of pure Python can be imported as it is.
    environment = {**os.environ, "PYTHONPATH": str(folder / wheel.name)}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.stdout.startswith(str(folder / wheel.name))
    assert done.returncode == 1
    assert "NotWrittenYet: mini.centre is not written yet" in done.stderr


def test_a_missing_release_or_data_file_is_named(mini, built_mini, wheel, tmp_path):
    with pytest.raises(AuthoringError, match=r"release/aX_mini is missing; build the release of aX_mini first"):
        make_bundle(mini, tmp_path, tmp_path / "out", wheel=wheel)
    with pytest.raises(AuthoringError, match=r"data/numbers\.h5 is missing; aX_mini needs this data file: build it with 'make data'"):
        make_bundle(mini, built_mini.root, tmp_path / "out", wheel=wheel)


def test_a_secret_in_the_data_stops_the_bundle(mini, built_mini, wheel, data, tmp_path):
    out = tmp_path / "out"
    make_bundle(mini, built_mini.root, out, data=data, wheel=wheel)
    before = (out / "aX_mini.zip").read_bytes()
    (data / "numbers.h5").write_bytes(b"numbers\n    column_mean = rows.mean(dim=0, keepdim=True)\n")
    with pytest.raises(AuthoringError, match=r"aX_mini\.zip/aX_mini/numbers\.h5 holds 'column_mean = .*mutants/centre/over_columns\.py:5"):
        make_bundle(mini, built_mini.root, out, data=data, wheel=wheel)
    assert (out / "aX_mini.zip").read_bytes() == before
    assert [path.name for path in out.iterdir()] == ["aX_mini.zip"]


def test_hidden_data_is_never_bundled(mini, built_mini, wheel, data, tmp_path):
    assignment = replace(mini, hidden_data=("numbers.h5",))
    with pytest.raises(AuthoringError, match=r"aX_mini/numbers.h5 is hidden data and must not be handed out"):
        make_bundle(assignment, built_mini.root, tmp_path / "out", data=data, wheel=wheel)
