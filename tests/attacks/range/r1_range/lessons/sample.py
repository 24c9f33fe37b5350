# %% [markdown]
# # Sample
#
# A point is `(x, y)` in pixels, pixel centres are whole numbers, and outside of the image everything is zero.

# %% setup=true
import torch

from vislab.check import check

# %% exercise="range.sample"
def sample(image, points):
    """Bilinear interpolation, ``[B, C, H, W]`` and ``[B, N, 2]`` to ``[B, C, N]``. The ready samplers are off limits."""
    ### BEGIN SOLUTION
    batch, channels, height, width = image.shape
    corner = points.floor()
    found = image.new_zeros(batch, channels, points.shape[1])
    for dx in (0, 1):
        for dy in (0, 1):
            x, y = corner[..., 0] + dx, corner[..., 1] + dy
            share = (1 - (points[..., 0] - x).abs()) * (1 - (points[..., 1] - y).abs())
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            index = (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)).long()
            values = image.flatten(2).gather(2, index[:, None].expand(batch, channels, -1))
            found = found + values * (share * inside)[:, None]
    return found
    ### END SOLUTION


# %% check="range.sample"
check("range.sample", sample)

# %% exercise="range.region_mean"
def region_mean(image, boxes, ratio):
    """Mean of ratio x ratio bilinear samples of each box, ``[B, C, H, W]`` and ``[R, 5]`` to ``[R, C]``."""
    ### BEGIN SOLUTION
    found = image.new_zeros(len(boxes), image.shape[1])
    steps = (torch.arange(ratio, dtype=image.dtype) + 0.5) / ratio
    columns = torch.arange(image.shape[3], dtype=image.dtype)
    rows = torch.arange(image.shape[2], dtype=image.dtype)
    for number, box in enumerate(boxes):
        x = box[1] + (box[3] - box[1]) * steps
        y = box[2] + (box[4] - box[2]) * steps
        across = (1 - (x[:, None] - columns).abs()).clamp(min=0)
        down = (1 - (y[:, None] - rows).abs()).clamp(min=0)
        found[number] = (down @ image[int(box[0])] @ across.T).mean(dim=(1, 2))
    return found
    ### END SOLUTION


# %% check="range.region_mean"
check("range.region_mean", region_mean)
