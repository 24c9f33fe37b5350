"""What fused ops share in launching their kernels."""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor
from triton import JITFunction


def refuse_compiled_kernel_on_cpu(name: str, tensor: Tensor, kernel: object) -> None:
    """Refuse a CPU tensor unless the kernel runs under Triton's interpreter.

    Raises:
        RuntimeError: the tensor is on a CPU and ``kernel`` is a compiled one.
    """
    # asked of the kernel, not of the environment: Triton decides when it is imported.
    if tensor.device.type == "cpu" and isinstance(kernel, JITFunction):
        raise RuntimeError(
            f"{name} is on the CPU, where the fused kernels run only under Triton's interpreter;"
            " set TRITON_INTERPRET=1 before Python starts, or leave path out"
        )


def launch(kernel: Any, programs: int, near: Tensor, *arguments: object, **constants: object) -> None:
    """Run ``programs`` programs of a kernel on the device of ``near``; none at all for an empty batch, which a GPU would refuse."""
    if programs:
        with torch.cuda.device_of(near):
            # all on axis 0: the other axes of a grid end at 65535.
            kernel[(programs,)](*arguments, **constants)


def block_of(rows: int, columns: int, elements: int, columns_max: int) -> tuple[int, int]:
    """Return the rows and columns of a tile: powers of two, no larger than needed, at most ``elements`` in all."""
    block_columns = min(triton.next_power_of_2(max(columns, 1)), columns_max)
    return min(triton.next_power_of_2(max(rows, 1)), elements // block_columns), block_columns


def blocks_in(rows: int, columns: int, block: tuple[int, int]) -> int:
    """Return how many tiles of that shape cover rows × columns."""
    return triton.cdiv(rows, block[0]) * triton.cdiv(columns, block[1])


def warps_for(elements: int, elements_per_warp: int = 1024, most: int = 8) -> int:
    """Return how many warps hold a tile of ``elements``, from 1 to ``most``; 1024 a warp are 32 a thread."""
    return min(max(elements // elements_per_warp, 1), most)


def high_and_low(number: float) -> tuple[float, float]:
    """Split a float64 number in two float32 ones, since Triton passes a Python float as float32."""
    high = torch.tensor(number, dtype=torch.float32, device="cpu").item()
    return high, number - high
