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
# Pose estimation turns a picture of a person into a list of points: left knee here, right wrist there. Networks that are good at it do not
# answer with numbers but with *maps*, one for each joint, bright where the joint is. Before any network can learn that, one has to settle
# **what a coordinate means**, how a point becomes a map, and how a map becomes a point again. Good projects quietly lose accuracy in each of
# these three places, and no network, however large, can win it back.
#
# **After this notebook you can**
#
# * convert between pixels and normalised coordinates in both conventions, and say how many pixels a mix-up costs;
# * turn a pose into Gaussian heatmaps, with gradients, for joints that are hidden, far away, or drawn with a tiny σ;
# * read a position out of a map to a fraction of a cell, and say what each way of reading costs;
# * write a test that catches a wrong implementation you have never seen, and lets every right one pass;
# * explain why people of different sizes need bumps of different sizes.
#
# About 90 minutes. 25 points: four exercises (18), a test of your own (4) and one written question (3).
#
# ![A drawn figure, its seven heatmaps, the joints read back from them, and the errors of three ways to read](figures/1_heatmaps.png)
#
# *What you will have at the end: a pose, its noisy maps on a grid five times coarser than the picture, the joints read back from those maps,
# and what reading costs: by the brightest cell, with the old trick of a quarter, and with a parabola.*

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
# | a heatmap | `[B, J, H, W]`: one map of H rows and W columns of *cells* for each joint of each person |
# | σ | standard deviation of a bump, in cells |
# | `"peak"`, `"sum"` | a bump that is 1 at the joint, and a map whose cells sum to 1 |
# | `visible` | bool `[B, J]`: False for a joint without a label; its coordinates may then be anything, NaN included |
# | dtype, device | an answer has those of what came in; float32 and float64 are tested |
# | inputs | are left as they were, and so are the global random generators |
# | any size | a batch may be empty (B = 0), and a tensor may be a view that is not contiguous in memory |
#
# The last three lines hold for every exercise, whether it says so again or not, and hidden checks look at them.
#
# Points are x first, tensors are height first. Nearly every swapped coordinate in this field comes from that one line.

# %% setup=true
import math

import matplotlib.pyplot as plt
import torch
from torch import Tensor

import vislab.ops.gaussian_heatmaps as shipped
from vislab import show
from vislab.check import check
from vislab.geometry import pixel_coordinates

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
    mean, largest = error.abs().mean(), error.abs().max()
    print(f"written {name:<15} read corner-aligned: mean |error| {mean:.2f} px, largest {largest:.2f} px")
    panel.plot(index, error, label=name)
panel.set(xlabel="true column, px", ylabel="error, px", title="written one way, read corner-aligned")
panel.legend()
plt.show()

# %% [markdown]
# A quarter of a pixel on average does not sound like much. Now read the same numbers on a feature map of a sixteenth of the resolution:
# there, one map pixel is sixteen image pixels, and the "quarter" is four of them. Benchmarks are decided by less.
#
# **Think.** Somebody wrote edge-aligned and read corner-aligned throughout, in a data set where every person stands in the middle of the
# picture. Which joints came out nearly right, and which wrong? Why would a glance at ten pictures not have shown it?

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
# ## 2. From a point to a map
#
# The target that a heatmap network learns is a bump around the joint. For a joint at $(x, y)$ the cell in column $u$ and row $v$ holds
#
# $$
# h(u, v) = \exp\left( - \frac{(u - x)^2 + (v - y)^2}{2 \sigma^2} \right).
# $$
#
# A joint that lies on a cell has the value 1 there: that is the mode `"peak"`. Seen as probabilities, the cells of a map should sum to 1
# instead: the mode `"sum"`, which divides each map by its own sum. As a loop:
#
# ```
# maps = zeros [B, J, H, W]
# for every person b and joint j that is visible:
#     for every row v, for every column u:
#         maps[b, j, v, u] = exp(-((u - x)^2 + (v - y)^2) / (2 sigma^2))
#     if mode is "sum":  divide maps[b, j] by the sum of its H * W cells
# ```
#
# **Two profiles instead of a map.** The exponential of a sum is a product: $h(u, v) = g(u) \, g'(v)$, with one bell $g$ along the columns
# and one, $g'$, along the rows. So a map costs H + W exponentials instead of H · W, for a 64 × 64 map 128 instead of 4096, and the rest is
# an outer product. The sum over a map is a product as well, of the two profiles' own sums, so both profiles can be normalised alone.
#
# **Where the loop breaks.** In mode `"sum"` a joint far outside the picture, or a very small σ, makes *every* exponential underflow to 0,
# and the loop divides 0 by 0. On paper nothing is wrong: numerator and denominator are both positive, and the quotient is an ordinary number.
# That quotient is the definition here, **as exact arithmetic would give it**: the nearest cell gets almost everything, and cells that are
# equally near share it. An epsilon in the denominator is not that answer (the map would be empty), and neither is NaN. What helps is what
# helps in every soft-max; `torch.softmax`, `torch.log_softmax` and `torch.logsumexp` are all allowed. In mode `"peak"` a far joint's map is
# simply zero.
#
# Keep to the two profiles there, too. If you add the squares of both axes first, the large square along one axis swallows the small one along
# the other: in float32, 1500² + 0.3² is 1500².
#
# **Hidden joints.** Their map is zero everywhere, in both modes, and so is the gradient that they get. Their coordinates may be NaN. Mind
# that NaN · 0 is NaN, in a backward pass as well: take them out *before* you compute anything from them.
#
# ### Exercise 2a: `pose2heatmap` (6 points)
#
# Vectorised, by two profiles, without a loop over people, joints or cells. Joints may lie anywhere, also outside the map: they are drawn as
# far as they reach into it. Everything must be differentiable in the poses.

# %% exercise="pose.pose2heatmap"
def pose2heatmap(poses: Tensor, visible: Tensor, height: int, width: int, sigma: float, mode: str = "peak") -> Tensor:
    """Draw one Gaussian bump for each visible joint.

    Args:
        poses: [B, J, 2], x then y, in cells; anything (NaN, infinity) where a joint is hidden.
        visible: bool [B, J].
        height, width: size of the maps in cells, at least 1.
        sigma: standard deviation in cells, greater than 0.
        mode: "peak": the value at the joint's own place is 1. "sum": the cells of a map sum to 1.

    Returns:
        [B, J, height, width], same dtype as the poses; zero for hidden joints.
    """
    ### BEGIN SOLUTION
    safe = torch.where(visible[..., None], poses, torch.zeros_like(poses))
    profiles = []
    for place, length in ((safe[..., 1], height), (safe[..., 0], width)):
        cell = torch.arange(length, dtype=poses.dtype, device=poses.device)
        log = -((cell - place[..., None]) ** 2) / (2 * sigma**2)
        profiles.append(torch.softmax(log, dim=-1) if mode == "sum" else torch.exp(log))
    rows, columns = profiles
    return rows[..., :, None] * columns[..., None, :] * visible[..., None, None]
    ### END SOLUTION


# %% check="pose.pose2heatmap"
check("pose.pose2heatmap", pose2heatmap)

# %% [markdown]
# **See what you have drawn.** Three joints (inside, on the border, far beyond a corner) in both modes.

# %%
places = torch.tensor([[[6.3, 3.8], [14.2, 6.0], [40.0, -30.0]]])
visible = torch.ones(1, 3, dtype=torch.bool)
figure, panels = plt.subplots(2, 3, figsize=(8, 3.6), layout="constrained")
for line, mode in zip(panels, ("peak", "sum")):
    maps = pose2heatmap(places, visible, 9, 15, 1.6, mode)[0]
    for panel, one, name in zip(line, maps, ("inside", "on the border", "far beyond a corner")):
        panel.imshow(one, cmap="viridis", vmin=0)
        panel.set_title(f"{mode}, {name}\nlargest {one.max():.3f}, sum {one.sum():.2f}", fontsize=8)
        panel.axis("off")
plt.show()

# %% [markdown]
# **The gradient, by hand.** In mode `"peak"` the derivative of one cell with respect to the joint's own coordinate is
#
# $$ \frac{\partial h}{\partial x} = h \, \frac{u - x}{\sigma^2} : $$
#
# zero at the joint and far away from it, and largest one σ to either side. A loss on maps feels a joint only as far as its bump reaches.
# Does autograd agree with your maps?

# %%
place = torch.tensor([[[6.3, 3.8]]], dtype=torch.float64, requires_grad=True)
column = torch.arange(15, dtype=torch.float64)
row_of_cells = pose2heatmap(place, torch.tensor([[True]]), 9, 15, 1.6)[0, 0, 4]
slopes = [torch.autograd.grad(value, place, retain_graph=True)[0][0, 0, 0] for value in row_of_cells]
by_hand = (row_of_cells * (column - 6.3) / 1.6**2).detach()
print(f"autograd and h (u - x) / sigma^2 differ by at most {(torch.stack(slopes) - by_hand).abs().max():.6f}")

# %% [markdown]
# **Think.** A joint walks out of the picture to the right. In which mode does its map fade, and in which does it not? Guess before you run the
# cell. Then: in each mode, what does a network that is trained on such targets learn to say about a hand that is 20 cells outside?

# %%
for outside in (0.0, 1.0, 3.0, 20.0):
    place = torch.tensor([[[14.0 + outside, 4.0]]])
    peak = shipped.gaussian_heatmaps(place, (9, 15), sigma=1.6, normalise="peak").max()
    total = shipped.gaussian_heatmaps(place, (9, 15), sigma=1.6, normalise="sum").max()
    print(f"{outside:>4.0f} cells beyond the last column: largest value {peak:.3f} (peak), {total:.3f} (sum)")

# %% [markdown]
# ## 3. A test that you would trust
#
# How do you know that your function is right? You have seen five cases pass. The check that grades it holds many more, and somebody
# had to think of them. Now that somebody is you: write `test_pose2heatmap(impl)`. It gets *some* implementation of `pose2heatmap`, calls it as
# `impl(poses, visible, height, width, sigma, mode)`, and raises (by `assert`, say) if it is wrong. If it returns, the implementation has passed.
#
# Your test is graded on about twenty wrong implementations that you do not see, each with one fault, and on several right ones that were
# written in different ways. A wrong one that passes costs you its share. **A right one that fails costs everything**: a test that cries
# wolf is switched off within a week. So:
#
# * **Inputs that hide nothing.** On a square map nobody sees height and width exchanged; with σ = 1 nobody sees whether it was squared; a
#   joint in the middle, on a whole cell, of one single person, hides a dozen faults at once.
# * **Expected values from another idea.** The loop of section 2, numbers worked out by hand, or a property that must hold (a sum, a
#   logarithm that falls with the squared distance). A copy of the function under test agrees with itself and proves nothing.
# * **A tolerance with a reason.** Two right answers in float32 differ in the last digits, so `torch.equal` fails right ones; `atol=0.1` lets
#   wrong ones pass. In float64 you can ask for far more.
# * **Everything the contract promises.** Go through the docstring, the text above it and the last three lines of the conventions, sentence by
#   sentence, and ask of each: would my test notice if this were not so?
#
# Some practical things: `impl` returns tensors without gradients, so gradients cannot be tested. Right implementations agree to about 10⁻⁵ in
# float32 and 10⁻⁹ in float64. At most 32 calls a test, with small inputs; comparing cell by cell in a Python loop is fine.
# Below, the check runs your test on your own `pose2heatmap`, which must pass, and on copies of it that have been spoilt on purpose. When
# your test is graded, your own `pose2heatmap` plays no part.
#
# ### Exercise 2b: `test_pose2heatmap` (4 points)

# %% exercise="pose.test_pose2heatmap"
def test_pose2heatmap(impl) -> None:
    """Raise if ``impl`` is a wrong implementation of pose2heatmap; return if it is a right one."""
    ### BEGIN SOLUTION
    # between the cells, outside, far away, hidden without a place; a view with gaps in memory.
    buffer = torch.zeros(2, 3, 4, dtype=torch.float64)
    poses = buffer[..., ::2]
    poses[:] = torch.tensor([[[4.3, 2.6], [7.7, 1.2], [math.nan] * 2], [[9.2, 3.9], [-1.4, 2.3], [80.0, -60.0]]])
    visible = torch.tensor([[True, True, False], [True, True, True]])
    rows, columns = torch.meshgrid(torch.arange(7), torch.arange(11), indexing="ij")
    for mode in ("peak", "sum"):
        for given, tolerance in ((poses.float(), 1e-5), (poses, 1e-9)):
            maps = impl(given, visible, 7, 11, 1.3, mode)
            assert maps.shape == (2, 3, 7, 11) and maps.dtype == given.dtype
            assert not maps[0, 2].any(), "a hidden joint is drawn"
            for b, j in visible.nonzero().tolist():
                x, y = given[b, j].double()
                square = (columns - x) ** 2 + (rows - y) ** 2
                bump = torch.exp(-(square - square.min() * (mode == "sum")) / (2 * 1.3**2))
                bump = bump / bump.sum() if mode == "sum" else bump
                assert torch.allclose(maps[b, j].double(), bump, atol=tolerance, rtol=0)
        for people in (0, 1):
            assert impl(poses[:people], visible[:people], 7, 1, 1.3, mode).shape == (people, 3, 7, 1)
    ### END SOLUTION


# %% check="pose.test_pose2heatmap"
check("pose.test_pose2heatmap", test_pose2heatmap, right=pose2heatmap)

# %% [markdown]
# **How sharp is it?** Put a fault in and turn it down until your test no longer sees it. Here every cell is too high by a share that gets
# smaller and smaller. The smallest fault that is still caught tells you what your tolerance really is.

# %%
def noticed(share: float) -> bool:
    """Whether the test fails maps that are too high by a share."""
    try:
        test_pose2heatmap(lambda *given: pose2heatmap(*given) * (1 + share))
    except NotImplementedError:
        raise
    except Exception:
        return True
    return False


print({f"{share:g}": noticed(share) for share in (1e-1, 1e-2, 1e-3, 1e-4)})

# %% [markdown]
# **Think.** You could catch any fault whatsoever by comparing with a correct implementation, bit by bit. Why is there, in a real project,
# hardly ever one to compare with, and what did you use in its place?

# %% [markdown]
# ## 4. From a map to a point
#
# Now the way back. A map comes out of a network; where is the joint? The obvious answer is the cell with the largest value, the **arg-max**.
# It is always a whole cell, and the truth hardly ever is. If it lies anywhere within its cell, as likely here as there, the mean distance to
# the cell's middle is
#
# $$ \int_{-1/2}^{1/2} \int_{-1/2}^{1/2} \sqrt{a^2 + b^2} \; \mathrm{d}a \, \mathrm{d}b = \frac{\sqrt 2 + \operatorname{arsinh} 1}{6} = 0.3826 \text{ cells,} $$
#
# from a *perfect* map. But a map tells more than its highest cell: if the right neighbour is higher than the left one, the truth lies to the
# right. Two ways to use that, both along x and y separately:
#
# **A quarter.** Move a quarter of a cell towards the higher of the two neighbours. Crude, and used for years. The error along each axis was
# anything up to ½ and is now anything up to ¼, so the mean is half of what it was: 0.1913 cells.
#
# **A parabola.** The *logarithm* of a Gaussian is a parabola, and a parabola is known from three points. Let $l$ be the logarithm along one
# axis and $\delta$ the way from the highest cell. Taylor's formula, with derivatives from the neighbours' values $l_-$, $l_0$, $l_+$,
#
# $$
# l(\delta) = l_0 + l' \delta + \tfrac{1}{2} \, l'' \delta^2, \qquad
# l' = \frac{l_+ - l_-}{2}, \qquad
# l'' = l_+ - 2 \, l_0 + l_-,
# $$
#
# has its top where the derivative is zero. For a Gaussian this is no approximation. (Published decoders use the mixed derivative as well; for
# round bumps it changes nothing.) As a loop:
#
# ```
# for every map:
#     row, column = the cell with the largest value; of equal ones the first in reading order (row by row)
#     for each axis:
#         before, middle, after = its neighbour on one side, itself, its neighbour on the other side
#         if method is "argmax", or a neighbour is missing:  shift = 0
#         if method is "quarter":   shift = a quarter towards the higher neighbour; 0 if they are equal
#         if method is "parabola":  shift = where the parabola through the logs has its top; 0 if l'' is 0
#         answer[axis] = cell[axis] + shift
# ```
#
# Three things to decide, and here is the decision. *Border:* along an axis on which the highest cell is the first or the last, there is no
# shift; along the other axis there still is. *Logarithm of zero:* far from the joint a float32 map is exactly 0, and a network's map may be
# negative. Values below 10⁻³⁰ count as 10⁻³⁰. *No bend:* where all three values are equal (or all below 10⁻³⁰), there is no top and no shift.
#
# ### Exercise 3: `decode_heatmap` (6 points)
#
# Nothing is off limits. `torch.argmax` gives the first of several equal values in the flattened order; what that means for a map is yours to
# see. Positions are for measuring here, so no gradient is asked.

# %% exercise="pose.decode_heatmap"
def decode_heatmap(heatmaps: Tensor, method: str = "parabola") -> Tensor:
    """Read one position out of each map.

    Args:
        heatmaps: [B, J, H, W], any strides, finite numbers.
        method: "argmax", "quarter" or "parabola", as above.

    Returns:
        [B, J, 2], x then y, in cells; same dtype as the maps.
    """
    ### BEGIN SOLUTION
    height, width, flat = *heatmaps.shape[2:], heatmaps.flatten(2)
    best, position = flat.argmax(dim=-1, keepdim=True), []  # [B, J, 1]
    for place, length, step in ((best % width, width, 1), (best // width, height, width)):
        # at the border both "neighbours" are the cell itself, and no method moves.
        step = step * ((place > 0) & (place < length - 1))
        before, middle, after = (flat.gather(2, best + side * step) for side in (-1, 0, 1))
        shift = torch.sign(after - before) / 4 * (method == "quarter")
        if method == "parabola":
            before, middle, after = (value.clamp(min=1e-30).log() for value in (before, middle, after))
            bend = after - 2 * middle + before  # never above 0: the cell in the middle is the highest
            shift = torch.where(bend < 0, (before - after) / 2 / torch.where(bend < 0, bend, -1), 0)
        position.append(place + shift)
    return torch.cat(position, dim=-1)
    ### END SOLUTION


# %% check="pose.decode_heatmap"
check("pose.decode_heatmap", decode_heatmap)

# %% [markdown]
# **What the three cost.** Ten thousand joints spread evenly within one cell, each drawn as a perfect map and read back three times. On the
# left the error along x, by where in its cell the joint lies.

# %%
methods = ("argmax", "quarter", "parabola")
part = (torch.arange(100, dtype=torch.float64) + 0.5) / 100 - 0.5
truth = 6 + torch.stack(torch.meshgrid(part, part, indexing="xy"), dim=-1).reshape(1, -1, 2)
perfect = shipped.gaussian_heatmaps(truth, (13, 13), sigma=1.5)
figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 2.8), layout="constrained")
means = []
for method, colour in zip(methods, ("0.5", "tab:orange", "tab:blue")):
    error = decode_heatmap(perfect, method) - truth
    means.append(float(error.norm(dim=-1).mean()))
    left.plot(part, error[0, :100, 0], color=colour, label=method)
    print(f"{method:<9} mean error {means[-1]:.4f} cells, largest {float(error.norm(dim=-1).max()):.4f}")
left.set(xlabel="where in the cell the joint lies", ylabel="error along x, cells")
left.legend(fontsize=8)
bars = right.bar(methods, means, color=("0.5", "tab:orange", "tab:blue"))
right.bar_label(bars, fmt="%.3f", fontsize=8)
right.set(ylabel="mean distance, cells", ylim=(0, 0.45))
plt.show()

# %% [markdown]
# Nothing was trained. On a map of a sixteenth of the picture's resolution, the difference between the first bar and the last is six pixels.
#
# Maps of real networks are not perfect. Add noise to every cell, and let the bumps be narrow or wide:

# %%
generator = torch.Generator().manual_seed(1)
place = 10 + 4 * torch.rand(1, 4000, 2, generator=generator)
print("sigma  noise   argmax  quarter parabola   (mean error, cells)")
for sigma in (1.0, 2.0, 4.0):
    for noise in (0.0, 0.02, 0.05):
        maps = shipped.gaussian_heatmaps(place, (25, 25), sigma=sigma)
        maps = maps + noise * torch.randn(maps.shape, generator=generator)
        errors = [float((decode_heatmap(maps, method) - place).norm(dim=-1).mean()) for method in methods]
        print(f"{sigma:>5.0f} {noise:>6.2f} " + " ".join(f"{error:>8.2f}" for error in errors))

# %% [markdown]
# **Think.** With noise, a wide bump is far harder to read than a narrow one, although it covers more cells. Why? (Look at the three values the
# parabola sees, near the top of a wide bump.) Then why not always draw bumps of σ = 0.3? And what happens to the error if you leave out the
# logarithm and lay the parabola through the values themselves? Try it: `decode_heatmap(perfect.exp())`.

# %% [markdown]
# ## 5. There and back
#
# Everything together, on a drawn person: seven joints in a picture of 120 × 160 pixels, put on maps of 24 × 32 cells (both grids edge-aligned,
# section 1), drawn as bumps, spoilt with a little noise, read back, and returned to the picture. Each step could lose something; on two
# hundred random poses you can see what does.

# %%
LIMBS = [(1, 0), (1, 2), (1, 3), (1, 4), (4, 5), (4, 6)]  # neck to head and hands, neck to hip, hip to feet
NAMES = ["head", "neck", "left hand", "right hand", "hip", "left foot", "right foot"]
IMAGE, GRID = (160, 120), (32, 24)


def figures(count: int, generator: torch.Generator) -> Tensor:
    """Joints of people of seven joints who face us: [count, 7, 2], pixels of the image."""
    swing = torch.tensor([30.0, 80.0, 80.0, 20.0, 40.0, 40.0]) * (torch.rand(count, 6, generator=generator) - 0.5)
    angle = torch.deg2rad(torch.tensor([-90.0, 40.0, 140.0, 90.0, 70.0, 110.0]) + swing)
    length = torch.tensor([22.0, 36.0, 36.0, 42.0, 44.0, 44.0])[:, None]
    reach = length * torch.stack((angle.cos(), angle.sin()), dim=-1)
    joints = torch.zeros(count, 7, 2)
    joints[:, 1] = torch.tensor([59.5, 46.0]) + 20 * (torch.rand(count, 2, generator=generator) - 0.5)
    for limb, (start, end) in enumerate(LIMBS):
        joints[:, end] = joints[:, start] + reach[:, limb]
    return joints


def regridded(points: Tensor, source: tuple[int, int], target: tuple[int, int]) -> Tensor:
    """The same places on another grid."""
    norm = pixel_coordinates.pixel_to_norm(points, source, align_corners=False)
    return pixel_coordinates.norm_to_pixel(norm, target, align_corners=False)

# %%
generator = torch.Generator().manual_seed(4)
people = figures(200, generator)
maps = shipped.gaussian_heatmaps(regridded(people, IMAGE, GRID), GRID, sigma=1.5)
maps = maps + 0.02 * torch.randn(maps.shape, generator=generator)
found = {method: regridded(decode_heatmap(maps, method), GRID, IMAGE) for method in methods}
distance = {method: (points - people).norm(dim=-1) for method, points in found.items()}

figure, panels = plt.subplots(1, 4, figsize=(11, 3.4), num="finished", layout="constrained")
paper = torch.full(IMAGE, 0.93)
show.skeleton(people[32], LIMBS, picture=paper, names=NAMES, caption="a pose", ax=panels[0])
show.heatmap(maps[32], picture=paper, caption="its seven maps", ax=panels[1])
answer = found["parabola"][32]
show.skeleton(answer, LIMBS, picture=paper, names=NAMES, caption="read by parabola", ax=panels[2])
panels[2].scatter(*people[32].T, s=40, marker="x", color="black", linewidths=1, zorder=5)
means, spreads = ([float(of(each)) for each in distance.values()] for of in (torch.mean, torch.std))
panels[3].bar(methods, means, yerr=spreads, color=("0.5", "tab:orange", "tab:blue"), capsize=5)
panels[3].set_title("distance from the truth, px (mean ± sd)", fontsize=9)
plt.show()
print({method: f"{float(each.mean()):.1f} px" for method, each in distance.items()})

# %% [markdown]
# Left and right are the person's own: who faces us has the left hand on the right of the picture. The black crosses are the truth.
#
# **Think.** Five image pixels to a cell, and the parabola gets within a fraction of *one* pixel. Does a network that outputs coarse maps
# then need no finer ones? What would two people a few pixels apart look like on this grid?

# %% [markdown]
# ## 6. Experiment: people of different sizes
#
# One picture, a child far away and somebody close to the camera. Which σ? Most code has one number for everybody. The lecture left the
# question open: *what about several people at different scales?* Let us measure.
#
# **A model of the labels.** Nobody clicks on a hip exactly. Annotators are off by a share of the person's size, say $\tau = 0.05$ of its
# height, along each axis: one pixel for a person of 20 pixels, six for one of 120. So the same picture would get another target every time.
#
# **A model of the network.** Trained with a squared error, the best it can answer is the *mean* of all those targets. Bumps of width σ
# whose middles scatter by τ add up to a wider and lower bump:
#
# $$ \text{width } \sqrt{\sigma^2 + \tau^2}, \qquad \text{height } \frac{\sigma^2}{\sigma^2 + \tau^2} . $$
#
# First see whether that is true, on one map with three people of height 20, 60 and 120 px, labelled five hundred times.

# %%
heights, heads = torch.tensor([20.0, 60.0, 120.0]), torch.tensor([[25.0, 24.0], [70.0, 36.0], [140.0, 48.0]])
slips = 0.05 * heights
generator = torch.Generator().manual_seed(5)
labels = heads + slips[:, None] * torch.randn(500, 3, 2, generator=generator)
one, six = torch.ones(3), torch.full((3,), 6.0)
rules = {"one pixel for all": one, "six pixels for all": six, "5 % of the height": 0.05 * heights}
figure, panels = plt.subplots(1, 3, figsize=(11, 2.6), layout="constrained")
for panel, (rule, sigmas) in zip(panels, rules.items()):
    bumps = [shipped.gaussian_heatmaps(labels[:, [n]], (96, 200), sigma=float(sigmas[n])) for n in range(3)]
    # they share one map: the highest of their bumps in each cell. then the mean over all labellings.
    ideal = torch.cat(bumps, dim=1).amax(dim=1).mean(dim=0)
    picture = panel.imshow(ideal, cmap="viridis", vmin=0, vmax=1)
    panel.set_title(rule, fontsize=9)
    panel.axis("off")
    measured = [f"{float(bump.mean(dim=0).max()):.2f}" for bump in bumps]
    formula = [f"{float(peak):.2f}" for peak in sigmas**2 / (sigmas**2 + slips**2)]
    print(f"{rule:<19} peaks {' '.join(measured)}, by the formula {' '.join(formula)}")
figure.colorbar(picture, ax=panels, shrink=0.7)
plt.show()

# %% [markdown]
# With σ = 1 px the large person has all but vanished, and not because the network was bad: the targets themselves contradict each other.
# With σ = 6 px everybody is there, but the small person's bump has a σ of almost a third of that person's height. What does that cost? Give the ideal
# maps the noise of a real network, believe a peak only if it is higher than 0.3, and read the position with your parabola. Errors
# are given in per cent of the person's height, because three pixels are nothing on a close-up and half a head on a child far away.

# %%
def measure(height: float, sigma: float, generator: torch.Generator) -> str:
    """Share of 300 people of one height that are found, and the median error in per cent of the height."""
    slip = 0.05 * height
    wide = math.hypot(sigma, slip)
    truth = 32 + 16 * torch.rand(1, 300, 2, generator=generator)
    maps = (sigma / wide) ** 2 * shipped.gaussian_heatmaps(truth, (80, 80), sigma=wide)
    maps = maps + 0.03 * torch.randn(maps.shape, generator=generator)
    seen = maps.amax(dim=(2, 3)) > 0.3
    error = (decode_heatmap(maps) - truth).norm(dim=-1)[seen]
    share = f"found {float(seen.float().mean()):.0%}"
    return f"{share}, off by {float(error.median()) / height:.1%}" if len(error) else share


print(" " * 20 + "".join(f"{f'height {height:.0f} px':<28}" for height in heights.tolist()))
for rule, sigmas in rules.items():
    line = [measure(height, sigma, generator) for height, sigma in zip(heights.tolist(), sigmas.tolist())]
    print(f"{rule:<20}" + "".join(f"{cell:<28}" for cell in line))

# %% [markdown]
# **Result.** A small σ loses the large people, a large σ places the small ones more than five times less accurately than is possible, and a
# σ that follows the scale of the person finds everybody, each at least about as well as the better of the two. One number for all is right only
# where all are of one size, and that is why so many systems first cut out every person and scale them to the same height.
# This holds for our two models, of labels and of a network; no network was trained. With one of your own you could find out how far it
# goes.
#
# **Think.** When targets are drawn, the size of each person is known from the labels. Nobody tells the network. Where can it get the
# size from, and what does that ask of its receptive field? And why did the cell above take the *highest* of several people's bumps and not
# their sum?

# %% [markdown]
# **Check yourself before you go on.** Can you, without looking,
#
# * say which pixel lies at −1 in each of the two conventions, and in which part of the picture they differ most?
# * draw a map whose cells sum to 1 for a joint that is a thousand cells away, without dividing 0 by 0?
# * say why a hidden joint must be taken out before its coordinates are used, and not after?
# * name three inputs on which a test of heatmaps would be blind?
# * derive the shift of the parabola from three logarithms, and say when it divides by zero?
# * say how the mean error of an arg-max comes about, what a quarter makes of it, and why?
# * explain why a fixed σ makes large people vanish from the map of even the best network?
