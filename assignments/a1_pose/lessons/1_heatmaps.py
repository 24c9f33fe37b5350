# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 1. Where is the joint? Coordinates and heatmaps
#
# Pose estimation turns a picture of a person into a list of points: left knee here, right wrist there. Before any network can learn that, one
# has to settle **what a coordinate means**, and how a point becomes a map and a map a point again. Good projects quietly lose accuracy in
# each of these places.
#
# **After this notebook you can**
#
# * convert between pixels and normalised coordinates in both conventions, and say how many pixels a mix-up costs.
#
# About 30 minutes. 9 points: two exercises (6) and one written question (3).

# %% [markdown]
# ## Conventions
#
# | | in this course |
# |---|---|
# | a point | `(x, y)`: **x first**, along the width, to the right; y second, along the height, **downwards** |
# | an image or map | `[..., H, W]`: **height first**, as tensors are stored |
# | pixel coordinates | pixel **centres** are whole numbers: the first centre is 0, the last is W − 1; the image reaches from −½ to W − ½ |
# | normalised coordinates | −1 to 1 along each axis, as in `torch.nn.functional.grid_sample` |
# | `align_corners=True` | *corner-aligned*: −1 and 1 are the **centres** of the first and the last pixel |
# | `align_corners=False` | *edge-aligned*: −1 and 1 are the **outer edges** of the first and the last pixel |
# | shapes | B people (or images) in a batch, J joints, H rows, W columns |
# | dtype, device | an answer has those of what came in; float32 and float64 are tested |
# | inputs | are left as they were, and so are the global random generators |
# | any size | a batch may be empty (B = 0), and a tensor may be a view that is not contiguous in memory |
#
# The last three lines hold for every exercise, whether it says so again or not, and hidden checks look at them.
#
# Points are x first, tensors are height first. Nearly every swapped coordinate in this field comes from that one line.

# %% setup=true
import matplotlib.pyplot as plt
import torch
from torch import Tensor

from vislab.check import check

plt.rcParams["figure.dpi"] = 80

# %% [markdown]
# ## 1. A number is not a place until you say where zero is
#
# A network should not care whether a picture has 64 or 256 columns, so coordinates are usually *normalised*: −1 is one end of the
# picture, 1 the other. But which end? A row of five pixels has two pairs of ends that make sense:
#
# ![A row of five pixels with two rulers: one from the first to the last centre, one from edge to edge](figures/conventions.png)
#
# The upper ruler is **corner-aligned** (`align_corners=True`): it reaches from the first centre to the last, W − 1 steps. The lower one
# is **edge-aligned** (`align_corners=False`): it reaches from edge to edge, W steps. Both are straight lines, so each is fixed by two
# points:
#
# | normalised | −1 | 0 | 1 |
# |---|---|---|---|
# | pixel, corner-aligned | 0 | (W − 1)/2 | W − 1 |
# | pixel, edge-aligned | −½ | (W − 1)/2 | W − ½ |
#
# They agree in the middle of the picture and drift apart towards the border. Neither is wrong. Edge-aligned survives resizing (the edges
# of the picture stay where they are when you double its resolution), corner-aligned keeps the outermost samples; libraries use both, and
# what *is* wrong is to write with one and read with the other.
#
# **In words a computer understands.** For one point:
#
# ```
# for axis, size in ((x, width), (y, height)):
#     share = how far along the ruler: 0 at -1, 1 at +1
#     pixel[axis] = pixel at -1  +  share * (pixel at +1  -  pixel at -1)
# ```
#
# ### Exercise 1a: `norm_to_pixel` (3 points)
#
# Write that for points of any shape `[..., 2]`, without a loop over points. Points outside −1 … 1 are joints outside the picture: convert
# them like any other. Keep the dtype: float64 in, float64 out.

# %% exercise="pose.norm_to_pixel"
def norm_to_pixel(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    """Convert normalised points to pixel coordinates.

    Args:
        points: [..., 2], x then y, normalised to -1..1.
        height, width: size of the image in pixels.
        align_corners: True: -1 and 1 are the centres of the first and last pixel. False: their outer edges.

    Returns:
        [..., 2], x then y, pixels; same dtype as the points.
    """
    ### BEGIN SOLUTION
    size = points.new_tensor([width, height])
    if align_corners:
        return (points + 1) / 2 * (size - 1)
    return ((points + 1) * size - 1) / 2
    ### END SOLUTION


# %% check="pose.norm_to_pixel"
check("pose.norm_to_pixel", norm_to_pixel)

# %% [markdown]
# ### Exercise 1b: `pixel_to_norm` (3 points)
#
# Now the way back, so that `pixel_to_norm(norm_to_pixel(p)) == p` up to rounding; again any shape, any place, and the dtype kept.
#
# One case needs a decision. On an axis of **one** pixel the corner-aligned ruler has no length: both its ends are the same centre, and the
# inverse divides by zero. The convention, here and in PyTorch's `affine_grid`: such an axis is its own middle, so every point on it is
# **0**. NaN is not an answer that anybody can use.

# %% exercise="pose.pixel_to_norm"
def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    """Convert pixel coordinates to normalised points; the inverse of norm_to_pixel.

    Args:
        points: [..., 2], x then y, pixels.
        height, width: size of the image in pixels, at least 1.
        align_corners: as in norm_to_pixel.

    Returns:
        [..., 2], x then y, normalised; same dtype as the points. 0 along a corner-aligned axis of one pixel.
    """
    ### BEGIN SOLUTION
    size = points.new_tensor([width, height])
    if not align_corners:
        return (2 * points + 1) / size - 1
    # where() picks the value and the gradient; clamp() keeps the branch that is not picked finite.
    norm = 2 * points / (size - 1).clamp(min=1) - 1
    return torch.where(size > 1, norm, torch.zeros_like(norm))
    ### END SOLUTION


# %% check="pose.pixel_to_norm"
check("pose.pixel_to_norm", pixel_to_norm)

# %% [markdown]
# **What a mix-up costs.** Take the 64 columns of a small picture, write each with one formula and read it with another. The third formula
# is the one everybody writes first: `2 * index / W - 1`, as if the picture ended at pixel W.

# %%
width = 64
index = torch.arange(width, dtype=torch.float64)
points = torch.stack((index, torch.zeros_like(index)), dim=-1)
written = {
    "corner-aligned": pixel_to_norm(points, 48, width, align_corners=True)[:, 0],
    "edge-aligned": pixel_to_norm(points, 48, width, align_corners=False)[:, 0],
    "2 i / W - 1": 2 * index / width - 1,
}
figure, panel = plt.subplots(figsize=(6, 2.8))
for name, norm in written.items():
    read = norm_to_pixel(torch.stack((norm, norm), dim=-1), 48, width, align_corners=True)[:, 0]
    error = read - index
    print(f"written {name:<15} read corner-aligned: mean |error| {error.abs().mean():.2f} px, largest {error.abs().max():.2f} px")
    panel.plot(index, error, label=name)
panel.set(xlabel="true column, px", ylabel="error, px", title="written one way, read corner-aligned")
panel.legend()
plt.show()

# %% [markdown]
# A quarter of a pixel on average does not sound like much. Now read the same numbers on a feature map of a sixteenth of the resolution:
# there, one map pixel is sixteen image pixels, and the "quarter" is four of them. Benchmarks are decided by less.

# %% [markdown]
# ### Written question (3 points)
#
# A backbone with stride 4 turns an image 64 pixels wide into a map of 16 cells; cell *i* covers the image pixels 4 *i* to 4 *i* + 3.
# *Anna* puts the target of a joint at image column *x* on the map at *u* = *x* / 4, and reads answers back as *x* = 4 *u*.
# *Ben* treats both grids as edge-aligned: equal normalised coordinates, different sizes.
#
# 1. Give both map coordinates for *x* = 30. How many **image** pixels do the two targets lie apart?
# 2. Both train and are evaluated with their own formulas. Anna's error is as small as Ben's. Why does her offset not show?
# 3. Now each averages the prediction for an image with the one for its mirror image, mirrored back on the map (*u* → 15 − *u*). Ben
#    gains a little. Anna's error grows. By how many image pixels does her average miss, and why?

# %% [markdown] question="pose.q_stride" points=3
# ### BEGIN SOLUTION
# 1. Anna: 30 / 4 = 7.5. Ben: equal normalised coordinates mean (x + ½)/64 = (u + ½)/16, so u = (30 + ½)/4 − ½ = 7.125. They lie 0.375
#    cells, that is 1.5 image pixels, apart.
# 2. Her reading is the exact inverse of her writing, so the offset cancels in training and in evaluation alike. A constant shift of
#    0.375 cells costs a network nothing: a bias, or a filter that looks a little further to one side, absorbs it. Loss and metric only
#    ever see the consistent pair.
# 3. The mirror image has the joint at 63 − x. Anna's network answers (63 − x)/4 = 15.75 − x/4; mirrored back on the map this is
#    x/4 − 0.75. The average with x/4 is x/4 − 0.375: it misses by 0.375 cells or **1.5 image pixels**, whatever x is. Ben's answer
#    for the mirror image is (63 − x + ½)/4 − ½ = 15.375 − x/4, mirrored back x/4 − 0.375: exactly his own coordinate. Mirroring the map
#    about its middle is the mirror of the image only if both grids agree on where the middle is, and x/4 does not.
#
# **Rubric**: 1 point for both coordinates with the distance of 1.5 px (half a point for the right coordinates alone) · 1 point for saying
# that writing and reading cancel *and* that a network can learn a constant shift (half for either) · 1 point for 1.5 px with the reason
# that u = x/4 does not map the middle of the image to the middle of the map (half for the right number without a reason).
# ### END SOLUTION

# %% [markdown]
# **Check yourself before you go on.** Can you, without looking,
#
# * say which pixel lies at −1 in each of the two conventions, and in which part of the picture they differ most?
