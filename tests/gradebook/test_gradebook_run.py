"""nbgrader's steps as the command line drives them, and as an instructor types them."""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
from fake_grader import prepare
from nbconvert.writers import FilesWriter
from nbgrader.apps import ExportApp, ZipCollectApp
from nbgrader.converters.base import NbGraderException
from sqlalchemy.exc import OperationalError
from tiny_course import ASSIGNMENT, TinyCourse

from autograder.gradebook import export, run
from autograder.gradebook.lock import GradebookBusy, sqlite_path, wait_until_free
from autograder.gradebook.run import (
    SHIPPED_CONFIG,
    TRACE,
    GradebookError,
    autograde,
    export_csv,
    generate_assignment,
    generate_feedback,
    load_config,
    passing_fault,
    require_assignment,
)

HERE = Path(__file__).resolve().parent


def _class_of_two(course: TinyCourse) -> None:
    for student, right in (("ann", [4, 4]), ("bob", [2, 4])):
        course.hand_in(student, "2027-02-01 12:00:00 UTC")
        prepare(course.root, student, "one", right={"pose.first": right, "pose.extra": [2, 2]})
        prepare(course.root, student, "two", right={"pose.second": [1, 1]})


def _type(course: TinyCourse, *words: str) -> subprocess.CompletedProcess[str]:
    """Type an nbgrader command in the course folder, as it is there without an activated environment."""
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != Path(sys.executable).parent)
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
    command = [str(Path(sys.executable).parent / "nbgrader"), *words]
    return subprocess.run(command, cwd=course.root, env=environment, capture_output=True, text=True, timeout=600)


def _rows(course: TinyCourse) -> dict[str, dict[str, str]]:
    with (course.root / "grades.csv").open(newline="") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


def test_the_whole_road_typed_by_an_instructor(course: TinyCourse) -> None:
    _class_of_two(course)
    # a gradebook is made as well where the environment is not activated.
    course.gradebook_path.unlink()
    for words in (["generate_assignment", ASSIGNMENT, "--force"], ["autograde", ASSIGNMENT], ["generate_feedback", ASSIGNMENT], ["export"]):
        done = _type(course, *words)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr and "ERROR" not in done.stderr and "SAWarning" not in done.stderr, done.stderr
    typed = _rows(course)
    assert {name: row["raw_score"] for name, row in typed.items()} == {"ann": "13.0", "bob": "11.0"}
    assert "3 of 4 cases" not in (course.root / "feedback" / "ann" / ASSIGNMENT / "one.html").read_text()
    assert "2 of 4 cases" in (course.root / "feedback" / "bob" / ASSIGNMENT / "one.html").read_text()
    autograde(course.root, ASSIGNMENT)
    export_csv(course.root, course.root / "grades.csv")
    assert _rows(course) == typed


def test_a_failure_of_ours_is_one_sentence_on_the_screen_and_a_trace_only_where_it_is_asked_for(course: TinyCourse) -> None:
    course.hand_in("ann", notebooks=("two",))
    prepare(course.root, "ann", "two", fault="no secret; make one")
    for words, traced in ((["--force"], False), (["--force", "--debug"], True)):
        done = _type(course, "autograde", ASSIGNMENT, *words)
        said = [line for line in done.stderr.splitlines() if "ERROR" in line]
        sentence = f"GRADER_ERROR: two of {ASSIGNMENT} for ann is not graded: RuntimeError: no secret; make one"
        assert done.returncode == 0 and len(said) == 1 and said[0].endswith(sentence), done.stderr
        assert ("Traceback" in done.stderr) is traced


def test_autograde_stops_where_intake_has_not_been_run(course: TinyCourse) -> None:
    _class_of_two(course)
    shutil.copytree(course.root / "intake" / "ann", course.root / "submitted" / "cleo")
    done = _type(course, "autograde", ASSIGNMENT)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == (
        f"1 of 1 submissions of {ASSIGNMENT} have not been taken in (cleo);"
        f" run 'python -m autograder intake {ASSIGNMENT} --course {course.root}' in {SHIPPED_CONFIG.parent} first, then this command again."
    )
    assert not (course.root / "autograded").exists()


def test_a_part_of_the_class(course: TinyCourse) -> None:
    _class_of_two(course)
    seen: list[str] = []
    assert autograde(course.root, ASSIGNMENT, ["bob"], seen.append).done == ("bob",)
    assert seen == ["bob"] and not (course.root / "autograded" / "ann").exists()
    assert generate_feedback(course.root, ASSIGNMENT).done == ("bob",)


@pytest.mark.parametrize("walls", [True, False])
def test_the_sandbox_is_left_out_only_where_that_was_asked_for(course: TinyCourse, walls: bool) -> None:
    _class_of_two(course)
    autograde(course.root, ASSIGNMENT, ["bob"], walls=walls)
    assert course.autograded("bob", "one").metadata.vislab.ledger.run.walls is walls


def test_a_students_id_is_no_pattern(course: TinyCourse) -> None:
    _class_of_two(course)
    course.hand_in("a[n]n")
    outcome = autograde(course.root, ASSIGNMENT, ["a[n]n"])
    assert outcome.failed == ("a[n]n",) and "must not hold '*', '?' or '['; rename the folder" in outcome.log[-1]
    assert not (course.root / "autograded" / "ann").exists()


def test_one_student_that_nbgrader_gives_up_costs_no_other(course: TinyCourse) -> None:
    _class_of_two(course)
    course.edit("ann", "one", lambda notebook: notebook.cells[1].metadata.nbgrader.pop("schema_version"))
    outcome = autograde(course.root, ASSIGNMENT)
    assert (outcome.done, outcome.failed) == (("bob",), ("ann",))
    assert any("schema" in line or "old version" in line for line in outcome.log)
    told = outcome.reasons["ann"]
    assert list(outcome.reasons) == ["ann"] and told.startswith("One or more notebooks in the assignment use an old version")
    assert "\n" not in told and "Traceback" not in told and "above" not in told


def test_an_assignment_that_the_gradebook_does_not_know_is_named_with_the_remedy(course: TinyCourse) -> None:
    require_assignment(course.root, ASSIGNMENT)
    told = f"gradebook.db does not know the assignment {{}}; type 'nbgrader generate_assignment {{}} --force' in {course.root}, then"
    with pytest.raises(GradebookError, match=told.format("t2", "t2")):
        require_assignment(course.root, "t2")
    course.gradebook_path.unlink()
    with pytest.raises(GradebookError, match=told.format(ASSIGNMENT, ASSIGNMENT)):
        require_assignment(course.root, ASSIGNMENT)
    assert not course.gradebook_path.exists()


def test_a_gradebook_that_is_held_is_left_to_whoever_writes_marks(course: TinyCourse, held: sqlite3.Connection) -> None:
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(f"c.CourseDirectory.db_url = 'sqlite:///{course.gradebook_path}?timeout=0.05'\n")
    require_assignment(course.root, ASSIGNMENT)


def test_progress_stands_in_the_outcome_and_not_on_the_screen(course: TinyCourse, capfd: pytest.CaptureFixture[str]) -> None:
    _class_of_two(course)
    prepare(course.root, "bob", "two", fault="disk full")
    outcome = autograde(course.root, ASSIGNMENT)
    assert any("GRADER_ERROR: two of t1_tiny for bob is not graded: RuntimeError: disk full" in line for line in outcome.log)
    assert capfd.readouterr() == ("", "")


def test_a_release_that_students_have_is_not_replaced(course: TinyCourse) -> None:
    released = course.root / "release" / ASSIGNMENT
    (released / "one.ipynb").write_text("as handed out")
    generate_assignment(course.root, ASSIGNMENT)
    assert (released / "one.ipynb").read_text() == "as handed out"
    shutil.rmtree(released)
    generate_assignment(course.root, ASSIGNMENT)
    text = (released / "one.ipynb").read_text()
    assert "NotImplementedError" in text and "return x" not in text and "4321" not in text


def test_the_gradebook_knows_the_due_date_before_anybody_is_graded(course: TinyCourse) -> None:
    with course.gradebook() as gradebook:
        assert str(gradebook.find_assignment(ASSIGNMENT).duedate) == "2027-02-05 22:59:00"


def test_cells_that_changed_after_grading_are_refused(course: TinyCourse) -> None:
    _class_of_two(course)
    autograde(course.root, ASSIGNMENT)
    source = course.root / "source" / ASSIGNMENT / "two.ipynb"
    source.write_text(source.read_text().replace("check-pose-second", "check-pose-third"))
    with pytest.raises(GradebookError, match="Cannot add or remove cells for notebook 'two'"):
        generate_assignment(course.root, ASSIGNMENT)
    with pytest.raises(GradebookError, match="t9: nbgrader could not generate the assignment: No notebooks were matched"):
        generate_assignment(course.root, "t9")


def test_csv_quotes_names_and_lists_those_who_handed_in_nothing(course: TinyCourse, tmp_path: Path) -> None:
    _class_of_two(course)
    autograde(course.root, ASSIGNMENT)
    with course.gradebook() as gradebook:
        gradebook.update_or_create_student("ann", last_name='Doe, "Jr."', first_name="Änne", email="a@example.org")
        gradebook.add_student("zoe")
    path = export_csv(course.root, tmp_path / "out.csv", ASSIGNMENT)
    with path.open(newline="", encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert list(rows["ann"]) == (
        "assignment duedate timestamp student_id last_name first_name email raw_score late_submission_penalty score max_score".split()
    )
    assert rows["ann"]["last_name"] == 'Doe, "Jr."' and rows["ann"]["first_name"] == "Änne"
    assert (rows["ann"]["score"], rows["ann"]["max_score"], rows["ann"]["timestamp"]) == ("13.0", "14.0", "2027-02-01 12:00:00")
    assert (rows["zoe"]["score"], rows["zoe"]["raw_score"], rows["zoe"]["timestamp"]) == ("0.0", "0.0", "")


@pytest.fixture
def held(course: TinyCourse):
    """The gradebook, held by another program."""
    _class_of_two(course)
    connection = sqlite3.connect(course.gradebook_path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN EXCLUSIVE")
    yield connection
    connection.close()


def test_a_busy_gradebook_is_named_with_the_remedy(course: TinyCourse, held: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "wait_until_free", partial(wait_until_free, wait_s=0.1))
    with pytest.raises(GradebookBusy, match=r"gradebook\.db is locked by another program; wait for the other nbgrader command to end"):
        autograde(course.root, ASSIGNMENT)
    held.execute("ROLLBACK")
    assert autograde(course.root, ASSIGNMENT).done == ("ann", "bob")


def test_a_gradebook_that_becomes_busy_later_is_named_too(
    course: TinyCourse, held: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []
    # free whenever it is asked, locked when nbgrader writes.
    monkeypatch.setattr(run, "wait_until_free", tries.append)
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(f"c.CourseDirectory.db_url = 'sqlite:///{course.gradebook_path}?timeout=0.05'\n")
    with pytest.raises(GradebookBusy, match=r"gradebook\.db is locked"):
        autograde(course.root, ASSIGNMENT)
    assert len(tries) == 1 + run.TRIES


@pytest.mark.parametrize(
    ("logged", "told"),
    [
        ("sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) database is locked", "database is locked"),
        ("nbgrader.api.InvalidEntry: (sqlite3.OperationalError) database or disk is full", "database or disk is full"),
        ("OSError: [Errno 28] No space left on device: 'x'", "No space left on device: 'x'"),
        ("nbgrader.api.InvalidEntry: cell says (sqlite3.OperationalError) database is locked", None),
        ("ValueError: a student wrote OSError: [Errno 28] No space left on device", None),
    ],
    ids=["locked", "full database", "full disk", "words in an entry", "words of a student"],
)
def test_the_disks_own_error_is_found_behind_nbgraders(logged: str, told: str | None) -> None:
    fault = passing_fault(NbGraderException("see above"), ["There was an error", f"{TRACE}:\n  File x\n{logged}\nsee also"])
    assert (str(fault) if fault else None) == told
    # the same words outside a trace are no error of the database's.
    assert passing_fault(NbGraderException("see above"), [logged]) is None


def test_a_full_disk_stops_the_step_and_costs_nobody_a_mark(course: TinyCourse, monkeypatch: pytest.MonkeyPatch) -> None:
    _class_of_two(course)
    autograde(course.root, ASSIGNMENT, ["ann"])
    graded = course.grades("ann")

    def full(*rest: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(FilesWriter, "write", full)
        with pytest.raises(
            GradebookBusy, match=rf"{course.root} cannot be written to \(No space left on device\); check its permissions and"
        ):
            autograde(course.root, ASSIGNMENT)
    assert autograde(course.root, ASSIGNMENT).done == ("ann", "bob") and course.grades("ann") == graded


def test_export_from_a_held_gradebook_is_one_sentence(
    course: TinyCourse, held: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "wait_until_free", partial(wait_until_free, wait_s=0.1))
    told = r"^nothing was exported: \S*gradebook\.db is locked by another program; wait for the other nbgrader command"
    with pytest.raises(SystemExit, match=told):
        _exported(course, monkeypatch)
    held.execute("ROLLBACK")
    _exported(course, monkeypatch)
    assert (course.root / "grades.csv").is_file()
    autograde(course.root, ASSIGNMENT, ["ann"])
    # free when it is asked, held when the penalties are written.
    monkeypatch.setattr(export, "refresh_penalties", _held)
    with pytest.raises(SystemExit, match=told):
        _exported(course, monkeypatch)
    with pytest.raises(GradebookBusy, match=r"gradebook\.db is locked"):
        export_csv(course.root, course.root / "grades.csv")


def _held(*rest: object) -> None:
    raise OperationalError("UPDATE", {}, sqlite3.OperationalError("database is locked"))


def _exported(course: TinyCourse, monkeypatch: pytest.MonkeyPatch) -> None:
    """``nbgrader export`` in this process."""
    monkeypatch.chdir(course.root)
    monkeypatch.setattr(sys, "argv", ["nbgrader"])
    ExportApp.clear_instance()
    app = ExportApp.instance()
    try:
        app.initialize([])
        app.start()
    finally:
        ExportApp.clear_instance()


def test_a_lock_that_goes_away_is_waited_for(course: TinyCourse, held: sqlite3.Connection) -> None:
    timer = threading.Timer(0.3, held.execute, ["ROLLBACK"])
    timer.start()
    try:
        wait_until_free(f"sqlite:///{course.gradebook_path}", wait_s=30)
    finally:
        timer.join()


def test_a_gradebook_without_write_permission_is_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    path.mkdir()
    with pytest.raises(GradebookBusy, match=r"cannot be written to .*; check its permissions and the free space"):
        wait_until_free(f"sqlite:///{path}", wait_s=0.1)


def test_only_files_have_a_lock() -> None:
    assert sqlite_path("sqlite:////srv/course/gradebook.db?timeout=5") == Path("/srv/course/gradebook.db")
    assert [sqlite_path(url) for url in ("postgresql://host/grades", "sqlite://", "sqlite:///:memory:", "nonsense")] == [None] * 4


def test_a_course_without_a_configuration_of_its_own_gets_the_shipped_one(tmp_path: Path) -> None:
    config = load_config(tmp_path)
    assert config.CourseDirectory.root == str(tmp_path) and config.CourseDirectory.submitted_directory == "intake"
    assert config.CoursePart.assignments_root == str(SHIPPED_CONFIG.parent / "assignments")
    assert config.HTMLExporter.sanitize_html is True


def test_downloads_are_collected_into_submitted(course: TinyCourse, monkeypatch: pytest.MonkeyPatch) -> None:
    download = course.root / "downloaded" / ASSIGNMENT / "archive"
    download.mkdir(parents=True)
    shutil.copy(course.root / "release" / ASSIGNMENT / "one.ipynb", download / "doejane_4321_98765_one.ipynb")
    monkeypatch.chdir(course.root)
    monkeypatch.setattr(sys, "argv", ["nbgrader"])
    ZipCollectApp.clear_instance()
    app = ZipCollectApp.instance()
    try:
        app.initialize([ASSIGNMENT])
        app.start()
    finally:
        ZipCollectApp.clear_instance()
    assert (course.root / "submitted" / "4321" / ASSIGNMENT / "one.ipynb").is_file()
    assert not (course.root / "intake").exists()
