"""The tutorial ends where it says: its files, as they stand on the page, build and pass the audit, and the fault it plants is told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tutorial_page import PAGE, files, write_files

from autograder.audit.assignment_audit import AssignmentAudit, audit_assignment
from autograder.authoring.build import build_release, build_source
from autograder.authoring.course import Course
from autograder.exercise.assignment import load_assignment

COURSE = Course("Vislab", "vislab", "https://github.com/vislab-course/vislab")


def written(root: Path, page: str = PAGE) -> Path:
    write_files(root, page)
    return root / "assignments" / "a9_boxes"


def audited(folder: Path, root: Path) -> AssignmentAudit:
    return audit_assignment(folder, root, secrets=2, workers=1, walls=False)


def test_the_page_shows_every_file() -> None:
    shown = set(files(PAGE))
    assert len(shown) == 9 and PAGE.count("```python") + PAGE.count("```toml") == 9


def test_the_tutorial_ends_in_a_green_audit(tmp_path: Path) -> None:
    folder = written(tmp_path)
    assignment = load_assignment(folder)
    build_source(assignment, COURSE, tmp_path)
    build_release(assignment, COURSE, tmp_path)
    released = json.loads((tmp_path / "release" / "a9_boxes" / "1_overlap.ipynb").read_text(encoding="utf-8"))
    text = "".join("".join(cell["source"]) for cell in released["cells"])
    assert "YOUR CODE HERE" in text and "torch.minimum" not in text
    audit = audited(folder, tmp_path)
    assert audit.ok, audit.as_json()
    (row,) = audit.as_json()["exercises"]
    assert (row["mutants"], row["accepted"], row["accepted_kept"]) == (4, 2, 2), row


def test_the_fault_that_it_plants_is_told(tmp_path: Path) -> None:
    assert ".clamp(min=torch.finfo(outer.dtype).tiny)" in PAGE
    folder = written(tmp_path, PAGE.replace("outer.clamp(min=torch.finfo(outer.dtype).tiny)", "outer"))
    audit = audited(folder, tmp_path)
    assert not audit.ok and "boxes without area" in json.dumps(audit.as_json())


@pytest.mark.parametrize("command", ["build", "audit", "bundle"])
def test_it_says_what_to_type(command: str) -> None:
    assert re.search(rf"^python -m autograder {command} a9_boxes", PAGE, re.MULTILINE)
