"""An assignment as found on disk: its ``assignment.toml`` and the exercises its modules define."""

from __future__ import annotations

import datetime
import hashlib
import importlib.util
import inspect
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder.exercise.exercise import Exercise, ExerciseError
from autograder.exercise.hidden_data import HiddenDataMissing, data_folder, file_sha256, hidden_file
from autograder.exercise.implementations import bind_suites
from autograder.exercise.model import ModelProbe


class AssignmentError(ValueError):
    """An assignment folder that cannot be used."""


@dataclass(frozen=True)
class Assignment:
    """One assignment.

    Args:
        folder: ``assignments/aN_topic``.
        name: folder name; nbgrader's assignment id.
        title: for people.
        due: time-zone aware due date, or None.
        penalty_per_day: share of the maximum lost per started day after ``due``; 0 for none.
        notebooks: stems of the lesson files in reading order.
        points_total: sum of all core points, manual questions included.
        extra_files: names of further files that a submission may bring; the weights that model exercises ask for are among them.
        data: names of the data files that notebooks read; students get them in the bundle, and graded notebooks where they lie.
        hidden_data: names of data files that only the judge reads.
        limits: the ``[limits]`` table, where it differs from the defaults.
        exercises: by name, in the order of definition.
    """

    folder: Path
    name: str
    title: str
    due: datetime.datetime | None
    penalty_per_day: float
    notebooks: tuple[str, ...]
    points_total: float
    extra_files: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    hidden_data: tuple[str, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    exercises: Mapping[str, Exercise] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 over what decides a mark: its table, its exercise modules, what students' tests run on, hidden data."""
        digest = hashlib.sha256()
        for path in [self.folder / "assignment.toml", *sorted((self.folder / "exercises").glob("*.py"))]:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        for exercise in self.exercises.values():
            for key, path in exercise.implementations.files.items() if exercise.implementations is not None else ():
                digest.update(f"{exercise.name} {key}".encode() + b"\0" + path.read_bytes() + b"\0")
        for name in self.hidden_data:
            digest.update(name.encode() + b"\0" + self._hidden_content(name) + b"\0")
        return digest.hexdigest()

    @property
    def data_files(self) -> dict[str, Path]:
        """Where the files named by ``data`` lie; those that are not there are left out."""
        found = {name: data_folder(self.folder) / name for name in self.data}
        return {name: path for name, path in found.items() if path.is_file()}

    def _hidden_content(self, name: str) -> bytes:
        try:
            return file_sha256(hidden_file(name, self.folder / "assignment.toml"))
        except HiddenDataMissing:
            # told where it is read: the exercises that need none can still be graded.
            return b"missing"


def find_assignments(root: Path) -> dict[str, Path]:
    """Return the folders below ``root`` that hold an ``assignment.toml``, by name."""
    return {path.parent.name: path.parent for path in sorted(root.glob("*/assignment.toml"))}


def load_assignment(folder: Path) -> Assignment:
    """Read an assignment folder and import its exercises.

    Raises:
        AssignmentError: no ``assignment.toml``, an unknown, missing or unfit key, a module that cannot be imported.
        ExerciseError: an exercise that breaks a rule.
    """
    folder = folder.resolve()
    table = _table(folder)
    exercises: dict[str, Exercise] = {}
    for path in sorted((folder / "exercises").glob("*.py")):
        if path.name.startswith("_"):
            continue
        for exercise in _exercises_of(_import(path, folder.name)):
            if exercise.name in exercises:
                raise ExerciseError(f"exercise {exercise.name!r} is defined twice in {folder.name}; rename one")
            exercise.validate()
            exercises[exercise.name] = exercise
    if not exercises:
        raise AssignmentError(f"{folder}: exercises/*.py define no exercise; subclass autograder.exercise.exercise.Exercise")
    bind_suites(folder, exercises)
    late = table.get("late", {})
    return Assignment(
        folder=folder,
        name=folder.name,
        title=table["title"],
        due=_due(folder, table.get("due")),
        penalty_per_day=float(late.get("penalty_per_day", 0.0)),
        notebooks=tuple(table["notebooks"]),
        points_total=float(table["points_total"]),
        extra_files=(*table.get("extra_files", ()), *_weights_files(folder, table, exercises)),
        data=tuple(table.get("data", ())),
        hidden_data=tuple(table.get("hidden_data", ())),
        limits=table.get("limits", {}),
        exercises=exercises,
    )


def _weights_files(folder: Path, table: Mapping[str, Any], exercises: Mapping[str, Exercise]) -> list[str]:
    names = [exercise.probe.file for exercise in exercises.values() if isinstance(exercise.probe, ModelProbe)]
    if doubles := sorted({name for name in names if names.count(name) > 1}):
        raise AssignmentError(f"{folder}: two exercises take their weights from {doubles[0]!r}; give each a file of its own")
    return [name for name in names if name not in table.get("extra_files", ())]


def assignment_folder(root: Path, name: str) -> Path:
    """Return where the assignment ``name`` lies below ``root``.

    Raises:
        AssignmentError: an unknown name; the message lists the known ones.
    """
    known = find_assignments(root)
    if name not in known:
        raise AssignmentError(f"unknown assignment {name!r}; the assignments under {root} are: {', '.join(known) or 'none'}")
    return known[name]


def resolve_assignment(root: Path, name: str) -> Assignment:
    """Load the assignment ``name`` below ``root``.

    Raises:
        AssignmentError: as ``assignment_folder`` and ``load_assignment``.
    """
    return load_assignment(assignment_folder(root, name))


def _table(folder: Path) -> dict[str, Any]:
    path = folder / "assignment.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AssignmentError(f"{folder} has no assignment.toml; an assignment folder needs one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AssignmentError(f"{path} is not valid TOML: {error}") from error
    known = {"id", "title", "due", "late", "notebooks", "points_total", "extra_files", "data", "hidden_data", "limits"}
    if unknown := sorted(set(table) - known):
        raise AssignmentError(f"{path}: unknown keys {unknown}; the known ones are {sorted(known)}")
    for key in ("title", "notebooks", "points_total"):
        if key not in table:
            raise AssignmentError(f"{path}: key {key!r} is missing; add it")
    if table.get("id", folder.name) != folder.name:
        raise AssignmentError(f"{path}: id {table['id']!r} must equal the folder's name {folder.name!r}")
    for key, kind, what in (("title", str, "a text"), ("late", dict, "a table"), ("limits", dict, "a table")):
        if key in table and not isinstance(table[key], kind):
            raise AssignmentError(f"{path}: {key} {table[key]!r} must be {what}")
    for key in ("notebooks", "extra_files", "data", "hidden_data"):
        names = table.get(key, [])
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
            raise AssignmentError(f"{path}: {key} {names!r} must be a list of different names")
    if shared := sorted(set(table.get("data", ())) & set(table.get("hidden_data", ()))):
        raise AssignmentError(f"{path}: {shared[0]!r} stands in data and in hidden_data; what is hidden cannot be handed out")
    if not table["notebooks"]:
        raise AssignmentError(f"{path}: notebooks is empty; name the lesson files in reading order")
    if not _number(table["points_total"]) or not table["points_total"] > 0:
        raise AssignmentError(f"{path}: points_total {table['points_total']!r} must be a number greater than 0")
    late = table.get("late", {})
    if set(late) - {"penalty_per_day"}:
        raise AssignmentError(f"{path}: [late] has unknown keys {sorted(set(late) - {'penalty_per_day'})}; it knows penalty_per_day")
    penalty = late.get("penalty_per_day", 0)
    if not _number(penalty) or not 0 <= penalty <= 1:
        raise AssignmentError(f"{path}: penalty_per_day {penalty!r} must lie in [0, 1]; it is a share of the maximum")
    return table


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _due(folder: Path, due: Any) -> datetime.datetime | None:
    if due is None:
        return None
    if not isinstance(due, datetime.datetime) or due.tzinfo is None:
        raise AssignmentError(f"{folder.name}: due {due!r} must be a date and time with a UTC offset, such as 2027-02-05T23:59:00+01:00")
    return due


def _import(path: Path, assignment: str) -> ModuleType:
    # a private module name: two assignments may both have an exercises/losses.py.
    name = f"_vislab_exercises.{assignment}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise AssignmentError(f"{path} cannot be imported as a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise AssignmentError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _exercises_of(module: ModuleType) -> list[Exercise]:
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Exercise)
        and value is not Exercise
        and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    ]
    return [cls() for cls in classes]
