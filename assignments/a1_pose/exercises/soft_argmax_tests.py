"""A test of soft-argmax that students write: the one they will hold a kernel to."""

from __future__ import annotations

from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from autograder.exercise.suite import SuiteProbe, Suspect
from vislab.check.verdict import Family


class TestOfSoftArgmax(Exercise):
    """A test that passes every right soft-argmax and fails the wrong ones."""

    # pytest takes a class of this name for tests of ours.
    __test__ = False

    name = "pose.test_soft_argmax"
    title = "A test of soft-arg-max"
    symbol = "test_soft_argmax"
    points = {Family.VALUE: 1.5, Family.STABILITY: 1.0, Family.EDGE: 1.0, Family.DTYPE: 0.5}
    probe = SuiteProbe(of="pose.soft_argmax")

    def cases(self) -> list[Case]:
        return [
            Suspect("half a pixel off", "value", public=True, spoiler=("shifted", {"by": 0.5})),
            Suspect("y before x", "value", public=True, spoiler=("reversed", {"axis": -1})),
            Suspect("the first person's answer for everybody", "value", public=True, spoiler=("first_only", {})),
            Suspect("whole pixels", "value", public=True, spoiler=("rounded", {})),
            Suspect("float64, whatever comes in", "value", public=True, spoiler=("widened", {})),
            Suspect("rows and columns mixed up", "value", mutant="transposed_grid"),
            Suspect("right on square maps only", "value", mutant="index_split_by_height"),
            Suspect("the soft-max of each row on its own", "value", mutant="rows_on_their_own"),
            Suspect("the highest cell", "value", mutant="hard_argmax"),
            Suspect("logits as weights, without the exponential", "value", mutant="no_exponential"),
            Suspect("large logits overflow", "stability", mutant="overflows"),
            Suspect("one maximum for the whole batch", "stability", mutant="one_maximum_for_all"),
            Suspect("NaN for a map masked everywhere", "stability", mutant="zero_over_zero"),
            Suspect("the corner for a map masked everywhere", "stability", mutant="masked_map_in_the_corner"),
            Suspect("right for contiguous memory only", "edge", mutant="contiguous_only"),
            Suspect("nothing but NaN on a map of one column or row", "edge", mutant="ruler_of_one_pixel"),
            Suspect("an empty batch is refused", "edge", mutant="size_left_to_reshape"),
            Suspect("float64 maps computed in float32", "dtype", mutant="single_precision"),
        ]
