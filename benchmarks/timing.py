"""Interleaved timing: contenders take turns in every round, so that a drift of the machine meets all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from math import ceil
from statistics import median

import torch

_SAMPLE_S = 0.01
_WARM_UP_CALLS = 3


def interleaved_times(contenders: Mapping[str, Callable[[], object]], rounds: int, device: torch.device) -> dict[str, list[float]]:
    """Time contenders in turn.

    Args:
        contenders: name to a call without arguments.
        rounds: how many times each is sampled; every second round runs in reverse order.
        device: CUDA work is waited for before and after a sample.

    Returns:
        Name to seconds a call, one number a round. A sample holds as many calls as fill 10 ms.
    """
    calls = {}
    for name, call in contenders.items():
        for _ in range(_WARM_UP_CALLS):
            call()
        calls[name] = max(1, ceil(_SAMPLE_S / _sample(call, 1, device)))
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds):
        order = list(contenders) if turn % 2 == 0 else list(reversed(list(contenders)))
        for name in order:
            times[name].append(_sample(contenders[name], calls[name], device))
    return times


def median_ratio(numerator: list[float], denominator: list[float]) -> float:
    """Return the median over rounds of one contender's time over another's, taken in the same round."""
    return median(above / below for above, below in zip(numerator, denominator, strict=True))


def copy_bandwidth(device: torch.device, size_bytes: int = 1 << 30, rounds: int = 20) -> float:
    """Measure a device-to-device copy, bytes per second, reads and writes both counted."""
    source = torch.empty(size_bytes, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    times = interleaved_times({"copy": lambda: target.copy_(source)}, rounds, device)
    return 2 * size_bytes / median(times["copy"])


def _sample(call: Callable[[], object], calls: int, device: torch.device) -> float:
    _wait(device)
    start = time.perf_counter()
    for _ in range(calls):
        call()
    _wait(device)
    return (time.perf_counter() - start) / calls


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
