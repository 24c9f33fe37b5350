# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 3. In one pass: GPU kernels for heatmaps
#
# The soft-arg-max of notebook 2 is a handful of PyTorch calls, each of which goes over memory once or twice. Here you write it as one kernel
# that reads every cell a single time, together with a kernel that draws heatmaps and one that carries gradients back. No GPU is needed: on
# a laptop, kernels are interpreted.
#
# **After this notebook you can**
#
# * count what an operation moves through memory, and say whether memory or arithmetic holds it up;
# * write a GPU kernel in Triton: programs, pointers, strides, masks and a running maximum; and test it on a laptop without a GPU;
# * write a test that wrong implementations do not survive and right ones do;
# * write the gradient of a kernel as a second kernel, and join the two into a function that can be trained through (bonus).
#
# About 75 minutes. 16 points: two exercises (13) and one written question (3). 12 bonus points: two more kernels, about 40 minutes more.
#
# ![Three drawn joints, the running answer over a map, its gradient, and answers that walk to their targets](figures/3_kernels.png)
#
# *What you will have at the end, every picture made by a kernel of yours (the first, third and fourth by the bonus ones): drawn joints, the
# answer after each block of a map, the gradient that pulls it to the upper right, and three maps that learn through it.*

# %% [markdown]
# ## Conventions
#
# | | in this course |
# |---|---|
# | a point | `(x, y)`: **x first**, to the right; y downwards |
# | a heatmap | `[B, J, H, W]`: one map of H rows and W columns for each joint of each person, stored row by row. Kernels take `[N, H, W]`, where N = B · J |
# | values | **logits**: any real number. The soft-max over *all cells of one map* makes probabilities of them |
# | pixel coordinates | cell centres are whole numbers: columns 0 … W − 1, rows 0 … H − 1 |
# | −∞ | a cell that is not allowed: probability 0, gradient 0 |
# | a map of −∞ throughout | says nothing: the answer is its middle, ((W − 1)/2, (H − 1)/2), with gradient 0 |
# | a drawn joint | a Gaussian of height **1**, exp(−d² / 2σ²); d is the distance in cells; a hidden joint has a map of zeros |
# | strides | in **elements**, as `tensor.stride()` counts them, not in bytes |
# | sums | in float32 at least, also over float16 maps |
# | dtype, device | an answer has those of what came in; float32 and float64 are tested. Kernels: float32 and **float16** |
# | inputs | are left as they were, and so are the global random generators |
# | any size | a batch may be empty (B = 0), and a tensor may be a view that is not contiguous in memory |
#
# The last three lines hold for every exercise, whether it says so again or not, and hidden checks look at them.

# %% setup=true
import inspect
import math
import os
import warnings

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

from vislab.check import check
from vislab.check.budget import steps
from vislab.ops.gaussian_heatmaps import gaussian_heatmaps
from vislab.ops.soft_argmax import soft_argmax

plt.rcParams["figure.dpi"] = 80
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def ready(kernel) -> bool:
    """Whether a kernel can be launched: Triton is there, and the exercise is written."""
    return HAVE_TRITON and "raise NotImplementedError" not in inspect.getsource(kernel.fn)

# %% [markdown]
# ## 1. The GPU waits for memory
#
# A GPU of these days moves about 2 · 10¹² bytes in a second between its memory and its processors, and computes about 6 · 10¹³ float32
# operations in that second: thirty for every byte. Now add two float32 tensors. Each number of the result takes two numbers that are
# read and one that is written, 12 bytes, and **one** operation; the GPU could have done 360. The addition takes as long as its bytes
# take, and the arithmetic is free. The quotient
#
# $$ \text{arithmetic intensity} = \frac{\text{operations}}{\text{bytes moved}} $$
#
# decides. Below the machine's own quotient (30 here) memory sets the time, above it arithmetic does. A matrix product of two large
# matrices lies far above, everything that works element by element far below: what counts there is **how often a tensor travels**.
#
# Each PyTorch call reads its inputs from memory and writes its result back, and the next call reads that again. Count it for the plain
# `soft_argmax`, in numbers moved for each cell of the maps:

# %%
class Traffic(TorchDispatchMode):
    """Adds up the elements that PyTorch's operations read and write; views move nothing."""

    moved = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.moved += sum(value.numel() for value in (*args, result) if isinstance(value, Tensor))
        return result


generator = torch.Generator().manual_seed(3)
maps = torch.randn(4, 17, 64, 48, generator=generator)
with Traffic() as traffic:
    soft_argmax(maps, path="naive")
print(f"the plain soft_argmax moves about {traffic.moved / maps.numel():.0f} numbers for each cell; reading each cell once is enough")

# %% [markdown]
# The cure is a **kernel** of one's own: one program that reads a cell, does everything with it while it is in the processor's registers,
# and writes what is left. Here is a way to see what such a kernel moves. Interpreted kernels pass through two functions of Triton's
# interpreter when they load and store; we put a counter in front of both. On a GPU, where that does not work, we take the time instead.

# %%
class KernelTraffic:
    """Counts the elements that interpreted kernels load and store; masked lanes move nothing."""

    def __enter__(self):
        from triton.runtime.interpreter import interpreter_builder

        self.moved, self.builder = 0, interpreter_builder
        load, store = interpreter_builder.create_masked_load, interpreter_builder.create_masked_store

        def counted_load(pointers, mask, *others):
            self.moved += int(mask.data.sum())
            return load(pointers, mask, *others)

        def counted_store(pointers, value, mask, *others):
            self.moved += int(mask.data.sum())
            return store(pointers, value, mask, *others)

        interpreter_builder.create_masked_load, interpreter_builder.create_masked_store = counted_load, counted_store
        return self

    def __exit__(self, *error):
        del self.builder.create_masked_load, self.builder.create_masked_store

# %%
# enough for a GPU to be busy; a few maps where Python interprets every block.
COUNT, HEIGHT, WIDTH = (1088, 96, 72) if DEVICE == "cuda" else (6, 24, 40)


def compare(calls: dict) -> None:
    """Print what each call costs beside the first: its time on a GPU, what it moves where kernels are interpreted."""
    cost = {}
    for name, call in calls.items():
        if DEVICE == "cuda":
            cost[name] = triton.testing.do_bench(call)
            continue
        # launching an interpreted kernel calls PyTorch, too: where a kernel has moved something, that is what counts.
        with Traffic() as plain, KernelTraffic() as kernel:
            call()
        cost[name] = kernel.moved or plain.moved
    first = next(iter(cost.values()))
    print("time" if DEVICE == "cuda" else "numbers moved (kernels are interpreted here: their time would tell nothing)")
    for name, value in cost.items():
        print(f"{name:<15} {value / first:5.1f} times the first" + f", {1000 * value:.0f} µs" * (DEVICE == "cuda"))

# %% [markdown]
# ## 2. Programs, pointers, strides, masks
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
# Triton has many more words; for this notebook these are enough:
#
# | word | what it does |
# |---|---|
# | `tl.program_id(0)`, `tl.program_id(1)` | number of this program, along either axis of the grid |
# | `tl.arange(0, BLOCK)` | a block of the numbers 0 … BLOCK − 1 |
# | `tl.load(pointers, mask=…, other=…)`, `tl.load(pointer)` | read a block, or one number |
# | `tl.store(pointers, values, mask=…)`, `tl.store(pointer, number)` | write a block, or one number; converts to the dtype in memory |
# | `tl.max(v, axis=0)`, `tl.sum(v, axis=0)` | reduce a block to one number |
# | `tl.maximum(a, b)`, `tl.exp(v)`, `tl.where(condition, a, b)` | element by element |
# | `v.to(tl.float32)` | convert |
# | `+ - * / // %`, `< == !=`, `&` | element by element; a number is combined with every lane |
#
# Triton exists for Linux. On macOS and Windows the cells that launch kernels do nothing; write your kernels there if you like (they are
# graded all the same), but try them on Colab.
#
# ### What the compiler refuses and the interpreter does not
#
# Interpreted, a kernel is a Python function, and `print(...)` works inside it: use that. But a kernel is meant for a GPU, where it is
# compiled, and the compiler is stricter:
#
# * a number that a loop changes keeps its type: begin a sum with `0.0`, not with `0`;
# * no dictionaries, no `try`, no `break`, no calls of PyTorch: numbers, blocks, `for`, `if` and `tl.…` alone;
# * a block's length is a power of two and known at compile time: `BLOCK` is, `height * width` is not.
#
# And two stumbling blocks of the interpreter:
#
# * join conditions of blocks by `&`, with brackets around each; Python's `and` drops one of the two without a word;
# * `condition_of_a_block & condition_of_one_number` ends in a puzzling `TypeError` when the one number is a float. Keep the two apart, with
#   `tl.where`.

# %% [markdown]
# ## 3. Warm-up: a kernel that only writes
#
# The training targets of notebook 1 are Gaussian bumps. Drawing them is the simplest kernel there is: no cell needs to know of another,
# nothing is summed, and nearly nothing is read. For joint $n$ at $(x_n, y_n)$ and the cell in row $i$ and column $j$
#
# $$ H_n[i, j] = \exp\left(-\frac{(j - x_n)^2 + (i - y_n)^2}{2 \sigma^2}\right), $$
#
# and zero throughout if the joint is hidden. As a loop:
#
# ```
# for every joint n, for every block b of its map:         # a program each
#     for cell in b * BLOCK ... b * BLOCK + BLOCK - 1:     # a lane each; those beyond the map are masked
#         out[n, row of cell, column of cell] = exp(...) if visible[n] else 0
# ```
#
# Programs may be numbered in two directions. The grid `(joints, blocks)` has one program for each block of each map, so that even a single
# joint on a large map keeps many processors busy. How many blocks of `BLOCK` cells does a map need? The last one may be partly empty.
#
# ### Exercise 2c: `heatmap_kernel` (6 bonus points)
#
# It is bonus, and the gentlest way in. Write the kernel and its grid. It is called as
#
# ```
# heatmap_kernel[heatmap_grid(N, H, W, BLOCK)](
#     positions, visible, out, H, W, sigma, *positions.stride(), BLOCK=BLOCK
# )
# ```
#
# with `positions` `[N, 2]` of any strides, float32 or float16; `visible` `[N]`, one byte (uint8) each, 0 for a hidden joint; `out` `[N, H, W]`
# contiguous, in the dtype of the positions; `sigma` a number, at least 0.001. The `out` that the check hands you is full of NaN and has
# guard rows on both sides: write every element of your own, and no other. N may be 0.
#
# Think about these before you start:
#
# * Missing labels are often stored as NaN, and a hidden joint may well lie there. What is 0 · NaN?
# * A joint may lie between cells, beyond the border, or a million pixels away. Does any of that need a special case?
# * float16 has eleven binary digits. Which is the first column that it cannot number, and from which distance on is d² infinite?
# * Which lanes must not be stored, and whose cells would they overwrite?

# %% exercise="pose.heatmap_kernel"
@triton.jit
def heatmap_kernel(positions, visible, out, height, width, sigma, stride_joint, stride_axis, BLOCK: tl.constexpr):
    """Gaussian bumps of height 1: program (n, b) writes block b of map n."""
    ### BEGIN SOLUTION
    n = tl.program_id(0).to(tl.int64)
    cell = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    # float16 cannot number the columns beyond 2048.
    joint_x = tl.load(positions + n * stride_joint).to(tl.float32)
    joint_y = tl.load(positions + n * stride_joint + stride_axis).to(tl.float32)
    across = (cell % width - joint_x) / sigma
    down = (cell // width - joint_y) / sigma
    bump = tl.exp(-0.5 * (across * across + down * down))
    # chosen, not multiplied: the position of a hidden joint may be NaN.
    bump = tl.where(tl.load(visible + n) == 0, 0.0, bump)
    tl.store(out + n * (height * width) + cell, bump, mask=cell < height * width)
    ### END SOLUTION


def heatmap_grid(joints: int, height: int, width: int, block: int) -> tuple[int, ...]:
    """Launch grid for that many joints on maps of that size, in blocks of ``block`` cells."""
    ### BEGIN SOLUTION
    return joints, -(-height * width // block)
    ### END SOLUTION


# %% check="pose.heatmap_kernel"
check("pose.heatmap_kernel", heatmap_kernel, grid=heatmap_grid)

# %% [markdown]
# **Beside the others.** The op that ships with the course draws the same maps: its readable reference (`naive`), the best that PyTorch's
# own calls can do (`plain`), and its own kernel (`fused`). Your kernel must agree with all of them; then look at what each costs.

# %%
def draw(positions: Tensor, visible: Tensor, height: int, width: int, sigma: float) -> Tensor:
    """Your kernel as a function."""
    out = positions.new_full((len(positions), height, width), math.nan)
    grid = heatmap_grid(len(positions), height, width, 1024)
    heatmap_kernel[grid](positions, visible, out, height, width, sigma, *positions.stride(), BLOCK=1024)
    return out


positions = torch.rand(COUNT, 2, generator=generator).to(DEVICE) * torch.tensor([WIDTH - 1, HEIGHT - 1], device=DEVICE)
visible = torch.ones(COUNT, dtype=torch.uint8, device=DEVICE)
visible[2] = 0
paths = ("fused", "plain", "naive")
options = {"size": (HEIGHT, WIDTH), "sigma": 2.5, "visibility": visible[None]}
calls = {f"shipped, {path}": lambda path=path: gaussian_heatmaps(positions[None], **options, path=path) for path in paths}
if ready(heatmap_kernel):
    mine = draw(positions, visible, HEIGHT, WIDTH, 2.5)
    for name, call in calls.items():
        print(f"{name:<15} largest difference to my kernel {(mine - call()[0]).abs().max():.4f}")

# %% exempt="prints a time where there is a GPU"
if ready(heatmap_kernel):
    compare({"my kernel": lambda: draw(positions, visible, HEIGHT, WIDTH, 2.5), **calls})

# %%
if ready(heatmap_kernel):
    figure, panels = plt.subplots(1, 4, figsize=(9, 1.7), layout="constrained")
    for panel, one, at in zip(panels, mine.cpu(), positions.cpu()):
        panel.imshow(one, cmap="viridis", vmin=0, vmax=1)
        panel.plot(*at, "+", color="red")
        panel.set_title(f"({at[0]:.1f}, {at[1]:.1f})" if one.any() else "hidden", fontsize=9)
        panel.axis("off")
    plt.show()

# %% [markdown]
# **Think.** A bump is a product of one factor for its column and one for its row, so H + W exponentials do, where your kernel takes H · W.
# In `plain` the shipped op does just that. On a CPU it is about ten times faster for it. Would it make *your kernel* faster, on the GPU of
# section 1? An exponential and what goes with it is about 15 operations; and how many bytes does your kernel move for each cell?

# %% [markdown]
# ## 4. A maximum that nobody knows yet
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
print(f"{soft_argmax(torch.tensor([1.0, 3.0, 2.0, 5.0]).reshape(1, 1, 1, 4))[0, 0, 0]:.4f}")

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
# The table of section 2 has all the words that you need.
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
# **Beside the others**, again: values first, then what each costs.

# %%
def locate(maps: Tensor) -> Tensor:
    """Your kernel as a function: maps [N, H, W] to positions [N, 2]."""
    out = maps.new_full((len(maps), 2), math.nan)
    soft_argmax_kernel[soft_argmax_grid(len(maps))](maps, out, *maps.shape[1:], *maps.stride(), BLOCK=1024)
    return out


maps = (3 * torch.randn(COUNT, HEIGHT, WIDTH, generator=generator)).to(DEVICE)
calls = {f"shipped, {path}": lambda path=path: soft_argmax(maps[None], path=path) for path in paths}
if ready(soft_argmax_kernel):
    mine = locate(maps)
    for name, call in calls.items():
        print(f"{name:<15} largest difference to my kernel {(mine - call()[0]).abs().max():.3f} px")

# %% exempt="prints a time where there is a GPU"
if ready(soft_argmax_kernel):
    compare({"my kernel": lambda: locate(maps), **calls})

# %% [markdown]
# The picture of what you wrote: the running answer after each block, from the first rows of the map to the last. It starts wherever the
# first rows happen to be brightest, and each block that beats the old maximum throws most of the past away.

# %%
bump = 7 * gaussian_heatmaps(torch.tensor([[[27.0, 16.0]]]), (24, 40), sigma=3.0)[0]
bump = bump + 0.8 * torch.randn(bump.shape, generator=generator)
cells = torch.arange(24 * 40).reshape(24, 40)
so_far = torch.stack([bump[0].masked_fill(cells >= end, -math.inf) for end in range(80, 24 * 40 + 1, 80)])
if ready(soft_argmax_kernel):
    walk = locate(so_far.to(DEVICE)).cpu()
    figure, panel = plt.subplots(figsize=(5.5, 3.2))
    panel.imshow(bump[0], cmap="viridis")
    panel.plot(*walk.T, "-o", color="white", markersize=3, linewidth=1)
    panel.plot(*walk[-1], "+", color="red", markersize=12)
    panel.set(title="answer after each block of 80 cells (two rows)", xlabel="x", ylabel="y")
    plt.show()
    print(f"after the last block: {walk[-1, 0]:.1f}, {walk[-1, 1]:.1f}")

# %% [markdown]
# **Think.** One program walks over a whole map. With 1088 maps that keeps a GPU busy, with a single map of 4096 × 4096 cells one processor
# works and a hundred sleep. Which numbers would a program that sees only a quarter of a map have to leave behind, so that a last small
# kernel can put four quarters together? (You have the rule already: a quarter is a large block.)

# %% [markdown]
# ## 5. The test to hold a kernel to
#
# Your kernel passed a check that you have not seen. Where did its cases come from? Somebody sat down and asked: *what would a plausible
# mistake look like, and on which input would it show?* A map that hides the mistake tests nothing:

# %%
def swapped(maps: Tensor) -> Tensor:
    """A wrong soft_argmax: y first."""
    return soft_argmax(maps).flip(-1)


def exponential_of_everything(maps: Tensor) -> Tensor:
    """Another one: no maximum is subtracted."""
    weight = maps.exp()
    x, y = torch.arange(maps.shape[3]), torch.arange(maps.shape[2])[:, None]
    return torch.stack([(weight * place).sum(dim=(2, 3)) for place in (x, y)], dim=-1) / weight.sum(dim=(2, 3))[..., None]


middle = 5 * gaussian_heatmaps(torch.tensor([[[8.0, 8.0]]]), (17, 17), sigma=2.0)  # a bump in the middle of a square map
aside = 5 * gaussian_heatmaps(torch.tensor([[[11.0, 4.0]]]), (12, 17), sigma=2.0)
inputs = {"bump in the middle": middle, "bump aside, H != W": aside, "the same, 100 higher": aside + 100}
for name, given in inputs.items():
    wrong = [impl for impl in (swapped, exponential_of_everything) if not torch.allclose(impl(given), soft_argmax(given), atol=0.01)]
    print(f"{name:<22} shows: {', '.join(impl.__name__ for impl in wrong) or 'nothing'}")

# %% [markdown]
# Four things make a test worth its seconds.
#
# * **An oracle.** Something independent says what is right: a plain loop, another library, numbers worked out on paper, or a property (what
#   must a shift of the map do to the answer? what must adding a constant do?).
# * **Inputs that hide nothing.** Several people *and* several joints, H different from W, nothing in the middle, nothing symmetric.
# * **Edges, one by one.** Go through the conventions at the top line by line and ask of each: which input would show that an implementation
#   ignores it?
# * **A tolerance that has a reason.** Too wide, and half a pixel passes. Too tight, and you fail an honest sum that was added in another
#   order. float32 has 24 binary digits, so an ordinary answer is right to a millionth of the map's size; but a logit of 10 000 is itself
#   known to a thousandth only, and the answer of a map of ten columns that is made of such logits to about a hundredth of a pixel.
#
# ### Exercise 5c: `test_soft_argmax` (4 points)
#
# Write a test of **`soft_argmax`** as you know it from notebook 2: heatmaps `[B, J, H, W]`, float32 or float64, in, and positions
# `[B, J, 2]` out. It gets an implementation, calls it as often as it likes (up to 64 times), and **raises** (`assert` does) if the
# implementation is wrong. If it is right, the test returns.
#
# It is graded on eighteen wrong implementations, five of which the check below names: ten are wrong on nearly every map (1.5 points), the
# others on special ones only (stability and edge 1 point each, dtype ½). You earn the share that you catch, for the special ones only
# if you caught half of the ten. It is also run on right ones, written in several ways, and **a test that fails a right one a single time
# earns nothing**. So ask for nothing that the conventions do not promise: no other dtypes, no NaN in the maps, no maps without cells.
#
# What comes back from `impl` has no gradient, so that is not tested. You may use the shipped `soft_argmax` as an oracle, or make one of your
# own. At home the check tries your test on the shipped op (the table calls it "your own"), and on that op with a fault put in.

# %% exercise="pose.test_soft_argmax"
def test_soft_argmax(impl) -> None:
    """Raise where ``impl`` is no right soft-arg-max: heatmaps [B, J, H, W] to positions [B, J, 2]."""
    ### BEGIN SOLUTION
    plain = 2 * torch.randn(3, 2, 5, 8, generator=torch.Generator().manual_seed(7))
    masked = plain.clone()
    masked[:, :, :2] = -math.inf
    masked[1] = -math.inf
    far_apart = plain + torch.tensor([0.0, -2000.0, 700.0])[:, None, None, None]
    views = (plain.transpose(2, 3), plain[..., ::2], plain[:, :, 1:4, 2:7])
    for maps in (plain, masked, far_apart, *views, plain[..., :1], plain[..., :1, :], plain[..., :1, :1], plain[:0]):
        for given, allowed in ((maps, 0.01), (maps.double(), 1e-9)):
            answer = impl(given)
            # compares shape and dtype, too, and takes NaN for a difference.
            torch.testing.assert_close(answer, soft_argmax(given, path="naive"), atol=allowed, rtol=0)
    ### END SOLUTION


# %% check="pose.test_soft_argmax"
check("pose.test_soft_argmax", test_soft_argmax, right=soft_argmax)

# %% [markdown]
# **Now hold your own kernel to it.** The cell below gives your kernel the face of `soft_argmax` and runs your test on it.

# %%
def launched(maps: Tensor) -> Tensor:
    """soft_argmax by your kernel."""
    return locate(maps.flatten(0, 1).to(DEVICE)).reshape(*maps.shape[:2], 2).to(maps.device)


if ready(soft_argmax_kernel):
    try:
        test_soft_argmax(launched)
        print("my test finds nothing wrong with my kernel")
    except NotImplementedError:
        print("there is no test yet")
    except Exception as error:
        print(f"my test fails my kernel: {type(error).__name__}")

# %% [markdown]
# **Think.** A good test *fails* the kernel that you have just been given full marks for. Which promise of `soft_argmax` does the kernel not
# keep? (Print `error` itself in the last line to see.) Is it the kernel that is wrong, the test, or the sentence that says what the kernel
# is for? And what would it take to keep the promise, on a GPU whose float64 arithmetic is sixty times slower?

# %% [markdown]
# ### Written question (3 points)
#
# A batch of 64 people with 17 joints each has maps of 96 × 72 cells, in float32. A GPU moves 1.6 · 10¹² bytes a second and computes
# 1.92 · 10¹³ float32 operations a second. A one-pass forward kernel spends 12 operations on each cell.
#
# 1. How long does it take at least, once by its bytes and once by its operations? From how many operations a cell on would arithmetic set
#    the time? What becomes of the three numbers if the maps are stored in float16 (and still computed in float32)?
# 2. In training, the backward pass needs the probabilities p of all cells again, and writes a gradient for every cell. Compare three ways:
#    *A* the forward pass stores p; *B* it stores the maximum and the total weight of each map; *C* it stores neither, and the backward
#    kernel finds both again. For each: how many bytes are kept for it between the passes (the maps themselves are kept anyway), and how
#    often does a tensor of the size of the maps travel, forward and backward together? No map fits into a block.
# 3. A colleague prefers A, "because B and C take every exponential twice". Answer with numbers of parts 1 and 2. And when would C cost no
#    more traffic than B?

# %% [markdown] question="pose.q_memory" points=3
# ### BEGIN SOLUTION
# 1. 64 · 17 · 96 · 72 = 7.52 million cells of 4 bytes are 30.1 MB. By bytes: 30.1 · 10⁶ / 1.6 · 10¹² = **18.8 µs**. By operations:
#    12 · 7.52 · 10⁶ / 1.92 · 10¹³ = **4.7 µs**. The machine does 12 operations for each byte, so 48 for the 4 bytes of a cell: from **48
#    operations** on, arithmetic sets the time. In float16 the bytes halve: 9.4 µs by bytes, still 4.7 µs by operations, and the balance
#    lies at 24 operations a cell. Memory sets the time in both.
# 2. *A* keeps p, another **30.1 MB**. Forward it reads the maps for maximum and total, reads them again and writes p (3); backward it reads p
#    and writes the gradient (2): **5**. *B* keeps two numbers for each of 1088 maps, **8.7 kB** (17.4 kB with the answer, which exists
#    anyway). Forward 1, backward it reads the maps and writes the gradient: **3**. *C* keeps **nothing**; backward it reads the maps twice
#    and writes once: **4**.
# 3. The exponential is taken while the cell is being waited for. Even with 12 operations more the backward kernel stays far below the 48 (or,
#    as it moves 8 bytes a cell, 96) that would be free. One more trip of the maps costs 18.8 µs, all exponentials of the batch less than
#    4.7 µs, and these at the same time as the bytes. So A is slower by two trips (about 38 µs), and keeps 30 MB. C equals B when a map, read
#    once, stays in the processor: when it fits into one block (or the second reading comes out of a cache).
#
# **Rubric**: 1 point for 18.8 µs, 4.7 µs and 48 operations, with 9.4 µs and 24 for float16 (half for the first three alone, or for one slip
# of a factor carried through) · 1 point for the table: 30.1 MB and 5 (accept 4 with the remark that p can be written in the same pass if the
# map stays on the chip), 8.7 kB and 3, 0 and 4 (half for two of three rows) · 1 point for saying with numbers that the exponentials hide
# behind the bytes *and* that C equals B where a map stays on the chip (half for either).
# ### END SOLUTION

# %% [markdown]
# ## 6. Gradients back through a kernel
#
# A kernel does not care about differentiation: PyTorch does not know that your answer depends on the maps, so nothing can be trained through
# it yet. It has to be told, by a second kernel. Notebook 2 derived $\partial \hat{x} / \partial h_k = p_k (x_k - \hat{x})$. If the loss
# moves by $g_x$ and $g_y$ when the answer moves by one pixel, the chain rule gives
#
# $$
# \frac{\partial L}{\partial h_k} = p_k \left[ (x_k - \hat{x}) \, g_x + (y_k - \hat{y}) \, g_y \right],
# \qquad p_k = \frac{e^{h_k - m}}{s}.
# $$
#
# Once $\hat{x}$, $\hat{y}$, the maximum $m$ and the total weight $s$ of a map are known, no cell needs to know of another: it is a kernel
# of the kind of section 3 again, one that also reads. The forward pass had all four numbers, so it only has to leave them behind.
#
# ```
# for every map n, for every block b of it:
#     x_hat, y_hat, m, s = saved[n];   g_x, g_y = grad_answer[n]
#     for the cells of the block:
#         grad_maps[n, row, column] = exp(h - m) / s * ((column - x_hat) * g_x + (row - y_hat) * g_y)
# ```
#
# ### Exercise 5d: `soft_argmax_backward_kernel` (6 bonus points)
#
# Write the kernel and its grid. It is called as
#
# ```
# soft_argmax_backward_kernel[soft_argmax_backward_grid(N, H, W, BLOCK)](
#     maps, saved, grad_answer, grad_maps, H, W, *maps.stride(), BLOCK=BLOCK
# )
# ```
#
# with `maps` `[N, H, W]` of any strides, float32 or float16; and contiguous, in the dtype of the maps: `saved` `[N, 4]` holds x̂, ŷ, m, s
# of each map, `grad_answer` `[N, 2]` holds g_x, g_y, and `grad_maps` `[N, H, W]` takes the result. As before, `grad_maps` is full of NaN
# and guarded on both sides, and N may be 0.
#
# Think about these before you start:
#
# * A masked cell has logit −∞. What does the formula make of it, and is it stored?
# * A map without any allowed cell is saved as its middle, m = −∞ and s = 0. Its gradient is 0. What does the formula make of *that*?
# * Training in float16 multiplies the loss by 2¹³ or so, lest small gradients vanish. A position of 50 times a gradient of 8192 is …?

# %% exercise="pose.soft_argmax_backward_kernel"
@triton.jit
def soft_argmax_backward_kernel(
    maps, saved, grad_answer, grad_maps, height, width, stride_map, stride_row, stride_column, BLOCK: tl.constexpr
):
    """Gradient of the expected position in the logits: program (n, b) reads and writes block b of map n."""
    ### BEGIN SOLUTION
    n = tl.program_id(0).to(tl.int64)
    cell = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = cell < height * width
    row, column = cell // width, cell % width
    place = maps + n * stride_map + row * stride_row + column * stride_column
    logit = tl.load(place, mask=inside, other=-float("inf")).to(tl.float32)
    mean_x = tl.load(saved + 4 * n).to(tl.float32)
    mean_y = tl.load(saved + 4 * n + 1).to(tl.float32)
    top = tl.load(saved + 4 * n + 2).to(tl.float32)
    weight_sum = tl.load(saved + 4 * n + 3).to(tl.float32)
    wish_x = tl.load(grad_answer + 2 * n).to(tl.float32)
    wish_y = tl.load(grad_answer + 2 * n + 1).to(tl.float32)
    # a map of -inf throughout: -inf minus -inf over 0, and none of it is chosen.
    probability = tl.where(weight_sum == 0.0, 0.0, tl.exp(logit - top) / weight_sum)
    gradient = probability * ((column - mean_x) * wish_x + (row - mean_y) * wish_y)
    tl.store(grad_maps + n * (height * width) + cell, gradient, mask=inside)
    ### END SOLUTION


def soft_argmax_backward_grid(maps: int, height: int, width: int, block: int) -> tuple[int, ...]:
    """Launch grid for that many maps of that size, in blocks of ``block`` cells."""
    ### BEGIN SOLUTION
    return maps, -(-height * width // block)
    ### END SOLUTION


# %% check="pose.soft_argmax_backward_kernel"
check("pose.soft_argmax_backward_kernel", soft_argmax_backward_kernel, grid=soft_argmax_backward_grid)

# %% [markdown]
# ### Two kernels, one function
#
# `torch.autograd.Function` is where PyTorch is told. `forward` computes the answer and keeps what the gradient needs; `backward` gets the
# gradient of the loss in the answer, and returns the one in the maps. Two things to notice:
#
# * `gradient.contiguous()`: the gradient of a plain `sum()` is a single 1 with strides 0, and your kernel takes it to be contiguous;
# * maximum and total weight are computed by PyTorch here, so that the kernel of section 4 can stay as it is. It has both at hand when
#   it ends: in your own project, let it store them, and the maps travel once.

# %%
class SoftArgmax(torch.autograd.Function):
    """Your kernels as one differentiable function: maps [N, H, W] to positions [N, 2]."""

    @staticmethod
    def forward(ctx, maps):
        answer = locate(maps)
        top = maps.amax(dim=(1, 2))
        weight = torch.exp(maps - top[:, None, None]).nan_to_num(nan=0.0)
        saved = torch.cat([answer, top[:, None], weight.sum(dim=(1, 2))[:, None]], dim=1)
        ctx.save_for_backward(maps, saved)
        return answer

    @staticmethod
    def backward(ctx, gradient):
        maps, saved = ctx.saved_tensors
        grad_maps = torch.empty_like(maps, memory_format=torch.contiguous_format)
        grid = soft_argmax_backward_grid(*maps.shape, 1024)
        arguments = (maps, saved, gradient.contiguous(), grad_maps)
        soft_argmax_backward_kernel[grid](*arguments, *maps.shape[1:], *maps.stride(), BLOCK=1024)
        return grad_maps

# %% [markdown]
# **Is it the gradient?** Two questions, and a new function in a training loop should answer both. Does it agree with what autograd finds for
# plain PyTorch? And does it agree with *itself*: does the answer really move by that much when a logit moves? `gradcheck` moves every
# logit a little to both sides. It would rather have float64; your kernels sum in float32, so the step must be larger (0.01) and the
# tolerance wider.

# %%
def pulled(function, maps: Tensor) -> Tensor:
    """Gradient of an uneven sum of the positions in the maps."""
    maps = maps.detach().requires_grad_(True)
    answer = function(maps)
    (answer * torch.linspace(-1.0, 2.0, answer.numel(), device=DEVICE).reshape(answer.shape)).sum().backward()
    return maps.grad

# %%
if ready(soft_argmax_kernel) and ready(soft_argmax_backward_kernel):
    holes = torch.randn(3, 9, 14, generator=generator)
    holes[0, :4], holes[2] = -math.inf, -math.inf
    awkward = {"9 x 14": 2 * torch.randn(3, 9, 14, generator=generator), "masked": holes, "1 x 1": torch.ones(2, 1, 1)}
    with warnings.catch_warnings():
        # the interpreter warns of -inf minus -inf, although nobody uses the NaN, and gradcheck of float32.
        warnings.simplefilter("ignore")
        for name, given in awkward.items():
            expected = pulled(lambda maps: soft_argmax(maps[None], path="naive")[0], given.to(DEVICE))
            found = pulled(SoftArgmax.apply, given.to(DEVICE))
            print(f"{name:<7} largest difference to autograd {(found - expected).abs().max():.4f}")
        small = torch.randn(2, 3, 4, generator=generator).to(DEVICE).requires_grad_(True)
        print("gradcheck:", torch.autograd.gradcheck(SoftArgmax.apply, small, eps=0.01, atol=0.01, rtol=0))

# %% exempt="prints a time where there is a GPU"
if ready(soft_argmax_kernel) and ready(soft_argmax_backward_kernel):
    by_path = {path: lambda given, path=path: soft_argmax(given[None], path=path)[0] for path in paths}
    calls = {f"shipped, {path}": lambda function=function: pulled(function, maps) for path, function in by_path.items()}
    compare({"my kernels": lambda: pulled(SoftArgmax.apply, maps), **calls})

# %% [markdown]
# (On a CPU the line of your kernels counts what the kernels move, and leaves out the three calls of PyTorch inside `forward`. On a GPU the
# time includes them: that is what storing two numbers from the forward kernel would save.)
#
# ### Learning through it
#
# Three maps of noise, three targets that your first kernel would draw, and nothing between them but your own two kernels: Adam moves the
# logits so that the answers go where they should. Nobody says what a map should look like.

# %%
goals = torch.tensor([[8.0, 5.0], [31.5, 9.5], [20.0, 19.0]], device=DEVICE)
if ready(soft_argmax_kernel) and ready(soft_argmax_backward_kernel):
    logits = (0.5 * torch.randn(3, 24, 40, generator=generator)).to(DEVICE).requires_grad_(True)
    optimiser = torch.optim.Adam([logits], lr=0.1)
    trail = []
    count = steps(full=60, graded_steps=2)
    for _ in range(count):
        found = SoftArgmax.apply(logits)
        trail.append(found.detach().cpu())
        optimiser.zero_grad()
        (found - goals).square().sum().backward()
        optimiser.step()
    trail = torch.stack(trail)
    distance = (trail - goals.cpu()).norm(dim=-1).mean(dim=-1)
    if count == 60:
        print(f"mean distance from the targets: {distance[0]:.0f} px at first")
        print(f"less than half a pixel in the end: {distance[-1] < 0.5}")

# %%
if ready(heatmap_kernel) and ready(soft_argmax_kernel) and ready(soft_argmax_backward_kernel):
    figure, panels = plt.subplots(1, 4, figsize=(11, 2.1), num="finished", layout="constrained")
    panels[0].imshow(draw(goals, visible.new_ones(3), 24, 40, 2.5).amax(dim=0).cpu(), cmap="viridis")
    panels[1].imshow(bump[0], cmap="viridis")
    panels[1].plot(*walk.T, "-o", color="white", markersize=2, linewidth=1)
    panels[1].plot(*walk[-1], "+", color="red", markersize=10)
    wish = bump.clone().to(DEVICE).requires_grad_(True)
    (SoftArgmax.apply(wish)[0] * torch.tensor([1.0, -1.0], device=DEVICE)).sum().backward()
    limit = float(wish.grad.abs().max())
    panels[2].imshow(wish.grad[0].cpu(), cmap="coolwarm", vmin=-limit, vmax=limit)
    panels[3].imshow(torch.softmax(logits.detach().flatten(1), dim=1).amax(dim=0).reshape(24, 40).cpu(), cmap="viridis")
    for joint in range(3):
        panels[3].plot(*trail[:, joint].T, color="white", linewidth=1)
        panels[3].plot(*goals[joint].cpu(), "o", color="red", markersize=7, fillstyle="none")
    titles = ("drawn joints", "answer after each block", "gradient, up and right", "maps that learnt")
    for panel, title in zip(panels, titles):
        panel.set_title(title, fontsize=9)
        panel.axis("off")
    plt.show()

# %% [markdown]
# **Think.** The maps on the right reached their targets without becoming Gaussian bumps: a soft-arg-max is content with any map whose mean is
# right. Which term in a loss would make them narrow? You have met the number that it needs, at the end of section 7 of notebook 2, and
# the shipped op returns it.

# %% [markdown]
# **Check yourself before you go on.** Can you, without looking,
#
# * say for an operation whether memory or arithmetic sets its time, from two numbers of the machine and two of the operation?
# * write down where the cell (row, column) of map n lies, for a map of any strides?
# * explain to a friend why old sums have to shrink when the maximum rises, and by what factor?
# * say which lanes of a block are masked, with what value, and what goes wrong with another one?
# * name four inputs that a test of soft-arg-max must not leave out, and the mistake that each of them shows?
# * say what a backward kernel has to know about a map, and where it gets that from?
