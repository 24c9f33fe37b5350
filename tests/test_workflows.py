"""Continuous integration runs on the Pythons that the package names, and calls nothing that is not there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}


def pythons(workflow: dict) -> set[str]:
    """Return the versions of Python that a workflow's jobs set up, those of a matrix one by one."""
    found = set()
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            version = step.get("with", {}).get("python-version")
            if version is not None:
                found |= set(job["strategy"]["matrix"]["python"]) if "matrix.python" in version else {version}
    return found


def unknown(workflow: dict, targets: set[str]) -> list[str]:
    """Return the targets of make that a workflow's steps name and the Makefile lacks."""
    typed = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    return [word for line in typed for word in re.findall(r"\bmake ([a-z-]+)", line) if word not in targets]


def test_every_python_that_is_named_is_tried() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {line.rsplit(" ", 1)[1] for line in project["classifiers"] if re.search(r":: 3\.\d+$", line)}
    assert f">={min(named, key=lambda version: int(version[2:]))}" == project["requires-python"]
    assert pythons(WORKFLOWS["ci"]) == named
    assert pythons(WORKFLOWS["newest"]) <= named and "schedule" in WORKFLOWS["newest"][True]


def test_what_is_typed_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {name: unknown(workflow, targets) for name, workflow in WORKFLOWS.items()} == {"ci": [], "newest": []}
    assert any(step.get("run", "").endswith(".ci/run") for step in WORKFLOWS["ci"]["jobs"]["test"]["steps"])
    assert (ROOT / ".ci" / "run").is_file()


def test_a_matrix_is_read_and_a_wrong_target_is_told() -> None:
    step = {"with": {"python-version": "${{ matrix.python }}"}, "run": "make setup tset && make tset"}
    workflow = {"jobs": {"one": {"strategy": {"matrix": {"python": ["3.1", "3.2"]}}, "steps": [step]}}}
    assert pythons(workflow) == {"3.1", "3.2"}
    assert unknown(workflow, {"setup"}) == ["tset"]
