"""Mutated notebooks: every one gets a definite, valid result; nothing a student defined is lost; no traceback."""

from __future__ import annotations

import copy
import json
from typing import Any

import nbformat
import pytest
from editor_notebooks import EDITORS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_notebooks import CHECKS, STUB_HEAD, as_bytes, grade_id, release_notebook, release_template
from nbgrader.nbgraderformat import MetadataValidator

from autograder.intake.document import read_document
from autograder.intake.fingerprint import submission_hash
from autograder.intake.limits import Unreadable
from autograder.intake.repair import clean_notebook
from autograder.intake.syntax import Facts, facts_of, normalised
from autograder.intake.template import Kind, TemplateCell

TEMPLATE = release_template()
GRADED = sorted(grade_id(cell) for cell in release_notebook().cells if grade_id(cell))
STUBS = {normalised(made.cell.source) for made in TEMPLATE.cells if made.kind is Kind.EXERCISE}
STARTS = [EDITORS[name]() for name in ("jupyterlab_4", "colab", "notebook_6", "nbformat_3")]
WORDS = [
    *CHECKS.values(),
    *(cell.grade_id for cell in TEMPLATE.cells if cell.grade_id),
    *(cell.cell.id for cell in TEMPLATE.cells),
    "def soft_argmax(h):\n    return 1",
    "masked_l2 = lambda a, b: 0",
    "from vislab.ops import soft_argmax",
    STUB_HEAD,
    "%%writefile x.py",
    "!ls",
    "code",
    "markdown",
    "raw",
    "\ud800",
    "",
    "}{",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["cell_type", "source", "metadata", "id", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the place of every value inside a JSON value."""
    found = [path] if path else []
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        found += paths(child, (*path, key))
    return found


def mutate(draw: st.DrawFn, table: Any) -> None:
    """Change one place of a JSON value: replace, delete, rename, copy, move or swap."""
    places = paths(table)
    if not places:
        return
    *parents, key = draw(st.sampled_from(places))
    parent = table
    for step in parents:
        parent = parent[step]
    action = draw(st.sampled_from(["replace", "delete", "word", "copy", "move", "swap"]))
    if action == "replace":
        parent[key] = draw(VALUES)
    elif action == "word" and isinstance(parent[key], str):
        parent[key] = draw(st.sampled_from(WORDS))
    elif action == "delete":
        del parent[key]
    elif isinstance(parent, list):
        other = draw(st.integers(0, len(parent) - 1))
        if action == "copy":
            parent.insert(other, copy.deepcopy(parent[key]))
        elif action == "move":
            parent.insert(other, parent.pop(key))
        else:
            parent[key], parent[other] = parent[other], parent[key]


@st.composite
def cell_shuffles(draw: st.DrawFn) -> bytes:
    """Whole cells copied, moved, deleted and swapped, texts and ids exchanged: what people and tools really do."""
    table = json.loads(draw(st.sampled_from(STARTS[:3])))
    for _ in range(draw(st.integers(1, 6))):
        cells = table["cells"]
        if not cells:
            break
        one, two = draw(st.integers(0, len(cells) - 1)), draw(st.integers(0, len(cells) - 1))
        action = draw(st.sampled_from(["copy", "move", "delete", "metadata", "source", "type", "word"]))
        if action == "copy":
            cells.insert(two, copy.deepcopy(cells[one]))
        elif action == "move":
            cells.insert(two, cells.pop(one))
        elif action == "delete":
            del cells[one]
        elif action in ("metadata", "source"):
            cells[one][action], cells[two][action] = cells[two][action], cells[one][action]
        elif action == "type":
            cells[one]["cell_type"] = draw(st.sampled_from(["code", "markdown", "raw"]))
        else:
            cells[one]["source"] = draw(st.sampled_from(WORDS))
    return json.dumps(table).encode()


@st.composite
def mutated_notebooks(draw: st.DrawFn) -> bytes:
    table = json.loads(draw(st.sampled_from(STARTS)))
    for _ in range(draw(st.integers(1, 5))):
        mutate(draw, table)
    raw = json.dumps(table).encode()
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(raw)))
        action = draw(st.sampled_from(["cut", "insert", "drop", "none", "none"]))
        if action == "cut":
            raw = raw[:place]
        elif action == "insert":
            raw = raw[:place] + draw(st.binary(max_size=6)) + raw[place:]
        elif action == "drop":
            raw = raw[:place] + raw[place + draw(st.integers(1, 40)) :]
    return raw


def assert_definite(raw: bytes) -> None:
    clean = clean_notebook(raw, TEMPLATE)
    assert clean.status in ("ok", "repaired", "unreadable")
    assert (clean.status == "ok") == (not clean.notes)
    nbformat.validate(clean.notebook)
    MetadataValidator().validate_nb(clean.notebook)
    assert len(submission_hash(clean.notebook)) == 64
    again = clean_notebook(clean.content, TEMPLATE)
    assert again.content == clean.content
    present = [grade_id(cell) for cell in clean.notebook.cells if grade_id(cell)]
    assert len(set(present)) == len(present)
    locked = {made.grade_id for made in TEMPLATE.cells if made.grade_id and made.is_restored}
    assert locked <= set(present) <= set(GRADED)
    facts = [(cell, facts_of(cell.source)) for cell in clean.notebook.cells if cell.cell_type == "code"]
    assert_checks_follow_answers(facts)
    assert_nothing_lost(raw, {normalised(cell.source) for cell in clean.notebook.cells})


def answers_exercise(made: TemplateCell, cell: nbformat.NotebookNode, known: Facts) -> bool:
    own = cell.metadata.get("vislab", {}).get("exercise") == made.name
    return made.symbol in (known.bound if own else known.defined) and normalised(cell.source) != normalised(made.cell.source)


def assert_checks_follow_answers(facts: list[Any]) -> None:
    for made in TEMPLATE.cells:
        if made.kind is not Kind.EXERCISE:
            continue
        (check,) = [place for place, (cell, _) in enumerate(facts) if cell.metadata.get("vislab", {}).get("check") == made.name]
        answers = [place for place, (cell, known) in enumerate(facts) if answers_exercise(made, cell, known)]
        stubs = [place for place, (_, known) in enumerate(facts) if made.symbol in known.defined]
        # where nothing defines the name, there is no right place.
        first = min(answers or stubs, default=-1)
        assert first < check, f"{made.name} is checked before it is defined"


def assert_nothing_lost(raw: bytes, kept: set[str]) -> None:
    try:
        document = read_document(raw)
    except Unreadable:
        return
    for cell in document.cells:
        if cell.cell_type == "code" and facts_of(cell.source).defined and normalised(cell.source) not in STUBS:
            assert normalised(cell.source) in kept, f"lost: {cell.source}"


quick = settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@quick
@given(mutated_notebooks())
def test_a_mutated_notebook_gets_a_definite_result(raw: bytes) -> None:
    assert_definite(raw)


@quick
@given(cell_shuffles())
def test_a_shuffled_notebook_gets_a_definite_result(raw: bytes) -> None:
    assert_definite(raw)


@quick
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_anything_gets_a_definite_result(raw: bytes) -> None:
    assert_definite(raw)


@pytest.mark.slow
@settings(quick, max_examples=1000)
@given(mutated_notebooks())
def test_a_thousand_mutations(raw: bytes) -> None:
    assert_definite(raw)


@pytest.mark.slow
@settings(quick, max_examples=1000)
@given(cell_shuffles())
def test_a_thousand_shuffles(raw: bytes) -> None:
    assert_definite(raw)


def test_the_properties_can_fail() -> None:
    table = json.loads(as_bytes(json.loads(STARTS[0])))
    clean = clean_notebook(as_bytes(table), TEMPLATE).notebook
    facts = [(cell, facts_of(cell.source)) for cell in clean.cells if cell.cell_type == "code"]
    assert_checks_follow_answers(facts)
    with pytest.raises(AssertionError, match="checked before it is defined"):
        assert_checks_follow_answers(facts[::-1])
    with pytest.raises(AssertionError, match="lost"):
        assert_nothing_lost(as_bytes(table), set())
