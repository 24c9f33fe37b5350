"""A test of the rasteriser that students write."""

from __future__ import annotations

from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from autograder.exercise.suite import SuiteProbe, Suspect
from vislab.check.verdict import Family


class TestOfCoverage(Exercise):
    """A test that passes every right rasteriser and fails the wrong ones."""

    # pytest takes a class of this name for tests of ours.
    __test__ = False

    name = "shapes.test_coverage"
    title = "A test of the rasteriser"
    symbol = "test_coverage"
    points = {Family.VALUE: 2.0, Family.STABILITY: 0.5, Family.EDGE: 1.0, Family.DTYPE: 0.5}
    probe = SuiteProbe(of="shapes.coverage")

    def cases(self) -> list[Case]:
        return [
            Suspect("upside down", "value", public=True, spoiler=("reversed", {"axis": -2})),
            Suspect("left and right exchanged", "value", public=True, spoiler=("reversed", {"axis": -1})),
            Suspect("the first polygon's picture for all", "value", public=True, spoiler=("first_only", {})),
            Suspect("hard pixels", "value", public=True, spoiler=("rounded", {})),
            Suspect("float64, whatever comes in", "value", public=True, spoiler=("widened", {})),
            Suspect("pixels read at their corner", "value", mutant="pixel_corner"),
            Suspect("the outermost pixels on the border of the square", "value", mutant="ends_on_the_border"),
            Suspect("the sign of the distance dropped", "value", mutant="sign_dropped"),
            Suspect("inside and outside exchanged", "value", mutant="inside_out"),
            Suspect("times tau", "value", mutant="times_tau"),
            Suspect("a square of fixed size", "value", mutant="extent_ignored"),
            Suspect("pixels as high as wide", "value", mutant="square_pixels"),
            Suspect("the last edge left open", "value", mutant="left_open"),
            Suspect("NaN where the border is sharp", "stability", mutant="exponential_overflows"),
            Suspect("clockwise polygons inside out", "edge", mutant="orientation_decides"),
            Suspect("an empty batch is refused", "edge", mutant="stacked"),
            Suspect("NaN where a vertex stands twice", "edge", mutant="zero_length_divided"),
            Suspect("float64 polygons computed in float32", "dtype", mutant="single_precision"),
        ]
