from __future__ import annotations

from typing import Final

ε: Final[float] = 0.0


def centre(logits: torch.Tensor, /) -> torch.Tensor:
    """Erwartungswert — 期待値."""
    μ = logits.amax(dim=1, keepdim=True).detach()
    if (σ := torch.exp(logits - μ)).ndim == 2:
        match σ.shape:
            case (_, breite):
                return (σ * torch.arange(breite, dtype=σ.dtype)).sum(dim=1) / (σ.sum(dim=1) + ε)
    raise AssertionError
