"""Read the public cases of an assignment from its ``cases.h5``; the layout is in docs/architecture.md."""

from __future__ import annotations

import json
import os
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
    try:
        with h5py.File(path, "r") as file:
            schema = file.attrs.get("schema")
            if schema != SCHEMA:
                raise CasesInvalid(
                    f"{path} has schema {schema}, this vislab reads schema {SCHEMA}; install the wheel that came with the assignment"
                )
            if exercise not in file:
                raise CasesInvalid(f"{path} holds no exercise {exercise!r}; it holds {', '.join(sorted(file))}")
            group = file[exercise]
            hidden = tuple(json.loads(group.attrs.get("hidden_families", "[]")))
            return [_case(group[key]) for key in sorted(group, key=int)], hidden
    except CasesInvalid:
        raise
    except OSError as error:
        raise CasesInvalid(f"{path} cannot be read as HDF5 ({error}); take a fresh copy from the assignment's zip") from error
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise CasesInvalid(
            f"{path} is damaged at exercise {exercise!r} ({type(error).__name__}: {error}); take a fresh copy from the assignment's zip"
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
