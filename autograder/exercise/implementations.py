"""Right and wrong implementations of an exercise under test, by key; loaded from authors' own files."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from autograder.exercise.exercise import Exercise, ExerciseError
from autograder.exercise.probe import FunctionProbe
from autograder.exercise.suite import SuiteProbe, Suspect
from vislab.check.spoil import spoilt

REFERENCE = "reference"
RIGHT_MIN = 2


@dataclass(frozen=True)
class Implementations:
    """What a test-suite exercise runs students' tests on.

    Args:
        folder: of the assignment.
        under_test: the exercise whose implementations these are.
        right: keys of the right ones: ``reference``, ``accepted/<stem>``.
        wrong: name of a case to key: ``mutants/<stem>``, ``spoilt/<name of the case>``.
        spoilers: key of a spoilt one to its fault and options.
    """

    folder: Path
    under_test: Exercise
    right: tuple[str, ...]
    wrong: Mapping[str, str]
    spoilers: Mapping[str, tuple[str, Mapping[str, int | float]]]

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.right, *self.wrong.values())

    @property
    def files(self) -> dict[str, Path]:
        """The files behind the keys that have one."""
        return {key: self._path(key) for key in self.keys if key != REFERENCE and key not in self.spoilers}

    def _path(self, key: str) -> Path:
        kind, _, stem = key.partition("/")
        return self.folder / kind / self.under_test.file_stem / f"{stem}.py"

    def load(self, key: str) -> Callable[..., Any]:
        """Return an implementation.

        Raises:
            ExerciseError: its file does not define the exercise's symbol.
        """
        if key == REFERENCE:
            return _in_the_inputs_dtype(self.under_test.reference)
        if key in self.spoilers:
            return spoilt(self.load(self.right[0]), *self.spoilers[key])
        path = self._path(key)
        # a module that is not registered anywhere: the same file may be loaded by others, too.
        spec = importlib.util.spec_from_file_location(f"_vislab_implementation_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise ExerciseError(f"{path} cannot be imported as a Python module")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found = getattr(module, self.under_test.symbol, None)
        if not callable(found):
            raise ExerciseError(f"{path} does not define {self.under_test.symbol}, the symbol of {self.under_test.name}")
        return found


def bind_suites(folder: Path, exercises: Mapping[str, Exercise]) -> None:
    """Find the implementations of every test-suite exercise of an assignment and hand them to it.

    Raises:
        ExerciseError: an exercise under test that is not there or no function, a mutant without a file, too few right implementations.
    """
    for exercise in exercises.values():
        if isinstance(exercise.probe, SuiteProbe):
            exercise.implementations = _implementations(folder, exercise, exercise.probe, exercises)


def _implementations(folder: Path, exercise: Exercise, probe: SuiteProbe, exercises: Mapping[str, Exercise]) -> Implementations:
    who = f"exercise {exercise.name!r}"
    under_test = exercises.get(probe.of)
    if under_test is None:
        raise ExerciseError(f"{who}: its test is of {probe.of!r}, which is no exercise here; the names are: {', '.join(exercises)}")
    if not isinstance(under_test.probe, FunctionProbe):
        raise ExerciseError(f"{who}: its test is of {probe.of!r}, which is no function; students' tests call functions only")
    accepted = sorted((folder / "accepted" / under_test.file_stem).glob("[!_]*.py"))
    right = (*([REFERENCE] if probe.reference else []), *(f"accepted/{path.stem}" for path in accepted))
    if len(right) < RIGHT_MIN:
        raise ExerciseError(f"{who}: {len(right)} right implementations; put at least {RIGHT_MIN} into accepted/{under_test.file_stem}")
    wrong, spoilers = {}, {}
    for case in exercise.cases():
        assert isinstance(case, Suspect)
        if case.spoiler is not None:
            wrong[case.name] = f"spoilt/{case.name}"
            spoilers[wrong[case.name]] = case.spoiler
        else:
            wrong[case.name] = f"mutants/{case.mutant}"
    found = Implementations(folder, under_test, right, wrong, spoilers)
    for key, path in found.files.items():
        if not path.is_file():
            raise ExerciseError(f"{who}: {key} has no file {path.relative_to(folder)}; write it, or name another mutant")
    return found


def _in_the_inputs_dtype(reference: Callable[..., Any]) -> Callable[..., Any]:
    def implementation(*args: Any, **kwargs: Any) -> Any:
        floating = [value.dtype for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor) and value.is_floating_point()]
        wide = [_cast(value, torch.float64) for value in args]
        result = reference(*wide, **{name: _cast(value, torch.float64) for name, value in kwargs.items()})
        dtype = floating[0] if floating else torch.get_default_dtype()
        for other in floating:
            dtype = torch.promote_types(dtype, other)
        return tuple(_cast(value, dtype) for value in result) if isinstance(result, (tuple, list)) else _cast(result, dtype)

    return implementation


def _cast(value: Any, dtype: torch.dtype) -> Any:
    return value.to(dtype) if isinstance(value, torch.Tensor) and value.is_floating_point() else value
