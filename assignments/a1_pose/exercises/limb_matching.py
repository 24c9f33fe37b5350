"""Who belongs to whom: the best one-to-one matching of starts and ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

Choice = tuple[int, ...]
NOBODY = -1


def matchings(table: list[list[float]], minimum: float) -> Iterator[tuple[float, Choice]]:
    """Every allowed matching, and its total: the first start stays alone or takes an end that the others leave."""
    if not table:
        yield 0.0, ()
        return
    for total, others in matchings(table[1:], minimum):
        yield total, (NOBODY, *others)
        for end, score in enumerate(table[0]):
            if score > minimum and end not in others:
                yield total + score, (end, *others)


def best_matching(scores: Tensor, minimum: float) -> Tensor:
    """The matching of the largest total, ``[M]``."""
    _, choice = max(matchings(scores.tolist(), minimum), key=lambda entry: entry[0])
    return torch.tensor(choice, dtype=torch.int64)


def greedy(scores: Tensor, *, minimum: float) -> Tensor:
    """The best pair first, then the best of those that remain."""
    left, choice = scores.clone(), torch.full((len(scores),), NOBODY)
    while left.numel() and float(left.max()) > minimum:
        start, end = divmod(int(left.argmax()), left.shape[1])
        choice[start] = end
        left[start, :] = left[:, end] = -torch.inf
    return choice


def is_settled(scores: Tensor, minimum: float, gap: float = 1e-3) -> bool:
    """Whether the best matching is better than any other by ``gap``, and no score lies at the threshold."""
    ranked = sorted((value for value, _ in matchings(scores.tolist(), minimum)), reverse=True)
    clear = not scores.numel() or float((scores - minimum).abs().min()) > gap
    return clear and (len(ranked) < 2 or ranked[0] - ranked[1] > gap)


def threshold_afterwards(scores: Tensor, *, minimum: float) -> Tensor:
    """The best matching of all pairs, from which weak ones are dropped only then."""
    choice = best_matching(scores, 0.0).tolist()
    return torch.tensor([end if end != NOBODY and scores[start, end] > minimum else NOBODY for start, end in enumerate(choice)])


def most_pairs(scores: Tensor, *, minimum: float) -> Tensor:
    """As many allowed pairs as can be, and of these the largest total."""
    _, choice = max(matchings(scores.tolist(), minimum), key=lambda entry: (sum(end != NOBODY for end in entry[1]), entry[0]))
    return torch.tensor(choice, dtype=torch.int64)


def contested(firsts: int, lasts: int, minimum: float = 0.12, low: float = -0.4, rivals=(greedy,)):
    """Case material: scores for which the best matching is not what ``rivals`` give, and some pairs are not allowed."""

    def material(draw: Draw) -> Inputs:
        while True:
            scores = draw.uniform(low, 1.0, firsts, lasts)
            best = best_matching(scores, minimum)
            if any(torch.equal(rival(scores, minimum=minimum), best) for rival in rivals):
                continue
            if is_settled(scores, minimum):
                return Inputs((scores,), {"minimum": minimum})

    return material


def settled(firsts: int, lasts: int, minimum: float, low: float, high: float, blocked: float = 0.0):
    """Case material: scores with one best matching; a share ``blocked`` of them is minus infinity."""

    def material(draw: Draw) -> Inputs:
        while True:
            scores = draw.uniform(low, high, firsts, lasts).masked_fill(draw.mask(blocked, firsts, lasts), -torch.inf)
            if is_settled(scores, minimum):
                return Inputs((scores,), {"minimum": minimum})

    return material


def one_against_two(draw: Draw) -> Inputs:
    """One strong pair is worth more than two weak ones that exclude it."""
    corner = draw.uniform(0.80, 0.95, 1, 1)
    weak = draw.uniform(0.25, 0.38, 2)
    scores = torch.cat((torch.cat((corner, weak[None, :1]), dim=1), torch.stack((weak[1], draw.uniform(-0.3, 0.05)))[None]))
    return Inputs((scores,), {"minimum": 0.1})


def by_a_hair(later: bool):
    """Case material: the best and the second best matching differ by 1e-9, which float32 cannot tell.

    Args:
        later: whether the best one comes later when ends are tried in order, so that whoever keeps the first of equals is wrong.
    """
    minimum = 0.1

    def order(choice: Choice) -> Choice:
        return tuple(len(choice) if end == NOBODY else end for end in choice)

    def material(draw: Draw) -> Inputs:
        while True:
            scores = settled(4, 3, minimum, 0.3, 1.0)(draw).args[0].clone()
            (best, first), (second, other) = sorted(matchings(scores.tolist(), minimum), reverse=True)[:2]
            start = next(start for start, (a, b) in enumerate(zip(first, other)) if a != b and a != NOBODY)
            scores[start, first[start]] -= best - second - 1e-9
            if float(scores.min()) > minimum + 0.1 and (order(first) > order(other)) == later:
                return Inputs((scores,), {"minimum": minimum})

    return material


class MatchLimbs(Exercise):
    """The matching of starts and ends with the largest total score."""

    name = "pose.match_limbs"
    title = "Matching of limb candidates"
    symbol = "match_limbs"
    points = {Family.VALUE: 2.0, Family.DTYPE: 0.25, Family.EDGE: 0.5, Family.PURITY: 0.25}
    tripwires = ("scipy.optimize.linear_sum_assignment",)

    def reference(self, scores: Tensor, *, minimum: float) -> Tensor:
        return best_matching(scores, minimum)

    def oracle(self, scores: Tensor, *, minimum: float) -> Tensor:
        from scipy.optimize import linear_sum_assignment

        # a pair that is not allowed is worth what staying alone is worth.
        worth = np.where(scores.numpy() > minimum, scores.numpy(), 0.0)
        choice = np.full(len(worth), NOBODY)
        for start, end in zip(*linear_sum_assignment(worth, maximize=True)):
            if scores[start, end] > minimum:
                choice[start] = end
        return torch.from_numpy(choice)

    def cases(self) -> list[Case]:
        def two_by_two(draw: Draw) -> Inputs:
            return Inputs((torch.tensor([[0.9, 0.8], [0.85, 0.1]], dtype=torch.float64),), {"minimum": 0.05})

        return [
            Case("greed loses", Family.VALUE, two_by_two, public=True),
            Case("three of each", Family.VALUE, contested(3, 3), public=True),
            Case("more starts than ends", Family.VALUE, contested(4, 3), public=True),
            Case("more ends than starts", Family.VALUE, contested(3, 5)),
            Case("three of each, drawn again", Family.VALUE, contested(3, 3, minimum=0.2)),
            Case("four of each", Family.VALUE, contested(4, 4)),
            Case("more starts than ends, drawn again", Family.VALUE, contested(5, 3)),
            Case("a threshold that decides", Family.VALUE, contested(3, 3, 0.3, 0.02, (threshold_afterwards,)), public=True),
            Case("a threshold that decides, drawn again", Family.VALUE, contested(3, 4, 0.25, 0.02, (threshold_afterwards, greedy))),
            Case("a threshold that decides, four of each", Family.VALUE, contested(4, 4, 0.3, 0.02, (threshold_afterwards, greedy))),
            Case("one strong pair against two weak ones", Family.VALUE, one_against_two),
            Case("fewer pairs than could be", Family.VALUE, contested(3, 3, 0.1, -0.4, (most_pairs,))),
            Case("float64, the first by a billionth", Family.DTYPE, by_a_hair(later=False), dtype="float64"),
            Case("float64, the second by a billionth", Family.DTYPE, by_a_hair(later=True), dtype="float64"),
            Case("float64, the first by a billionth, drawn again", Family.DTYPE, by_a_hair(later=False), dtype="float64"),
            Case("float64, the second by a billionth, drawn again", Family.DTYPE, by_a_hair(later=True), dtype="float64"),
            Case("nobody goes with anybody", Family.EDGE, settled(3, 4, 0.5, -0.9, 0.45), public=True),
            Case("some pairs are ruled out by minus infinity", Family.EDGE, settled(4, 4, 0.1, 0.15, 1.0, blocked=0.4)),
            Case("one start", Family.EDGE, settled(1, 5, 0.1, 0.15, 1.0)),
            Case("one end", Family.EDGE, settled(5, 1, 0.1, 0.15, 1.0)),
            Case("no starts", Family.EDGE, settled(0, 3, 0.1, 0.2, 1.0)),
            Case("no ends", Family.EDGE, settled(3, 0, 0.1, 0.2, 1.0)),
            Case("every second element of a wider buffer", Family.EDGE, contested(3, 4), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, contested(4, 3), layout="transposed"),
        ]
