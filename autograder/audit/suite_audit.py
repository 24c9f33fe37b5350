"""Audit one test-suite exercise: right tests catch everything, weak tests lose points, and the suspects are what they say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from typing import Any

from autograder.audit.answers import Answer, CheckCall, load_answer
from autograder.audit.exercise_audit import CASE_S
from autograder.audit.row import ExerciseAudit, audit_lesson, audit_shipped, opened
from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.exercise.suite import SuiteProbe
from autograder.judge.bench import Bench, LocalBench
from autograder.judge.exchange import LocalExchange, SocketExchange
from autograder.judge.records import CheckRecord
from autograder.judge.session import CheckSession
from autograder.judge.test_suite import SuiteSession, merged
from vislab.check.suite import CALL_LIMITS, answer_trial
from vislab.check.verdict import Family, Verdict
from vislab.wire.frames import receive
from vislab.wire.limits import WireClosed


def audit_suite(
    exercise: Exercise, call: CheckCall, solution: Answer, stub: Answer, mutants: Sequence[Answer], accepted: Sequence[Answer], secrets: int
) -> ExerciseAudit:
    """Audit one test-suite exercise; arguments as of ``audit_exercise``. Answers are tests here, and mutants are weak ones."""
    row, sources = opened(exercise, mutants, accepted, secrets)
    bench = LocalBench(exercise)
    # what the check cell hands in beside the test is for a student's own eyes: the judge does not look at it.
    alone = CheckCall(call.answer, {})

    def judged(answer: Answer) -> list[CheckRecord]:
        test = load_answer(answer, alone)[0]
        return [judge_test(exercise, seeds, test, bench) for seeds in sources]

    _audit_suspects(exercise, sources[0], row)
    audit_lesson(exercise, judged, solution, stub, row)
    few = f"weak tests are shipped in mutants/{exercise.file_stem}"
    audit_shipped(exercise, judged, mutants, accepted, row, few, "accepted test")
    return row


def judge_test(exercise: Exercise, seeds: SeedSource, test: Any, bench: Bench) -> CheckRecord:
    """Judge an author's own test as a student's would be, over a socket, but in this process and without walls.

    Args:
        exercise: with its implementations.
        seeds: of the submission.
        test: the test function.
        bench: where the implementations run.
    """
    probe = exercise.probe
    assert isinstance(probe, SuiteProbe)
    records = []
    for number in range(probe.kernels):
        ours, theirs = socket.socketpair()
        client = threading.Thread(target=_answer, args=(theirs, test), daemon=True)
        client.start()
        with ours:
            # the clock's step hides an implementation's slowness; here nobody looks at the clock.
            session = SuiteSession(exercise, seeds, CASE_S, bench, number, step_s=0.0)
            records.append(session.run(SocketExchange(ours, CALL_LIMITS)))
        client.join(CASE_S)
    return merged(exercise, records)


def _answer(sock: socket.socket, test: Any) -> None:
    with sock:
        try:
            while (message := receive(sock, CALL_LIMITS)).type == "case":
                answer_trial(sock, message.header, test)
        except (WireClosed, OSError):
            return


def _audit_suspects(exercise: Exercise, seeds: SeedSource, row: ExerciseAudit) -> None:
    """Look whether right implementations are right, and whether every suspect is wrong where its family says."""
    implementations = exercise.implementations
    under_test: Exercise = implementations.under_test

    def judged(key: str) -> CheckRecord:
        return CheckSession(under_test, seeds, CASE_S).run(LocalExchange(implementations.load(key), {}))

    for key in implementations.right:
        # the reference need not raise where an answer must: only what it returns is asked of it.
        wrong = [case.name for case in judged(key).cases if case.verdict is not Verdict.OK]
        if wrong and key.startswith("accepted/"):
            row.faults.append(f"the right implementation {key} fails {wrong[0]!r} of {under_test.name}; correct it, or that case")
    for case in exercise.cases():
        record = judged(implementations.wrong[case.name])
        plain = [each for each in record.cases if each.family is Family.VALUE and each.verdict is not Verdict.OK]
        if case.family is Family.VALUE and not plain:
            row.faults.append(
                f"suspect {case.name!r} passes every value case of {under_test.name}; give it another family, or another fault"
            )
        if case.family is not Family.VALUE and plain:
            row.faults.append(f"suspect {case.name!r} is of family {case.family} but fails value cases of {under_test.name}; call it value")
        if all(each.verdict is Verdict.OK for each in record.cases):
            row.faults.append(f"suspect {case.name!r} passes all cases of {under_test.name}: is it wrong at all?")
