"""All submissions of an assignment: each has a record, whatever arrived and whatever went wrong."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from intake_notebooks import SYMBOLS, as_bytes, release_notebook, solved

from autograder.intake import course as course_module
from autograder.intake import writing
from autograder.intake.course import IntakeSummary, intake_assignment, student_problem
from autograder.intake.limits import IntakeError
from autograder.intake.record import FILE_NAME, IntakeRecord, load_record, record_path, save_record
from vislab.check.verdict import Verdict


@pytest.fixture
def course(tmp_path: Path) -> Path:
    release = tmp_path / "release" / "a1"
    release.mkdir(parents=True)
    nbformat.write(release_notebook(), release / "1_pose.ipynb")
    return tmp_path


def submit(course: Path, student: str, content: bytes | None = None, assignment: str = "a1") -> Path:
    folder = course / "submitted" / student / assignment
    folder.mkdir(parents=True)
    (folder / "1_pose.ipynb").write_bytes(as_bytes(solved()) if content is None else content)
    return folder


def take(course: Path, **more: Any) -> IntakeSummary:
    return intake_assignment(course, "a1", ["1_pose"], SYMBOLS, **more)


def test_every_submission_gets_a_record(course: Path) -> None:
    submit(course, "alice")
    submit(course, "bob", b"no notebook")
    submit(course, "carol", b'{"cells": []}')
    submit(course, "dave", assignment="a2")
    (course / "submitted" / "erna" / "a1").mkdir(parents=True)
    steps: list[tuple[str, int, int]] = []
    summary = take(course, progress=lambda record, done, total: steps.append((record.student, done, total)))
    assert {record.student: record.status for record in summary.records} == {
        "alice": "ok",
        "bob": "unreadable",
        "carol": "repaired",
        "erna": "unreadable",
    }
    assert steps == [("alice", 1, 4), ("bob", 2, 4), ("carol", 3, 4), ("erna", 4, 4)]
    assert summary.to_json()["counts"] == {"ok": 1, "repaired": 1, "missing": 0, "unreadable": 2, "error": 0}
    assert summary.failed == ()
    for record in summary.records:
        assert load_record(course / "ledgers", "a1", record.student) == record
        assert (course / "intake" / record.student / "a1" / "1_pose.ipynb").is_file()


def test_nothing_but_notebooks_lands_where_nbgrader_looks(course: Path) -> None:
    submit(course, "alice")
    take(course)
    assert [path.relative_to(course / "intake").as_posix() for path in (course / "intake").rglob("*") if path.is_file()] == [
        "alice/a1/1_pose.ipynb"
    ]


def test_two_runs_give_equal_files(course: Path) -> None:
    submit(course, "alice", b"{")
    take(course)
    first = record_path(course / "ledgers", "a1", "alice").read_bytes()
    again = intake_assignment(course, "a1", ["1_pose"], SYMBOLS, intake="other", ledgers="others")
    assert record_path(course / "others", "a1", "alice").read_bytes() == first
    assert (course / "other/alice/a1/1_pose.ipynb").read_bytes() == (course / "intake/alice/a1/1_pose.ipynb").read_bytes()
    assert str(course) not in json.dumps(again.to_json()), "a record names no path of this machine"


def test_one_student_alone(course: Path) -> None:
    submit(course, "alice")
    submit(course, "bob")
    assert [record.student for record in take(course, students=["bob"]).records] == ["bob"]
    assert not (course / "intake" / "alice").exists()


def test_a_withdrawn_submission_is_reported_not_removed(course: Path) -> None:
    submit(course, "alice")
    take(course)
    (course / "submitted" / "alice" / "a1" / "1_pose.ipynb").unlink()
    (course / "submitted" / "alice" / "a1").rmdir()
    summary = take(course)
    assert summary.stale == ("alice",) and (course / "intake/alice/a1/1_pose.ipynb").is_file()


@pytest.mark.parametrize("name", ["alice", "Zoë Ångström", "jane.doe@uni.example", "o-1_2+3", "4321", "名前"])
def test_a_students_name_may_be(name: str) -> None:
    assert student_problem(name) is None


ODD_NAMES = ["", ".hidden", "a*b", "[ab]", "a?b", "<script>", "a\nb", "a'b", "-x", " x", "x ", "x.", "a,b", "a/b", "x" * 101]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_students_name_may_not_be(name: str) -> None:
    assert "rename the folder" in (student_problem(name) or "")


def test_an_odd_folder_is_reported_and_the_others_go_on(course: Path) -> None:
    submit(course, "alice")
    submit(course, "<script>alert(1)")
    submit(course, "bad\nname")
    summary = take(course)
    assert {record.student: record.status for record in summary.records} == {
        "<script>alert(1)": "error",
        "alice": "ok",
        "bad\ufffdname": "error",
    }
    assert all("rename the folder" in (record.error or "") for record in summary.failed)
    assert [path.name for path in (course / "intake").iterdir()] == ["alice"]


def test_a_linked_folder_is_not_followed(course: Path) -> None:
    submit(course, "alice")
    (course / "submitted" / "mallory").symlink_to(course / "submitted" / "alice")
    summary = take(course)
    assert [(record.student, record.status) for record in summary.records] == [("alice", "ok"), ("mallory", "error")]
    assert "is a symbolic link" in (summary.failed[0].error or "")


def test_a_failure_of_ours_is_no_students_zero(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit(course, "alice")
    submit(course, "bob")
    original = course_module.intake_submission

    def failing(submitted: Path, *rest: Any, **more: Any) -> IntakeRecord:
        if more["student"] == "alice":
            raise ZeroDivisionError("a bug")
        return original(submitted, *rest, **more)

    monkeypatch.setattr(course_module, "intake_submission", failing)
    summary = take(course)
    (failed,) = summary.failed
    assert (failed.student, failed.error, failed.verdict) == ("alice", "ZeroDivisionError: a bug", Verdict.GRADER_ERROR)
    assert load_record(course / "ledgers", "a1", "alice") == failed
    assert [record.status for record in summary.records] == ["error", "ok"]


def test_a_full_disk_costs_the_file_and_no_other_student(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for student in ("alice", "bob", "carol"):
        submit(course, student)
    calls = []
    real = writing.os.fsync

    def full_once(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(writing.os, "fsync", full_once)
    summary = take(course)
    (failed,) = summary.failed
    assert failed.student == "bob" and failed.error is not None
    assert failed.error.endswith("1_pose.ipynb could not be written: the disk is full; free some space and run intake again")
    monkeypatch.undo()
    assert take(course).failed == (), "it goes on once there is room"
    assert not list(course.rglob(".partial"))


def test_a_disk_that_stays_full_is_told_for_everybody(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit(course, "alice")
    submit(course, "bob")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing.os, "fsync", full)
    summary = take(course)
    assert len(summary.failed) == 2 and all("the disk is full" in (record.error or "") for record in summary.failed)


def test_a_submission_that_cannot_be_read_is_ours(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit(course, "alice")

    def denied(*rest: Any, **more: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "submitted/alice/a1/1_pose.ipynb")

    monkeypatch.setattr(course_module, "intake_submission", denied)
    (failed,) = take(course).failed
    assert failed.error == "submitted/alice/a1/1_pose.ipynb: Permission denied; make it readable and run intake again"


def test_a_course_that_cannot_work_is_refused(course: Path) -> None:
    with pytest.raises(IntakeError, match="'a1' has no notebooks"):
        intake_assignment(course, "a1", [], SYMBOLS)
    with pytest.raises(IntakeError, match=r"2_none\.ipynb is missing"):
        intake_assignment(course, "a1", ["2_none"], SYMBOLS)
    with pytest.raises(IntakeError, match="extra file"):
        take(course, extra_files=["../x"])


def test_no_submission_is_no_error(course: Path) -> None:
    assert take(course).records == ()


def test_verdicts_of_records_are_words_of_the_judge() -> None:
    assert {"UNREADABLE", "GRADER_ERROR"} <= {str(verdict) for verdict in Verdict}
    assert IntakeRecord("a", "b", error="x").verdict == "GRADER_ERROR"


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    record = IntakeRecord("alice", "a1")
    save_record(record, tmp_path)
    path = tmp_path / "a1" / "alice" / FILE_NAME
    assert load_record(tmp_path, "a1", "alice") == record
    assert load_record(tmp_path, "a1", "bob") is None
    for content, message in [
        ("{", "is no intake record"),
        ("[]", "is no intake record"),
        ('{"schema": 99}', "schema 99; this version reads 1"),
        ('{"schema": 1}', "incomplete"),
    ]:
        path.write_text(content)
        with pytest.raises(ValueError, match=message):
            load_record(tmp_path, "a1", "alice")


def test_stale_temporary_files_are_removed(course: Path) -> None:
    staging = course / "intake" / ".partial"
    staging.mkdir(parents=True)
    (staging / "old").write_text("")
    os.utime(staging / "old", (0, 0))
    (staging / "new").write_text("")
    take(course)
    assert [path.name for path in staging.iterdir()] == ["new"]
