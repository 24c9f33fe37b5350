"""Record the public cases of an assignment into ``cases.h5``; the layout is in docs/architecture.md."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from autograder.authoring.fault import AuthoringError
from autograder.exercise.assignment import Assignment
from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from autograder.exercise.expected import expect
from autograder.exercise.model import ModelProbe, model_plan, model_tensors
from autograder.exercise.plan import make_plan
from autograder.exercise.suite import SuiteProbe, suite_plan
from vislab.check.verdict import Family

SCHEMA = 1
FILE_NAME = "cases.h5"


def record_cases(assignment: Assignment, path: Path, notebooks: Mapping[str, Sequence[str]] | None = None) -> None:
    """Write every exercise's public cases, with what they must give, to ``path``.

    Args:
        notebooks: names of the exercises of each notebook, in reading order; for the overview that students see.

    Two runs on one machine write the same bytes; on another processor the last digits may differ (see ``compare_cases``).

    Raises:
        AuthoringError: a case that cannot be drawn or recorded; names exercise and case.
    """
    with _one_thread(), h5py.File(path, "w", libver=("v110", "v110"), track_order=False) as file:
        file.attrs["schema"] = SCHEMA
        file.attrs["assignment"] = assignment.name
        file.attrs["notebooks"] = json.dumps({notebook: list(names) for notebook, names in (notebooks or {}).items()})
        for name, exercise in sorted(assignment.exercises.items()):
            cases = list(exercise.cases())
            group = file.create_group(name)
            hidden = {case.family for case in cases if not case.public}
            group.attrs["points"], group.attrs["bonus"] = exercise.points_total, exercise.bonus
            group.attrs["hidden_families"] = json.dumps([str(family) for family in Family if family in hidden])
            for index, case in enumerate(case for case in cases if case.public):
                try:
                    _record(exercise, case, group.create_group(str(index)))
                except Exception as error:
                    raise AuthoringError(
                        f"{name}: public case {case.name!r} cannot be recorded: {type(error).__name__}: {error};"
                        " correct its draw, or the exercise's reference"
                    ) from error


def compare_cases(old: Path, new: Path, slack: float = 1.0) -> list[str]:
    """Return how two case files differ, apart from rounding.

    Args:
        old: file to hold against.
        new: file just recorded.
        slack: how many times larger or smaller a tolerance may be. It is derived from measured rounding errors, which differ between
            processors by small factors; 1.0 asks for equal tolerances.

    Returns:
        One line per difference; empty when the files ask the same of a student.
    """
    differences: list[str] = []
    with h5py.File(old, "r") as a, h5py.File(new, "r") as b:
        before, after = _contents(a), _contents(b)
    for name in sorted(before.keys() ^ after.keys()):
        differences.append(f"{name} is only in the {'old' if name in before else 'new'} file")
    for name in sorted(before.keys() & after.keys()):
        if not _same(name, before[name], after[name], slack):
            differences.append(f"{name} differs")
    return differences


def _record(exercise: Exercise, case: Case, group: h5py.Group) -> None:
    seed = exercise.public_seed(case)
    if isinstance(exercise.probe, SuiteProbe):
        _write_head(group, case, suite_plan(exercise.probe, case, int.from_bytes(_derived(seed, "call")[:4], "big") >> 1), "")
        return
    inputs = case.inputs(seed)
    if isinstance(exercise.probe, ModelProbe):
        _write_head(group, case, model_plan(exercise.probe, case), "")
        for name, tensor in sorted(model_tensors(exercise.probe, case, inputs).items()):
            _write(group, f"inputs/{name}", tensor, tensor.dtype)
        return
    expected = expect(exercise, case, inputs, _derived(seed, "cotangents"))
    call_seed = int.from_bytes(_derived(seed, "call")[:4], "big") >> 1
    plan = make_plan(exercise, case, inputs, expected.cotangents, call_seed)
    _write_head(group, case, plan.header, expected.raises or "")
    for name, tensor in sorted(plan.tensors.items()):
        _write(group, f"inputs/{name}", tensor, tensor.dtype)
    for name, target in sorted(expected.targets.items()):
        dataset = _write(group, f"expected/{name}", target.value, target.dtype)
        dataset.attrs["atol"] = target.atol
        dataset.attrs["bias"] = target.bias


def _write_head(group: h5py.Group, case: Case, plan: Mapping[str, Any], raises: str) -> None:
    group.attrs["name"] = case.name
    group.attrs["family"] = str(case.family)
    group.attrs["plan"] = json.dumps(plan, sort_keys=True, allow_nan=False)
    group.attrs["raises"] = raises


def _write(group: h5py.Group, name: str, tensor: torch.Tensor, dtype: torch.dtype) -> h5py.Dataset:
    # HDF5 has no bfloat16; float32 holds all its values, and the attribute says how to narrow it again.
    wide = tensor.to(torch.float32) if tensor.dtype == torch.bfloat16 else tensor
    dataset = group.create_dataset(name, data=wide.detach().cpu().contiguous().numpy(), track_times=False)
    dataset.attrs["dtype"] = str(dtype).removeprefix("torch.")
    return dataset


def _derived(seed: bytes, purpose: str) -> bytes:
    return hashlib.sha256(f"vislab public {purpose}\0".encode() + seed).digest()


@contextmanager
def _one_thread() -> Iterator[None]:
    # sums split over threads round differently, and the number of threads is the machine's.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _contents(file: h5py.File) -> dict[str, object]:
    found: dict[str, object] = {f"@{key}": value for key, value in file.attrs.items()}

    def visit(name: str, node: h5py.Group | h5py.Dataset) -> None:
        found.update({f"{name}@{key}": value for key, value in node.attrs.items()})
        if isinstance(node, h5py.Dataset):
            found[name] = np.asarray(node[()])

    file.visititems(visit)
    return found


def _same(name: str, old: object, new: object, slack: float) -> bool:
    if name.endswith(("@atol", "@bias")):
        a, b = float(str(old)), float(str(new))
        return a == b or (0 < a <= b * slack and 0 < b <= a * slack)
    if not isinstance(old, np.ndarray) or not isinstance(new, np.ndarray):
        return bool(old == new)
    if old.dtype != new.dtype or old.shape != new.shape:
        return False
    if not np.issubdtype(old.dtype, np.floating):
        return np.array_equal(old, new)
    scale = float(np.abs(old[np.isfinite(old)]).max(initial=0.0))
    return np.allclose(old, new, rtol=0.0, atol=64 * float(np.finfo(old.dtype).eps) * scale, equal_nan=True)
