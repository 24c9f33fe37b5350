"""One submission: which files are taken, what is written, what is said."""

from __future__ import annotations

import errno
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from intake_notebooks import (
    ALL_RIGHT,
    ANSWER_HEAD,
    STUB_L2,
    STUB_SOFT,
    as_bytes,
    judged,
    own,
    put,
    release_notebook,
    release_template,
    solved,
    stripped,
)

from autograder.intake import writing
from autograder.intake.limits import FolderLimits, IntakeError
from autograder.intake.record import IntakeRecord
from autograder.intake.submission import check_extra_names, intake_submission
from autograder.intake.template import Template, make_template
from autograder.intake.writing import WriteError, sync_folder, write_whole


def other_template() -> Template:
    """A second notebook of the assignment, with one exercise of its own."""
    notebook = release_notebook()
    notebook.cells = [cell for cell in notebook.cells if "head" in cell.id or cell.id in ("title", "setup")]
    for cell in notebook.cells:
        cell.source = cell.source.replace("PoseHead", "Tail").replace("pose.head", "pose.tail")
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.grade_id = cell.metadata.nbgrader.grade_id.replace("head", "tail")
            cell.metadata.vislab = {role: "pose.tail" for role in cell.metadata.vislab}
        cell.id = cell.id.replace("head", "tail") + "-2"
    return make_template("2_tail", notebook, {"pose.tail": "Tail"})


def other_solved() -> dict[str, Any]:
    notebook = json.loads(nbformat.writes(nbformat.from_dict(dict_of(other_template()))))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    put(notebook, "solution-pose-tail", ANSWER_HEAD.replace("PoseHead", "Tail"))
    return notebook


def dict_of(template: Template) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": template.metadata, "cells": [cell.cell for cell in template.cells]}


TEMPLATES = {"1_pose": release_template(), "2_tail": other_template()}


class Course:
    """A submission and its cleaned copy in a temporary course."""

    def __init__(self, root: Path) -> None:
        self.submitted = root / "submitted" / "alice" / "a1"
        self.cleaned = root / "intake" / "alice" / "a1"
        self.submitted.mkdir(parents=True)

    def bring(self, **files: Any) -> None:
        self.bring_all(files)

    def bring_all(self, files: dict[str, Any]) -> None:
        for name, content in files.items():
            path = self.submitted / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else as_bytes(content))

    def take(self, extra_files: tuple[str, ...] = (), templates: dict[str, Template] | None = None, **more: Any) -> IntakeRecord:
        return intake_submission(
            self.submitted, self.cleaned, templates or TEMPLATES, extra_files, student="alice", assignment="a1", **more
        )

    def written(self) -> dict[str, bytes]:
        return {path.relative_to(self.cleaned).as_posix(): path.read_bytes() for path in sorted(self.cleaned.rglob("*")) if path.is_file()}

    def judged(self, name: str) -> dict[str, list[str]]:
        return judged(nbformat.reads((self.cleaned / f"{name}.ipynb").read_text(), as_version=4))


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path)


def codes(record: IntakeRecord, name: str | None = None) -> set[str]:
    entry = record.notebook(name) if name else None
    return {note.code for note in (entry.notes if entry else record.notes)}


def test_a_good_submission_is_copied(course: Course) -> None:
    course.bring_all({"1_pose.ipynb": solved(), "2_tail.ipynb": other_solved(), "timestamp.txt": b"2027-02-05 23:59:00 UTC"})
    record = course.take()
    assert record.status == "ok" and record.verdict is None and record.ignored == ()
    assert set(course.written()) == {"1_pose.ipynb", "2_tail.ipynb", "timestamp.txt"}
    assert course.judged("1_pose") == ALL_RIGHT and course.judged("2_tail") == {"pose.tail": ["head"]}
    assert record.notebook("1_pose") and record.notebook("1_pose").submission_hash != record.notebook("2_tail").submission_hash
    assert record.notebook("3_none") is None


def test_only_listed_files_come_along(course: Course) -> None:
    names = ("torch.py", "vislab/__init__.py", "sitecustomize.py", "x.pth", "conftest.py", "nbgrader_config.py", "gradebook.db")
    course.bring_all({name: b"raise SystemExit" for name in names})
    course.bring_all({"1_pose.ipynb": solved(), "2_tail.ipynb": other_solved(), "weights.safetensors": b"W"})
    record = course.take(("weights.safetensors", "notes/missing.txt"))
    assert set(course.written()) == {"1_pose.ipynb", "2_tail.ipynb", "weights.safetensors"}
    assert {each.name for each in record.ignored} == set(names)
    assert set(record.extra_files) == {"weights.safetensors"}


def test_an_extra_file_changes_the_hash_and_may_lie_deeper(course: Course) -> None:
    course.bring_all({"1_pose.ipynb": solved(), "2_tail.ipynb": other_solved()})
    bare = course.take(("w.bin",)).notebook("1_pose")
    course.bring_all({"inner/w.bin": b"1"})
    with_file = course.take(("w.bin",))
    assert bare and with_file.notebook("1_pose") and bare.submission_hash != with_file.notebook("1_pose").submission_hash
    assert course.written()["w.bin"] == b"1" and with_file.ignored == ()


def test_an_extra_file_that_is_too_large_is_left_out(course: Course) -> None:
    course.bring_all({"1_pose.ipynb": solved(), "2_tail.ipynb": other_solved(), "w.bin": b"x" * 100})
    record = course.take(("w.bin",), limits=FolderLimits(extra_file_bytes=99))
    assert codes(record) == {"extra_too_large"} and "w.bin" not in course.written()


@pytest.mark.parametrize("name", ["../x", "/etc/x", "", "a//b", "./a", "timestamp.txt", "2_extra.ipynb"])
def test_an_impossible_extra_file_is_refused(name: str) -> None:
    with pytest.raises(IntakeError, match="must be a plain path below the submission"):
        check_extra_names([name])


def test_links_gain_nothing(course: Course, tmp_path: Path) -> None:
    bob = tmp_path / "submitted" / "bob" / "a1"
    bob.mkdir(parents=True)
    (bob / "1_pose.ipynb").write_bytes(as_bytes(solved()))
    (course.submitted / "1_pose.ipynb").symlink_to(bob / "1_pose.ipynb")
    os.link(bob / "1_pose.ipynb", course.submitted / "2_tail.ipynb")
    (course.submitted / "timestamp.txt").symlink_to("/etc/passwd")
    record = course.take()
    assert record.status == "unreadable" and record.verdict == "UNREADABLE"
    assert set(course.written()) == {"1_pose.ipynb", "2_tail.ipynb"}
    assert course.judged("1_pose") == {name: ["stub"] for name in ALL_RIGHT}
    assert {each.name for each in record.ignored} == {"1_pose.ipynb", "2_tail.ipynb", "timestamp.txt"}


@pytest.mark.parametrize(
    "name",
    [
        "1_pose (1).ipynb",
        "Copy of 1_pose.ipynb",
        "1_pose-alice.ipynb",
        "1_POSE.ipynb",
        "1_pose.ipynb.txt",
        "a1/1_pose.ipynb",
        "Untitled.ipynb",
    ],
)
def test_a_misnamed_notebook_is_recognised(course: Course, name: str) -> None:
    course.bring_all({name: solved(), "2_tail.ipynb": other_solved()})
    record = course.take()
    entry = record.notebook("1_pose")
    assert entry and entry.status == "repaired" and entry.file == name and codes(record, "1_pose") == {"renamed"}
    assert course.judged("1_pose") == ALL_RIGHT
    assert "hand it in under that name next time" in entry.notes[0].text


def test_a_notebook_without_any_metadata_is_recognised_by_what_it_defines(course: Course) -> None:
    course.bring_all({"final.ipynb": stripped(solved())})
    assert codes(course.take(), "1_pose") == {"renamed"}
    assert course.judged("1_pose") == ALL_RIGHT


def test_the_exact_name_wins(course: Course) -> None:
    worse = solved()
    put(worse, "solution-pose-soft_argmax", STUB_SOFT)
    course.bring_all({"1_pose.ipynb": worse, "1_pose (1).ipynb": solved(), "2_tail.ipynb": other_solved()})
    record = course.take()
    assert codes(record, "1_pose") == {"other_copies"}
    assert course.judged("1_pose")["pose.soft_argmax"] == ["stub"]
    assert [each.name for each in record.ignored] == ["1_pose (1).ipynb"]


def test_of_several_copies_the_most_complete_is_taken_then_the_newest_number(course: Course) -> None:
    half, none = solved(), solved()
    put(half, "solution-pose-soft_argmax", STUB_SOFT)
    put(none, "solution-pose-soft_argmax", STUB_SOFT)
    put(none, "solution-pose-masked_l2", STUB_L2)
    later = solved()
    put(later, "solution-pose-soft_argmax", "def soft_argmax(h=None):\n    return 'later'")
    course.bring_all({"1_pose (1).ipynb": half, "1_pose (3).ipynb": solved(), "1_pose (10).ipynb": later, "1_pose (11).ipynb": none})
    record = course.take()
    assert record.notebook("1_pose") and record.notebook("1_pose").file == "1_pose (10).ipynb"
    assert course.judged("1_pose")["pose.soft_argmax"] == ["later"]


def test_a_readable_copy_beats_a_damaged_original(course: Course) -> None:
    course.bring_all({"1_pose.ipynb": b"", "1_pose (1).ipynb": solved(), "2_tail.ipynb": other_solved()})
    record = course.take()
    assert codes(record, "1_pose") == {"renamed", "other_copies"} and course.judged("1_pose") == ALL_RIGHT


def test_two_notebooks_under_each_others_names_keep_them(course: Course) -> None:
    course.bring_all({"1_pose.ipynb": other_solved(), "2_tail.ipynb": solved()})
    record = course.take()
    assert "foreign" in codes(record, "1_pose") and "foreign" in codes(record, "2_tail")


def test_a_strange_notebook_is_no_expected_one(course: Course) -> None:
    strange = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [own("import pandas")]}
    course.bring_all({"kaggle.ipynb": strange, "2_tail.ipynb": other_solved()})
    record = course.take()
    assert record.notebook("1_pose") and record.notebook("1_pose").status == "missing"
    assert [each.name for each in record.ignored] == ["kaggle.ipynb"]


def test_one_missing_notebook_is_left_to_nbgrader(course: Course) -> None:
    course.bring_all({"1_pose.ipynb": solved()})
    record = course.take()
    assert record.status == "missing" and record.verdict is None
    assert set(course.written()) == {"1_pose.ipynb"}
    assert record.notebook("2_tail") and record.notebook("2_tail").submission_hash is None


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "the folder is empty"),
        ({"essay.pdf": b"%PDF"}, "no notebook was handed in; the folder holds essay.pdf"),
        ({"a": b"", "b": b"", "c": b"", "d": b""}, "no notebook was handed in; the folder holds a, b, c and more"),
        ({"1_pose.zip": b"PK broken"}, "The archive 1_pose.zip could not be unpacked: 1_pose.zip is no zip archive"),
    ],
)
def test_a_submission_without_notebooks_still_has_an_entry(course: Course, files: dict[str, bytes], reason: str) -> None:
    course.bring_all(files)
    record = course.take()
    assert (record.status, record.verdict) == ("unreadable", "UNREADABLE")
    assert set(course.written()) == {"1_pose.ipynb", "2_tail.ipynb"}
    for entry in record.notebooks:
        assert entry.status == "unreadable" and entry.reason and reason in entry.reason and entry.submission_hash


def test_one_unreadable_notebook_does_not_decide_the_others(course: Course) -> None:
    course.bring_all({"1_pose.ipynb": b"not json", "2_tail.ipynb": other_solved()})
    record = course.take()
    assert (record.status, record.verdict) == ("unreadable", None)
    assert record.notebook("1_pose") and record.notebook("1_pose").file == "1_pose.ipynb"
    assert course.judged("2_tail") == {"pose.tail": ["head"]}


def test_a_submission_zipped_by_its_student_is_opened(course: Course) -> None:
    path = course.submitted / "homework.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("homework/1_pose.ipynb", as_bytes(solved()))
        archive.writestr("homework/2_tail.ipynb", as_bytes(other_solved()))
        archive.writestr("homework/w.bin", b"W")
        archive.writestr("../../evil.py", b"")
    record = course.take(("w.bin",))
    assert codes(record) == {"archive_opened"} and codes(record, "1_pose") == {"renamed"}
    assert course.judged("1_pose") == ALL_RIGHT and course.written()["w.bin"] == b"W"
    assert [each.name for each in record.ignored] == ["homework.zip/../../evil.py"]
    assert list(course.submitted.iterdir()) == [path], "submitted stays as it arrived"


def test_an_archive_is_left_alone_where_nothing_is_missing(course: Course) -> None:
    course.bring_all({"1_pose.ipynb": solved(), "2_tail.ipynb": other_solved(), "backup.zip": b"anything"})
    assert course.take().notes == ()


def test_a_timestamp_that_nbgrader_cannot_read_is_dropped(course: Course) -> None:
    course.bring_all({"1_pose.ipynb": solved(), "2_tail.ipynb": other_solved(), "timestamp.txt": b"soon"})
    assert codes(course.take()) == {"timestamp"} and "timestamp.txt" not in course.written()


def test_a_second_run_touches_nothing(course: Course) -> None:
    course.bring_all({"1_pose.ipynb": solved(), "2_tail.ipynb": other_solved(), "w.bin": b"1"})
    first = course.take(("w.bin",))
    for path in course.cleaned.iterdir():
        os.utime(path, ns=(1, 1))
    assert course.take(("w.bin",)) == first
    assert {path.stat().st_mtime_ns for path in course.cleaned.iterdir()} == {1}


def test_what_is_gone_from_the_submission_goes_from_the_copy(course: Course) -> None:
    course.bring_all({"1_pose.ipynb": solved(), "2_tail.ipynb": other_solved(), "w.bin": b"1"})
    course.take(("w.bin",))
    (course.cleaned / "torch.py").write_text("left by hand")
    (course.submitted / "w.bin").unlink()
    (course.submitted / "2_tail.ipynb").unlink()
    course.take(("w.bin",))
    assert set(course.written()) == {"1_pose.ipynb"}


def test_overlapping_folders_are_refused(course: Course) -> None:
    course.cleaned = course.submitted / "clean"
    with pytest.raises(IntakeError, match="overlaps with"):
        course.take()
    course.cleaned = course.submitted
    with pytest.raises(IntakeError, match="overlaps with"):
        course.take()


def test_a_full_disk_is_named_and_leaves_no_temporary_file(course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course.bring_all({"1_pose.ipynb": solved(), "2_tail.ipynb": other_solved()})
    course.take()
    before = course.written()
    course.bring_all({"1_pose.ipynb": stripped(solved()), "2_tail.ipynb": b"changed"})

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing.os, "fsync", full)
    with pytest.raises(WriteError, match=r"2_tail\.ipynb could not be written: the disk is full; free some space and run intake again"):
        course.take()
    assert course.written() == before
    assert [path for path in (tmp_path / "intake").rglob("*") if path.is_file() and path.parent != course.cleaned] == []


def test_a_foreign_thing_in_the_place_of_the_copy_is_refused(course: Course, tmp_path: Path) -> None:
    course.bring_all({"1_pose.ipynb": solved()})
    course.cleaned.parent.mkdir(parents=True)
    course.cleaned.symlink_to(tmp_path)
    with pytest.raises(WriteError, match="is not a folder of intake's own"):
        course.take()


def test_a_link_among_the_cleaned_files_is_replaced_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    folder = tmp_path / "intake" / "alice" / "a1"
    folder.mkdir(parents=True)
    (folder / "1_pose.ipynb").symlink_to(victim)
    assert sync_folder(folder, {"1_pose.ipynb": b"new"}, tmp_path / "intake")
    assert victim.read_bytes() == b"precious"
    assert not (folder / "1_pose.ipynb").is_symlink() and (folder / "1_pose.ipynb").read_bytes() == b"new"


def test_a_place_that_is_not_writable_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match=r"file/x could not be written \(File exists\); make the folder writable"):
        write_whole(tmp_path / "file" / "x", b"1", tmp_path)
