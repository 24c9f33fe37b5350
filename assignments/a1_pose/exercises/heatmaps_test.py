"""A test of Gaussian heatmaps that students write."""

from __future__ import annotations

from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from autograder.exercise.suite import SuiteProbe, Suspect
from vislab.check.verdict import Family


class TestOfPoseToHeatmap(Exercise):
    """A test that passes right implementations of ``pose2heatmap`` and fails wrong ones."""

    name = "pose.test_pose2heatmap"
    title = "A test of Gaussian heatmaps"
    symbol = "test_pose2heatmap"
    points = {Family.VALUE: 2.5, Family.STABILITY: 0.75, Family.DTYPE: 0.25, Family.EDGE: 0.5}
    probe = SuiteProbe(of="pose.pose2heatmap", calls_max=32)

    def cases(self) -> list[Case]:
        return [
            Suspect("maps mirrored, left for right", Family.VALUE, public=True, spoiler=("reversed", {"axis": -1})),
            Suspect("joints in reverse order", Family.VALUE, public=True, spoiler=("reversed", {"axis": 1})),
            Suspect("the first person's maps for everybody", Family.VALUE, public=True, spoiler=("first_only", {})),
            Suspect("a tenth too high", Family.VALUE, public=True, spoiler=("scaled", {"by": 1.1})),
            Suspect("x and y swapped", Family.VALUE, mutant="x_and_y_swapped"),
            Suspect("the 2 of 2 sigma squared forgotten", Family.VALUE, mutant="without_the_two"),
            Suspect("sigma taken for the variance", Family.VALUE, mutant="sigma_not_squared"),
            Suspect("a peak of one in both modes", Family.VALUE, mutant="mode_ignored"),
            Suspect("hidden joints drawn", Family.VALUE, mutant="visibility_ignored"),
            Suspect("the joint rounded to a whole cell", Family.VALUE, mutant="whole_cells"),
            Suspect("the highest cell always one", Family.VALUE, mutant="highest_cell_is_one"),
            Suspect("divided by the area of the bell, also at the border", Family.VALUE, mutant="area_of_the_bell"),
            Suspect("cut off at three sigma", Family.VALUE, mutant="window_of_three_sigma"),
            Suspect("joints outside the map treated as hidden", Family.VALUE, mutant="outside_is_hidden"),
            Suspect("axes of length one lost", Family.VALUE, mutant="squeezed"),
            Suspect("0 / 0 for a joint far away", Family.STABILITY, mutant="zero_over_zero"),
            Suspect("an empty map for a joint far away, sum of one", Family.STABILITY, mutant="epsilon_in_the_denominator"),
            Suspect("NaN for a hidden joint without a place", Family.STABILITY, mutant="multiplies_by_the_mask"),
            Suspect("float64 computed in float32", Family.DTYPE, mutant="single_precision"),
            Suspect("wrong for poses that are a strided view", Family.EDGE, mutant="read_as_contiguous"),
            Suspect("breaks on a batch without people", Family.EDGE, mutant="nobody_to_stack"),
        ]
