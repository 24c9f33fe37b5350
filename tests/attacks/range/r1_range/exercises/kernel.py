"""A Triton kernel of one line: what attacks on a launch are tried on."""

from __future__ import annotations

from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.exercise import Exercise
from autograder.exercise.probe import Buffer, In, KernelProbe, Launch, Out, Stride
from vislab.check.verdict import Family


def matrix(height: int, width: int, block: int = 32):
    """Case material: a matrix, a factor, and the block size of the launch."""
    return lambda draw: (draw.normal(height, width, mean=0.5), draw.whole(3, 9), block)


class ScaleRows(Exercise):
    """Each element times a factor."""

    name = "range.scale_rows"
    title = "Scale, as a Triton kernel"
    symbol = "scale_rows"
    points = {Family.VALUE: 6.0, Family.DTYPE: 1.0, Family.EDGE: 2.0, Family.PURITY: 1.0}
    probe = KernelProbe()

    def reference(self, rows: Tensor, factor: int, block: int) -> Tensor:
        return rows * factor

    def oracle(self, rows: Tensor, factor: int, block: int) -> Tensor:
        return sum((rows for _ in range(factor)), start=rows.new_zeros(rows.shape))

    def launch(self, inputs: Inputs) -> Launch:
        rows, factor, block = inputs.args
        assert isinstance(rows, Tensor) and isinstance(factor, int) and isinstance(block, int)
        height, width = rows.shape
        return Launch(
            arguments=(In(0), Out(0), width, factor, Stride(0, 0), Stride(0, 1)),
            outputs=(Buffer((height, width)),),
            grid=(height, width, block),
            constants={"BLOCK": block},
        )

    def cases(self) -> list[Case]:
        return [
            Case("a few rows", Family.VALUE, matrix(3, 20), public=True),
            Case("wider than a block", Family.VALUE, matrix(2, 45), public=True),
            Case("as wide as a block", Family.VALUE, matrix(2, 32), public=True),
            Case("rows drawn again", Family.VALUE, matrix(4, 27)),
            Case("three blocks", Family.VALUE, matrix(3, 77)),
            Case("float16", Family.DTYPE, matrix(3, 41), dtype="float16"),
            Case("axes swapped in memory", Family.EDGE, matrix(5, 37), layout="transposed"),
            Case("no rows", Family.EDGE, matrix(0, 20)),
            Case("one column", Family.EDGE, matrix(3, 1)),
        ]
