# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 3. In one pass: a GPU kernel for the mean
#
# The soft-arg-max of notebook 2 is a handful of PyTorch calls, each of which goes over memory once or twice. This notebook computes the same
# in a single pass, with a kernel of your own.
#
# **After this notebook you can**
#
# * write a GPU kernel in Triton: programs, pointers, strides, masks and a running maximum; and test it on a laptop without a GPU.
#
# About 60 minutes. 9 points: one exercise.

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
from torch import Tensor
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

plt.rcParams["figure.dpi"] = 80
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

# %% [markdown]
# ## 1. The same thing in one pass: a Triton kernel
#
# The plain `soft_argmax` is a handful of PyTorch calls, and each of them reads a tensor of the size of all heatmaps from memory and writes
# another one. The arithmetic is nothing; the GPU waits for memory. Count it:

# %%
def gaussian(centre: Tensor, height: int, width: int, sigma: float) -> Tensor:
    """Bumps of height 1: centres [N, 2] (x, y) to maps [N, H, W]."""
    x = torch.arange(width) - centre[:, 0, None, None]
    y = torch.arange(height)[:, None] - centre[:, 1, None, None]
    return torch.exp(-(x.square() + y.square()) / (2 * sigma**2))


generator = torch.Generator().manual_seed(3)

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
    shipped.soft_argmax(maps, path="naive")
print(f"the plain soft_argmax moves about {traffic.moved / maps.numel():.0f} times the size of the maps; reading them once is enough")

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
# ### Exercise 5b: `soft_argmax_kernel` (9 points)
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
# **Beside the others.** Your kernel, and the op that ships with the course (its readable reference, its PyTorch
# formulation and its own kernel), on the same maps:

# %%
if HAVE_TRITON:
    maps = (3 * torch.randn(6, 24, 40, generator=generator)).to(DEVICE)
    mine = torch.full((6, 2), math.nan, device=DEVICE)
    soft_argmax_kernel[soft_argmax_grid(6)](maps, mine, 24, 40, *maps.stride(), BLOCK=256)
    others = {f"shipped, {path}": shipped.soft_argmax(maps[None], path=path) for path in ("naive", "plain", "fused")}
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
# section 6 of notebook 2: two numbers more than the answer are enough.

# %% [markdown]
# **Check yourself before you go on.** Can you, without looking,
#
# * explain to a friend why old sums have to shrink when the maximum rises, and by what factor?
# * say which lanes of a block are masked, with what value, and what goes wrong with another one?
