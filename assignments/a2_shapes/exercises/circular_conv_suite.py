"""A test, written by students, of circular convolution."""

from __future__ import annotations

from autograder.exercise.exercise import Exercise
from autograder.exercise.suite import SuiteProbe, Suspect
from vislab.check.verdict import Family


class TestOfCircularConv(Exercise):
    """What a test must catch: wrong borders, wrong windows, and what goes wrong for special strides, lengths and dtypes only."""

    name = "shapes.test_circular_conv"
    title = "A test of circular convolution"
    symbol = "test_circular_conv"
    points = {Family.VALUE: 2.75, Family.EDGE: 1.0, Family.DTYPE: 0.25}
    probe = SuiteProbe(of="shapes.circular_conv")

    def cases(self) -> list[Suspect]:
        return [
            Suspect("answers twice as large", Family.VALUE, public=True, spoiler=("scaled", {"by": 2.0})),
            Suspect("a constant added", Family.VALUE, public=True, spoiler=("shifted", {"by": 0.125})),
            Suspect("the vertices of the answer reversed", Family.VALUE, public=True, spoiler=("reversed", {"axis": -1})),
            Suspect("float64 whatever comes in", Family.VALUE, public=True, spoiler=("widened", {})),
            Suspect("zeros beyond the ends", Family.VALUE, mutant="zero_padding"),
            Suspect("the last vertex repeated", Family.VALUE, mutant="border_repeated"),
            Suspect("closed at one end only", Family.VALUE, mutant="closed_at_one_end"),
            Suspect("the kernel reversed", Family.VALUE, mutant="kernel_reversed"),
            Suspect("a window that begins at its vertex", Family.VALUE, mutant="not_centred"),
            Suspect("the bias left out", Family.VALUE, mutant="bias_left_out"),
            Suspect("the bias added once a tap", Family.VALUE, mutant="bias_once_a_tap"),
            Suspect("half of the kernel mirrored", Family.VALUE, mutant="half_kernel"),
            Suspect("the stride ignored", Family.VALUE, mutant="stride_ignored"),
            Suspect("strides that begin at the second vertex", Family.VALUE, mutant="stride_begins_late"),
            Suspect("the last stride dropped", Family.EDGE, mutant="last_stride_dropped"),
            Suspect("wraps around only once", Family.EDGE, mutant="wraps_once"),
            Suspect("stops at the ends of the second turn", Family.EDGE, mutant="wraps_once_and_stops"),
            Suspect("digits lost for float64", Family.DTYPE, mutant="single_precision"),
        ]
