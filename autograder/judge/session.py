"""Judge one check: draw every case, send it, compare what returns."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from autograder.exercise.behaviour import BehaviourProbe
from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from autograder.exercise.expected import Expected, expect
from autograder.exercise.plan import CallPlan, make_plan
from autograder.exercise.seeds import SeedSource
from autograder.judge.behaviour import examine_predictions
from autograder.judge.diagnosis import named_wrong_term
from autograder.judge.exchange import Exchange
from autograder.judge.records import CaseRecord, CheckRecord, Ending, Observation
from vislab.check.compare import Finding
from vislab.check.examine import examine, examine_failure
from vislab.check.failures import raised_as_asked
from vislab.check.verdict import Verdict
from vislab.wire.frames import Message
from vislab.wire.limits import WireClosed, WireError, WireLimit

log = logging.getLogger(__name__)

# answers beyond this are examined as they come: a hostile notebook must not fill the grader's memory with them.
HELD_BYTES_MAX = 256 << 20

Prepared = tuple[CallPlan, Expected]


class CheckSession:
    """Runs one exercise's cases, in a secret order, against one answer.

    Answers are examined when the last one is in. A wrong answer takes longer to examine than a right one, and whoever waits for the next
    case could tell the two apart and try something else.

    Args:
        exercise: the one that is checked.
        seeds: of the submission.
        case_s: wall seconds allowed for one case; what the exercise's probe needs beside comes on top.
        on_stall: called once when a case exceeds its time, while the student's code still runs.
        prepared: cases already drawn for these very seeds; filled as cases are drawn. The audit judges many answers on the same cases.
    """

    def __init__(
        self,
        exercise: Exercise,
        seeds: SeedSource,
        case_s: float,
        on_stall: Callable[[], None] | None = None,
        prepared: dict[str, Prepared] | None = None,
    ) -> None:
        self.exercise = exercise
        self._seeds = seeds
        self._case_s = case_s + getattr(exercise.probe, "extra_s", 0.0)
        self._on_stall = on_stall
        self._prepared = prepared
        self._records: dict[str, CaseRecord] = {}
        self._mutated = self._rng_moved = self._switched = self._over_budget = False
        self._forbidden: set[str] = set()
        self._tripped: set[str] = set()

    def run(self, exchange: Exchange) -> CheckRecord:
        """Judge every case and return the record. Faults of ours become ``GRADER_ERROR`` cases, never an exception."""
        order = list(self.exercise.cases())
        random.Random(self._seeds.order_seed(self.exercise.name)).shuffle(order)
        ending = Ending.COMPLETE
        held: list[_Answered] = []
        for number, case in enumerate(order):
            try:
                answered = self._ask(case, number, exchange)
            except Exception as error:
                self._records[case.name] = self._failed(case, error)
                continue
            if isinstance(answered, _Answered):
                held.append(answered)
                if sum(each.size_bytes for each in held) > HELD_BYTES_MAX:
                    self._examine_all(held)
                continue
            self._records[case.name], ending = answered
            break
        self._examine_all(held)
        return self.record(ending)

    def _examine_all(self, held: list[_Answered]) -> None:
        for answered in held:
            case = answered.case
            try:
                finding = self._examine(answered)
                record = self._record(case, Verdict.OK) if finding is None else self._record(case, finding.verdict, finding.text)
                record = record if finding is None else replace(record, share=finding.share)
            except Exception as error:
                record = self._failed(case, error)
            self._records[case.name] = record
        held.clear()

    def _failed(self, case: Case, error: Exception) -> CaseRecord:
        # a fault of the reference or the judge must not become a student's zero
        log.error("judging %s, case %r", self.exercise.name, case.name, exc_info=error)
        return self._record(case, Verdict.GRADER_ERROR, f"the grader failed: {type(error).__name__}: {error}")

    def record(self, ending: Ending) -> CheckRecord:
        """Return the record so far; cases that were never judged follow from how the check ended."""
        unjudged = {
            Ending.COMPLETE: (Verdict.GRADER_ERROR, "the case was not judged"),
            Ending.STALLED: (Verdict.TIME_LIMIT, "not run: an earlier case used up the time"),
            Ending.BROKEN: (Verdict.RUNTIME_ERROR, "not run: the connection to the notebook broke in an earlier case"),
        }.get(ending, (Verdict.NOT_ATTEMPTED, "the check was not reached"))
        cases = [self._records.get(case.name) or self._record(case, *unjudged, judged=False) for case in self.exercise.cases()]
        observed = Observation(
            self._mutated,
            self._rng_moved,
            tuple(sorted(self._forbidden)),
            tuple(sorted(self._tripped)),
            self._switched,
            self._over_budget,
        )
        return CheckRecord(self.exercise.name, ending, cases, observed)

    def _ask(self, case: Case, number: int, exchange: Exchange) -> _Answered | tuple[CaseRecord, Ending]:
        """Return the answer, or how the check ended in this case."""
        plan, expected = self._prepare(case)
        try:
            message = exchange({"type": "case", "id": number, **plan.header}, plan.tensors, self._case_s)
            return _Answered(case, plan, expected, _well_formed(message, number))
        except TimeoutError:
            if self._on_stall is not None:
                self._on_stall()
            return self._record(case, Verdict.TIME_LIMIT, f"no answer within {self._case_s:g} s", judged=False), Ending.STALLED
        except WireClosed:
            return self._record(
                case, Verdict.RUNTIME_ERROR, "the connection to the notebook broke during this case", judged=False
            ), Ending.BROKEN
        except WireLimit:
            return self._record(case, Verdict.OUTPUT_LIMIT, "the answer is too large"), Ending.BROKEN
        except (WireError, _Malformed):
            return self._record(case, Verdict.RUNTIME_ERROR, "the answer was malformed"), Ending.BROKEN

    def _prepare(self, case: Case) -> Prepared:
        if self._prepared is None:
            return self._drawn(case)
        if case.name not in self._prepared:
            self._prepared[case.name] = self._drawn(case)
        return self._prepared[case.name]

    def _drawn(self, case: Case) -> Prepared:
        name = self.exercise.name
        inputs = case.inputs(self._seeds.case_seed(name, case.name))
        expected = expect(self.exercise, case, inputs, self._seeds.cotangent_seed(name, case.name))
        return make_plan(self.exercise, case, inputs, expected.cotangents, self._seeds.call_seed(name, case.name)), expected

    def _examine(self, answered: _Answered) -> Finding | None:
        case, plan, expected, message = answered.case, answered.plan, answered.expected, answered.message
        header = message.header
        self._observe(header.get("observed"))
        if message.type == "failure":
            error = str(header.get("error"))
            if expected.raises is not None and raised_as_asked(error, expected.raises):
                return None
            return examine_failure(str(header.get("stage")), error)
        if expected.raises is not None:
            return Finding(Verdict.WRONG_VALUE, f"the call must raise {expected.raises}, and returned")
        if isinstance(self.exercise.probe, BehaviourProbe):
            return examine_predictions(self.exercise, self.exercise.probe, plan, header["outputs"], message.tensors, expected)
        finding = examine(plan.header, header["outputs"], header["gradients"], message.tensors, expected.targets, plan.tensors)
        if finding is not None and finding.diagnosable:
            term = named_wrong_term(self.exercise, case, plan, message.tensors, expected)
            if term is not None:
                return Finding(finding.verdict, f"{finding.text}; your answer looks like {term}")
        return finding

    def _observe(self, observed: Any) -> None:
        if not isinstance(observed, Mapping):
            return
        self._mutated |= bool(observed.get("mutated"))
        self._rng_moved |= bool(observed.get("rng_moved"))
        self._switched |= bool(observed.get("switched"))
        if isinstance(self.exercise.probe, BehaviourProbe) and type(steps := observed.get("steps")) is int:
            self._over_budget |= steps > self.exercise.probe.steps
        # only names that the exercise itself lists: whatever else the student's side says is not repeated.
        self._forbidden |= set(self.exercise.forbidden).intersection(_words(observed.get("forbidden")))
        self._tripped |= set(self.exercise.tripwires).intersection(_words(observed.get("tripped")))

    def _record(self, case: Case, verdict: Verdict, text: str = "", judged: bool = True) -> CaseRecord:
        seed = self._seeds.fingerprint(self.exercise.name, case.name)
        return CaseRecord(case.name, case.family, verdict, text, seed, judged, case.public)


class _Malformed(Exception):
    pass


@dataclass(frozen=True)
class _Answered:
    """One case and what came back, not yet examined."""

    case: Case
    plan: CallPlan
    expected: Expected
    message: Message

    @property
    def size_bytes(self) -> int:
        return sum(tensor.numel() * tensor.element_size() for tensor in self.message.tensors.values())


def _well_formed(message: Message, number: int) -> Message:
    header = message.header
    if header.get("id") != number or message.type not in ("answer", "failure"):
        raise _Malformed
    if message.type == "answer":
        for part in (header.get("outputs"), header.get("gradients")):
            if not isinstance(part, list) or not all(isinstance(item, dict) for item in part):
                raise _Malformed
    return message


def _words(value: Any) -> list[str]:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []
