"""Grade a whole class: what the store lacks is run, in parallel; everything else is taken from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autograder.engine.cluster import grade_on_cluster
from autograder.engine.course import Course, keep
from autograder.engine.job import Job, Result
from autograder.engine.pool import grade_many, workers_for
from autograder.sandbox.choice import Start
from autograder.sandbox.limits import Limits
from autograder.sandbox.minimum import require_minimum

Progress = Callable[[str], None]


@dataclass
class ClassRun:
    """What a run over a class did.

    Args:
        assignment: its name.
        graded: jobs that were run now.
        stored: jobs whose result was in the store.
        ledgers: student to notebook to ledger, for every notebook that intake let through.
        unsaved: what could not be stored, in sentences.
    """

    assignment: str
    graded: int = 0
    stored: int = 0
    ledgers: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    unsaved: list[str] = field(default_factory=list)

    @property
    def ungraded(self) -> list[tuple[str, str]]:
        """(student, notebook) of everything that failed on our side."""
        return [(s, n) for s, books in self.ledgers.items() for n, ledger in books.items() if ledger["status"] == "GRADER_ERROR"]

    def points(self, student: str) -> float:
        """Points of a student's check cells, bonus included."""
        return round(sum(ledger["points"] + ledger["bonus_points"] for ledger in self.ledgers.get(student, {}).values()), 6)


def grade_class(
    course: Course,
    assignment: str,
    *,
    students: list[str] | None = None,
    workers: int | None = None,
    force: bool = False,
    walls: bool = True,
    start: Start = Start.AUTO,
    scheduler: str | None = None,
    started: Callable[[int], object] = lambda total: None,
    progress: Progress = lambda line: None,
    complete: Callable[[str], object] = lambda student: None,
) -> ClassRun:
    """Grade every notebook that intake let through and keep the results.

    Args:
        students: only these; all when None.
        workers: submissions at once; one per processor when None, never more than fit into memory.
        force: run again what the store already has.
        walls: False only where ``--unsafe-no-sandbox`` was typed out.
        start: how kernels are started.
        scheduler: address of a Dask cluster to grade on; None: this machine.
        started: told how many jobs there are to run.
        progress: told one line per finished job.
        complete: told each student of whom something was run, as soon as everything of theirs is graded and kept: while others are still
            being graded. Not told of one with a failure of ours.

    Raises:
        SandboxMissing: this machine cannot build the walls.
        CourseError, SecretError: the course folder lacks something.
        ClusterError: there is no cluster at that address that could grade.
    """
    if walls and scheduler is None:
        require_minimum()
    run = ClassRun(assignment)
    todo: list[Job] = []
    for job in course.jobs(assignment, students, walls, start):
        known = None if force else course.store.get(assignment, job.student, job.notebook, course.key(job))
        if known is None:
            todo.append(job)
        else:
            run.stored += 1
            run.ledgers.setdefault(job.student, {})[job.notebook] = known.ledger
    started(len(todo))
    left = Counter(job.student for job in todo)
    faulty = {student for student, _ in run.ungraded}

    def finished(job: Job, result: Result) -> None:
        run.graded += 1
        run.ledgers.setdefault(job.student, {})[job.notebook] = result.ledger
        try:
            keep(course, job, result)
        except OSError as error:
            # the others go on: what could not be stored is graded again next time.
            run.unsaved.append(str(error))
            faulty.add(job.student)
        if result.ledger["status"] == "GRADER_ERROR":
            faulty.add(job.student)
        progress(f"{job.student}, {job.notebook}: {result.ledger['points']:g} of {result.ledger['max_points']:g}")
        left[job.student] -= 1
        if not left[job.student] and job.student not in faulty:
            complete(job.student)

    if scheduler is not None:
        grade_on_cluster(todo, finished, scheduler)
        return run
    limits = Limits.from_table(course.assignment(assignment).limits)
    grade_many(todo, finished, workers_for(workers, limits.memory_mib))
    return run
