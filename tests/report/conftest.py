"""A class of a dozen, made by hand: who failed what is known."""

from __future__ import annotations

import pytest
from report_class import LOOP, RENAMED, ROLLED, STUB, entry_of, ledger_of

from autograder.gradebook.marks import Entry, ManualMark
from autograder.report.material import Asked, ClassMaterial, Submission


@pytest.fixture
def material() -> ClassMaterial:
    asked = [
        Asked(
            "shape.area", "Area", "one", 4.0, stub=STUB, hidden=frozenset({"drawn", "slope", "empty"}), kills={"y_up": frozenset({"drawn"})}
        ),
        Asked("shape.extra", "Extra", "one", 2.0, bonus=True, hidden=frozenset({"drawn"})),
    ]
    submissions = []
    for number in range(8):
        good = number % 2 == 0
        area = entry_of("shape.area", 4.0 if good else 1.0, {} if good else {"drawn": "max error 3; your answer looks like twice the area"})
        extra = entry_of("shape.extra", 2.0 if number < 4 else 0.0, {} if number < 4 else {"drawn": "no"}, bonus=True)
        entry = Entry(8.0, 10.0, 1.0 if number == 0 else 0.0, waiting=(("one", "question-why"),) if number == 1 else ())
        source = {0: LOOP, 2: RENAMED, 4: ROLLED}.get(number, STUB)
        submissions.append(Submission(f"s{number}", {"one": ledger_of(area, extra)}, {"shape.area": source}, entry))
    unread = entry_of("shape.area", 0.0, {}, verdict="NOT_ATTEMPTED"), entry_of("shape.extra", 0.0, {}, verdict="NOT_ATTEMPTED", bonus=True)
    broken = ledger_of(entry_of("shape.area", 0.0, {}, verdict="GRADER_ERROR"), status="GRADER_ERROR", error="<b>disk</b> full")
    changed = Entry(4.0, 10.0, 0.0, (ManualMark("one", "check-shape-area", 4.0, 1.0),))
    submissions += [
        Submission("<script>alert(1)</script>", {"one": ledger_of(*unread, intake=[{"code": "renamed", "text": "…"}])}, {}, changed),
        Submission("broken", {"one": {**broken, "run": {"wall_s": [9.0, 8.0], "runs": 2}}}),
        Submission("refused", {}, refused="the folder holds a pipe"),
    ]
    return ClassMaterial("a9_shapes", "Shapes & areas", asked, submissions)
