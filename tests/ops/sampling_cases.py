"""Images, thetas and grids that tests of the sampling ops share; positions keep clear of whole pixels, where a gradient jumps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

# share of the largest reference value. float32 holds a position near pixel 200 to 2e-5 pixels, over which noise changes by as much;
# half precision rounds the answer once.
TOLERANCE = {torch.float64: 1e-11, torch.float32: 5e-5, torch.float16: 1e-3, torch.bfloat16: 8e-3}
PADDINGS = ["zeros", "border", "reflection"]
# image, output: one pixel, one line, sizes around a power of two, sizes that leave a rest in both tile directions.
SIZES = [((1, 1), (1, 1)), ((1, 63), (64, 1)), ((63, 65), (9, 129)), ((64, 64), (65, 33)), ((129, 1), (5, 7)), ((5, 7), (129, 2))]


def _twice_differentiable() -> bool:
    image = torch.ones(1, 1, 2, 2, requires_grad=True)
    sampled = torch.nn.functional.grid_sample(image, torch.zeros(1, 1, 1, 2, requires_grad=True), align_corners=False)
    (first,) = torch.autograd.grad(sampled.square().sum(), image, create_graph=True)
    try:
        torch.autograd.grad(first.sum(), image)
    except RuntimeError:
        return False
    return True


# PyTorch 2.13 has it, PyTorch 2.11 has not.
GRID_SAMPLE_IS_TWICE_DIFFERENTIABLE = _twice_differentiable()
needs_second_derivatives = pytest.mark.skipif(
    not GRID_SAMPLE_IS_TWICE_DIFFERENTIABLE, reason="this PyTorch's grid_sample has no second derivative"
)


def noise(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    """Draw an image without any smoothness, so that a neighbour's neighbour shows."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def linear(height: int, width: int) -> Tensor:
    """Return the image ``2 + 3 x − 5 y``, float64 ``[1, 1, H, W]``, x and y in pixels."""
    x, y = torch.arange(width, dtype=torch.float64), torch.arange(height, dtype=torch.float64)
    return (2 + 3 * x - 5 * y[:, None])[None, None]


def thetas(
    batch: int, size: tuple[int, int], out_size: tuple[int, int], align_corners: bool, dtype: torch.dtype = torch.float32, seed: int = 0
) -> Tensor:
    """Draw maps with rotation, shear, mirroring, magnification to nothing and shifts to well outside, ``[B, 2, 3]``.

    In pixels their entries are sixteenths and their shifts odd 64ths, so that a position, which is theirs times whole halves, is an odd
    64th as well.
    """
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randint(-24, 25, (batch, 2, 2), generator=generator, dtype=torch.float64) / 16
    reach = torch.tensor([size[1], size[0]], dtype=torch.float64)
    shift = torch.rand((batch, 2), generator=generator, dtype=torch.float64) - 0.5
    shift = (torch.round(shift * reach * 32) * 2 + 1) / 64
    extent = (reach - int(align_corners)).clamp(min=1)
    out_extent = (torch.tensor([out_size[1], out_size[0]], dtype=torch.float64) - int(align_corners)).clamp(min=1)
    matrix = matrix * out_extent / extent[:, None]
    return torch.cat([matrix, (2 * shift / extent)[..., None]], dim=-1).to(dtype)


def grids(
    batch: int, size: tuple[int, int], out_size: tuple[int, int], align_corners: bool, dtype: torch.dtype = torch.float32, seed: int = 0
) -> Tensor:
    """Draw positions in and around the image, at least a twentieth of a pixel from whole and half ones, ``[B, H_out, W_out, 2]``."""
    generator = torch.Generator().manual_seed(seed)
    reach = torch.tensor([size[1], size[0]], dtype=torch.float64)
    draw = torch.rand((3, batch, *out_size, 2), generator=generator, dtype=torch.float64)
    pixel = torch.floor((draw[0] * 2 - 0.5) * reach) + 0.05 + 0.4 * draw[1] + 0.5 * (draw[2] > 0.5)
    if align_corners:
        return (2 * pixel / (reach - 1).clamp(min=1) - 1).to(dtype)
    return ((2 * pixel + 1) / reach - 1).to(dtype)


def sixty_fourths(like: Tensor) -> Tensor:
    """Draw an upstream gradient that every dtype holds exactly."""
    draw = torch.randn(like.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return (torch.round(draw.clamp(-3, 3) * 64) / 64).to(like)


def answers(function, image: Tensor, second: Tensor, second_name: str, **options) -> dict[str, Tensor]:
    """Return the output and both gradients of a fixed random combination of it."""
    image, second = image.detach().requires_grad_(), second.detach().requires_grad_()
    output = function(image, second, **options)
    upstream = sixty_fourths(output)
    to_image, to_second = torch.autograd.grad(output, (image, second), upstream)
    return {"output": output.detach(), "gradient to image": to_image, f"gradient to {second_name}": to_second}


class Answers(TorchDispatchMode):
    """Keep what an operator returns, in ``answers``, while a ``with`` block runs."""

    def __init__(self, operator: str) -> None:
        super().__init__()
        self.operator, self.answers = operator, []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        answer = func(*args, **(kwargs or {}))
        if func.name() == self.operator:
            self.answers.append(answer)
        return answer


def window(image: Tensor) -> Tensor:
    """Return a view equal to ``image`` with NaN all around it in memory: whatever reads beyond it shows."""
    batch, channels, height, width = image.shape
    room = torch.full((batch + 2, channels + 2, height + 8, width + 8), torch.nan, dtype=image.dtype, device=image.device)
    room[1:-1, 1:-1, 4:-4, 4:-4] = image
    return room[1:-1, 1:-1, 4:-4, 4:-4]


# numbers that no image holds a place for, and numbers that an int32 or a float32 cannot hold once they are in pixels.
WILD = [float("nan"), float("inf"), -float("inf"), 3e38, -3e38, 1e10, -1e10, 3e9, -3e9]


def onnx_grid_sample(image: Tensor, grid: Tensor, padding: str, align_corners: bool) -> Tensor:
    """Sample by onnx's reference evaluator of ``GridSample``; float64 in, float32 precision at best."""
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    node = helper.make_node("GridSample", ["x", "g"], ["y"], mode="linear", padding_mode=padding, align_corners=int(align_corners))
    values = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in ("x", "g", "y")]
    model = helper.make_model(helper.make_graph([node], "sample", values[:2], values[2:]), opset_imports=[helper.make_opsetid("", 20)])
    return torch.from_numpy(ReferenceEvaluator(model).run(None, {"x": image.double().numpy(), "g": grid.double().numpy()})[0])


def onnx_affine_grid(theta: Tensor, size: tuple[int, ...], align_corners: bool) -> Tensor:
    """Make the grid of ``theta`` by onnx's reference evaluator of ``AffineGrid``."""
    import numpy as np
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    node = helper.make_node("AffineGrid", ["t", "s"], ["g"], align_corners=int(align_corners))
    inputs = [helper.make_tensor_value_info("t", TensorProto.DOUBLE, None), helper.make_tensor_value_info("s", TensorProto.INT64, None)]
    output = helper.make_tensor_value_info("g", TensorProto.DOUBLE, None)
    model = helper.make_model(helper.make_graph([node], "grid", inputs, [output]), opset_imports=[helper.make_opsetid("", 20)])
    feed = {"t": theta.double().numpy(), "s": np.array(size, dtype=np.int64)}
    return torch.from_numpy(ReferenceEvaluator(model).run(None, feed)[0])
