"""Marks for Canvas and Moodle: nbgrader's export with our plug-ins, into files that they have exported and into new ones."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_grader import prepare
from nbgrader.api import Gradebook
from tiny_course import ASSIGNMENT, TinyCourse
from traitlets.config import Config

from autograder.gradebook.lms_export import CanvasExport, LmsExport, MoodleExport
from autograder.gradebook.lms_roster import RosterError, assignment_column, read_roster
from autograder.gradebook.run import autograde, load_config

HERE = Path(__file__).resolve().parent
CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,t1_tiny (4711),Homework 2 (4712),Final Score
    Points Possible,,,,,13.0,10.0,(read only)
"Doe, Ann",101,s-ann,ann,CV,1,7,50
"Roe, Bob",102,s-bob,bob,CV,,,
"Moe, Mia",103,s-mia,mia,CV,5,,
"Student, Test",999,,,CV,,,
"""


@pytest.fixture(scope="module")
def graded_template(course_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ann has everything, the bonus included; Bob waits for a grader; Mia handed nothing in; Sid is in no list of the system."""
    course = TinyCourse(tmp_path_factory.mktemp("graded") / "course")
    shutil.copytree(course_template, course.root)
    people = {
        "101": ("Ann", "Doe", "ann@example.edu"),
        "102": ("Bob", "Roe", "bob@example.edu"),
        "103": ("Mia", "Moe", None),
        "sid": (None, None, None),
    }
    with course.gradebook() as gradebook:
        for student, (first, last, email) in people.items():
            gradebook.update_or_create_student(student, first_name=first, last_name=last, email=email)
    for student in ("101", "102", "sid"):
        course.hand_in(student, "2027-02-01 12:00:00 UTC", answer="because" if student == "102" else None)
        prepare(course.root, student, "one", right={"pose.first": [4, 4], "pose.extra": [2, 2]})
        prepare(course.root, student, "two", right={"pose.second": [1, 1]})
    assert autograde(course.root, ASSIGNMENT).failed == ()
    return course.root


@pytest.fixture
def graded(graded_template: Path, tmp_path: Path) -> TinyCourse:
    shutil.copytree(graded_template, tmp_path / "course")
    return TinyCourse(tmp_path / "course")


def exported(course: TinyCourse, plugin: type[LmsExport], tmp_path: Path, delimiter: str = ",", **settings: Any) -> list[list[str]]:
    config: Config = load_config(course.root)
    config[plugin.__name__] = Config(settings)
    to = tmp_path / "out.csv"
    config.ExportPlugin.to = str(to)
    with Gradebook(f"sqlite:///{course.gradebook_path}", "vislab") as gradebook:
        plugin(config=config).export(gradebook)
    return list(csv.reader(io.StringIO(to.read_text(encoding="utf-8")), delimiter=delimiter))


def test_canvas_gets_its_own_file_back_with_the_marks(graded: TinyCourse, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "canvas.csv").write_text(CANVAS)
    assert exported(graded, CanvasExport, tmp_path, roster=str(tmp_path / "canvas.csv")) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "t1_tiny (4711)"],
        ["    Points Possible", "", "", "", "", "13.0"],
        ["Doe, Ann", "101", "s-ann", "ann", "CV", "13"],
        ["Roe, Bob", "102", "s-bob", "bob", "CV", ""],
        ["Moe, Mia", "103", "s-mia", "mia", "CV", "0"],
        ["Student, Test", "999", "", "", "CV", ""],
    ]
    assert "still to be graded by hand, and left empty: 102" in caplog.text
    assert "in no row of the roster: sid; set their ids in students.csv, or add them by hand" in caplog.text


def test_a_new_column_brings_its_maximum_and_settings_are_kept(graded: TinyCourse, tmp_path: Path) -> None:
    (tmp_path / "canvas.csv").write_text("\ufeff" + CANVAS.replace("t1_tiny (4711)", "Something else (4711)"), encoding="utf-8")
    settings = {"columns": {ASSIGNMENT: "Tiny"}, "missing": "", "unfinished": True}
    rows = exported(graded, CanvasExport, tmp_path, roster=str(tmp_path / "canvas.csv"), **settings)
    assert [row[-1] for row in rows] == ["Tiny", "14", "13", "13", "", ""]
    assert "Something else (4711)" not in rows[0]


def test_canvas_without_a_roster(graded: TinyCourse, tmp_path: Path) -> None:
    rows = exported(graded, CanvasExport, tmp_path, columns={ASSIGNMENT: "Tiny (4711)"})
    assert rows[:2] == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Tiny (4711)"],
        ["    Points Possible", "", "", "", "", "14"],
    ]
    assert {tuple(row) for row in rows[2:]} == {
        ("Doe, Ann", "101", "", "", "", "13"),
        ("Roe, Bob", "102", "", "", "", ""),
        ("Moe, Mia", "103", "", "", "", "0"),
        ("sid", "sid", "", "", "", "13"),
    }


def test_moodle_finds_people_by_address_and_by_name(graded: TinyCourse, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    roster = "First name;Last name;ID number;Email address;Assignment: t1_tiny (Real);Course total (Real)\n"
    roster += "Anna;Doe;7;Ann@example.edu;-;3\nMia;Moe;8;mia@example.edu;-;3\nUwe;New;9;uwe@example.edu;5;5\n"
    (tmp_path / "moodle.csv").write_text(roster)
    assert exported(graded, MoodleExport, tmp_path, roster=str(tmp_path / "moodle.csv"), delimiter=";") == [
        ["First name", "Last name", "ID number", "Email address", "Assignment: t1_tiny (Real)"],
        ["Anna", "Doe", "7", "Ann@example.edu", "13"],
        ["Mia", "Moe", "8", "mia@example.edu", "0"],
        ["Uwe", "New", "9", "uwe@example.edu", ""],
    ]
    assert "in no row of the roster: 102, sid; set" in caplog.text


def test_two_people_of_one_name_get_nothing_by_it(graded: TinyCourse, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "moodle.csv").write_text("First name,Last name,ID number\nMia,Moe,8\nMia,Moe,9\nAnn,Doe,101\nAnn,Doe,4\n")
    rows = exported(graded, MoodleExport, tmp_path, roster=str(tmp_path / "moodle.csv"))
    assert [row[-1] for row in rows] == ["t1_tiny", "", "", "13", ""]
    assert "in a row that is not theirs alone: 103; give them their marks by hand" in caplog.text


def test_a_moodle_worksheet_goes_back_whole(graded: TinyCourse, tmp_path: Path) -> None:
    sheet = "Identifier,Full name,Email address,Status,Grade,Maximum grade,Feedback comments\n"
    sheet += 'Participant 55,"Ann Doe",ann@example.edu,Submitted,,14.00,"Good, mostly"\n'
    (tmp_path / "sheet.csv").write_text(sheet)
    rows = exported(graded, MoodleExport, tmp_path, roster=str(tmp_path / "sheet.csv"))
    assert rows == [
        sheet.splitlines()[0].split(","),
        [*"Participant 55|Ann Doe|ann@example.edu|Submitted|13|14.00|Good, mostly".split("|")],
    ]


def test_moodle_without_a_roster(graded: TinyCourse, tmp_path: Path) -> None:
    rows = exported(graded, MoodleExport, tmp_path)
    assert rows[0] == ["First name", "Last name", "ID number", "Email address", ASSIGNMENT]
    assert ["Ann", "Doe", "101", "ann@example.edu", "13"] in rows[1:] and len(rows) == 5


def test_a_roster_that_names_nobody_is_refused_and_nothing_is_written(graded: TinyCourse, tmp_path: Path) -> None:
    (tmp_path / "canvas.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SystemExit, match=r"nothing was exported: the roster .*canvas\.csv has none of the columns ID, SIS User ID"):
        exported(graded, CanvasExport, tmp_path, roster=str(tmp_path / "canvas.csv"))
    with pytest.raises(
        SystemExit, match=r"cannot be read \(.*No such file.*\); export it again \(Canvas: Gradebook, Export Entire Gradebook\)"
    ):
        exported(graded, CanvasExport, tmp_path, roster=str(tmp_path / "gone.csv"))
    assert not (tmp_path / "out.csv").exists()


def test_an_assignments_column() -> None:
    assert assignment_column(["a", "a1_pose (12)", "a1_pose_extra (3)"], "a1_pose") == 1
    assert assignment_column(["a1_pose", "a1_pose (12)"], "a1_pose") == 0
    assert assignment_column(["Assignment: A1_pose (Real)"], "a1_pose") == 0
    assert assignment_column(["a1_pose (Feedback)", "pre a1_pose"], "a1_pose") is None
    with pytest.raises(
        RosterError, match=r"'a1_pose \(1\)', 'a1_pose \(2\)' of the roster could all be a1_pose; name one in the exporter's"
    ):
        assignment_column(["a1_pose (1)", "a1_pose (2)"], "a1_pose")


def test_short_and_empty_rows_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("ID\tSection\n1\n\n2\tCV\textra\n")
    roster = read_roster(tmp_path / "r.csv", ("ID",), "menu")
    assert (roster.header, roster.rows) == (("ID", "Section"), (("1", ""), ("2", "CV")))
    assert roster.owner(("ID",), "3", "2") == [1] and roster.owner(("ID",), "") == []


def test_typed_by_an_instructor(graded: TinyCourse) -> None:
    (graded.root / "exported.csv").write_text(CANVAS)
    words = ["--Export.form=canvas", "--CanvasExport.roster=exported.csv", "--to", "canvas.csv"]
    command = [str(Path(sys.executable).parent / "nbgrader"), "export", *words]
    environment = {**os.environ, "PYTHONPATH": str(HERE), "HOME": str(graded.root), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=graded.root, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and "Unrecognized" not in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert '"Doe, Ann",101,s-ann,ann,CV,13\n' in (graded.root / "canvas.csv").read_text()
    assert not (graded.root / "grades.csv").exists()
    wrong = subprocess.run(
        [*command[:2], "--Export.form=excel"], cwd=graded.root, env=environment, capture_output=True, text=True, timeout=600
    )
    assert wrong.returncode != 0 and "'table', 'canvas', 'moodle'" in wrong.stderr.replace('"', "'"), wrong.stderr
