"""Verdicts and families: the words in which every check speaks."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """Result of one case, one exercise or one file. Declaration order is precedence: the first present wins."""

    GRADER_ERROR = "GRADER_ERROR"
    UNREADABLE = "UNREADABLE"
    MEMORY_LIMIT = "MEMORY_LIMIT"
    TIME_LIMIT = "TIME_LIMIT"
    OUTPUT_LIMIT = "OUTPUT_LIMIT"
    RUNTIME_ERROR = "RUNTIME_ERROR"
    RULE = "RULE"
    MUTATED_INPUT = "MUTATED_INPUT"
    WRONG_TYPE = "WRONG_TYPE"
    WRONG_SHAPE = "WRONG_SHAPE"
    WRONG_DTYPE = "WRONG_DTYPE"
    NOT_FINITE = "NOT_FINITE"
    WRONG_VALUE = "WRONG_VALUE"
    WRONG_GRADIENT = "WRONG_GRADIENT"
    NOT_ATTEMPTED = "NOT_ATTEMPTED"
    OK = "OK"


PRECEDENCE = tuple(Verdict)
RESOURCE_VERDICTS = frozenset({Verdict.MEMORY_LIMIT, Verdict.TIME_LIMIT, Verdict.OUTPUT_LIMIT})


def first_by_precedence(verdicts: list[Verdict]) -> Verdict:
    """Return the verdict that names a set of cases; ``OK`` for none."""
    return min(verdicts, key=PRECEDENCE.index, default=Verdict.OK)


class Family(StrEnum):
    """What a case tests. Proven families are recomputed by the judge; observed ones are reported by the sandbox."""

    VALUE = "value"
    GRADIENT = "gradient"
    STABILITY = "stability"
    DTYPE = "dtype"
    EDGE = "edge"
    BEHAVIOUR = "behaviour"
    PURITY = "purity"
    RULE = "rule"


OBSERVED_FAMILIES = frozenset({Family.PURITY, Family.RULE})
OBSERVED_SHARE_MAX = 0.10
