"""The reference of RoIAlign against onnx's evaluator, closed forms and finite differences."""

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from region_cases import boxes, maps

from vislab.ops.roi_align.naive import roi_align_naive

ALIGNED = pytest.mark.parametrize("aligned", [True, False])


def by_onnx(features, regions, output_size, scale, ratio, aligned):
    node = onnx.helper.make_node(
        "RoiAlign",
        ["features", "boxes", "index"],
        ["pooled"],
        mode="avg",
        output_height=output_size[0],
        output_width=output_size[1],
        sampling_ratio=ratio,
        spatial_scale=scale,
        coordinate_transformation_mode="half_pixel" if aligned else "output_half_pixel",
    )
    types = [("features", onnx.TensorProto.DOUBLE), ("boxes", onnx.TensorProto.DOUBLE), ("index", onnx.TensorProto.INT64)]
    inputs = [onnx.helper.make_tensor_value_info(name, kind, None) for name, kind in types]
    outputs = [onnx.helper.make_tensor_value_info("pooled", onnx.TensorProto.DOUBLE, None)]
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "one", inputs, outputs), opset_imports=[onnx.helper.make_opsetid("", 16)])
    arrays = {"features": features.numpy(), "boxes": regions[:, 1:].numpy(), "index": regions[:, 0].numpy().astype(np.int64)}
    return torch.as_tensor(ReferenceEvaluator(model).run(None, arrays)[0])


def naive(features, regions, *arguments, **options):
    return roi_align_naive(features, regions[:, 1:], regions[:, 0].long(), *arguments, **options)


@ALIGNED
@pytest.mark.parametrize("ratio", [0, 1, 2, 3])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (7, 11)], ids=str)
def test_equals_onnx(size, ratio, aligned):
    features, regions = maps(2, 2, *size, dtype=torch.float64), boxes(5, 2, *size, dtype=torch.float64)
    came = naive(features, regions, (3, 2), 0.25, ratio, aligned)
    torch.testing.assert_close(came, by_onnx(features, regions, (3, 2), 0.25, ratio, aligned), rtol=1e-12, atol=1e-12)


def test_onnx_tells_the_half_pixel():
    features, regions = maps(2, 2, 7, 11, dtype=torch.float64), boxes(5, 2, 7, 11, dtype=torch.float64)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(
            naive(features, regions, (3, 2), 0.25, 2, False), by_onnx(features, regions, (3, 2), 0.25, 2, True), rtol=1e-2, atol=1e-2
        )


@ALIGNED
@pytest.mark.parametrize("ratio", [0, 1, 2, 3])
def test_first_and_second_derivatives_are_right(ratio, aligned):
    features = maps(1, 1, 3, 4, dtype=torch.float64).requires_grad_()
    # the last one is under a pixel wide: with aligned=False its far side has no say.
    corners = torch.tensor([[0.37, 0.81, 3.13, 2.57], [1.11, 0.23, 1.74, 2.9]], dtype=torch.float64, requires_grad=True)

    def function(features, corners):
        return roi_align_naive(features, corners, torch.zeros(2).long(), (2, 1), 1.0, ratio, aligned)

    assert torch.autograd.gradcheck(function, (features, corners))
    assert torch.autograd.gradgradcheck(function, (features, corners))


def test_the_derivative_by_the_box_has_a_kink_at_a_whole_number():
    """exercises.md, A4 3: finite differences and the one-sided derivative disagree where a sample meets a pixel centre."""
    features = maps(1, 1, 3, 5, dtype=torch.float64)

    def function(corners):
        return roi_align_naive(features, corners, torch.zeros(1).long(), (1, 1), 1.0, 1)

    kink = torch.tensor([[1.5, 0.7, 3.5, 2.1]], dtype=torch.float64, requires_grad=True)
    assert not torch.autograd.gradcheck(function, kink, raise_exception=False)
    assert torch.autograd.gradcheck(function, (kink.detach() + 0.05).requires_grad_())
    # it is the derivative to the right.
    (gradient,) = torch.autograd.grad(function(kink), kink)
    step = torch.tensor([[1e-6, 0, 1e-6, 0]], dtype=torch.float64)
    assert (gradient[0, 0] + gradient[0, 2]).item() == pytest.approx((function(kink + step) - function(kink)).item() / 1e-6, rel=1e-6)


def test_no_box_has_an_empty_answer():
    features, corners = maps(2, 3, 4, 5).requires_grad_(), torch.empty(0, 4, requires_grad=True)
    pooled = roi_align_naive(features, corners, torch.empty(0).long(), (2, 3))
    pooled.sum().backward()
    assert pooled.shape == (0, 3, 2, 3) and not features.grad.any() and corners.grad.shape == (0, 4)
