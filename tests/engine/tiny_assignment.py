"""A tiny assignment: its exercises, its table, and its notebook with given answers."""

from __future__ import annotations

import nbformat

EXERCISES = """
from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

def rows(draw):
    return (draw.normal(3, 5, mean=0.7),)

class _Two(Exercise):
    points = {Family.VALUE: 2.0, Family.EDGE: 1.0}

    def cases(self):
        shown = [Case(f"rows {number}", Family.VALUE, rows, public=True) for number in range(3)]
        return [*shown, Case("hidden rows", Family.VALUE, rows), Case("no rows", Family.EDGE, lambda draw: (draw.normal(0, 5),))]

class Double(_Two):
    name = "tiny.double"
    title = "Twice the rows"
    symbol = "double"

    def reference(self, rows):
        return 2.0 * rows

class Sums(_Two):
    name = "tiny.sums"
    title = "Sums of the rows"
    symbol = "sums"

    def reference(self, rows):
        return rows.sum(dim=-1)
"""
TABLE = """
title = "Tiny"
notebooks = ["tiny"]
points_total = 6.0
[limits]
case_s = 30
cell_s = 120
submission_s = 600
memory_mib = 768
output_mib = 1
"""
# for answers that never end. A slow machine still starts the kernel and imports torch within these.
IMPATIENT_TABLE = TABLE.replace("case_s = 30", "case_s = 3").replace("cell_s = 120", "cell_s = 20").replace("_s = 600", "_s = 300")
SETUP = "import torch\nfrom vislab.check import check"
DOUBLE = "def double(rows):\n    return 2.0 * rows"
SUMS = "def sums(rows):\n    return rows.sum(dim=-1)"


def notebook_bytes(double: str = DOUBLE, sums: str = SUMS, before: str = "", between: str = "", after: str = "") -> bytes:
    """Return the tiny notebook with these answers and further cells."""
    cells = [
        nbformat.v4.new_code_cell(SETUP, id="setup"),
        nbformat.v4.new_code_cell(before, id="before"),
        nbformat.v4.new_code_cell(double, id="double", metadata={"vislab": {"exercise": "tiny.double"}}),
        nbformat.v4.new_code_cell('check("tiny.double", double)', id="check-double", metadata={"vislab": {"check": "tiny.double"}}),
        nbformat.v4.new_code_cell(between, id="between"),
        nbformat.v4.new_code_cell(sums, id="sums", metadata={"vislab": {"exercise": "tiny.sums"}}),
        nbformat.v4.new_code_cell('check("tiny.sums", sums)', id="check-sums", metadata={"vislab": {"check": "tiny.sums"}}),
        nbformat.v4.new_code_cell(after, id="after"),
    ]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()
