"""One op, all sizes and both passes, to rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Any

import torch

from benchmarks.ops.gate import red_comparisons
from benchmarks.ops.subject import PASSES, Call, Library, Subject
from benchmarks.timing import interleaved_times, median_ratio
from vislab.ops import path as ops_path


class GateError(AssertionError):
    """A contender that does not compute the op; ``args[0]`` lists the comparisons."""


def measure(
    subject: Subject, device: torch.device, rounds: int, copy_bytes_per_s: float | None, compiled: bool = True
) -> list[dict[str, Any]]:
    """Gate, then time, one op at its sizes for the device.

    Args:
        subject: the op.
        device: where to measure.
        rounds: interleaved samples of each contender.
        copy_bytes_per_s: measured copy bandwidth of the device; None leaves ``bandwidth_fraction`` out.
        compiled: also measure ``torch.compile`` of the eager composition.

    Returns:
        Rows with ``op``, ``size``, ``pass``, ``path``, ``eager`` (the composition's name), ``ours_ms`` and the ratios
        ``speedup_vs_eager``, ``speedup_vs_compile``, ``bandwidth_fraction``; None where a figure cannot be taken here, and then ``note``
        says why. Where another library that has the op is installed, ``speedup_vs_<library>`` besides.

    Raises:
        GateError: a contender's outputs or gradients are wrong at some size.
    """
    rows, red = [], []
    for shape in subject.sizes[device.type]:
        generator = torch.Generator().manual_seed(0)
        tensors = subject.inputs(shape, generator, device)
        options = subject.options(shape)
        ours, eager, naive = (_with(call, options) for call in (subject.ours, subject.eager, subject.naive))
        outputs = ours(*tensors)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        cotangents = tuple(torch.randn(output.shape, generator=generator).to(output) for output in outputs)
        contenders: dict[str, Call] = {"ours": ours, "eager": eager}
        note = None
        if compiled:
            compile_, note = _compile(eager, tensors, cotangents)
            if compile_ is not None:
                contenders["compile"] = compile_
        what = f"{subject.op} {_size(shape)}"
        red += red_comparisons(contenders, naive, tensors, cotangents, what, subject.tolerance(shape))
        for name, library in subject.libraries.items():
            pair = _pair(subject, library, name, options)
            alike = _with(subject.naive, {**options, **library.options})
            red += red_comparisons(pair, alike, tensors, cotangents, what, subject.tolerance(shape), library.gradients)
        if red:
            continue
        for name in PASSES:
            times = interleaved_times({key: _run(call, tensors, cotangents, name) for key, call in contenders.items()}, rounds, device)
            ours_s = median(times["ours"])
            moved = subject.bytes_moved(shape, tensors[0].element_size(), name)
            rows.append(
                {
                    "op": subject.op,
                    "size": _size(shape),
                    "pass": name,
                    "path": subject.path(*tensors),
                    "eager": subject.eager_name,
                    "ours_ms": round(ours_s * 1e3, 4),
                    "speedup_vs_eager": _ratio(times, "eager"),
                    "speedup_vs_compile": _ratio(times, "compile"),
                    **{
                        f"speedup_vs_{library}": _against(subject, library, options, tensors, cotangents, name, rounds, device)
                        for library in subject.libraries
                    },
                    "bandwidth_fraction": None if copy_bytes_per_s is None else round(moved / ours_s / copy_bytes_per_s, 3),
                    **({"note": note} if note else {}),
                }
            )
    if red:
        raise GateError(red)
    return rows


@contextmanager
def forced_path(path: str | None) -> Iterator[None]:
    """Let ``path="auto"`` take this formulation of every op; None leaves it as it is."""
    own = ops_path.auto_path
    if path is not None:
        ops_path.auto_path = lambda *asked: path
    try:
        yield
    finally:
        ops_path.auto_path = own


def _pair(subject: Subject, library: Library, name: str, options: Mapping[str, Any]) -> dict[str, Call]:
    """Return ours as the library computes it, and the library."""
    return {f"ours as {name}": _with(subject.ours, {**options, **library.options}), name: _with(library.call, options)}


def _against(
    subject: Subject, name: str, options: Mapping[str, Any], tensors, cotangents, passes: str, rounds: int, device: torch.device
) -> float:
    """Time ours and one library in turn, both asked for the gradients that the library gives."""
    library = subject.libraries[name]
    pair = _pair(subject, library, name, options)
    runs = {key: _run(call, tensors, cotangents, passes, library.gradients) for key, call in pair.items()}
    times = interleaved_times(runs, rounds, device)
    return round(median_ratio(times[name], times[f"ours as {name}"]), 3)


def _with(call: Call, options: Mapping[str, Any]) -> Call:
    return lambda *tensors: call(*tensors, **options)


def _compile(eager: Call, tensors, cotangents) -> tuple[Call | None, str | None]:
    # earlier sizes would make this one dynamic.
    torch._dynamo.reset()
    compiled = torch.compile(eager, fullgraph=True, dynamic=False)
    try:
        for name in PASSES:
            _run(compiled, tensors, cotangents, name)()
    except Exception as error:  # Inductor fails in as many ways as a machine lacks a compiler; the row says which.
        return None, f"torch.compile failed here: {type(error).__name__}"
    return compiled, None


def _run(call: Call, tensors, cotangents, name: str, wanted: tuple[int, ...] | None = None) -> Callable[[], object]:
    if name == "forward":

        def forward():
            with torch.no_grad():
                return call(*tensors)

        return forward
    wanted = tuple(range(len(tensors))) if wanted is None else wanted
    given = [tensor.detach().requires_grad_(index in wanted) for index, tensor in enumerate(tensors)]
    leaves = [given[index] for index in wanted]

    def forward_backward():
        outputs = call(*given)
        return torch.autograd.grad(outputs, leaves, cotangents)

    return forward_backward


def _ratio(times: dict[str, list[float]], name: str) -> float | None:
    return round(median_ratio(times[name], times["ours"]), 3) if name in times else None


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
