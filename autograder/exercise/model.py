"""Exercises in which students hand in trained weights: the probe, and what its cases must be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from autograder.exercise.case import Case, Inputs
from vislab.check.metrics import METRICS, check_metric
from vislab.check.model import MODEL_KIND
from vislab.check.verdict import Family
from vislab.models.catalogue import build

FAMILIES = (Family.VALUE, Family.BEHAVIOUR)
SIZE_MIB_MAX = 128
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.safetensors")


@dataclass(frozen=True)
class ModelProbe:
    """Load the student's weights into a fixed architecture, run it on images on the judge's side, and measure what it answers.

    Args:
        file: name under which the weights are handed in, ``NAME.safetensors``; a submission may bring it without further ado.
        architecture: a name of ``vislab.models.catalogue``.
        init: its constructor's arguments.
        metric: a name of ``vislab.check.metrics``; higher is better.
        options: of the metric.
        simple, strong: bars that the metric must reach in cases of family ``value`` and of family ``behaviour``. What an untrained or a
            constant model reaches must lie below the first.
        size_mib: largest file, 1 to 128 MiB.

    A case draws ``(images, *targets)``; the images are sent in the case's dtype, the targets stay with the judge.
    """

    file: str
    architecture: str
    metric: str
    simple: float
    strong: float
    init: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    size_mib: int = 32
    kind: str = MODEL_KIND

    def __post_init__(self) -> None:
        if not _FILE_NAME.fullmatch(self.file):
            raise ValueError(f"file {self.file!r} must read NAME.safetensors, of letters, digits, hyphens and underscores")
        if not (math.isfinite(self.simple) and math.isfinite(self.strong) and self.simple <= self.strong):
            raise ValueError(f"bars simple {self.simple!r} and strong {self.strong!r} must be numbers, and strong not below simple")
        if not 1 <= self.size_mib <= SIZE_MIB_MAX:
            raise ValueError(f"size_mib {self.size_mib!r} must lie in 1 to {SIZE_MIB_MAX}")
        check_metric(self.metric, self.options)
        with torch.device("meta"):
            build(self.architecture, self.init)


def model_faults(probe: object, cases: Sequence[Case], families: Sequence[Family]) -> str | None:
    """Return what is wrong with an exercise that takes weights, or None."""
    if not isinstance(probe, ModelProbe):
        return None
    if foreign := [family for family in families if family not in FAMILIES]:
        return f"family {foreign[0]} has points; a model exercise knows value (the simple bar) and behaviour (the strong one)"
    for family in families:
        if all(case.public for case in cases if case.family is family):
            return f"every case of family {family} is public, and a model can learn those by heart; one must be hidden"
    if odd := [case for case in cases if case.raises is not None or case.wants_gradient or case.layout != "contiguous"]:
        return f"case {odd[0].name!r}: images for a model are contiguous, and nothing is differentiated or raised"
    return None


def model_plan(probe: ModelProbe, case: Case) -> dict[str, Any]:
    """Return the plan of one case, as recorded for public ones; for the model's own process ``metric`` and what follows are left out."""
    bar = probe.simple if case.family is Family.VALUE else probe.strong
    asked = {"probe": probe.kind, "architecture": probe.architecture, "init": dict(probe.init), "size_mib": probe.size_mib}
    return {**asked, "file": probe.file, "metric": probe.metric, "options": dict(probe.options), "bar": bar}


def model_tensors(probe: ModelProbe, case: Case, inputs: Inputs) -> dict[str, torch.Tensor]:
    """Return a case's images (``in.0``) and targets (``in.1`` …), floating ones in the case's dtype.

    Raises:
        ValueError: not the metric's number of targets, or something that is no tensor.
    """
    wanted = 1 + METRICS[probe.metric][2]
    if len(inputs.args) != wanted or not all(isinstance(value, torch.Tensor) for value in inputs.args):
        raise ValueError(f"case {case.name!r} draws {len(inputs.args)} values; {probe.metric} needs {wanted} tensors: images, then targets")
    tensors = {f"in.{i}": value for i, value in enumerate(inputs.args) if isinstance(value, torch.Tensor)}
    return {name: value.to(case.torch_dtype) if value.is_floating_point() else value for name, value in tensors.items()}
