"""Due dates and what lateness costs."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from fake_grader import prepare
from tiny_course import ASSIGNMENT, TinyCourse

from autograder.gradebook.late import days_late, penalty_points
from autograder.gradebook.run import export_csv, generate_feedback
from autograder.gradebook.schedule import ScheduleError, read_schedule, sync_assignment

HOUR = 3600


@pytest.mark.parametrize(
    ("seconds", "days"),
    [(0, 0), (600, 0), (601, 1), (24 * HOUR, 1), (24 * HOUR + 600, 1), (24 * HOUR + 601, 2), (240 * HOUR, 10)],
)
def test_a_day_counts_as_soon_as_it_has_started_and_the_grace_is_over(seconds: float, days: int) -> None:
    assert days_late(seconds, grace_minutes=10) == days


def test_no_more_than_the_maximum_is_lost() -> None:
    assert penalty_points(10, 0.25, 3) == 7.5
    assert penalty_points(10, 0.25, 7) == 10
    assert penalty_points(10, 0.0, 7) == 0


def _penalties(course: TinyCourse, student: str) -> dict[str, float]:
    with course.gradebook() as gradebook:
        return {book.name: book.late_submission_penalty or 0.0 for book in gradebook.find_submission(ASSIGNMENT, student).notebooks}


def _late(course: TinyCourse, timestamp: str, first: list[int], answer: str | None = None) -> None:
    course.hand_in("ann", timestamp, answer=answer)
    prepare(course.root, "ann", "one", right={"pose.first": first, "pose.extra": [2, 2]})
    prepare(course.root, "ann", "two", right={"pose.second": [1, 1]})


def test_a_share_of_the_maximum_per_started_day(course: TinyCourse) -> None:
    # due at 22:59 UTC; a day and a half late.
    _late(course, "2027-02-07 11:00:00 UTC", [4, 4])
    course.autograde()
    # the bonus raises the score, not the penalty.
    assert _penalties(course, "ann") == {"one": 2.0, "two": 0.8}


def test_the_grace_period_and_an_extension_are_kept(course: TinyCourse) -> None:
    _late(course, "2027-02-05 23:08:59 UTC", [4, 4])
    course.autograde()
    assert _penalties(course, "ann") == {"one": 0.0, "two": 0.0}
    _late(course, "2027-02-06 23:30:00 UTC", [4, 4])
    course.autograde()
    assert _penalties(course, "ann") == {"one": 2.0, "two": 0.8}
    with course.gradebook() as gradebook:
        gradebook.grant_extension(ASSIGNMENT, "ann", days=1)
    course.autograde()
    assert _penalties(course, "ann") == {"one": 1.0, "two": 0.4}


def test_the_penalty_follows_marks_that_are_given_by_hand_later(course: TinyCourse, tmp_path: Path) -> None:
    # nothing but the question earns anything, and nobody has read it yet: nbgrader takes off no more than the score, which is 0.
    course.hand_in("ann", "2027-02-06 12:00:00 UTC", answer="Because.")
    prepare(course.root, "ann", "one", right={}, outputs={"plain": [{"output_type": "stream", "name": "stderr", "text": "no"}]})
    prepare(course.root, "ann", "two", right={})
    course.autograde()
    assert _penalties(course, "ann") == {"one": 0.0, "two": 0.0}
    with course.gradebook() as gradebook:
        gradebook.find_grade("question-pose-why", "one", ASSIGNMENT, "ann").manual_score = 3
        gradebook.db.commit()
    row = export_csv(course.root, tmp_path / "grades.csv", ASSIGNMENT).read_text().splitlines()[1].split(",")
    assert row[-4:] == ["3.0", "1.0", "2.0", "14.0"]
    assert _penalties(course, "ann") == {"one": 1.0, "two": 0.0}
    with course.gradebook() as gradebook:
        gradebook.find_grade("question-pose-why", "one", ASSIGNMENT, "ann").manual_score = 0.5
        gradebook.db.commit()
    generate_feedback(course.root, ASSIGNMENT)
    assert _penalties(course, "ann") == {"one": 0.5, "two": 0.0}


def test_the_due_date_of_the_assignment_reaches_the_gradebook(course: TinyCourse) -> None:
    _late(course, "2027-02-01 12:00:00 UTC", [4, 4])
    course.autograde()
    with course.gradebook() as gradebook:
        entry = gradebook.find_assignment(ASSIGNMENT)
        assert entry.duedate == datetime.datetime(2027, 2, 5, 22, 59)
        schedule = read_schedule(course.root / "assignments", ASSIGNMENT)
        assert not sync_assignment(gradebook, schedule)
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate="2030-01-01 00:00:00 UTC")
        assert sync_assignment(gradebook, schedule)
        assert gradebook.find_assignment(ASSIGNMENT).duedate == datetime.datetime(2027, 2, 5, 22, 59)


def test_an_assignment_that_the_gradebook_does_not_know_is_left_to_nbgrader(course: TinyCourse) -> None:
    folder = course.root / "assignments" / "t2_other"
    folder.mkdir()
    (folder / "assignment.toml").write_text('title = "x"\n')
    with course.gradebook() as gradebook:
        assert not sync_assignment(gradebook, read_schedule(course.root / "assignments", "t2_other"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("due = 2027-02-05T23:59:00\n", "must be a date and time with a UTC offset"),
        ("[late]\npenalty_per_day = 10\n", r"penalty_per_day 10 must be a share"),
        ("[late]\npenalty_per_day = nan\n", r"penalty_per_day nan must be a share"),
        ("late = 3\n", "penalty_per_day None must be a share"),
        ("title = ", "cannot be read"),
    ],
)
def test_a_schedule_that_cannot_be_used_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "t1").mkdir()
    (tmp_path / "t1" / "assignment.toml").write_text(text)
    with pytest.raises(ScheduleError, match=told):
        read_schedule(tmp_path, "t1")


def test_a_broken_schedule_costs_nobody_the_marks(course: TinyCourse) -> None:
    _late(course, "2027-02-07 11:00:00 UTC", [4, 4])
    course.autograde()
    (course.root / "assignments" / ASSIGNMENT / "assignment.toml").write_text("title = ")
    outcome = course.autograde()
    assert outcome.done == ("ann",) and course.grades("ann")["check-pose-first"] == (5.0, False)
    assert any("the due date of t1_tiny stays as it is" in line for line in outcome.log)
    assert any("late penalties of t1_tiny cannot be worked out" in line for line in outcome.log)


def test_exporting_with_a_broken_schedule_leaves_penalties_alone(course: TinyCourse, tmp_path: Path) -> None:
    _late(course, "2027-02-07 11:00:00 UTC", [4, 4])
    course.autograde()
    (course.root / "assignments" / ASSIGNMENT / "assignment.toml").write_text("title = ")
    export_csv(course.root, tmp_path / "grades.csv")
    assert _penalties(course, "ann") == {"one": 2.0, "two": 0.8}
