"""Judge weights that a student handed in: ask the model for its answers to hidden images and hold the metric against the bars.

The model runs in a process behind walls in which no student's code is; that process gets images alone. The metric is computed here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch

from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from autograder.exercise.model import ModelProbe, model_plan, model_tensors
from autograder.exercise.seeds import SeedSource
from autograder.judge.exchange import Exchange
from autograder.judge.records import CaseRecord, CheckRecord, Ending
from vislab.check.compare import Finding
from vislab.check.failures import builtin_exception
from vislab.check.model import IMAGES, ModelRun, measure, targets_of
from vislab.check.verdict import Verdict
from vislab.check.weights import too_large
from vislab.wire.frames import Message
from vislab.wire.limits import WireClosed, WireError

log = logging.getLogger(__name__)

CASE_S = 120.0
TRIES = 2
REFUSALS = frozenset({Verdict.OUTPUT_LIMIT, Verdict.WRONG_TYPE, Verdict.WRONG_SHAPE, Verdict.WRONG_DTYPE, Verdict.NOT_FINITE})
TEXT_MAX = 300

# content of the file -> an exchange with the process that runs the model.
Opener = Callable[[bytes], AbstractContextManager[Exchange]]


def judge_model(exercise: Exercise, seeds: SeedSource, content: bytes | None, opener: Opener) -> CheckRecord:
    """Return the record of a model exercise.

    Args:
        exercise: with a ``ModelProbe``.
        seeds: of the submission.
        content: of the file that was handed in; None where there was none.
        opener: starts a process that runs the model.

    A process that dies or hangs is started once more. When it does so again, the weights are to blame: nothing else differs between
    submissions.
    """
    probe = exercise.probe
    assert isinstance(probe, ModelProbe)
    if content is None:
        absent = Finding(Verdict.NOT_ATTEMPTED, f"no file {probe.file} was handed in")
        return CheckRecord(exercise.name, Ending.COMPLETE, [_record(exercise, seeds, case, absent) for case in exercise.cases()])
    if finding := too_large(len(content), probe.size_mib):
        return CheckRecord(exercise.name, Ending.COMPLETE, [_record(exercise, seeds, case, finding) for case in exercise.cases()])
    findings: dict[str, Finding | None] = {}
    lost: Finding | None = None
    for _ in range(TRIES):
        lost = None
        try:
            with opener(content) as exchange:
                for number, case in enumerate(exercise.cases()):
                    if case.name not in findings:
                        findings[case.name] = _judged(exercise, probe, seeds, case, number, exchange)
            break
        except TimeoutError:
            lost = Finding(Verdict.TIME_LIMIT, f"the model did not answer within {CASE_S:g} s")
        except (WireClosed, WireError):
            lost = Finding(Verdict.RUNTIME_ERROR, "the process that ran the model died of it")
    cases = [_record(exercise, seeds, case, findings.get(case.name, lost)) for case in exercise.cases()]
    return CheckRecord(exercise.name, Ending.COMPLETE if lost is None else Ending.BROKEN, cases)


@contextmanager
def local_model(content: bytes) -> Iterator[Exchange]:
    """Run a model in this very process: for authors' own weights in the audit, never for a submission."""
    run = ModelRun(content)
    yield lambda header, tensors, timeout_s: run.answer(header, tensors)


def _judged(exercise: Exercise, probe: ModelProbe, seeds: SeedSource, case: Case, number: int, exchange: Exchange) -> Finding | None:
    try:
        plan = model_plan(probe, case)
        tensors = model_tensors(probe, case, case.inputs(seeds.case_seed(exercise.name, case.name)))
    except Exception as error:  # a case that cannot be drawn is our fault
        return _ours(exercise, case, error)
    asked = {name: plan[name] for name in ("probe", "architecture", "init", "size_mib")}
    message = exchange({"type": "case", "id": number, **asked}, {IMAGES: tensors[IMAGES]}, CASE_S)
    if message.header.get("id") != number:
        raise WireError("an answer to another case")
    if message.type == "refused":
        return _refusal(message)
    if message.type == "failure":
        name = str(message.header.get("error"))
        if name == "MemoryError":
            return Finding(Verdict.MEMORY_LIMIT, "the model ran out of memory")
        return Finding(Verdict.RUNTIME_ERROR, f"{name if builtin_exception(name) else 'an exception'} was raised while the model ran")
    try:
        with torch.inference_mode():
            return measure(message.tensors.get("out.0"), targets_of(tensors), plan)[1]
    except Exception as error:
        return _ours(exercise, case, error)


def _refusal(message: Message) -> Finding:
    verdict, text = message.header.get("verdict"), message.header.get("text")
    if verdict not in {str(each) for each in REFUSALS} or not isinstance(text, str):
        raise WireError("a refusal of no known kind")
    return Finding(Verdict(str(verdict)), text[:TEXT_MAX])


def _ours(exercise: Exercise, case: Case, error: Exception) -> Finding:
    log.error("judging %s, case %r", exercise.name, case.name, exc_info=error)
    return Finding(Verdict.GRADER_ERROR, f"the grader failed: {type(error).__name__}: {error}")


def _record(exercise: Exercise, seeds: SeedSource, case: Case, finding: Finding | None) -> CaseRecord:
    verdict, text = (Verdict.OK, "") if finding is None else (finding.verdict, finding.text)
    return CaseRecord(case.name, case.family, verdict, text, seeds.fingerprint(exercise.name, case.name), True, case.public)
