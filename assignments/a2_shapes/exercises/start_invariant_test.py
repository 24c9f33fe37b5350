"""A test of the start-invariant distance that students write."""

from __future__ import annotations

from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from autograder.exercise.suite import SuiteProbe, Suspect
from vislab.check.verdict import Family


class TestOfCyclicDistance(Exercise):
    """A test that passes right start-invariant distances and fails wrong ones."""

    # pytest takes a class of this name for tests of ours.
    __test__ = False

    name = "shapes.test_cyclic_distance"
    title = "A test of cyclic_distance"
    symbol = "test_cyclic_distance"
    points = {Family.VALUE: 3.25, Family.STABILITY: 0.25, Family.DTYPE: 0.25, Family.EDGE: 0.25}
    probe = SuiteProbe(of="shapes.cyclic_distance", calls_max=32)

    def cases(self) -> list[Case]:
        return [
            Suspect("a tenth too large", Family.VALUE, public=True, spoiler=("scaled", {"by": 1.1})),
            Suspect("a constant added", Family.VALUE, public=True, spoiler=("shifted", {"by": 0.05})),
            Suspect("the first pair's distance for all", Family.VALUE, public=True, spoiler=("first_only", {})),
            Suspect("zero, whatever comes in", Family.VALUE, public=True, spoiler=("constant", {})),
            Suspect("the smallest of the batch instead of the smallest of the shifts", Family.VALUE, mutant="one_minimum_for_the_batch"),
            Suspect("one shift for the whole batch", Family.VALUE, mutant="one_shift_for_the_batch"),
            Suspect("half of the shifts", Family.VALUE, mutant="half_of_the_shifts"),
            Suspect("x and y shifted on their own", Family.VALUE, mutant="x_and_y_on_their_own"),
            Suspect("blind to where the polygons lie", Family.VALUE, mutant="centred"),
            Suspect("the root of the right answer", Family.VALUE, mutant="root_taken"),
            Suspect("a soft minimum", Family.VALUE, mutant="soft_minimum"),
            Suspect("a sum instead of a mean", Family.VALUE, mutant="sum_not_mean"),
            Suspect("also tries the polygon backwards", Family.VALUE, mutant="direction_ignored"),
            Suspect("never tries to leave the start where it is", Family.VALUE, mutant="shift_zero_missing"),
            Suspect("a batch of one pair comes back as a number", Family.VALUE, mutant="squeezed"),
            Suspect("breaks on a batch without pairs", Family.EDGE, mutant="nothing_to_stack"),
            Suspect("loses its digits far from the origin", Family.STABILITY, mutant="cancels_far_away"),
            Suspect("always single precision", Family.DTYPE, mutant="single_precision"),
        ]
