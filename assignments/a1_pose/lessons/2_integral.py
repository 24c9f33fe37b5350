# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 2. Integral regression: a mean instead of a maximum
#
# A heatmap says *how likely* the joint is in each cell. That is a better thing to ask of a convolutional network than two numbers: it is
# local, it shows doubt, and the network can look for the joint where it is. But in the end somebody wants the two numbers. This notebook
# is about the step from the map to the numbers: why the obvious one cannot be trained, what to do instead, what *that* gets wrong, and
# how to compute it in a single pass over memory.
#
# **After this notebook you can**
#
# * compute the expected position under a spatial soft-max, for any logits a network may produce, and derive its gradient;
# * say when a mean is the wrong summary of a map, and measure from the map alone that it is;
# * write a GPU kernel in Triton: programs, pointers, strides, masks and a running maximum; and test it on a laptop without a GPU.
#
# About 90 minutes. 19 points: two exercises (16) and one written question (3), and an extension for 3 bonus points.
#
# ![Three heatmaps of a stick figure, the joints read from its maps, the error of both ways to read](figures/2_integral.png)
#
# *What you will have at the end: the maps of three joints, and the joints read from all seven. No label ever said what a map should look
# like; the network found that out through the mean.*

# %% [markdown]
# ## Conventions
#
# | | in this course |
# |---|---|
# | a point | `(x, y)`: **x first**, to the right; y downwards |
# | a heatmap | `[B, J, H, W]`: one map of H rows and W columns for each joint of each person, stored row by row |
# | values | **logits**: any real number. The soft-max over *all cells of one map* makes probabilities of them |
# | pixel coordinates | cell centres are whole numbers: columns 0 … W − 1, rows 0 … H − 1 |
# | −∞ | a cell that is not allowed: probability 0, gradient 0 |
# | a map of −∞ throughout | says nothing: the answer is its middle, ((W − 1)/2, (H − 1)/2), with gradient 0 |
# | image to map | both grids edge-aligned (`align_corners=False`, notebook 1) |
# | sums | in float32 at least, also over float16 maps |
# | dtype, device | an answer has those of what came in; float32 and float64 are tested, unless an exercise names others |
# | inputs | are left as they were, and so are the global random generators |
# | any size | a batch may be empty (B = 0), and a tensor may be a view that is not contiguous in memory |
#
# The last three lines hold for every exercise, whether it says so again or not, and hidden checks look at them.

# %% setup=true
import math
import os

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

# Triton decides when it is imported: without a GPU, kernels are interpreted in Python, cell by cell. Slow, exact, and easy to debug.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")
try:
    import triton
    import triton.language as tl

    HAVE_TRITON = True
except ImportError:
    from types import SimpleNamespace

    # Triton exists for Linux only. Kernels can still be written here, and are graded all the same; run them on Colab.
    HAVE_TRITON = False
    triton, tl = SimpleNamespace(jit=lambda kernel: kernel), SimpleNamespace(constexpr=int)

import vislab.ops.soft_argmax as shipped
from vislab.check import check
from vislab.check.budget import steps
from vislab.geometry.pixel_coordinates import norm_to_pixel, pixel_to_norm

plt.rcParams["figure.dpi"] = 80
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

# %% [markdown]
# ## 1. Why not simply take the brightest cell?
#
# The arg-max has two faults. You can measure the first: it answers in whole cells. Below, two thousand joints at random positions, each
# drawn as a perfect Gaussian, without any noise, and read back by arg-max.

# %%
def gaussian(centre: Tensor, height: int, width: int, sigma: float) -> Tensor:
    """Bumps of height 1: centres [N, 2] (x, y) to maps [N, H, W]."""
    x = torch.arange(width) - centre[:, 0, None, None]
    y = torch.arange(height)[:, None] - centre[:, 1, None, None]
    return torch.exp(-(x.square() + y.square()) / (2 * sigma**2))


def argmax(maps: Tensor) -> Tensor:
    """The highest cell: [N, H, W] to [N, 2], x then y."""
    index = maps.flatten(1).argmax(dim=1)
    return torch.stack((index % maps.shape[2], index // maps.shape[2]), dim=1)


generator = torch.Generator().manual_seed(3)
truth = 8 + 8 * torch.rand(2000, 2, generator=generator)
error = (argmax(gaussian(truth, 24, 24, sigma=2.0)) - truth).norm(dim=1)
expected = (math.sqrt(2) + math.asinh(1)) / 6  # mean distance of a point in a unit square from its middle
print(f"arg-max of a perfect map: mean error {error.mean():.2f} cells (theory {expected:.4f}), largest {error.max():.2f}")

# %% [markdown]
# No training can remove that error: the set of answers has holes. On a map of stride 8 it is 3 image pixels.
#
# The second fault is worse. Move a logit a little: the answer does not move at all, or it jumps. Its derivative is zero wherever there is
# one. **Nothing can be learnt through an arg-max**, so one trains on an invented target instead (a Gaussian bump around each joint, say)
# and hopes that a good bump means a good position.

# %% [markdown]
# ## 2. The mean has a gradient
#
# Make a probability of each map and take the expected position:
#
# $$
# p_k = \frac{e^{h_k}}{\sum_l e^{h_l}}, \qquad
# \hat{x} = \sum_k p_k \, x_k, \qquad
# \hat{y} = \sum_k p_k \, y_k,
# $$
#
# where $k$ runs over all H · W cells and $(x_k, y_k)$ are column and row of cell $k$. As a loop, for one map:
#
# ```
# for every row y, for every column x:
#     weight = exp(h[y, x]);   total += weight;   sum_x += weight * x;   sum_y += weight * y
# answer = (sum_x / total, sum_y / total)
# ```
#
# That loop is right on paper and wrong in a computer: `exp(89)` is infinite in float32, and when all logits are below −104 every weight is
# zero. Adding a constant $c$ to a map changes nothing, as $e^{c}$ cancels. So subtract the largest logit **of each map** first: the
# largest weight is then exactly 1, and nothing can overflow. (The largest of the whole batch will not do. Why?)
#
# ### Exercise 4: `soft_argmax` (7 points)
#
# Vectorised, and with the soft-max written out: `torch.softmax` and its relatives are off limits, `torch.exp`, `torch.amax` and
# `torch.logsumexp` are fine. Check yourself against this list: logits of ±10⁴ · cells of −∞ · a map of −∞ throughout (see the
# conventions) · a map of one row, one column, one cell · no people at all · float64 stays float64, with float64's accuracy · a map that
# is a transposed or strided view of something else.

# %% exercise="pose.soft_argmax"
def soft_argmax(heatmaps: Tensor) -> Tensor:
    """Expected keypoint position under the spatial soft-max.

    Args:
        heatmaps: logits [B, J, H, W], any strides; -inf marks a cell that is not allowed.

    Returns:
        [B, J, 2], x then y, in pixels; same dtype as the maps. The middle of the map where no cell is allowed.
    """
    ### BEGIN SOLUTION
    height, width = heatmaps.shape[-2:]
    logits = heatmaps.flatten(2)  # [B, J, H W]
    # -inf minus -inf is NaN: a map without any allowed cell is made uniform, and its mean is the middle.
    logits = logits.masked_fill((logits == -math.inf).all(dim=-1, keepdim=True), 0.0)
    weight = torch.exp(logits - logits.amax(dim=-1, keepdim=True))
    share = weight / weight.sum(dim=-1, keepdim=True)
    cell = torch.arange(height * width, device=heatmaps.device)
    # row by row: the column is the remainder by the width, the row the quotient.
    place = torch.stack((cell % width, cell // width), dim=-1).to(heatmaps.dtype)  # [H W, 2]
    return share @ place
    ### END SOLUTION


# %% check="pose.soft_argmax"
check("pose.soft_argmax", soft_argmax)

# %% [markdown]
# **The gradient, by hand.** How does $\hat{x}$ move when one logit moves? The derivative of a soft-max is
# $\partial p_l / \partial h_k = p_l (\delta_{kl} - p_k)$, so
#
# $$
# \frac{\partial \hat{x}}{\partial h_k} = \sum_l x_l \, p_l (\delta_{kl} - p_k) = p_k \, x_k - p_k \sum_l p_l x_l = p_k \, (x_k - \hat{x}).
# $$
#
# Read it: a logit to the right of the current answer pulls it to the right, one to the left pulls it to the left, the further away the
# stronger, and cells without probability have no say. Every map gets this for free: a push on one side, a pull on the other. Autograd
# agrees:

# %%
bump = 6 * gaussian(torch.tensor([[13.3, 8.6]]), 20, 28, sigma=2.5)[None]
bump = (bump + 0.4 * torch.randn(bump.shape, generator=generator)).requires_grad_(True)
answer = soft_argmax(bump)
(gradient,) = torch.autograd.grad(answer[0, 0, 0], bump)
share = torch.softmax(bump.detach().flatten(2), dim=-1).reshape(bump.shape)
by_hand = share * (torch.arange(28) - answer[0, 0, 0].detach())
print(f"autograd and p (x - E[x]) differ by at most {(gradient - by_hand).abs().max():.4f}")

figure, panels = plt.subplots(1, 3, figsize=(9, 2.4))
panels[0].imshow(bump.detach()[0, 0], cmap="viridis")
panels[0].plot(*argmax(bump.detach()[0])[0], "x", color="white", label="arg-max")
panels[0].plot(*answer.detach()[0, 0], "+", color="red", markersize=10, label="soft-arg-max")
panels[0].legend(fontsize=7, facecolor="0.3", labelcolor="white")
panels[1].imshow(share[0, 0], cmap="viridis")
limit = float(gradient.abs().max())
panels[2].imshow(gradient[0, 0], cmap="coolwarm", vmin=-limit, vmax=limit)
for panel, title in zip(panels, ("logits", "probability", "gradient of x: p (x - E[x])")):
    panel.set_title(title, fontsize=9)
    panel.axis("off")
plt.show()

# %% [markdown]
# ## 3. What a mean gets wrong
#
# **The background pulls.** A mean listens to every cell, and there are many of them. Let the bump hold the share $w$ of the probability and
# the background, spread evenly with mean $c$ (the middle of the map), the rest. Then
#
# $$ \hat{x} = w \, x_{\text{bump}} + (1 - w) \, c . $$
#
# Take a Gaussian bump of height 1 as logits, and multiply it by β before the soft-max. The true position is (10, 20), the map 64 × 64:

# %%
bump = gaussian(torch.tensor([[10.0, 20.0]]), 64, 64, sigma=2.0)[None]
print("   beta        x        y")
for beta in (1, 5, 10, 20, 40):
    x, y = shipped.soft_argmax(beta * bump)[0, 0].tolist()
    print(f"{beta:>7} {x:>8.2f} {y:>8.2f}")
# the logarithm of a Gaussian has no background: its soft-max is the Gaussian.
x, y = shipped.soft_argmax(bump.clamp(min=1e-38).log())[0, 0].tolist()
print(f"  log-Gaussian {x:.2f} {y:.2f}")

# %% [markdown]
# With β = 1 the answer is the middle of the map, give or take a pixel: 4096 cells of logit 0 outvote one small bump. A network that is
# trained *through* the mean learns to make its logits large enough, or the background very negative. One that was trained on Gaussian
# targets and then read out by a mean has never been told.
#
# **Two maxima.** Is it the left knee or the right one? A map can say "either", a mean cannot:

# %%
x = torch.arange(64, dtype=torch.float64)
either = 0.6 * torch.exp(-((x - 16) ** 2) / 8) + 0.4 * torch.exp(-((x - 48) ** 2) / 8)
mean, variance = shipped.soft_argmax(either.log().reshape(1, 1, 1, 64), return_variance=True)
print(f"mean {mean[0, 0, 0]:.1f}, arg-max {int(either.argmax())}, variance {variance[0, 0, 0]:.1f}; of one bump alone it is 4.0")
figure, panel = plt.subplots(figsize=(6, 1.8))
panel.fill_between(x, either / either.sum(), color="tab:blue", alpha=0.4)
panel.axvline(float(mean[0, 0, 0]), color="red", label="mean")
panel.axvline(16, color="black", linestyle=":", label="arg-max")
panel.set(xlabel="column", ylabel="probability", ylim=(0, None))
panel.legend()
plt.show()

# %% [markdown]
# The mean lies where no knee is. But the map *knows* that something is odd: its variance is sixty times too large.

# %% [markdown]
# ### Written question (3 points)
#
# A network turns an image of 64 × 48 pixels into one 16 × 12 map for each joint (stride 4).
#
# 1. Suppose the network is perfect: each map is a noise-free Gaussian around the true position. Read by arg-max, the answers are still
#    wrong. By how many **image** pixels on average, and why can no training remove that?
# 2. Why has soft-arg-max no such floor? And what does it pay: which cells does it listen to that an arg-max ignores, and with what effect?
# 3. Describe a map for which the arg-max is closer to the truth than the mean. Which quantity, computed from the map alone, would warn you?

# %% [markdown] question="pose.q_quantisation" points=3
# ### BEGIN SOLUTION
# 1. The true position is anywhere within its cell, the answer is the middle of the cell. The mean distance is 0.3826 cells, so
#    4 · 0.3826 = 1.53 image pixels. It is rounding, not a lack of knowledge: the map was already perfect, and there is no better cell to
#    choose.
# 2. The mean is a continuous function of the logits: moving a little probability from one cell to its neighbour moves the answer by a
#    fraction of a cell, so positions between cells can be expressed and learnt. The price is that *all* cells vote. Probability in the
#    background pulls the answer towards the middle of the map, E = w x + (1 − w) c; and near the border the bump is cut off on one side,
#    which pushes the mean inwards.
# 3. Two separate maxima, such as a left and a right knee with shares 0.6 and 0.4: the arg-max is right whenever the larger one is, the mean
#    lies between them, where nothing is. (A flat background under a small bump is another.) The variance or covariance of the map warns:
#    about 250 instead of 4 in the example above. The entropy of the map, or the ratio of the two highest separate peaks, would do as well.
#
# **Rubric**: 1 point for 1.5 image pixels (accept 1.5 to 1.6) with the reason that the set of answers is discrete; half for 0.38 cells
# without the factor 4, or for the number without the reason · 1 point for continuity of the mean *and* the pull of the background (or of
# the border); half for either · 1 point for a right example with a right warning quantity; half for either.
# ### END SOLUTION

# %% [markdown]
# ## 4. The same thing in one pass: a Triton kernel
#
# Your `soft_argmax` is a handful of PyTorch calls, and each of them reads a tensor of the size of all heatmaps from memory and writes
# another one. The arithmetic is nothing; the GPU waits for memory. Count it:

# %%
class Traffic(TorchDispatchMode):
    """Adds up the elements that operations read and write; views move nothing."""

    moved = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.moved += sum(value.numel() for value in (*args, result) if isinstance(value, Tensor))
        return result


maps = torch.randn(4, 17, 64, 48, generator=generator)
with Traffic() as traffic:
    soft_argmax(maps)
print(f"your soft_argmax moves about {traffic.moved / maps.numel():.0f} times the size of the maps; reading them once is enough")

# %% [markdown]
# ### Programs, pointers, strides, masks
#
# A Triton kernel is a Python function that runs many times at once. Each run is a **program** and has a number, `tl.program_id(0)`. You
# choose how many there are: the **grid**. Here, one program takes one map.
#
# ![Three programs, each walks over its own map in three blocks of eight lanes; the last three lanes are masked](figures/programs.png)
#
# A program does not see tensors. It gets a **pointer** to the first element, and the **strides**: how many elements to go on in memory to
# reach the next map, the next row, the next column. The cell (row, column) of map `n` lies at
#
# ```
# maps + n * stride_map + row * stride_row + column * stride_column
# ```
#
# With strides, the same kernel reads a transposed view, every second column, or a crop of a larger map. A kernel that assumes "the next row
# starts `width` elements later" is right until somebody calls it on a view, and then it is wrong without saying so.
#
# A program works on **blocks**: vectors of `BLOCK` lanes, a power of two, known when the kernel is compiled (`tl.constexpr`). A map of 21
# cells takes three blocks of 8, and three lanes of the last one have no cell. They are **masked**: `tl.load(pointers, mask=inside,
# other=value)` reads nothing there and gives `value` instead. Choose it so that it does not take part: 0 in a sum, but what in a maximum?
#
# Here is a complete kernel, the mean logit of each map. All the pieces that you need are in it.

# %%
@triton.jit
def mean_logit_kernel(maps, out, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr):
    n = tl.program_id(0).to(tl.int64)  # 64 bits: n * stride_map passes 2**31 on large tensors
    total = 0.0
    for start in range(0, height * width, BLOCK):
        cell = start + tl.arange(0, BLOCK)  # [BLOCK] numbers of the cells of this block
        inside = cell < height * width
        place = maps + n * stride_map + (cell // width) * stride_row + (cell % width) * stride_column
        logit = tl.load(place, mask=inside, other=0.0).to(tl.float32)  # float16 maps are summed in float32, too
        total += tl.sum(logit, axis=0)
    tl.store(out + n, total / (height * width))


if HAVE_TRITON:
    maps = torch.randn(3, 7, 9, generator=generator).to(DEVICE).transpose(1, 2)  # 9 rows, 7 columns, a transposed view
    means = torch.full((3,), math.nan, device=DEVICE)
    mean_logit_kernel[(3,)](maps, means, 9, 7, *maps.stride(), BLOCK=16)
    print(f"largest difference to PyTorch: {(means - maps.mean(dim=(1, 2))).abs().max():.4f}")

# %% [markdown]
# ### A maximum that nobody knows yet
#
# To be stable, the soft-max needs the largest logit; to find it, one reads the map; to sum the weights, one reads it again. Two passes. The
# way out is to sum **under the largest logit so far** and to correct the sums when a larger one turns up. If the maximum rises from $m$ to
# $m'$, every weight collected so far was $e^{h - m}$ and should have been $e^{h - m'}$: all of them are too large by the same factor
# $e^{m' - m}$. So one multiplication puts the whole sum right:
#
# $$
# m' = \max(m, \max_k h_k), \qquad
# s' = s \, e^{m - m'} + \sum_k e^{h_k - m'}, \qquad
# s_x' = s_x \, e^{m - m'} + \sum_k e^{h_k - m'} x_k, \qquad
# s_y' \text{ likewise},
# $$
#
# where $k$ runs over the cells of the new block. In the end $\hat{x} = s_x / s$. (Fast attention kernels rest on the same trick.)
#
# ![The weights of twelve cells after one, two and three blocks: old weights shrink when the maximum rises](figures/running_maximum.png)
#
# *Blue: the weights of the new block. Grey: those collected before, shrunk by the factor above the panel.*
#
# By hand, four cells in blocks of two, logits 1, 3 | 2, 5:
#
# | | m | factor | s | s_x |
# |---|---|---|---|---|
# | block 0 | 3 | | e⁻² + 1 = 1.1353 | 0 · e⁻² + 1 · 1 = 1 |
# | block 1 | 5 | e⁻² = 0.1353 | 1.1353 · 0.1353 + e⁻³ + 1 = 1.2034 | 1 · 0.1353 + 2 · e⁻³ + 3 · 1 = 3.2349 |
#
# and 3.2349 / 1.2034 = 2.6881. The shipped op agrees:

# %%
print(f"{shipped.soft_argmax(torch.tensor([1.0, 3.0, 2.0, 5.0]).reshape(1, 1, 1, 4))[0, 0, 0]:.4f}")

# %% [markdown]
# ### Exercise 5: `soft_argmax_kernel` (9 points)
#
# Write the kernel and its grid: one program for each map, a loop over blocks, one read of each cell. It is called as
#
# ```
# soft_argmax_kernel[soft_argmax_grid(N)](maps, out, H, W, *maps.stride(), BLOCK=...)
# ```
#
# with `maps` `[N, H, W]` of any strides, float32 or float16, and `out` `[N, 2]` contiguous, in the dtype of the maps (`tl.store` converts).
# N may be 0. The `out` that the check hands you is full of NaN and has guard rows on both sides: write every element of your own, and
# no other.
#
# | you need | it does |
# |---|---|
# | `tl.max(v, axis=0)`, `tl.sum(v, axis=0)` | reduce a block to one number |
# | `tl.maximum(a, b)`, `tl.exp(v)`, `tl.where(condition, a, b)` | element by element |
# | `v.to(tl.float32)` | convert |
# | `tl.store(pointer, number)` | write one number |
#
# Think about these before you start:
#
# * What must a masked lane hold, so that it neither raises the maximum nor adds a weight?
# * What does the running maximum start with? If it is −∞ and the whole first block is −∞, too, what is −∞ − (−∞)?
# * What is the total of a map without any allowed cell, and what should be stored then?
# * float16 ends at 65 504. How large can a sum over a map of 5 400 cells get?
#
# Without a GPU the kernel is *interpreted*, program after program, and `print(...)` works inside it. On a GPU it is compiled.

# %% exercise="pose.soft_argmax_kernel"
@triton.jit
def soft_argmax_kernel(maps, out, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr):
    """Expected position of one map: program n reads map n once and stores x and y in row n of ``out``."""
    ### BEGIN SOLUTION
    n = tl.program_id(0).to(tl.int64)
    # finite, so that a block of -inf gives exp(-inf) = 0 instead of exp(-inf + inf) = NaN.
    peak = -3.0e38
    total = 0.0
    sum_x = 0.0
    sum_y = 0.0
    for start in range(0, height * width, BLOCK):
        cell = start + tl.arange(0, BLOCK)
        row = cell // width
        column = cell % width
        place = maps + n * stride_map + row * stride_row + column * stride_column
        logit = tl.load(place, mask=cell < height * width, other=-float("inf")).to(tl.float32)
        new_peak = tl.maximum(peak, tl.max(logit, axis=0))
        shrink = tl.exp(peak - new_peak)
        weight = tl.exp(logit - new_peak)
        total = total * shrink + tl.sum(weight, axis=0)
        sum_x = sum_x * shrink + tl.sum(weight * column, axis=0)
        sum_y = sum_y * shrink + tl.sum(weight * row, axis=0)
        peak = new_peak
    # every weight is zero only where every cell is -inf.
    blank = total == 0.0
    safe = tl.where(blank, 1.0, total)
    tl.store(out + 2 * n, tl.where(blank, (width - 1) / 2, sum_x / safe))
    tl.store(out + 2 * n + 1, tl.where(blank, (height - 1) / 2, sum_y / safe))
    ### END SOLUTION


def soft_argmax_grid(maps: int) -> tuple[int, ...]:
    """Launch grid for that many maps."""
    ### BEGIN SOLUTION
    return (maps,)
    ### END SOLUTION


# %% check="pose.soft_argmax_kernel"
check("pose.soft_argmax_kernel", soft_argmax_kernel, grid=soft_argmax_grid)

# %% [markdown]
# **Beside the others.** Your kernel, your PyTorch function, and the op that ships with the course (its readable reference, its PyTorch
# formulation and its own kernel), on the same maps:

# %%
if HAVE_TRITON:
    maps = (3 * torch.randn(6, 24, 40, generator=generator)).to(DEVICE)
    mine = torch.full((6, 2), math.nan, device=DEVICE)
    soft_argmax_kernel[soft_argmax_grid(6)](maps, mine, 24, 40, *maps.stride(), BLOCK=256)
    others = {"my soft_argmax": soft_argmax(maps[None])}
    others |= {f"shipped, {path}": shipped.soft_argmax(maps[None], path=path) for path in ("naive", "plain", "fused")}
    for name, other in others.items():
        print(f"{name:<15} largest difference to my kernel {(mine - other[0]).abs().max():.3f} px")

# %% [markdown]
# The picture of what you wrote: the running answer after each block, from the first rows of the map to the last. It starts wherever the
# first rows happen to be brightest, and each block that beats the old maximum throws most of the past away.

# %%
one = 7 * gaussian(torch.tensor([[27.0, 16.0]]), 24, 40, sigma=3.0) + 0.8 * torch.randn(1, 24, 40, generator=generator)
cells = torch.arange(24 * 40).reshape(24, 40)
so_far = torch.stack([one[0].masked_fill(cells >= end, -math.inf) for end in range(80, 24 * 40 + 1, 80)])
path = shipped.soft_argmax(so_far[None])[0]
figure, panel = plt.subplots(figsize=(5.5, 3.2))
panel.imshow(one[0], cmap="viridis")
panel.plot(*path.T, "-o", color="white", markersize=3, linewidth=1)
panel.plot(*path[-1], "+", color="red", markersize=12)
panel.set(title="answer after each block of 80 cells (two rows)", xlabel="x", ylabel="y")
plt.show()
print(f"after the last block: {path[-1, 0]:.1f}, {path[-1, 1]:.1f}")

# %% [markdown]
# **Think.** A kernel does not care about differentiation: PyTorch does not know that your answer depends on the maps, so nothing can be
# trained through it yet. What would a *backward* kernel have to read, and what has the forward pass to keep for it? Use the formula of
# section 2: two numbers more than the answer are enough.

# %% [markdown]
# ## 5. A head that looks at the map
#
# Back to the stick figures of notebook 1. The same three convolutions, no coordinate channels, and instead of averaging the map away, one
# more convolution that makes one heatmap for each joint, and the mean position of each. The loss is the squared distance of the joints,
# as before, and the same labels are missing. Nobody says what a map should look like.

# %%
LIMBS = [(1, 0), (1, 2), (1, 3), (1, 4), (4, 5), (4, 6)]
INK = torch.tensor([1.0, 0.5, 1.0, 1.0, 0.5, 1.0])[:, None]
WIDTH, HEIGHT, JOINTS = 40, 32, 7


def toy_people(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The stick figures of notebook 1: images [N, 1, H, W] in 0..1, joints [N, 7, 2] in pixels."""
    swing = torch.tensor([35.0, 98.0, 98.0, 28.0, 56.0, 56.0]) * (torch.rand(count, 6, generator=generator) - 0.5)
    angle = torch.deg2rad(torch.tensor([-90.0, 140.0, 40.0, 90.0, 110.0, 70.0]) + swing)
    length = torch.tensor([4.0, 7.0, 7.0, 8.0, 9.0, 9.0]) * (0.8 + 0.4 * torch.rand(count, 6, generator=generator))
    step = length[..., None] * torch.stack((angle.cos(), angle.sin()), dim=-1)
    joints = torch.zeros(count, JOINTS, 2)
    spread = torch.tensor([18.0, 6.0]) * (torch.rand(count, 2, generator=generator) - 0.5)
    joints[:, 1] = torch.tensor([WIDTH / 2, HEIGHT / 3]) + spread
    for limb, (start, end) in enumerate(LIMBS):
        joints[:, end] = joints[:, start] + step[:, limb]
    return draw(joints), joints


# %%
def draw(joints: Tensor) -> Tensor:
    """Ink each pixel by its distance to the nearest limb: [N, J, 2] to [N, 1, H, W]."""
    row, column = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    pixel = torch.stack((column, row), dim=-1).reshape(1, 1, -1, 2).float()
    first, last = (joints[:, [limb[end] for limb in LIMBS], None] for end in (0, 1))
    along = ((pixel - first) * (last - first)).sum(dim=-1) / (last - first).square().sum(dim=-1)
    away = (pixel - first - along.clamp(0, 1)[..., None] * (last - first)).norm(dim=-1)
    return (INK * torch.exp(-away.square() / 1.3)).amax(dim=1).reshape(-1, 1, HEIGHT, WIDTH)


class IntegralPose(nn.Module):
    """Image to one heatmap per joint (stride 4)."""

    def __init__(self) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(1, 24, 3, 2, 1), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1), nn.ReLU(), nn.Conv2d(48, 64, 3, 1, 1), nn.ReLU()]
        self.maps = nn.Sequential(*convolutions, nn.Conv2d(64, JOINTS, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.maps(images)


# %%
def to_image(points: Tensor, maps: Tensor) -> Tensor:
    """Map coordinates to image pixels: equal normalised coordinates on both grids."""
    return norm_to_pixel(pixel_to_norm(points, maps.shape[-2:], align_corners=False), (HEIGHT, WIDTH), align_corners=False)


generator = torch.Generator().manual_seed(1)
images, joints = toy_people(600, generator)
new_images, new_joints = toy_people(200, generator)
visible = torch.rand(joints.shape[:2], generator=generator) < 0.8  # as in notebook 1, a fifth of the labels is lost

torch.manual_seed(0)
model = IntegralPose()
optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
shuffle = torch.Generator().manual_seed(2)
count = steps(full=250, graded_steps=2)
for _ in range(count):
    pick = torch.randint(len(images), (32,), generator=shuffle)
    maps = model(images[pick])
    found = to_image(shipped.soft_argmax(maps), maps)
    loss = (found - joints[pick])[visible[pick]].square().sum(dim=-1).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()

# %%
with torch.no_grad():
    maps = model(new_images)
highest = argmax(maps.flatten(0, 1)).reshape(len(maps), JOINTS, 2)
readings = {"mean": to_image(shipped.soft_argmax(maps), maps), "arg-max": to_image(highest.float(), maps)}
readings["average figure"] = joints.mean(dim=0).expand_as(new_joints)
errors = {name: float((found - new_joints).norm(dim=-1).mean()) for name, found in readings.items()}
if count == 250:
    # over ten seeds: mean 1.22 px, standard deviation 0.08. Notebook 1's head reached 2.6 px with the same convolutions and steps.
    assert errors["mean"] < 1.6 < errors["average figure"], errors
    print(f"integral regression: about {errors['mean']:.0f} px, the average figure: {errors['average figure']:.1f} px")
    print(f"the same maps read by arg-max are worse: {errors['arg-max'] > errors['mean']}")

# %%
figure, panels = plt.subplots(1, 5, figsize=(10.5, 2.4), num="finished", layout="constrained")
for panel, joint, name in zip(panels, (0, 3, 6), ("head", "right hand", "right foot")):
    panel.imshow(torch.softmax(maps[3, joint].flatten(), dim=0).reshape(maps.shape[-2:]), cmap="viridis")
    panel.plot(*shipped.soft_argmax(maps)[3, joint], "+", color="red", markersize=10)
    panel.set_title(name, fontsize=9)
panels[3].imshow(new_images[3, 0], cmap="Greys", vmax=1.4)
panels[3].scatter(*new_joints[3].T, s=30, facecolors="none", edgecolors="tab:green")
panels[3].scatter(*readings["mean"][3].T, s=20, marker="x", color="tab:red", linewidths=1)
panels[3].set_title("all seven joints", fontsize=9)
for panel in panels[:4]:
    panel.axis("off")
panels[4].bar([name.replace(" ", "\n") for name in errors], list(errors.values()), color=("tab:red", "0.6", "0.8"))
panels[4].tick_params(labelsize=8)
panels[4].set_title("error on new figures, px", fontsize=9)
plt.show()

# %% [markdown]
# Half the error of notebook 1, from the same convolutions, the same number of steps and no coordinate channels. And the maps that came out
# are sharp peaks, although no label ever asked for a peak.

# %% [markdown]
# ## 6. Extension: how sure is a map, and in which direction? (3 bonus points)
#
# Section 3 left a warning sign unread: a map that is too wide. The full picture of its doubt is the 2 × 2 covariance matrix of the
# position, with $u = (x, y)$ as a column:
#
# $$
# \Sigma = \sum_k p_k \, (u_k - \hat{u}) (u_k - \hat{u})^\top .
# $$
#
# Take the mean off **before** you multiply. $\mathrm{E}[u u^\top] - \hat{u} \hat{u}^\top$ is the same on paper, but in float32 a
# narrow bump far from the corner is a small difference of two large numbers, and its last digits are noise. Here `torch.softmax` is
# allowed, and so is `shipped.soft_argmax` for the mean. Maps without any allowed cell do not occur.

# %% exercise="pose.heatmap_covariance"
def heatmap_covariance(heatmaps: Tensor) -> Tensor:
    """Covariance of the position under the spatial soft-max.

    Args:
        heatmaps: logits [B, J, H, W].

    Returns:
        [B, J, 2, 2] in pixels squared, axes in the order x, y; same dtype as the maps.
    """
    ### BEGIN SOLUTION
    width = heatmaps.shape[-1]
    share = torch.softmax(heatmaps.flatten(2), dim=-1)  # [B, J, H W]
    cell = torch.arange(share.shape[-1], device=heatmaps.device)
    place = torch.stack((cell % width, cell // width), dim=-1).to(heatmaps.dtype)
    away = place - shipped.soft_argmax(heatmaps)[..., None, :]  # [B, J, H W, 2]
    return away.mT @ (share[..., None] * away)
    ### END SOLUTION


# %% check="pose.heatmap_covariance"
check("pose.heatmap_covariance", heatmap_covariance)

# %% [markdown]
# The eigenvectors of Σ are the axes of an ellipse, the roots of its eigenvalues their half-lengths. A sure map has a small circle, a limb
# seen from the side a narrow oval, a left-right confusion a long one that reaches over both.

# %%
x, y = torch.arange(28) - 14.0, torch.arange(20)[:, None] - 10.0
maps = torch.stack([
    -(x**2 + y**2) / 4,
    -(x**2 - 1.7 * x * y + y**2) / 6,
    torch.logaddexp(-((x + 6) ** 2 + y**2) / 4, -((x - 6) ** 2 + y**2) / 4 - 0.4),
])[None]
means, covariances = soft_argmax(maps)[0], heatmap_covariance(maps)[0]
around = torch.linspace(0, 2 * math.pi, 100)
circle = torch.stack((around.cos(), around.sin()))
figure, panels = plt.subplots(1, 3, figsize=(9, 2.2))
for panel, one, mean, covariance, name in zip(panels, maps[0], means, covariances, ("sure", "a limb", "left or right?")):
    size, axes = torch.linalg.eigh(covariance)
    oval = mean[:, None] + axes @ (2 * size.clamp(min=0).sqrt()[:, None] * circle)
    panel.imshow(one.exp(), cmap="viridis")
    panel.plot(*oval, color="red")
    panel.plot(*mean, "+", color="red")
    panel.set(title=f"{name}: ±2 sd", xlim=(-0.5, 27.5), ylim=(19.5, -0.5))
    panel.axis("off")
plt.show()

# %% [markdown]
# **Check yourself before you go on.** Can you, without looking,
#
# * derive p (x − E[x]), and say what it does to a logit left of the answer?
# * say what happens to the mean when the background gets a little brighter everywhere, and why the arg-max does not care?
# * explain to a friend why old sums have to shrink when the maximum rises, and by what factor?
# * say which lanes of a block are masked, with what value, and what goes wrong with another one?
