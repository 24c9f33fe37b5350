"""What the judge remembers of one case and one check."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from vislab.check.verdict import RESOURCE_VERDICTS, Family, Verdict


class Ending(StrEnum):
    """How a check ended."""

    COMPLETE = "complete"
    STALLED = "stalled"
    BROKEN = "broken"
    SKIPPED = "skipped"
    ABSENT = "absent"


@dataclass(frozen=True)
class Observation:
    """What the student's process reported of its calls: evidence, not proof.

    Args:
        mutated: a call changed its inputs.
        rng_moved: a call moved a global random generator.
        forbidden: forbidden operations that were traced, by name.
        tripped: ready solutions that were called, by name.
        switched: a step left a net in another mode than it found it.
        over_budget: a training took more optimiser steps than it was given.
    """

    mutated: bool = False
    rng_moved: bool = False
    forbidden: tuple[str, ...] = ()
    tripped: tuple[str, ...] = ()
    switched: bool = False
    over_budget: bool = False


@dataclass(frozen=True)
class CaseRecord:
    """One judged case.

    Args:
        name: the case's.
        family: what it tests.
        verdict: the judge's.
        text: what was expected and what came, without hidden values; empty when right.
        seed: fingerprint of the case's seed.
        judged: False where no answer came, so that the verdict follows from how the check ended.
        public: the case is in the release, with its answer if its inputs are fixed.
        share: of the case's points that are earned although the verdict is not OK.
    """

    name: str
    family: Family
    verdict: Verdict
    text: str = ""
    seed: str = ""
    judged: bool = True
    public: bool = False
    share: float = 0.0


@dataclass
class CheckRecord:
    """One judged check: its cases in the order of definition, how it ended, and what was observed."""

    exercise: str
    ending: Ending
    cases: list[CaseRecord] = field(default_factory=list)
    observed: Observation = Observation()
    error: str = ""

    def recast(self, verdict: Verdict, text: str) -> CheckRecord:
        """Return this record with another verdict for the cases that were never judged: what really ended the check is known later."""
        cases = [case if case.judged else replace(case, verdict=verdict, text=text) for case in self.cases]
        return replace(self, cases=cases)

    @property
    def resource(self) -> bool:
        """Whether a limit of time, memory or output decided a case."""
        return any(case.verdict in RESOURCE_VERDICTS for case in self.cases)
