"""Which formulation of an op a tensor takes."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from torch import Tensor

# Triton has no macOS or Windows wheel, so an op asks before it imports its kernels.
TRITON_INSTALLED = find_spec("triton") is not None


def auto_path(tensor: Tensor, fused_pays: bool = True) -> str:
    """Name the path that ``path="auto"`` takes.

    Args:
        tensor: the op's main input.
        fused_pays: False where the op's kernels were measured to be slower on a GPU than its plain formulation.

    Returns:
        ``"fused"`` (Triton kernels) for a CUDA tensor where Triton is installed and they pay, ``"plain"`` (PyTorch's own ops) anywhere
        else. A fused kernel runs on a CPU only when asked for by name, under Triton's interpreter.
    """
    return "fused" if tensor.is_cuda and TRITON_INSTALLED and fused_pays else "plain"


def resolve_path(path: str, tensor: Tensor, known: Iterable[str], fused_pays: bool = True) -> str:
    """Turn a requested path into the one that will be taken.

    Args:
        path: ``"auto"`` or one of ``known``.
        tensor: the op's main input.
        known: names of the op's formulations.
        fused_pays: as ``auto_path`` takes it.

    Raises:
        ValueError: a name outside ``known``.
        RuntimeError: ``"fused"`` where Triton is not installed.
    """
    if path == "auto":
        return auto_path(tensor, fused_pays)
    if path not in known:
        raise ValueError(f"path {path!r} must be one of {['auto', *known]}; leave it out to let the device decide")
    if path == "fused" and not TRITON_INSTALLED:
        raise RuntimeError("path 'fused' needs Triton, which is not installed here; install triton (Linux), or leave path out")
    return path
