"""Judge one call by its plan: outputs, gradients and guard rows against the targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from vislab.check.compare import Finding, Target, compare
from vislab.check.diagnose import diagnose, diagnose_shape
from vislab.check.failures import builtin_exception
from vislab.check.step_faults import step_faults
from vislab.check.verdict import PRECEDENCE, Verdict


def examine(
    plan: Mapping[str, Any],
    outputs: Sequence[Mapping[str, Any]],
    gradients: Sequence[Mapping[str, Any]],
    tensors: Mapping[str, torch.Tensor],
    targets: Mapping[str, Target],
    inputs: Mapping[str, torch.Tensor],
) -> Finding | None:
    """Return the gravest fault of an answer, or None.

    Where a gradient is asked and the answer itself is wrong, the fault is the answer's and the text says that no gradient was judged:
    the gradient of a wrong function is wrong for no reason of its own.

    Args:
        plan: the call's header.
        outputs: OUTPUT descriptions as answered; the tensors themselves decide, descriptions only explain what is missing.
        gradients: GRADIENT descriptions as answered.
        tensors: the answered tensors by wire name.
        targets: what was expected, by wire name.
        inputs: the tensors that were sent; their sizes help to name a wrong term.
    """
    wanted = [name for name in targets if name.startswith("out.")]
    if len(outputs) != len(wanted):
        return Finding(Verdict.WRONG_TYPE, f"{len(outputs)} values were returned, expected {len(wanted)}")
    # what a step changed says more than the loss it returned: of equal verdicts the first is told.
    findings = list(step_faults(plan["step"], tensors, targets, inputs)) if plan["probe"] == "step" else []
    of_outputs: list[Finding] = []
    for name, target in targets.items():
        if name.startswith("out."):
            finding = _output(plan, name, outputs[int(name[4:])], tensors, target)
            if finding is not None and len(wanted) > 1:
                finding = replace(finding, text=f"output {int(name[4:]) + 1} of {len(wanted)}: {finding.text}")
        elif name.startswith("grad"):
            finding = _gradient(name, tensors, target)
        else:
            continue
        if finding is not None:
            findings.append(_explained(plan, name, finding, tensors.get(name), target, inputs))
            of_outputs += findings[-1:] if name.startswith("out.") else []
    gravest = min(findings, key=lambda finding: PRECEDENCE.index(finding.verdict), default=None)
    if gravest is None or plan["cotangents"] is None or gravest.verdict is Verdict.WRONG_GRADIENT or gravest not in of_outputs:
        return gravest
    # a case about a gradient that reads like one about the value would send its reader to the wrong line.
    return replace(gravest, text=f"the answer itself is wrong, so its gradient was not judged: {gravest.text}")


def examine_failure(stage: str, error: str) -> Finding:
    """Say what an exception of the student's code means.

    Args:
        stage: where it was raised.
        error: its class name; names outside Python's own are not repeated.
    """
    if error == "NotImplementedError":
        return Finding(Verdict.NOT_ATTEMPTED, "not written yet")
    if error == "MemoryError":
        return Finding(Verdict.MEMORY_LIMIT, "the call ran out of memory")
    if error == "Tripped":
        return Finding(Verdict.RULE, "a ready solution of this exercise was called")
    if error == "StateDictMismatch":
        return Finding(Verdict.WRONG_TYPE, "the module's parameters have other names or shapes than the exercise states")
    if error == "WrongKind":
        return Finding(Verdict.WRONG_TYPE, "what was handed in is not the kind of thing that the exercise asks for")
    places = {"construct": "while the module was built", "backward": "during the backward pass", "launch": "while the kernel was launched"}
    where = places.get(stage, "in the call")
    return Finding(Verdict.RUNTIME_ERROR, f"{error if builtin_exception(error) else 'an exception'} was raised {where}")


def without_guards(buffer: torch.Tensor, guard_rows: int) -> tuple[torch.Tensor, bool]:
    """Return a kernel's output without its guard rows, and whether the guard rows are untouched."""
    if guard_rows == 0 or buffer.ndim == 0 or buffer.shape[0] < 2 * guard_rows:
        return buffer, True
    inner = buffer[guard_rows : buffer.shape[0] - guard_rows]
    guards = torch.cat([buffer[:guard_rows].reshape(-1), buffer[buffer.shape[0] - guard_rows :].reshape(-1)])
    return inner, bool(torch.isnan(guards).all())


def _output(
    plan: Mapping[str, Any], name: str, described: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], target: Target
) -> Finding | None:
    got = tensors.get(name)
    if got is None:
        if described.get("kind") == "tensor":
            if str(described.get("layout")) != "torch.strided":
                return Finding(Verdict.WRONG_TYPE, "the answer must be a dense tensor")
            if described.get("device") == "meta":
                return Finding(Verdict.WRONG_TYPE, "the answer is a meta tensor without values")
            if str(described.get("dtype")) != str(target.dtype):
                wanted = str(target.dtype).removeprefix("torch.")
                return Finding(Verdict.WRONG_DTYPE, f"answer has {_dtype_said(described)}, expected {wanted}")
            return Finding(Verdict.OUTPUT_LIMIT, "the answer is too large to be sent")
        # the one class whose name says what to do; the others' names are the other side's words.
        nothing = "nothing was returned; " if described.get("class") == "NoneType" else ""
        return Finding(Verdict.WRONG_TYPE, f"{nothing}the answer must be a torch.Tensor")
    if plan["probe"] == "kernel":
        guard_rows = plan["launch"]["outputs"][int(name[4:])]["guard_rows"]
        if got.shape[:1] != (target.value.shape[0] + 2 * guard_rows,):
            return Finding(Verdict.WRONG_SHAPE, "the kernel's output buffer came back with another shape")
        got, intact = without_guards(got, guard_rows)
        if not intact:
            return Finding(Verdict.WRONG_VALUE, "the kernel wrote outside its output")
        unwritten = int(torch.isnan(got).sum()) if target.value.is_floating_point() and bool(torch.isfinite(target.value).all()) else 0
        if unwritten:
            return Finding(Verdict.NOT_FINITE, f"{unwritten} of {got.numel()} output elements are NaN: never written, or computed as NaN")
    return compare(got, target)


def _dtype_said(described: Mapping[str, Any]) -> str:
    # the words are the other side's: they are repeated only where they name a dtype.
    name = str(described.get("dtype")).removeprefix("torch.")
    return f"dtype {name}" if isinstance(getattr(torch, name, None), torch.dtype) else "another dtype"


def _gradient(name: str, tensors: Mapping[str, torch.Tensor], target: Target) -> Finding | None:
    got = tensors.get(name)
    if got is None:
        if not bool(target.value.any()):
            return None
        return Finding(Verdict.WRONG_GRADIENT, "no gradient flows back; something in the computation cuts the graph")
    return compare(got, target, gradient=True)


def _explained(
    plan: Mapping[str, Any],
    name: str,
    finding: Finding,
    got: torch.Tensor | None,
    target: Target,
    inputs: Mapping[str, torch.Tensor],
) -> Finding:
    misshapen = finding.verdict is Verdict.WRONG_SHAPE and plan["probe"] != "kernel"
    if got is None or not (finding.diagnosable or misshapen):
        return finding
    if plan["probe"] == "kernel":
        got, _ = without_guards(got, plan["launch"]["outputs"][int(name[4:])]["guard_rows"])
    source = inputs.get("in.0")
    if misshapen:
        term = diagnose_shape(target.value, got, target.atol)
    else:
        term = diagnose(target.value, got, target.atol, () if source is None else tuple(source.shape), source)
    if term is None:
        return finding
    what = "answer" if name.startswith("out.") else "gradient"
    # the wrong term has its name: nothing is left to be looked for.
    return Finding(finding.verdict, f"{finding.text}; your {what} {term}")
