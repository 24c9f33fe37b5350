"""Gather a class from its course folder: ledgers, intake's records, the gradebook, answers as handed in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from autograder.audit.assignment_audit import audit_assignment
from autograder.authoring.rules import read_lessons
from autograder.engine.course import REPOSITORY, Course
from autograder.exercise.assignment import Assignment
from autograder.gradebook.marks import Entry
from autograder.intake.record import load_record
from autograder.report.material import Asked, ClassMaterial, Submission
from vislab.check.verdict import Verdict

# the others take trainings, or kernels of their own, to run a single mutant.
RUN_AS_MUTANTS = ("function", "module", "step", "kernel")


def gather(
    course: Course,
    assignment: Assignment,
    entries: Mapping[str, Entry],
    *,
    mutants: bool = True,
    progress: Callable[[str], None] = lambda line: None,
) -> ClassMaterial:
    """Gather what a report is made from.

    Args:
        course: the course folder.
        assignment: what was graded.
        entries: what the gradebook says, by student.
        mutants: run the mutants of exercises that somebody got wrong, to recognise them.
        progress: told one line an exercise whose mutants were run.
    """
    ledgers: dict[str, dict[str, Mapping]] = {}
    for student, notebook, ledger in course.store.ledgers(assignment.name):
        ledgers.setdefault(student, {})[notebook] = ledger
    students = sorted({*ledgers, *entries, *course.students(assignment.name), *_handed_in(course, assignment.name)})
    submissions = [_submission(course, assignment, student, ledgers.get(student, {}), entries.get(student)) for student in students]
    wrong = _wrong(submissions, assignment) if mutants else []
    rows = audit_assignment(assignment.folder, REPOSITORY, secrets=1, walls=False, only=wrong, progress=progress).exercises if wrong else []
    kills = {row.name: {name: frozenset(cases) for name, cases in row.kills.items()} for row in rows}
    return ClassMaterial(assignment.name, assignment.title, _asked(assignment, kills), submissions)


def _handed_in(course: Course, assignment: str) -> list[str]:
    return [path.parent.name for path in (course.root / "submitted").glob(f"*/{assignment}")]


def _asked(assignment: Assignment, kills: Mapping[str, Mapping[str, frozenset[str]]]) -> list[Asked]:
    asked = []
    for lesson in read_lessons(assignment):
        for name in lesson.exercises:
            exercise = assignment.exercises[name]
            hidden = frozenset(case.name for case in exercise.cases() if not case.public)
            stub, points = lesson.stub_source(name), exercise.points_total
            asked.append(Asked(name, exercise.title, lesson.name, points, exercise.bonus, stub, hidden, kills.get(name, {})))
    return asked


def _submission(course: Course, assignment: Assignment, student: str, ledgers: Mapping[str, Mapping], entry: Entry | None) -> Submission:
    try:
        record = load_record(course.store.root, assignment.name, student)
        refused = "intake has not seen it" if record is None else record.error
    except ValueError as error:
        refused = str(error)
    answers: dict[str, str] = {}
    for notebook in ledgers:
        answers |= _answers(course.root / "intake" / student / assignment.name / f"{notebook}.ipynb")
    return Submission(student, ledgers, answers, entry, refused)


def _answers(path: Path) -> dict[str, str]:
    """Return exercise to source, from the cleaned copy of a notebook."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return {}
    told = ((cell.get("metadata", {}).get("vislab", {}).get("exercise"), cell.get("source", "")) for cell in cells)
    return {name: source if isinstance(source, str) else "".join(source) for name, source in told if name}


def _wrong(submissions: Sequence[Submission], assignment: Assignment) -> list[str]:
    fine = (Verdict.OK, Verdict.NOT_ATTEMPTED, Verdict.UNREADABLE, Verdict.GRADER_ERROR)
    wrong = {entry["name"] for each in submissions for entry in each.exercises if entry["verdict"] not in fine}
    return [name for name, exercise in assignment.exercises.items() if name in wrong and exercise.probe.kind in RUN_AS_MUTANTS]
