"""A test, written by students, of the robust losses."""

from __future__ import annotations

from autograder.exercise.exercise import Exercise
from autograder.exercise.suite import SuiteProbe, Suspect
from vislab.check.verdict import Family


class TestOfRobustLoss(Exercise):
    """What a test of both losses must catch: wrong values, wrong influences, and what goes wrong for special residuals only."""

    name = "pose.test_robust_loss"
    title = "A test of the robust losses"
    symbol = "test_robust_loss"
    points = {Family.VALUE: 2.75, Family.STABILITY: 0.5, Family.EDGE: 0.5, Family.DTYPE: 0.25}
    probe = SuiteProbe(of="pose.robust_loss")

    def cases(self) -> list[Suspect]:
        return [
            Suspect("both answers twice as large", Family.VALUE, public=True, spoiler=("scaled", {"by": 2.0})),
            Suspect("a constant added to both answers", Family.VALUE, public=True, spoiler=("shifted", {"by": 0.125})),
            Suspect("the last axis reversed", Family.VALUE, public=True, spoiler=("reversed", {"axis": -1})),
            Suspect("float64 whatever comes in", Family.VALUE, public=True, spoiler=("widened", {})),
            Suspect("a slope of 1 beyond delta", Family.VALUE, mutant="slope_of_one"),
            Suspect("a jump at delta", Family.VALUE, mutant="jump_at_delta"),
            Suspect("the corner rounded off", Family.VALUE, mutant="pseudo_huber"),
            Suspect("negative residuals treated as near", Family.VALUE, mutant="positive_side_only"),
            Suspect("divided by delta", Family.VALUE, mutant="smooth_l1"),
            Suspect("an influence without sign", Family.VALUE, mutant="influence_without_sign"),
            Suspect("an influence without bound", Family.VALUE, mutant="influence_unbounded"),
            Suspect("the weight in place of the influence", Family.VALUE, mutant="weight_for_influence"),
            Suspect("the denominator not differentiated", Family.VALUE, mutant="square_forgotten"),
            Suspect("delta not squared", Family.VALUE, mutant="delta_not_squared"),
            Suspect("delta ignored", Family.VALUE, mutant="delta_ignored"),
            Suspect("not a number for very large residuals", Family.STABILITY, mutant="infinite_square"),
            Suspect("digits lost for float64", Family.DTYPE, mutant="single_precision"),
            Suspect("a single number comes back with an axis", Family.EDGE, mutant="at_least_one_axis"),
            Suspect("something else at a residual of zero", Family.EDGE, mutant="not_a_number_at_zero"),
        ]
