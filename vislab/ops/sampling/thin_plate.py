"""The thin-plate spline through control points: its radial function and the system that its coefficients solve."""

from __future__ import annotations

import torch
from torch import Tensor

# largest entry of L · L⁻¹ − 1 that still counts as solved; 4 × 4 points on a lattice leave 1e-14.
_RESIDUAL_MAX = 1e-6


def radial(squared: Tensor) -> Tensor:
    """Return ``U = r² log r²`` of squared distances; 0 at 0, its limit."""
    return torch.special.xlogy(squared, squared)


def spline_matrix(controls: Tensor, regularisation: float) -> Tensor:
    """Solve for the spline once and for all targets.

    The coefficients solve ``[[K + λ, P], [Pᵀ, 0]] [w; a] = [targets; 0]`` with ``K_ij = U(|c_i − c_j|)`` and ``P = [1, x, y]``.

    Args:
        controls: float64, ``[K, 2]``, x then y.
        regularisation: λ, at least 0; 0 goes through the targets exactly.

    Returns:
        float64 ``[K + 3, K]``: times targets ``[K, 2]`` it gives K bending weights and then the affine part ``[1, x, y]``.

    Raises:
        ValueError: points that leave the system singular, as far as that can be seen without waiting: on a CPU, outside a compiled graph.
    """
    count = controls.shape[0]
    squared = (controls[:, None] - controls[None]).square().sum(-1)
    affine = torch.cat([torch.ones_like(controls[:, :1]), controls], dim=1)
    top = torch.cat([radial(squared) + regularisation * torch.eye(count, dtype=controls.dtype, device=controls.device), affine], dim=1)
    bottom = torch.cat([affine.t(), controls.new_zeros(3, 3)], dim=1)
    system = torch.cat([top, bottom])
    inverse = torch.linalg.inv_ex(system)[0]
    if controls.device.type == "cpu" and not torch.compiler.is_compiling() and not _is_solved(system, inverse):
        raise ValueError(
            f"controls of shape {tuple(controls.shape)} do not determine a spline: some coincide, or all lie on one line;"
            " spread them out, or pass regularisation > 0 for points that coincide"
        )
    return inverse[:, :count]


def _is_solved(system: Tensor, inverse: Tensor) -> bool:
    residual = system @ inverse - torch.eye(system.shape[0], dtype=system.dtype, device=system.device)
    try:
        # written so that NaN fails.
        return bool(residual.abs().max().item() <= _RESIDUAL_MAX)
    except RuntimeError:
        # a tensor under a tracer has no value to look at.
        return True
