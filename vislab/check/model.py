"""Weights that a student hands in: run a fixed architecture on images and measure it, at home and on the judge's side of the wall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vislab.check.compare import Finding
from vislab.check.failures import failure_class
from vislab.check.metrics import measured
from vislab.check.public_cases import PublicCase
from vislab.check.report import Row
from vislab.check.verdict import Verdict
from vislab.check.weights import MEBIBYTE, WeightsRefused, load_weights, too_large
from vislab.wire.frames import Message

MODEL_KIND = "model"
IMAGES = "in.0"
BATCH = 32


class ModelRun:
    """One file of weights, loaded once and asked for its answers to one set of images after another.

    Args:
        content: of the file.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._model: nn.Module | None = None

    def answer(self, header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Message:
        """Return a frame: ``answer`` with ``out.0``, ``refused`` with verdict and text, or ``failure`` with an exception's class."""
        identity = header["id"]
        try:
            if self._model is None:
                self._model = load_weights(self._content, header["architecture"], header["init"], header["size_mib"])
            return Message({"type": "answer", "id": identity}, {"out.0": predicted(self._model, tensors[IMAGES])})
        except WeightsRefused as refused:
            return Message({"type": "refused", "id": identity, "verdict": str(refused.finding.verdict), "text": refused.finding.text})
        except Exception as error:
            return Message({"type": "failure", "id": identity, "error": failure_class(error)})


def predicted(model: nn.Module, images: Tensor) -> Tensor:
    """Return the model's answer to images ``[B, …]``, a batch at a time.

    Denormal numbers are flushed to zero: weights made of them would take a hundred times as long.
    """
    torch.set_flush_denormal(True)
    try:
        with torch.inference_mode():
            parts = [model(part) for part in images.split(BATCH)] or [model(images)]
        return torch.cat(parts).clone()
    finally:
        torch.set_flush_denormal(False)


def measure(output: Tensor | None, targets: Sequence[Tensor], plan: Mapping[str, Any]) -> tuple[float, Finding | None]:
    """Hold an answer against its bar.

    Args:
        output: what the model gave; None where nothing usable came.
        targets: of these images.
        plan: names ``metric``, ``options`` and ``bar``.

    Returns:
        The metric, and what is wrong; None where the bar is reached.
    """
    if output is None or not output.is_floating_point():
        return 0.0, Finding(Verdict.WRONG_TYPE, "the model's answer is no floating tensor")
    if not bool(torch.isfinite(output).all()):
        return 0.0, Finding(Verdict.NOT_FINITE, "the model's answer holds NaN or infinite values")
    value = measured(plan["metric"], plan["options"], output, targets)
    # written so that NaN fails.
    if value >= plan["bar"]:
        return value, None
    return value, Finding(Verdict.WRONG_VALUE, f"{plan['metric']} is {value:.3f}; {plan['bar']:g} is needed")


def targets_of(tensors: Mapping[str, Tensor]) -> list[Tensor]:
    """Return the targets among a case's tensors: ``in.1``, ``in.2`` …"""
    return [tensors[name] for name in sorted((name for name in tensors if name != IMAGES), key=lambda name: int(name[3:]))]


def check_model_at_home(cases: list[PublicCase], file: Any) -> list[Row]:
    """Measure a file of weights on the recorded images.

    Args:
        cases: recorded ones.
        file: path of the file, as the check cell hands it in.
    """
    plan = cases[0].plan
    try:
        content = _content(file, plan)
    except WeightsRefused as refused:
        return [Row(case.name, case.family, refused.finding.verdict, refused.finding.text) for case in cases]
    run = ModelRun(content)
    rows = []
    for case in cases:
        message = run.answer({**case.plan, "id": 0}, {IMAGES: case.tensors[IMAGES]})
        if message.type == "refused":
            rows.append(Row(case.name, case.family, Verdict(message.header["verdict"]), str(message.header["text"])))
            continue
        if message.type == "failure":
            rows.append(Row(case.name, case.family, Verdict.RUNTIME_ERROR, f"{message.header['error']} was raised while the model ran"))
            continue
        _, finding = measure(message.tensors["out.0"], targets_of(case.tensors), case.plan)
        rows.append(Row(case.name, case.family, finding.verdict if finding else Verdict.OK, finding.text if finding else ""))
    return rows


def _content(file: Any, plan: Mapping[str, Any]) -> bytes:
    if not isinstance(file, (str, Path)):
        raise WeightsRefused(Finding(Verdict.WRONG_TYPE, f"hand in the path of the file of weights, not {type(file).__name__}"))
    path = Path(file)
    if path.is_symlink():
        text = f"{path.name} is a symbolic link, which is left out when submissions are taken in; hand in the file itself"
        raise WeightsRefused(Finding(Verdict.WRONG_TYPE, text))
    if not path.exists():
        raise WeightsRefused(Finding(Verdict.NOT_ATTEMPTED, f"{path.name} is not here yet"))
    if path.name != plan["file"] or not path.is_file():
        raise WeightsRefused(Finding(Verdict.WRONG_TYPE, f"the weights are handed in as a file of the name {plan['file']}; save them so"))
    if finding := too_large(path.stat().st_size, plan["size_mib"]):
        raise WeightsRefused(finding)
    with open(path, "rb") as stream:
        return stream.read(plan["size_mib"] * MEBIBYTE + 1)
