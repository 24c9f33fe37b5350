"""Exercises in which students write tests: the probe, and the cases, each of which is one wrong implementation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from vislab.check.spoil import check_spoiler
from vislab.check.suite import SUITE_KIND
from vislab.check.verdict import Family

# fewer, and a guess at the first round is worth something.
VALUE_SUSPECTS_MIN = 7
FAMILIES = (Family.VALUE, Family.EDGE, Family.STABILITY, Family.DTYPE)


@dataclass(frozen=True)
class SuiteProbe:
    """Run the student's test on right and wrong implementations of another exercise, on the judge's side and in a secret order.

    Args:
        of: name of the exercise under test, a function of the same assignment. Its ``accepted/`` files are the right implementations.
        reference: whether its reference is one of them, too. It is run in float64 and its outputs are given the inputs' dtype.
        right_trials: how often a right implementation appears, 4 to 32; a test that fails a single one scores nothing.
        wrong_trials: how often each wrong one appears, 2 to 4; it counts as caught when it is failed each time.
        kernels: in how many fresh kernels all this is done, each time in another order, 1 to 3; what counts is what was caught in all.
        calls_max: calls of ``impl`` in one trial, 1 to 256.

    With 6 right trials, 2 wrong ones and 2 kernels the best coin is worth less than 0.1 % of the points, and whoever guesses where the one
    right implementation of the first round stands is right once in (n + 1)², n being the number of suspects of family value.
    """

    of: str
    reference: bool = True
    right_trials: int = 6
    wrong_trials: int = 2
    kernels: int = 2
    calls_max: int = 64
    kind: str = SUITE_KIND

    def __post_init__(self) -> None:
        for name, (smallest, largest) in {
            "right_trials": (4, 32),
            "wrong_trials": (2, 4),
            "kernels": (1, 3),
            "calls_max": (1, 256),
        }.items():
            if not smallest <= getattr(self, name) <= largest:
                raise ValueError(f"{name} {getattr(self, name)!r} must lie in {smallest} to {largest}")


def _nothing(draw: Draw) -> Inputs:
    return Inputs()


@dataclass(frozen=True)
class Suspect(Case):
    """One wrong implementation, which a student's test must fail.

    Args:
        name: what is wrong with it, in a few words; shown to the students whose tests pass it.
        family: ``value`` for one that is wrong on nearly every input, ``edge``, ``stability`` or ``dtype`` for one that is wrong on special
            inputs only. The difference decides the order of the trials; the audit looks whether it is told truly.
        mutant: stem of the file among the mutants of the exercise under test.
        spoiler: instead of a file, a fault of ``vislab.check.spoil`` and its options, put into a right implementation; a public case
            must have one, as no code of ours may be in the release.
    """

    draw: object = _nothing  # type: ignore[assignment]
    mutant: str = ""
    spoiler: tuple[str, Mapping[str, int | float]] | None = field(default=None)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.family not in FAMILIES:
            raise ValueError(f"suspect {self.name!r}: family {self.family} must be one of {', '.join(FAMILIES)}")
        if bool(self.mutant) == (self.spoiler is not None):
            raise ValueError(f"suspect {self.name!r}: name a mutant's file or a spoiler, and not both")
        if self.public and self.spoiler is None:
            raise ValueError(f"suspect {self.name!r}: a public one must have a spoiler; a mutant's file would show the solution")
        if self.spoiler is not None:
            check_spoiler(*self.spoiler)


def suite_faults(probe: object, cases: Sequence[Case], families: Sequence[Family]) -> str | None:
    """Return what is wrong with an exercise whose cases or probe have to do with tests, or None."""
    suspects = [case for case in cases if isinstance(case, Suspect)]
    if not isinstance(probe, SuiteProbe):
        return f"case {suspects[0].name!r} is a Suspect; only an exercise with a SuiteProbe has such" if suspects else None
    if len(suspects) != len(cases):
        return "every case of a test-suite exercise must be a Suspect"
    if foreign := [family for family in families if family not in FAMILIES]:
        return f"family {foreign[0]} has points; a test-suite exercise knows {', '.join(FAMILIES)}"
    plain = sum(case.family is Family.VALUE for case in suspects)
    if plain < VALUE_SUSPECTS_MIN:
        return f"{plain} suspects of family value; at least {VALUE_SUSPECTS_MIN} are needed, or the first round could be guessed"
    if doubles := {case.mutant for case in suspects if case.mutant and sum(other.mutant == case.mutant for other in suspects) > 1}:
        return f"mutants {sorted(doubles)} are suspected twice; name each once"
    return None


def suite_plan(probe: SuiteProbe, case: Case, seed: int) -> dict[str, object]:
    """Return the recorded plan of a public suspect: what a check at home needs, and no code."""
    assert isinstance(case, Suspect) and case.spoiler is not None
    name, options = case.spoiler
    return {"probe": probe.kind, "of": probe.of, "calls_max": probe.calls_max, "seed": seed, "spoiler": [name, dict(options)]}
