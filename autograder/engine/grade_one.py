"""Grade one notebook of one submission: bytes in, bytes out."""

from __future__ import annotations

import functools
import json
import logging
import platform
import shutil
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.engine.apart import apart, judged_in_kernels, oversized_weights
from autograder.engine.job import Job, Result
from autograder.engine.model_run import model_opener
from autograder.engine.run import Death, RunOutcome, check_of, run_notebook
from autograder.engine.solitude import solitude
from autograder.exercise.assignment import Assignment, load_assignment
from autograder.exercise.exercise import Exercise
from autograder.exercise.model import ModelProbe
from autograder.exercise.seeds import SeedSource
from autograder.judge.bench import Bench
from autograder.judge.ledger import Subject, make_error_ledger, make_ledger, receipt
from autograder.judge.model import judge_model
from autograder.judge.records import CaseRecord, CheckRecord, Ending
from autograder.judge.server import Judge
from autograder.sandbox.choice import open_sandbox
from autograder.sandbox.faults import SandboxMissing
from autograder.sandbox.home import RunHome
from autograder.sandbox.limits import Limits
from vislab import __version__
from vislab.check.compare import Finding
from vislab.check.verdict import Verdict

log = logging.getLogger(__name__)

CAUSES = {
    "memory": Finding(Verdict.MEMORY_LIMIT, "the notebook exceeded its memory in this check"),
    "time": Finding(Verdict.TIME_LIMIT, "this check did not end in time, not even when interrupted"),
    "output": Finding(Verdict.OUTPUT_LIMIT, "this check flooded the output"),
    "processes": Finding(Verdict.RUNTIME_ERROR, "the notebook started too many processes in this check"),
    "files": Finding(Verdict.OUTPUT_LIMIT, "the notebook wrote too many files in this check"),
    "crash": Finding(Verdict.RUNTIME_ERROR, "the notebook's process died in this check"),
}
# looks at a sandbox when its notebook has been run, before it is torn down; for the attack suite.
Witness = Callable[[RunHome], None]
OUT_OF_TIME = Finding(Verdict.TIME_LIMIT, "not reached before the submission's time was used up")


@dataclass
class Attempts:
    """What several runs of one notebook established.

    Args:
        deaths: per check, or id of a cell outside any check, how often the kernel died in it.
        fixed: checks whose record stands, because two runs died in them.
        skip_cells: ids of cells outside a check that killed a kernel.
        lines: for the instructor's log.
        starts: how its kernels were started.
    """

    deaths: dict[str, int] = field(default_factory=dict)
    fixed: dict[str, CheckRecord] = field(default_factory=dict)
    skip_cells: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    starts: set[str] = field(default_factory=set)


def grade_one(job: Job, witness: Witness | None = None) -> Result:
    """Grade a job.

    Args:
        job: what to grade.
        witness: called at the end of every run, with the sandbox as the notebook left it.

    Returns:
        The result; a failure of ours gives a ``GRADER_ERROR`` ledger, never a student's zero and never an exception.

    Raises:
        SandboxMissing: walls are wanted and bubblewrap is not installed.
    """
    assignment, exercises, subject = _looked_up(job)
    if job.unreadable is not None:
        ledger = make_ledger(subject, exercises, {}, job.intake, unreadable=job.unreadable)
        return Result(job.content, ledger, receipt(ledger))
    try:
        return _grade(job, assignment, exercises, subject, witness)
    except SandboxMissing:
        raise
    except Exception as error:  # whatever breaks on our side is listed as ungraded, the other submissions go on
        # one line for the terminal; the trace goes to the log that is kept beside the ledger.
        log.error("%s of %s could not be graded: %s", job.notebook, job.student, _reason(error))
        ledger = make_error_ledger(subject, exercises, _reason(error))
        return Result(job.content, ledger, receipt(ledger), tuple(traceback.format_exc().splitlines()))


def _reason(error: BaseException) -> str:
    """Say what went wrong: of an error without a word, such as an assertion in a clean-up, what it came after."""
    while not str(error) and error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}"


def refused(job: Job, why: str) -> Result:
    """Return the result of a job that we could not grade: listed as ungraded, without marks."""
    _, exercises, subject = _looked_up(job)
    ledger = make_error_ledger(subject, exercises, why)
    return Result(job.content, ledger, receipt(ledger), (why,))


def _looked_up(job: Job) -> tuple[Assignment, list[Exercise], Subject]:
    assignment = assignment_at(job.assignment_folder)
    exercises = exercises_of(assignment, job.work_folder / f"{job.notebook}.ipynb")
    subject = Subject(job.assignment, job.notebook, job.submission_hash, assignment.digest, versions())
    return assignment, exercises, subject


def _grade(job: Job, assignment: Assignment, exercises: list[Exercise], subject: Subject, witness: Witness | None) -> Result:
    limits = replace(Limits.from_table(assignment.limits), training_s=sum(exercise.training_s for exercise in exercises))
    notebook = nbformat.reads(job.content.decode("utf-8"), as_version=4)
    seeds = SeedSource(job.secret, job.submission_hash)
    attempts = Attempts()
    missing = sorted(set(assignment.data) - set(assignment.data_files))
    attempts.lines.extend(
        f"data/{name} is missing, so cells that read it fail, checks aside: build it with 'make data'" for name in missing
    )
    graded = _rounds(job, notebook, {each.name: each for each in exercises if not apart(each)}, seeds, limits, attempts, witness)
    records, outcome, walls_s = graded.records, graded.outcome, graded.walls_s
    apart_s: list[float] = []
    for exercise in filter(apart, exercises):
        if isinstance(exercise.probe, ModelProbe):
            content = job.extra_files.get(exercise.probe.file)
            records[exercise.name] = judge_model(exercise, seeds, content, model_opener(limits, job.walls))
            continue

        def again(shortened: NotebookNode, bench: Bench, number: int, exercise: Exercise = exercise) -> CheckRecord | None:
            known = Attempts(skip_cells=set(attempts.skip_cells))
            more = _rounds(job, shortened, {exercise.name: exercise}, seeds, limits, known, witness, bench, number)
            apart_s.extend(more.walls_s)
            attempts.starts.update(known.starts)
            attempts.lines.extend(f"{exercise.name}, kernel {number + 1}: {line}" for line in known.lines)
            return more.records.get(exercise.name)

        record = judged_in_kernels(exercise, notebook, again)
        if record is not None:
            records[exercise.name] = record
    run = {
        "runs": len(walls_s),
        "wall_s": [round(value, 3) for value in walls_s],
        "apart_s": [round(value, 3) for value in apart_s],
        "output_cut": outcome.output_cut,
        "out_of_time": outcome.out_of_time,
        "skipped_cells": sorted(attempts.skip_cells),
        "walls": job.walls,
        "starts": sorted(attempts.starts),
    }
    ledger = make_ledger(subject, exercises, records, job.intake, run=run)
    executed = nbformat.writes(outcome.notebook).encode("utf-8")
    return Result(executed, ledger, receipt(ledger), tuple(attempts.lines))


@dataclass(frozen=True)
class _Graded:
    """What the runs of one notebook gave for the exercises that were judged in them."""

    records: dict[str, CheckRecord]
    outcome: RunOutcome
    walls_s: list[float]


def _rounds(
    job: Job,
    notebook: NotebookNode,
    by_name: Mapping[str, Exercise],
    seeds: SeedSource,
    limits: Limits,
    attempts: Attempts,
    witness: Witness | None = None,
    bench: Bench | None = None,
    number: int = 0,
) -> _Graded:
    """Run a notebook until what happened in it is confirmed."""
    remaining = {name for cell in notebook.cells if (name := check_of(cell)) in by_name}
    # every check may be confirmed once and skipped once, a handful of cells outside checks likewise.
    runs_max = 2 + 2 * len(remaining) + 16
    budget_s = 3 * (limits.submission_s + sum(exercise.extra_wall_s for exercise in by_name.values()))
    walls_s: list[float] = []
    for run in range(1, runs_max + 1):
        skips = {name: CAUSES["crash"] for name in attempts.fixed}
        with solitude(job.assignment_folder.parent, alone=run > 1):
            outcome = _run(job, notebook, by_name, seeds, limits, skips, attempts.skip_cells, witness, bench, number)
        walls_s.append(outcome.wall_s)
        attempts.starts.add(outcome.start)
        if outcome.death is not None:
            _learn(outcome.death, outcome, attempts, run)
            if sum(walls_s) < budget_s:
                continue
            attempts.lines.append("no further run: three times the submission's time was used up")
            break
        attempts.skip_cells |= outcome.cut_cells
        hit = any(record.resource for name, record in outcome.records.items() if name not in attempts.fixed)
        if not (hit or outcome.out_of_time or outcome.slow_cells) or run > 1:
            break
        attempts.lines.append(f"run {run}: a limit was hit; run again alone to confirm it")
    records = {**outcome.records, **attempts.fixed}
    if outcome.out_of_time or outcome.death is not None:
        for name, exercise in by_name.items():
            if name in remaining and name not in records:
                records[name] = _unreached(exercise, seeds)
    _explain_missing(outcome.notebook, records)
    return _Graded(records, outcome, walls_s)


def _run(
    job: Job,
    notebook: NotebookNode,
    exercises: Mapping[str, Exercise],
    seeds: SeedSource,
    limits: Limits,
    skips: Mapping[str, Finding],
    skip_cells: set[str],
    witness: Witness | None,
    bench: Bench | None,
    number: int,
) -> RunOutcome:
    assignment = assignment_at(job.assignment_folder)
    oversized = oversized_weights(assignment.exercises.values(), job.extra_files)
    # a short path: a Unix socket's may hold 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="vj-"))
    try:
        folder.chmod(0o711)
        files: dict[str, bytes | Path] = dict(work_files(job.work_folder))
        # weights beyond what their exercise takes stay outside: they would fill the sandbox, and its limits are the notebook's.
        files.update({name: content for name, content in job.extra_files.items() if name not in oversized})
        with (
            Judge(exercises, seeds, folder, limits.case_s, bench=bench, number=number) as judge,
            open_sandbox(
                files,
                folder,
                limits,
                data=tuple(assignment.data_files.values()),
                unsafe_no_sandbox=not job.walls,
                start=job.start,
                # of what a test's own kernels display nothing is kept.
                pictures=bench is None,
            ) as sandbox,
        ):
            outcome = run_notebook(notebook, sandbox, judge, limits, skips, skip_cells)
            if witness is not None:
                witness(sandbox)
            return outcome
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _learn(death: Death, outcome: RunOutcome, attempts: Attempts, number: int) -> None:
    finding = CAUSES[death.cause]
    if death.check is None:
        where = f"cell {death.cell_id}"
        attempts.deaths[where] = attempts.deaths.get(where, 0) + 1
        # a crash may be the machine's doing; leaving out an answer's cell for it would cost a student marks. The limits are measured.
        skipped = death.cause != "crash" or attempts.deaths[where] >= 2
        then = "skipped" if skipped else "run again"
        attempts.lines.append(f"run {number}: the kernel was lost ({death.cause}) in a cell outside any check; that cell is {then}")
        if skipped:
            attempts.skip_cells.add(death.cell_id)
        return
    attempts.lines.append(f"run {number}: the kernel was lost ({death.cause}) in the check of {death.check}")
    if death.check in attempts.fixed:
        # it dies although the judge asks nothing of it any more: the check cell itself is left out.
        attempts.skip_cells.add(death.cell_id)
        return
    attempts.deaths[death.check] = attempts.deaths.get(death.check, 0) + 1
    if attempts.deaths[death.check] >= 2:
        record = outcome.records[death.check]
        attempts.fixed[death.check] = record.recast(finding.verdict, finding.text)


def _unreached(exercise: Exercise, seeds: SeedSource) -> CheckRecord:
    cases = [
        CaseRecord(case.name, case.family, OUT_OF_TIME.verdict, OUT_OF_TIME.text, seeds.fingerprint(exercise.name, case.name), judged=False)
        for case in exercise.cases()
    ]
    return CheckRecord(exercise.name, Ending.STALLED, cases)


def _explain_missing(notebook: NotebookNode, records: dict[str, CheckRecord]) -> None:
    """Say of a check that nobody came for whether its cell failed: an answer that cannot even be named is an error, not an absence."""
    for cell in notebook.cells:
        name = check_of(cell)
        record = records.get(name) if name is not None else None
        # a check that stalled in its first case was come for.
        if record is None or record.ending is not Ending.ABSENT:
            continue
        errors = [output.get("ename", "") for output in cell.get("outputs", []) if output.get("output_type") == "error"]
        if errors and errors[0] not in ("NotImplementedError", "CellTimeoutError"):
            record.error = "the check cell failed before it reached the judge; does an earlier cell fail?"


def work_files(folder: Path) -> dict[str, Path]:
    """Return the files that lie beside a graded notebook: the release's, without notebooks and pages."""
    return {
        str(path.relative_to(folder)): path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and path.suffix not in (".ipynb", ".md", ".whl")
        and ".ipynb_checkpoints" not in path.parts
    }


@functools.lru_cache(maxsize=8)
def _assignment(folder: Path, stamp: float) -> Assignment:
    return load_assignment(folder)


def assignment_at(folder: Path) -> Assignment:
    """Load an assignment, once per state of its files."""
    stamp = max(
        (path.stat().st_mtime for path in [folder / "assignment.toml", *(folder / "exercises").glob("*.py")] if path.exists()), default=0.0
    )
    return _assignment(folder, stamp)


def exercises_of(assignment: Assignment, template: Path) -> list[Exercise]:
    """Return the exercises whose check cells a release notebook holds, in its order."""
    cells = json.loads(template.read_text(encoding="utf-8"))["cells"]
    names = [name for cell in cells if (name := check_of(cell)) is not None]
    return [assignment.exercises[name] for name in names]


@functools.lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Return the versions that can move a number, for receipts."""
    found = {"vislab": __version__, "python": ".".join(platform.python_version_tuple()[:2])}
    for package in ("torch", "numpy", "triton"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = ""
    return found
