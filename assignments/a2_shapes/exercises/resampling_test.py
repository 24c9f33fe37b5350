"""A test of resampling that students write."""

from __future__ import annotations

from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from autograder.exercise.suite import SuiteProbe, Suspect
from vislab.check.verdict import Family


class TestOfResample(Exercise):
    """A test that passes right resamplings and fails wrong ones."""

    # pytest takes a class of this name for tests of ours.
    __test__ = False

    name = "shapes.test_resample"
    title = "A test of resample"
    symbol = "test_resample"
    points = {Family.VALUE: 2.75, Family.STABILITY: 0.5, Family.DTYPE: 0.25, Family.EDGE: 0.5}
    probe = SuiteProbe(of="shapes.resample", calls_max=32)

    def cases(self) -> list[Case]:
        return [
            Suspect("the points in reverse order", Family.VALUE, public=True, spoiler=("reversed", {"axis": -1})),
            Suspect("x and y exchanged", Family.VALUE, public=True, spoiler=("reversed", {"axis": 1})),
            Suspect("the first outline for all", Family.VALUE, public=True, spoiler=("first_only", {})),
            Suspect("everything a hundredth to the right and up", Family.VALUE, public=True, spoiler=("shifted", {"by": 0.01})),
            Suspect("equal steps in the number of the vertex", Family.VALUE, mutant="steps_of_the_index"),
            Suspect("the closing edge forgotten", Family.VALUE, mutant="closing_edge_forgotten"),
            Suspect("the last point on the first again", Family.VALUE, mutant="last_point_on_the_first"),
            Suspect("half a step too far", Family.VALUE, mutant="half_a_step_too_far"),
            Suspect("lengths along the axes", Family.VALUE, mutant="lengths_along_the_axes"),
            Suspect("the nearest vertex instead of a point between two", Family.VALUE, mutant="nearest_vertex"),
            Suspect("squared lengths", Family.VALUE, mutant="squared_lengths"),
            Suspect("one length for the whole batch", Family.VALUE, mutant="one_length_for_the_batch"),
            Suspect("an open line treated as closed", Family.VALUE, mutant="always_closed"),
            Suspect("zero by zero where a vertex stands twice", Family.STABILITY, mutant="zero_by_zero"),
            Suspect("an epsilon that tiny outlines feel", Family.STABILITY, mutant="epsilon_in_the_length"),
            Suspect("always single precision", Family.DTYPE, mutant="single_precision"),
            Suspect("breaks on an empty batch", Family.EDGE, mutant="nothing_to_stack"),
            Suspect("divides by zero for one point of an open line", Family.EDGE, mutant="one_point_fails"),
        ]
