"""Hand in every fixture, grade them all, and hold what came against what must come."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.attack.fixture import Fixture, wrong_control
from autograder.attack.leaks import forms, found, outputs_of, seeds_of
from autograder.attack.outcome import Outcome, hold
from autograder.attack.submission import Writer
from autograder.attack.witness import WitnessedResult, grade_witnessed
from autograder.attack.world import World
from autograder.demo.classroom import Stage
from autograder.engine.grade_one import exercises_of
from autograder.engine.job import Job, Result
from autograder.engine.pool import grade_many, workers_for
from autograder.engine.receive import receive
from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.gradebook.ledger_table import exercise_panel
from autograder.intake.record import IntakeRecord
from autograder.sandbox.choice import Start
from autograder.sandbox.keeper import end_servers
from autograder.sandbox.limits import Limits

# by student and notebook: a submission may hold more notebooks than the one it is about.
Graded = dict[tuple[str, str], tuple[Job, WitnessedResult]]


@dataclass
class SuiteReport:
    """What came of all fixtures.

    Args:
        outcomes: one a fixture.
        left_behind: traces on this machine that no single fixture can be blamed for.
        faults: of the measurement itself: a control of wrong answers that earned points.
        seconds: wall time.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def attacks(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.fixture.kind != "control"]

    @property
    def controls(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.fixture.kind == "control"]

    @property
    def ok(self) -> bool:
        return bool(self.outcomes) and all(outcome.ok for outcome in self.outcomes) and not self.left_behind and not self.faults

    def as_json(self) -> dict[str, Any]:
        return {
            "attacks": len(self.attacks),
            "gained": sum(bool(outcome.gained) for outcome in self.attacks),
            "observed_evaded": sum(outcome.evaded for outcome in self.attacks),
            "leaked": sum(bool(outcome.leaked) for outcome in self.outcomes),
            "left_behind": sum(bool(outcome.left) for outcome in self.outcomes) + len(self.left_behind),
            "controls": len(self.controls),
            "lost": sum(bool(outcome.lost) for outcome in self.controls),
            "unexpected": sum(bool(outcome.faults) for outcome in self.outcomes) + len(self.faults),
            "ok": self.ok,
            "seconds": round(self.seconds, 1),
            "traces": self.left_behind,
            "faults": self.faults,
            "fixtures": [outcome.as_json() for outcome in self.outcomes],
        }


def run_suite(
    fixtures: Sequence[Fixture],
    range_folder: Path,
    place: Path,
    stage: Stage,
    workers: int | None = None,
    in_process: bool = False,
    start: Start = Start.AUTO,
) -> SuiteReport:
    """Run fixtures.

    Args:
        fixtures: attacks and controls.
        range_folder: what they are tried on.
        place: empty folder for the throwaway course; the caller removes it.
        stage: told each stage's name and number of steps; returns what to call per step.
        workers: submissions at once.
        in_process: grade in this very process, one after another: for tests that take down a wall or a part of the judge.
        start: how kernels are started.

    Raises:
        FixtureError: a fixture that cannot be handed in.
        SandboxMissing: this machine cannot build the walls; attacks never run without.
    """
    started_s = time.monotonic()
    report = SuiteReport()
    stage("lay out the range", None)
    with World(range_folder, place) as world:
        controls = {name: wrong_control(name) for name in sorted({fixture.notebook for fixture in fixtures})}
        everything = [*controls.values(), *fixtures]
        writer = Writer(world)
        step = stage("hand in", len(everything))
        for fixture in everything:
            writer.write(fixture)
            step(fixture.name)
        summary = receive(world.course, world.assignment, stage("intake", len(everything)))
        records = {record.student: record for record in summary.records}
        graded = _grade(world, stage, workers, in_process, start)
        for name, control in controls.items():
            report.faults += _of_wrong_control(name, graded[control.student, name][1].ledger)
        assignment = world.course.assignment(world.assignment)
        release = world.course.release_folder(world.assignment)
        exercises = {name: {each.name: each for each in exercises_of(assignment, release / f"{name}.ipynb")} for name in controls}
        step = stage("examine", len(fixtures))
        for fixture in fixtures:
            outcome = _examine(fixture, world, exercises[fixture.notebook], graded, records.get(fixture.student))
            report.outcomes.append(outcome)
            step(fixture.name)
        report.left_behind = world.left_behind()
    report.seconds = time.monotonic() - started_s
    return report


def _grade(world: World, stage: Stage, workers: int | None, in_process: bool, start: Start) -> Graded:
    jobs = world.course.jobs(world.assignment, start=start)
    graded: Graded = {}
    step = stage("grade", len(jobs))

    def finished(job: Job, result: Result) -> None:
        # a job that killed its worker for good comes back without evidence, as an error of the grader.
        seen = (
            result if isinstance(result, WitnessedResult) else WitnessedResult(result.executed, result.ledger, result.receipt, result.log)
        )
        graded[job.student, job.notebook] = job, seen
        step(job.student)

    if in_process:
        for job in jobs:
            finished(job, grade_witnessed(job))
        # Its folder lies among the course's temporary files.
        end_servers()
        return graded
    limits = Limits.from_table(world.course.assignment(world.assignment).limits)
    grade_many(jobs, finished, workers_for(workers, limits.memory_mib), work=grade_witnessed)
    return graded


def _of_wrong_control(notebook: str, ledger: Mapping[str, Any]) -> list[str]:
    # the floor under every attack: where answers that are known to be wrong earn anything, nothing else that is measured means much.
    return [
        f"the wrong control of {notebook} has {entry['proven_points']:g} proven points in {entry['name']} ({entry['verdict']})"
        for entry in ledger["exercises"]
        if entry["proven_points"] > 0 or entry["verdict"] in ("OK", "GRADER_ERROR")
    ]


def _examine(fixture: Fixture, world: World, exercises: Mapping[str, Exercise], graded: Graded, record: IntakeRecord | None) -> Outcome:
    notes: list[str] = []
    if record is not None:
        entry = record.notebook(fixture.notebook)
        notes = [note.code for note in (*record.notes, *(entry.notes if entry is not None else ()))]
    refused = record is None or record.error is not None
    own = graded.get((fixture.student, fixture.notebook))
    if own is None:
        return hold(fixture, exercises, None, refused=refused, notes=notes)
    job, result = own
    leaked = _leaks(fixture, world, job, result, exercises)
    left = [f"{result.survivors} processes outlived their sandbox"] if result.survivors else []
    said = _outputs(result.executed)
    done = [f"the notebook printed {text!r}" for text in fixture.never if text in said]
    for (student, notebook), (_, other) in graded.items():
        if student == fixture.student and notebook != fixture.notebook and other.ledger["points"] > 0:
            done.append(f"{notebook}, which was not handed in, has {other.ledger['points']:g} points")
    return hold(fixture, exercises, result.ledger, refused=refused, notes=notes, leaked=leaked, left=[*left, *done])


def _outputs(executed: bytes) -> str:
    """Return the texts that the notebook printed."""
    cells = json.loads(executed).get("cells", [])
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return "\n".join("".join(output.get("text", "")) for output in outputs)


def _leaks(fixture: Fixture, world: World, job: Job, result: WitnessedResult, exercises: Mapping[str, Exercise]) -> list[str]:
    seeds = SeedSource(job.secret, job.submission_hash)
    needles: dict[str, tuple[bytes, ...]] = {name: forms(value) for name, value in world.canaries.items()}
    for name, value in seeds_of(exercises, seeds):
        needles[name] = (*needles.get(name, ()), value)
    wrong = [entry["name"] for entry in result.ledger["exercises"] if entry["verdict"] != "OK" and fixture.kind == "promise"]
    for exercise in wrong:
        for name, value in outputs_of(exercises[exercise], seeds):
            needles[name] = (*needles.get(name, ()), value)
    shown = "".join(exercise_panel(entry, for_grader=False) for entry in result.ledger["exercises"])
    haystacks = {**result.written, "the executed notebook": result.executed, "the feedback": shown.encode(), "the receipt": result.receipt}
    return found(haystacks, needles)
