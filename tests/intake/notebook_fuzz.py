"""Mutations of good notebooks, and what must be true of whatever intake makes of one.

``count_mutations`` is what a command calls; the tests call the parts, so that hypothesis can make a failing file small.
"""

from __future__ import annotations

import copy
import hashlib
import json
import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import nbformat
from editor_notebooks import EDITORS
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from intake_notebooks import CHECKS, STUB_HEAD, grade_id, release_notebook, release_template
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
CELL_ACTIONS = ("copy", "move", "delete", "metadata", "source", "type", "word", "split", "merge", "ids", "flags", "points", "strip")


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


def change_cells(draw: st.DrawFn, cells: list[dict[str, Any]]) -> None:
    """Change whole cells, as people and tools do: copy, move, delete, split, merge, re-type, exchange texts, ids and settings."""
    one, two = draw(st.integers(0, len(cells) - 1)), draw(st.integers(0, len(cells) - 1))
    action = draw(st.sampled_from(CELL_ACTIONS))
    settings_of = cells[one]["metadata"].get("nbgrader", {})
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
    elif action == "word":
        cells[one]["source"] = draw(st.sampled_from(WORDS))
    elif action == "split":
        lines = "".join(cells[one]["source"]).splitlines(keepends=True)
        cut = draw(st.integers(0, len(lines)))
        rest = {**copy.deepcopy(cells[one]), "source": lines[cut:]}
        cells[one]["source"] = lines[:cut]
        cells.insert(one + 1, rest)
    elif action == "merge":
        cells[one]["source"] = "".join(cells[one]["source"]) + "\n" + "".join(cells[two]["source"])
        if two != one:
            del cells[two]
    elif action == "ids":
        for key in {"id"} & cells[one].keys() & cells[two].keys():
            cells[one][key], cells[two][key] = cells[two][key], cells[one][key]
    elif action == "flags":
        for flag in ("grade", "solution", "locked", "task"):
            settings_of[flag] = draw(st.booleans())
    elif action == "points":
        settings_of["points"] = draw(st.sampled_from([500, -1, 0, 1e308, "many", None, float("nan")]))
    else:
        cells[one]["metadata"] = {}


@st.composite
def cell_shuffles(draw: st.DrawFn) -> bytes:
    """Whole cells changed, up to six times."""
    table = json.loads(draw(st.sampled_from(STARTS[:3])))
    for _ in range(draw(st.integers(1, 6))):
        if not table["cells"]:
            break
        change_cells(draw, table["cells"])
    return json.dumps(table).encode()


@st.composite
def mutated_notebooks(draw: st.DrawFn) -> bytes:
    """Any places of the JSON changed, then some bytes of the file, then its encoding."""
    table = json.loads(draw(st.sampled_from(STARTS)))
    for _ in range(draw(st.integers(1, 5))):
        mutate(draw, table)
    raw = json.dumps(table).encode()
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(raw)))
        action = draw(st.sampled_from(["cut", "insert", "drop", "flip", "none", "none"]))
        if action == "cut":
            raw = raw[:place]
        elif action == "insert":
            raw = raw[:place] + draw(st.binary(max_size=6)) + raw[place:]
        elif action == "drop":
            raw = raw[:place] + raw[place + draw(st.integers(1, 40)) :]
        elif action == "flip" and place < len(raw):
            raw = raw[:place] + bytes([raw[place] ^ 1 << draw(st.integers(0, 7))]) + raw[place + 1 :]
    return encoded(raw, draw(st.sampled_from(["as it is", "as it is", "as it is", "mark", "utf-16", "line ends", "twice", "gap"])))


def encoded(raw: bytes, how: str) -> bytes:
    """Return a file's bytes as another program would have stored or sent them."""
    if how == "mark":
        return b"\xef\xbb\xbf" + raw
    if how == "utf-16":
        return raw.decode("utf-8", "replace").encode("utf-16")
    if how == "line ends":
        return raw.replace(b"\\n", b"\\r\\n").replace(b", ", b",\r\n")
    if how == "twice":
        return raw + raw
    return raw + b"\0" * 40 if how == "gap" else raw


def hostile_notebooks() -> st.SearchStrategy[bytes]:
    """Return both kinds of mutations, half each."""
    return st.one_of(mutated_notebooks(), cell_shuffles())


def assert_definite(raw: bytes) -> str:
    """Hold what intake makes of a file against everything it promises; return the status.

    Raises:
        AssertionError: a promise is broken.
        Exception: whatever a fault of intake's raises.
    """
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
    return clean.status


def answers_exercise(made: TemplateCell, cell: nbformat.NotebookNode, known: Facts) -> bool:
    """Say whether a clean notebook's cell holds an answer to an exercise."""
    own = cell.metadata.get("vislab", {}).get("exercise") == made.name
    return made.symbol in (known.bound if own else known.defined) and normalised(cell.source) != normalised(made.cell.source)


def assert_checks_follow_answers(facts: list[Any]) -> None:
    """Every check stands behind a definition of what it checks."""
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
    """Every submitted code cell that defines something is in the clean notebook."""
    try:
        document = read_document(raw)
    except Unreadable:
        return
    for cell in document.cells:
        if cell.cell_type == "code" and facts_of(cell.source).defined and normalised(cell.source) not in STUBS:
            assert normalised(cell.source) in kept, f"lost: {cell.source}"


@dataclass
class MutationCount:
    """What became of many mutations.

    Args:
        seed: gives the same files again, on the same version of hypothesis.
        tried: different files.
        statuses: status to number of files.
        failures: the trace of each file that got no definite, sound result, by the start of the file's SHA-256.
    """

    seed: int
    tried: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def definite(self) -> int:
        return self.tried - len(self.failures)


def count_mutations(wanted: int = 2000, seed: int = 0) -> MutationCount:
    """Mutate good notebooks in so many different ways, and hold each against ``assert_definite``.

    Args:
        wanted: different files.
        seed: of the mutations.
    """
    count = MutationCount(seed)
    seen: set[str] = set()
    statuses: Counter[str] = Counter()

    @settings(max_examples=wanted, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(hostile_notebooks())
    def try_one(raw: bytes) -> None:
        print_of = hashlib.sha256(raw).hexdigest()[:16]
        if len(seen) >= wanted or print_of in seen:
            return
        seen.add(print_of)
        try:
            statuses[assert_definite(raw)] += 1
        except Exception:  # counted, so that one failing file does not hide the next
            count.failures[print_of] = traceback.format_exc()

    while len(seen) < wanted:
        before = len(seen)
        hypothesis.seed(seed)(try_one)()
        seed += 1
        if len(seen) == before:
            break
    count.tried, count.statuses = len(seen), dict(statuses)
    return count
