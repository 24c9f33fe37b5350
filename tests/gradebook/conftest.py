"""Fixtures: a tiny course, made by nbgrader itself once a session and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_course import TinyCourse, make_course


@pytest.fixture(scope="session")
def course_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("template") / "course")


@pytest.fixture
def course(course_template: Path, tmp_path: Path) -> TinyCourse:
    shutil.copytree(course_template, tmp_path / "course")
    return TinyCourse(tmp_path / "course")
