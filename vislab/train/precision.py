"""Mixed precision: which numbers the forward pass is computed in, and the step that goes with them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def resolve_precision(precision: str, device: torch.device) -> str:
    """Name the precision that ``fit(precision=...)`` computes in on a device.

    Args:
        precision: ``"auto"``, ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        device: the model's.

    Returns:
        For ``"auto"``: bfloat16 on CUDA devices that compute in it (compute capability 8 and up), float16 on older ones, float32
        elsewhere: on a CPU bfloat16 rarely helps, so it is used only when asked.

    Raises:
        ValueError: an unknown precision, or one that the device has no use for.

    Example:
        >>> resolve_precision("auto", torch.device("cpu"))
        'float32'
    """
    if precision == "auto":
        if device.type != "cuda":
            return "float32"
        return "bfloat16" if torch.cuda.get_device_capability(device)[0] >= 8 else "float16"
    if precision not in _DTYPES:
        raise ValueError(f"precision {precision!r} must be one of 'auto', {', '.join(map(repr, _DTYPES))}")
    allowed = {"cuda": tuple(_DTYPES), "cpu": ("float32", "bfloat16")}.get(device.type, ("float32",))
    if precision not in allowed:
        raise ValueError(f"precision {precision!r} on {device.type} must be one of {', '.join(map(repr, allowed))}; 'auto' chooses")
    return precision


class Precision:
    """One step in the chosen precision; weights and their updates stay in the model's own dtype."""

    def __init__(self, name: str, device: torch.device) -> None:
        self.name, self._device = name, device
        # float16 gradients underflow: the loss is scaled up before, the gradients down after.
        self._scaler = torch.amp.GradScaler(device.type) if name == "float16" else None

    def forward(self) -> AbstractContextManager[Any]:
        """The context that the loss is computed in."""
        return nullcontext() if self.name == "float32" else torch.autocast(self._device.type, dtype=_DTYPES[self.name])

    def step(self, loss: Tensor, optimizer: torch.optim.Optimizer, weights: Iterable[nn.Parameter], clip_norm: float | None) -> None:
        """Differentiate, clip and update."""
        if self._scaler is None:
            loss.backward()
            if clip_norm is not None:
                nn.utils.clip_grad_norm_(weights, clip_norm)
            optimizer.step()
            return
        self._scaler.scale(loss).backward()
        if clip_norm is not None:
            # a norm of scaled gradients would be clipped at another bound.
            self._scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(weights, clip_norm)
        self._scaler.step(optimizer)
        self._scaler.update()

    def state(self) -> dict[str, Any] | None:
        """Return the scale and its counter, None where there is no scale."""
        return self._scaler.state_dict() if self._scaler is not None else None

    def load(self, state: dict[str, Any] | None) -> None:
        """Go on with a scale that ``state`` returned."""
        if self._scaler is not None and state is not None:
            self._scaler.load_state_dict(state)
