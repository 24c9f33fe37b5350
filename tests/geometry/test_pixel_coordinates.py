"""Normalised and pixel coordinates against torch.nn.functional.grid_sample, which defines what −1 and 1 mean."""

import re

import pytest
import torch
import torch.nn.functional as F

from vislab.geometry.pixel_coordinates import norm_to_pixel, pixel_to_norm

SIZE = (5, 8)  # H, W


def sampled_pixels(points, size, align_corners):
    """Read pixel coordinates off two ramp images, x and y, at normalised points."""
    height, width = size
    x = torch.arange(width, dtype=torch.float64).expand(height, width)
    y = torch.arange(height, dtype=torch.float64)[:, None].expand(height, width)
    read = F.grid_sample(torch.stack([x, y])[None], points[None, None], align_corners=align_corners)
    return read[0, :, 0].T


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("size", [SIZE, (8, 5), (64, 48)])
def test_a_point_samples_the_pixel_it_is_converted_to(size, align_corners):
    # inside the outermost pixel centres, where a ramp is read off exactly.
    points = 1.6 * torch.rand(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 0.8
    expected = sampled_pixels(points, size, align_corners)
    torch.testing.assert_close(norm_to_pixel(points, size, align_corners), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda points: norm_to_pixel(points, SIZE, False),
        lambda points: norm_to_pixel(points, SIZE[::-1], True),
        lambda points: norm_to_pixel(points.flip(-1), SIZE, True).flip(-1),
        lambda points: (points + 1) / 2 * torch.tensor(SIZE[::-1]),
    ],
    ids=["other align_corners", "W, H for H, W", "y first", "times W"],
)
def test_the_oracle_catches_a_wrong_convention(wrong):
    points = torch.tensor([[0.3, -0.7]], dtype=torch.float64)
    expected = sampled_pixels(points, SIZE, True)
    assert (wrong(points) - expected).abs().max() > 0.05


def test_corners_and_centre_by_hand():
    points = torch.tensor([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])
    assert norm_to_pixel(points, SIZE, align_corners=True).tolist() == [[0, 0], [3.5, 2], [7, 4]]
    assert norm_to_pixel(points, SIZE, align_corners=False).tolist() == [[-0.5, -0.5], [3.5, 2], [7.5, 4.5]]


@pytest.mark.parametrize("align_corners", [True, False])
def test_there_and_back(align_corners):
    points = 4 * torch.rand(2, 3, 7, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 2
    back = pixel_to_norm(norm_to_pixel(points, SIZE, align_corners), SIZE, align_corners)
    torch.testing.assert_close(back, points, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (6, 1)])
def test_an_axis_of_one_pixel(size):
    points = torch.tensor([[-1.0, -1.0], [0.25, 0.25], [1.0, 1.0]], requires_grad=True)
    for convert in (norm_to_pixel, pixel_to_norm):
        answer = convert(points, size, align_corners=True)
        (gradient,) = torch.autograd.grad(answer.sum(), points)
        for axis, extent in enumerate((size[1], size[0])):
            assert gradient[:, axis].isfinite().all()
            if extent == 1:
                assert not answer[:, axis].any() and not gradient[:, axis].any()
            else:
                assert gradient[:, axis].all()
    # without alignment one pixel is as wide as any other.
    assert norm_to_pixel(points, (1, 1), align_corners=False).tolist() == [[-0.5, -0.5], [0.125, 0.125], [0.5, 0.5]]


@pytest.mark.parametrize(("align_corners", "step"), [(True, (3.5, 2.0)), (False, (4.0, 2.5))])
def test_the_jacobian_is_constant(align_corners, step):
    jacobian = torch.func.jacrev(lambda point: norm_to_pixel(point, SIZE, align_corners))
    for point in (torch.tensor([0.3, -0.7]), torch.tensor([5.0, 9.0])):
        assert jacobian(point).tolist() == [[step[0], 0.0], [0.0, step[1]]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_dtype_shape_and_input_are_kept(dtype):
    points = torch.zeros(3, 0, 2, dtype=dtype)
    assert norm_to_pixel(points, SIZE, True).shape == points.shape and pixel_to_norm(points, SIZE, False).dtype == dtype
    strided = torch.arange(12.0).view(2, 6).T.requires_grad_()
    before = strided.detach().clone()
    assert torch.equal(pixel_to_norm(strided, SIZE, True), pixel_to_norm(strided.contiguous(), SIZE, True))
    assert torch.equal(strided, before)


@pytest.mark.parametrize("convert", [norm_to_pixel, pixel_to_norm])
@pytest.mark.parametrize(
    ("points", "size", "error", "text"),
    [
        ([[0.0, 1.0]], SIZE, TypeError, "points is list; it must be a floating tensor; convert with torch.as_tensor("),
        (torch.zeros(3, 2).long(), SIZE, TypeError, "points is torch.int64; it must be a floating tensor"),
        (torch.zeros(2, 3), SIZE, ValueError, "points.shape (2, 3) must end in 2 (x, y); stack the coordinates along the last axis"),
        (torch.tensor(1.0), SIZE, ValueError, "points.shape () must end in 2"),
        (torch.zeros(3, 2), (0, 4), ValueError, "size (0, 4) must be (H, W), two whole numbers of at least 1; pass image.shape[-2:]"),
        (torch.zeros(3, 2), (3, 5, 8), ValueError, "size (3, 5, 8) must be (H, W)"),
        (torch.zeros(3, 2), (4.5, 8), ValueError, "size (4.5, 8) must be (H, W)"),
        (torch.zeros(3, 2), 48, ValueError, "size 48 must be (H, W), two whole numbers of at least 1; pass image.shape[-2:]"),
        (torch.zeros(3, 2), None, ValueError, "size None must be (H, W)"),
    ],
)
def test_errors_name_value_rule_and_remedy(convert, points, size, error, text):
    with pytest.raises(error, match=re.escape(text)):
        convert(points, size, align_corners=True)
