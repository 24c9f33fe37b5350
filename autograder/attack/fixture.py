"""A fixture: a folder named for its expected verdict, with ``expect.toml`` and the files of the submission.

```
title = "One line: what is tried, and why it must fail"
class = "promise" | "observed" | "control"   # an attack on a proven mark, one on an observed mark, or an honest submission
notebook = "aim"                             # which notebook is handed in; the others are absent. Default "aim"
nbgrader = "gained" | "not gained"           # what the same notebook gains of plain nbgrader, where that was measured

[submission]                                 # instead of the base's answers and cells; see autograder.demo.recipe
base = "wrong" | "solved" | "untouched"      # default: "wrong" (the range's wrong answers) for attacks, "solved" for controls
answers = { "range.centre" = "answer.py" }   # files of this folder, then of the range; or "stub", "solution"
cells = [{ file = "cell.py", at = "start" }]
change = "change.py"                         # change(notebook, find) changes the notebook's JSON; find("check", exercise) is a cell
make = "make.py"                             # make(folder, world) changes the written files
files = "files"                              # a folder whose content is laid beside the notebook

[expect]
verdicts = { "range.centre" = "WRONG_VALUE" }
status = "GRADED"                            # of the notebook
earns = ["value", "dtype"]                   # families that a partly right answer earns rightly, in the exercises named above
unharmed = ["range.double"]                  # exercises that keep all their points
notes = ["duplicate-check"]                  # codes that intake must have told
never = ["a terabyte"]                       # what the notebook must never have printed
```

Texts may name places of the world as ``@@TCP_PORT@@``; see ``autograder.attack.world``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.demo.recipe import BASES, Expectation, Recipe
from vislab.check.verdict import Family

CLASSES = ("promise", "observed", "control")
MEASURED = ("gained", "not gained")
_KEYS = {"title", "class", "notebook", "nbgrader", "submission", "expect"}
_SUBMISSION_KEYS = {"base", "answers", "cells", "change", "make", "files", "raw", "name", "cut", "kernel", "without_checks"}
_EXPECT_KEYS = {"verdicts", "status", "earns", "unharmed", "notes", "never"}
WRONG = "wrong"


class FixtureError(ValueError):
    """A fixture folder that cannot be used."""


@dataclass(frozen=True)
class Fixture:
    """One submission and what must come of it.

    Args:
        folder: where it lies; its name begins with the expected verdict, in lower case.
        kind: "promise", "observed" or "control".
        title: one line.
        notebook: the one that is handed in.
        submission: the ``[submission]`` table.
        verdicts: expected, by exercise.
        status: expected, of the notebook.
        earns: families whose points the answers to the exercises in ``verdicts`` earn rightly.
        unharmed: exercises that keep all points.
        notes: codes that intake must have told.
        never: what the outputs of the executed notebook must not hold.
        nbgrader: what plain nbgrader gives it; None where that was not measured.
    """

    folder: Path
    kind: str
    title: str
    notebook: str
    submission: Mapping[str, Any]
    verdicts: Mapping[str, str] = field(default_factory=dict)
    status: str = "GRADED"
    earns: tuple[Family, ...] = ()
    unharmed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    nbgrader: str | None = None

    @property
    def name(self) -> str:
        """Channel and folder: unique in the suite."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def student(self) -> str:
        """The folder name under which nbgrader's rules let it be handed in."""
        return f"{self.folder.parent.name}-{self.folder.name}"[:100]

    def recipe(self, notebooks: Sequence[str], wrong_answers: Mapping[str, str]) -> Recipe:
        """Return the recipe that the demo class's writer understands.

        Args:
            notebooks: of the range.
            wrong_answers: exercise of this notebook to the file of the range that answers it wrongly.
        """
        absent = {"base": "absent"}
        own = {key: value for key, value in self.submission.items() if key not in ("change", "make", "files")}
        if own["base"] == WRONG:
            own |= {"base": "untouched", "answers": {**wrong_answers, **own.get("answers", {})}}
        table = {name: own if name == self.notebook else absent for name in notebooks}
        kind = "honest" if self.kind == "control" else "attack"
        return Recipe(self.student, self.folder, self.title, kind, -1.0, table, Expectation())


def find_fixtures(folders: Sequence[Path]) -> list[Fixture]:
    """Return the fixtures in and below the folders, by path.

    Raises:
        FixtureError: none at all, or one that is faulty.
    """
    found = sorted({path.parent.resolve() for folder in folders for path in folder.rglob("expect.toml")})
    if not found:
        raise FixtureError(f"no expect.toml in or below {', '.join(map(str, folders))}; name a folder of fixtures")
    fixtures = [read_fixture(folder) for folder in found]
    doubles = sorted({one.student for one in fixtures if sum(one.student == other.student for other in fixtures) > 1})
    if doubles:
        raise FixtureError(f"fixtures {doubles} occur twice (channel and folder name, 100 letters); rename one")
    return fixtures


def read_fixture(folder: Path) -> Fixture:
    """Read one fixture folder.

    Raises:
        FixtureError: an unknown or missing key, a value that is not allowed, or a name that does not fit the expected verdict.
    """
    path = folder / "expect.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FixtureError(f"{path}: {error}") from error
    submission, expect = table.get("submission", {}), table.get("expect", {})
    for part, known in ((table, _KEYS), (submission, _SUBMISSION_KEYS), (expect, _EXPECT_KEYS)):
        if unknown := sorted(set(part) - known):
            raise FixtureError(f"{path}: unknown keys {unknown}; the known ones are {sorted(known)}")
    kind = table.get("class")
    if kind not in CLASSES:
        raise FixtureError(f"{path}: class {kind!r} must be one of {CLASSES}")
    if not table.get("title"):
        raise FixtureError(f"{path}: title is missing; say in one line what is tried")
    if table.get("nbgrader") not in (None, *MEASURED):
        raise FixtureError(f"{path}: nbgrader {table['nbgrader']!r} must be one of {MEASURED}")
    base = submission.get("base", "solved" if kind == "control" else WRONG)
    if base not in (WRONG, *BASES):
        raise FixtureError(f"{path}: base {base!r} must be one of {(WRONG, *BASES)}")
    fixture = Fixture(
        folder=folder,
        kind=kind,
        title=table["title"],
        notebook=table.get("notebook", "aim"),
        submission={**submission, "base": base},
        verdicts=expect.get("verdicts", {}),
        status=expect.get("status", "GRADED"),
        earns=_families(path, expect.get("earns", ())),
        unharmed=tuple(expect.get("unharmed", ())),
        notes=tuple(expect.get("notes", ())),
        never=tuple(expect.get("never", ())),
        nbgrader=table.get("nbgrader"),
    )
    _fits_its_name(fixture)
    return fixture


def _families(path: Path, names: Sequence[str]) -> tuple[Family, ...]:
    if unknown := sorted(set(names) - set(Family)):
        raise FixtureError(f"{path}: earns names {unknown}; the families are {', '.join(Family)}")
    return tuple(Family(name) for name in names)


def wrong_control(notebook: str) -> Fixture:
    """Return the control that answers everything in a notebook wrongly: the ceiling of every attack on it."""
    return Fixture(Path("wrong") / notebook, "promise", "everything wrong, nothing tried", notebook, {"base": WRONG})


def _fits_its_name(fixture: Fixture) -> None:
    if fixture.kind == "control":
        return
    told = {fixture.status.lower(), *(word.lower() for word in fixture.verdicts.values())}
    first = fixture.folder.name.split("-")[0]
    if first not in told:
        raise FixtureError(
            f"{fixture.folder}: the name begins with {first!r}; it must begin with an expected verdict or status,"
            f" one of {sorted(told)}, as in wrong_value-what_is_tried"
        )
