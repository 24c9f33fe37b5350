"""Read the public cases of an assignment from its ``cases.h5``; the layout is in docs/architecture.md."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from vislab.check.compare import Target
from vislab.check.failures import Sentence

SCHEMA = 1
CASES_VARIABLE = "VISLAB_CASES"


class CasesMissing(Sentence, FileNotFoundError):
    """The file of public cases does not lie where the notebook runs."""


class CasesInvalid(Sentence, ValueError):
    """The file of public cases cannot be used."""


@dataclass(frozen=True)
class PublicCase:
    """One recorded case: its call plan, its tensors and what they must give."""

    name: str
    family: str
    plan: dict[str, Any]
    tensors: dict[str, torch.Tensor]
    targets: dict[str, Target]
    raises: str | None


@dataclass(frozen=True)
class Listed:
    """An exercise as the file lists it: its notebook ("" where a file of an older course names none), its points."""

    exercise: str
    notebook: str
    points: float | None
    bonus: bool


def cases_path() -> Path:
    """Return where the public cases lie: ``VISLAB_CASES``, or ``cases.h5`` in the working directory.

    Raises:
        CasesMissing: there is no such file.
    """
    path = Path(os.environ.get(CASES_VARIABLE, "cases.h5"))
    if not path.is_file():
        raise CasesMissing(
            f"{path} is not here ({Path.cwd()}); keep cases.h5 beside the notebook, as in the assignment's zip,"
            f" or set the environment variable {CASES_VARIABLE} to its path"
        )
    return path


def read_cases(path: Path, exercise: str) -> tuple[list[PublicCase], tuple[str, ...]]:
    """Return an exercise's public cases in order, and the families its hidden cases test.

    Raises:
        CasesInvalid: a damaged file, another schema, or an exercise it does not hold.
    """
    with _opened(path, f"exercise {exercise!r}") as file:
        if exercise not in file:
            raise CasesInvalid(f"{path} holds no exercise {exercise!r}; it holds {', '.join(sorted(file))}")
        group = file[exercise]
        hidden = tuple(json.loads(group.attrs.get("hidden_families", "[]")))
        return [_case(group[key]) for key in sorted(group, key=int)], hidden


def listed_exercises(path: Path) -> tuple[Listed, ...]:
    """Return all exercises of the file, in the order of notebooks and of the exercises in them.

    Raises:
        CasesInvalid: a damaged file, or another schema.
    """
    with _opened(path, "its list of exercises") as file:
        notebooks = json.loads(file.attrs.get("notebooks", "{}"))
        placed = {name: notebook for notebook, names in notebooks.items() for name in names}
        names = [*placed, *sorted(set(file) - set(placed))]
        return tuple(_listed(name, placed.get(name, ""), file[name]) for name in names)


def _listed(name: str, notebook: str, group: h5py.Group) -> Listed:
    points = group.attrs.get("points")
    return Listed(name, notebook, None if points is None else float(points), bool(group.attrs.get("bonus", False)))


@contextmanager
def _opened(path: Path, where: str) -> Iterator[h5py.File]:
    try:
        with h5py.File(path, "r") as file:
            schema = file.attrs.get("schema")
            if schema != SCHEMA:
                raise CasesInvalid(
                    f"{path} has schema {schema}, this vislab reads schema {SCHEMA}; install the wheel that came with the assignment"
                )
            yield file
    except CasesInvalid:
        raise
    except OSError as error:
        raise CasesInvalid(f"{path} cannot be read as HDF5 ({error}); take a fresh copy from the assignment's zip") from error
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise CasesInvalid(
            f"{path} is damaged at {where} ({type(error).__name__}: {error}); take a fresh copy from the assignment's zip"
        ) from error


def _case(group: h5py.Group) -> PublicCase:
    targets = {}
    for name, dataset in group.get("expected", {}).items():
        targets[name] = Target(
            torch.from_numpy(np.asarray(dataset[()])),
            getattr(torch, str(dataset.attrs["dtype"])),
            float(dataset.attrs["atol"]),
            float(dataset.attrs["bias"]),
        )
    return PublicCase(
        name=str(group.attrs["name"]),
        family=str(group.attrs["family"]),
        plan=json.loads(group.attrs["plan"]),
        tensors={name: _tensor(dataset) for name, dataset in group.get("inputs", {}).items()},
        targets=targets,
        raises=str(group.attrs["raises"]) or None,
    )


def _tensor(dataset: h5py.Dataset) -> torch.Tensor:
    tensor = torch.from_numpy(np.asarray(dataset[()]))
    # HDF5 has no bfloat16: it is stored as float32, which holds every value, and narrowed again.
    return tensor.to(torch.bfloat16) if dataset.attrs.get("dtype") == "bfloat16" else tensor
