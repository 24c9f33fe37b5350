"""Faults that can be put into any right implementation: what a student's test is held against at home.

A release ships no solution, so it cannot ship a wrong one either that differs from it by one line. It names a fault instead, which is put
into the student's own solution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

Implementation = Callable[..., Any]


def _reversed(output: torch.Tensor, axis: int) -> torch.Tensor:
    return output.flip(axis)


def _shifted(output: torch.Tensor, by: float) -> torch.Tensor:
    return output + by


def _scaled(output: torch.Tensor, by: float) -> torch.Tensor:
    return output * by


def _first_only(output: torch.Tensor) -> torch.Tensor:
    return output[:1].expand(output.shape).clone() if output.shape[:1].numel() else output


def _rounded(output: torch.Tensor) -> torch.Tensor:
    return output.round()


def _constant(output: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(output)


def _widened(output: torch.Tensor) -> torch.Tensor:
    return output.to(torch.float64)


# fault -> (what becomes of every floating output, names and types of its options).
SPOILERS: dict[str, tuple[Callable[..., torch.Tensor], dict[str, type]]] = {
    "reversed": (_reversed, {"axis": int}),
    "shifted": (_shifted, {"by": float}),
    "scaled": (_scaled, {"by": float}),
    "first_only": (_first_only, {}),
    "rounded": (_rounded, {}),
    "constant": (_constant, {}),
    "widened": (_widened, {}),
}


def check_spoiler(name: str, options: Mapping[str, Any]) -> None:
    """Refuse a fault that does not exist or lacks an option.

    Raises:
        ValueError: names the faults, or the options, that there are.
    """
    if name not in SPOILERS:
        raise ValueError(f"fault {name!r} must be one of {', '.join(SPOILERS)}")
    wanted = SPOILERS[name][1]
    if set(options) != set(wanted):
        raise ValueError(f"fault {name!r} takes the options {sorted(wanted) or 'none'}, not {sorted(options)}")
    for option, kind in wanted.items():
        value = options[option]
        if isinstance(value, bool) or not isinstance(value, (int, kind)):
            raise ValueError(f"fault {name!r}: option {option} {value!r} must be of type {kind.__name__}")


def spoilt(implementation: Implementation, name: str, options: Mapping[str, Any]) -> Implementation:
    """Return an implementation with a fault put into it.

    Args:
        implementation: returns a tensor, or a tuple or list of values.
        name: one of ``SPOILERS``: ``reversed`` along ``axis``; ``shifted`` or ``scaled`` ``by`` a number; ``first_only`` gives every
            item of axis 0 the first one's answer; ``rounded`` to whole numbers; ``constant`` zero; ``widened`` to float64.
        options: of the fault.

    Raises:
        ValueError: see ``check_spoiler``.

    Example:
        >>> import torch
        >>> spoilt(lambda x: 2 * x, "shifted", {"by": 1.0})(torch.zeros(2))
        tensor([1., 1.])
    """
    check_spoiler(name, options)
    change = SPOILERS[name][0]

    def changed(value: Any) -> Any:
        return change(value, **options) if isinstance(value, torch.Tensor) and value.is_floating_point() else value

    def wrong(*args: Any, **kwargs: Any) -> Any:
        result = implementation(*args, **kwargs)
        return type(result)(changed(value) for value in result) if type(result) in (tuple, list) else changed(result)

    return wrong
