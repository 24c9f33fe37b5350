"""Judge a student's test: run it on right and wrong implementations, in a secret order, and count what it fails.

The student's process runs the test and says whether it failed what stood behind ``impl``. It may say anything; what it cannot know is what
stood there. Four rules keep it from finding out by anything but testing:

* A test that fails a right implementation once scores nothing, and a wrong one counts as caught only when it is failed in every trial.
* All is done in several kernels that know nothing of each other, in another order each time; what counts is what was caught in all.
* A process lives through all trials and may compare answers. So the first round holds every implementation that is wrong on nearly all
  inputs once, and one right one: all different from each other, and whoever votes has nothing to vote with. What is wrong on special
  inputs only follows, then everything again. A test that catches less than half of the first kind earns nothing for the second.
* Replies leave at multiples of a fixed time, and name neither the implementation nor the text of an exception.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.exercise.suite import SuiteProbe
from autograder.judge.bench import Bench
from autograder.judge.exchange import Exchange
from autograder.judge.records import CaseRecord, CheckRecord, Ending
from vislab.check.compare import Finding
from vislab.check.failures import builtin_exception
from vislab.check.verdict import Family, Verdict
from vislab.wire.limits import WireClosed, WireError, WireLimit

log = logging.getLogger(__name__)

REPLY_STEP_S = 0.004
LIMIT_FINDINGS = {
    "time": Finding(Verdict.TIME_LIMIT, "the inputs of your test keep a right implementation busy for longer than it may take"),
    "memory": Finding(Verdict.MEMORY_LIMIT, "a right implementation runs out of memory on the inputs of your test"),
    "output": Finding(Verdict.OUTPUT_LIMIT, "a right implementation's answer to the inputs of your test is too large to be sent"),
    "crash": Finding(Verdict.RUNTIME_ERROR, "the inputs of your test crash a right implementation"),
}


@dataclass
class _Trial:
    """One appearance of one implementation, and what came of it.

    Args:
        key: of the implementation.
        case: name of the case it stands for; None for a right one.
        failed: whether the test failed it; None until it said so.
        error: class of the exception by which it did.
        calls: of ``impl``.
    """

    key: str
    case: str | None
    failed: bool | None = None
    error: str = ""
    calls: int = 0


@dataclass
class SuiteSession:
    """Runs all trials of one test-suite exercise. Has the face of ``CheckSession``.

    Args:
        exercise: with its implementations.
        seeds: of the submission.
        case_s: wall seconds that the student's side may take for one trial; our own time is not counted.
        bench: where the implementations run.
        number: of the kernel, counted from 0; each has its own order.
        on_stall: called once when a trial exceeds its time.
        step_s: replies leave at multiples of it; 0 for at once.
    """

    exercise: Exercise
    seeds: SeedSource
    case_s: float
    bench: Bench
    number: int = 0
    on_stall: Callable[[], None] | None = None
    step_s: float = REPLY_STEP_S
    _trials: list[_Trial] = field(default_factory=list)
    _broken: Finding | None = None
    _judged: bool = True

    def run(self, exchange: Exchange) -> CheckRecord:
        """Run every trial and return the record. Faults of ours become ``GRADER_ERROR``, never an exception."""
        self._trials = trials(self.exercise, self.seeds, self.number)
        ending = Ending.COMPLETE
        try:
            for number, trial in enumerate(self._trials):
                self.bench.begin(trial.key)
                try:
                    self._run_trial(number, trial, exchange)
                finally:
                    self.bench.end()
        except TimeoutError:
            if self.on_stall is not None:
                self.on_stall()
            ending = self._break(Verdict.TIME_LIMIT, f"the test did not end within {self.case_s:g} s", Ending.STALLED)
        except WireClosed:
            ending = self._break(Verdict.RUNTIME_ERROR, "the connection to the notebook broke while the test ran", Ending.BROKEN)
        except WireLimit:
            ending = self._break(Verdict.OUTPUT_LIMIT, "a call of impl was too large", Ending.BROKEN, judged=True)
        except _Limited as limited:
            finding = LIMIT_FINDINGS[limited.limit]
            ending = self._break(finding.verdict, finding.text, Ending.BROKEN, judged=True)
        except _Spent:
            ending = self._break(Verdict.OUTPUT_LIMIT, "impl was called too often", Ending.BROKEN, judged=True)
        except (WireError, _Malformed):
            ending = self._break(Verdict.RUNTIME_ERROR, "what came back from the test was malformed", Ending.BROKEN, judged=True)
        except Exception as error:
            log.error("judging %s", self.exercise.name, exc_info=error)
            self._break(Verdict.GRADER_ERROR, f"the grader failed: {type(error).__name__}: {error}", Ending.COMPLETE, judged=True)
        return self.record(ending)

    def record(self, ending: Ending) -> CheckRecord:
        """Return the record so far: one case per wrong implementation."""
        fault, judged = self._fault(ending), self._judged
        cases = []
        for case in self.exercise.cases():
            finding = fault or self._caught(case.name)
            verdict, text = (Verdict.OK, "") if finding is None else (finding.verdict, finding.text)
            seed = self.seeds.fingerprint(self.exercise.name, case.name)
            cases.append(CaseRecord(case.name, case.family, verdict, text, seed, judged, case.public))
        return CheckRecord(self.exercise.name, ending, cases)

    def _break(self, verdict: Verdict, text: str, ending: Ending, judged: bool = False) -> Ending:
        self._broken, self._judged = Finding(verdict, text), judged
        return ending

    def _run_trial(self, number: int, trial: _Trial, exchange: Exchange) -> None:
        probe = self.exercise.probe
        assert isinstance(probe, SuiteProbe)
        seed = self.seeds.call_seed(self.exercise.name, f"trial {self.number} {number}")
        header: dict[str, Any] = {"type": "case", "id": number, "probe": probe.kind, "seed": seed, "calls_max": probe.calls_max}
        tensors: dict[str, Any] = {}
        left_s = self.case_s
        while True:
            asked_s = time.monotonic()
            message = exchange(header, tensors, left_s)
            heard_s = time.monotonic()
            left_s -= heard_s - asked_s
            if message.header.get("id") != number:
                raise _Malformed
            if message.type == "answer":
                failed, error = message.header.get("failed"), message.header.get("error")
                if not isinstance(failed, bool) or not isinstance(error, str):
                    raise _Malformed
                trial.failed, trial.error = failed, error
                return
            if message.type != "call":
                raise _Malformed
            trial.calls += 1
            if trial.calls > probe.calls_max:
                raise _Spent
            if left_s <= 0:
                raise TimeoutError
            reply = self.bench.call(message.header, message.tensors)
            if trial.case is None and reply.limit:
                # what is to be told is settled: the bench is not kept busy any longer.
                raise _Limited(reply.limit)
            if reply.header["type"] == "malformed":
                raise _Malformed
            if self.step_s:
                _wait_for_step(heard_s, self.step_s)
            header, tensors = {**reply.header, "id": number}, reply.tensors

    def _fault(self, ending: Ending) -> Finding | None:
        """Return what takes all points: how the session ended, or what the test did with right implementations."""
        if self._broken is not None:
            return self._broken
        if ending is Ending.ABSENT or not self._trials:
            return Finding(Verdict.NOT_ATTEMPTED, "the check was not reached")
        if any(trial.failed is None for trial in self._trials):
            return Finding(Verdict.GRADER_ERROR, "the test was not judged to its end")
        if all(trial.error == "NotImplementedError" and trial.calls == 0 for trial in self._trials):
            return Finding(Verdict.NOT_ATTEMPTED, "not written yet")
        if any(trial.error == "WrongKind" and trial.failed for trial in self._trials):
            return Finding(Verdict.WRONG_TYPE, "what was handed in is not a plain test function")
        right = [trial for trial in self._trials if trial.case is None]
        wronged = [trial for trial in right if trial.failed]
        if wronged:
            how = ", ".join(sorted({_named(trial.error) for trial in wronged}))
            text = f"your test fails a right implementation ({len(wronged)} of {len(right)} times, by {how}); it must never do that"
            return Finding(Verdict.WRONG_VALUE, text)
        return None

    def _caught(self, case: str) -> Finding | None:
        own = [trial for trial in self._trials if trial.case == case]
        caught = [trial for trial in own if trial.failed and trial.calls]
        if len(caught) == len(own):
            return None
        if any(trial.failed and not trial.calls for trial in own):
            return Finding(Verdict.WRONG_VALUE, "your test failed this wrong implementation without having called it")
        if caught:
            return Finding(Verdict.WRONG_VALUE, f"your test caught this wrong implementation {len(caught)} of {len(own)} times only")
        return Finding(Verdict.WRONG_VALUE, "your test passes this wrong implementation")


def merged(exercise: Exercise, records: Sequence[CheckRecord]) -> CheckRecord:
    """Return the record of a test that ran in several kernels: a case is right where it is so in all, and has its first fault otherwise."""
    last = records[-1]
    cases = []
    for position in range(len(last.cases)):
        own = [record.cases[position] for record in records]
        cases.append(next((case for case in own if case.verdict is not Verdict.OK), own[0]))
    return CheckRecord(exercise.name, last.ending, cases, error=last.error)


def trials(exercise: Exercise, seeds: SeedSource, number: int = 0) -> list[_Trial]:
    """Return all trials in their secret order; see the top of this module for why the rounds are as they are."""
    probe, implementations = exercise.probe, exercise.implementations
    assert isinstance(probe, SuiteProbe)
    generator = random.Random(seeds.order_seed(exercise.name) + number.to_bytes(1, "big"))
    # which right implementation appears when is drawn, too; each as often as any other.
    right = [implementations.right[i % len(implementations.right)] for i in range(probe.right_trials)]
    generator.shuffle(right)
    plain = [case.name for case in exercise.cases() if case.family is Family.VALUE]
    special = [case.name for case in exercise.cases() if case.family is not Family.VALUE]
    rounds = [_wrong(exercise, plain), _wrong(exercise, special), _wrong(exercise, plain + special) * (probe.wrong_trials - 1)]
    rounds[0].append(_Trial(right.pop(), None))
    if special:
        rounds[1].append(_Trial(right.pop(), None))
    rounds[2].extend(_Trial(key, None) for key in right)
    ordered = []
    for trials_of_round in rounds:
        # copies: one object per appearance.
        fresh = [_Trial(trial.key, trial.case) for trial in trials_of_round]
        generator.shuffle(fresh)
        ordered += fresh
    return ordered


def _wrong(exercise: Exercise, cases: list[str]) -> list[_Trial]:
    return [_Trial(exercise.implementations.wrong[name], name) for name in cases]


def _wait_for_step(since_s: float, step_s: float) -> None:
    # a slow implementation must not be known by its slowness, as far as a few milliseconds go.
    spent_s = time.monotonic() - since_s
    time.sleep(step_s - spent_s % step_s)


def _named(error: str) -> str:
    if error == "CallsSpent":
        return "too many calls of impl"
    if error == "Uncrossable":
        return "a value that impl cannot be given"
    return error if builtin_exception(error) else "an exception"


class _Malformed(Exception):
    pass


class _Spent(Exception):
    pass


class _Limited(Exception):
    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit
