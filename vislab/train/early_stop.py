"""The best validation so far, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class NonFiniteNumber(FloatingPointError):
    """A loss or a validation that is NaN or infinite.

    Attributes:
        step: the step it came up at, counted from 1.
        value: the number.
        history: what was recorded before it.
    """

    def __init__(self, text: str, step: int, value: float, history: Any) -> None:
        super().__init__(text)
        self.step, self.value, self.history = step, value, history


class EarlyStop:
    """Keeps the best validation, with a copy of its weights where there is a patience.

    Args:
        patience: validations without a better one after which to stop, at least 1; None never stops and keeps no weights.
        higher_is_better: of an accuracy, say.
    """

    def __init__(self, patience: int | None, higher_is_better: bool) -> None:
        if patience is not None and patience < 1:
            raise ValueError(f"patience {patience} must be at least 1, validations; leave it out never to stop early")
        self._patience, self._sign = patience, 1.0 if higher_is_better else -1.0
        self.step: int | None = None
        self.value: float | None = None
        self.waited = 0
        self._weights: dict[str, Tensor] | None = None

    def see(self, step: int, value: float, model: nn.Module) -> bool:
        """Take in a validation and return whether to stop; an equal number is no better one."""
        if self.value is None or self._sign * value > self._sign * self.value:
            self.step, self.value, self.waited = step, value, 0
            if self._patience is not None:
                self._weights = {name: one.detach().clone() for name, one in model.state_dict().items() if isinstance(one, Tensor)}
        else:
            self.waited += 1
        return self._patience is not None and self.waited >= self._patience

    def restore(self, model: nn.Module) -> None:
        """Give the model its best weights, where they were kept."""
        if self._weights is not None:
            model.load_state_dict(self._weights, strict=False)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"step": self.step, "value": self.value, "waited": self.waited, "weights": self._weights}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` returned."""
        self.step, self.value, self.waited = state["step"], state["value"], state["waited"]
        self._weights = state["weights"] if self._patience is not None else None


def finite(name: str, value: float, step: int, history: Any, remedy: Callable[[], str]) -> float:
    """Pass a number on, or stop the run by name where it is NaN or infinite."""
    if math.isfinite(value):
        return value
    before = f"; at step {history.steps} the loss was {history.losses[-1]:.4g}" if history.losses else ""
    raise NonFiniteNumber(f"{name} {value} at step {step} must be a finite number{before}; {remedy()}", step, value, history)
