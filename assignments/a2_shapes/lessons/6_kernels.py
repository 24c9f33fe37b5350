# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 6. One walk round the border: the rasteriser as two kernels
#
# The rasteriser of notebook 2 writes table after table of pixels times edges, keeps several of them for the backward pass, and uses one number
# in a hundred. Here you write it as two GPU kernels that need no table at all: one that draws, and one that carries what a loss wants of
# the pixels back to the vertices. No GPU is needed: on a laptop, kernels are interpreted.
#
# **After this notebook you can**
#
# * count what an operation and its backward pass allocate, and what is alive at one time;
# * write a kernel that computes a minimum and a parity while it walks, and say whether memory or arithmetic holds it up;
# * derive by hand what a pixel does to a vertex, with everything that is special: ends of edges, ties, edges without length, the outline itself;
# * write a backward kernel in which no two programs write to the same place, and join both to a function that can be trained through.
#
# About 45 minutes. 3 points: one written question. 11 bonus points: the two kernels, about 75 minutes more. The whole notebook is extension:
# notebooks 1 to 5 do without it.
#
# ![What each program draws, what the pixels want of the vertices, and a circle that becomes an icon](figures/6_kernels.png)
#
# *What you will have at the end, every picture made by kernels of yours: a shape with the blocks that programs draw, the pull of pixels and what
# becomes of it at the vertices, and a circle that follows such arrows to an icon.*

# %% [markdown]
# ## Conventions
#
# | | in this course |
# |---|---|
# | polygons | `[B, 2, N]`: row 0 is x, row 1 is y; vertices in sequence, the last joins the first; any N from 3 on |
# | axes | **x to the right, y up**; counter-clockwise is positive, but what is drawn does not depend on it |
# | an edge | edge n runs from vertex n − 1 to vertex n; edge 0 from the last vertex to the first |
# | a raster | H × W pixels over the square from −s to s in x and in y; s is called `extent`. Rows run **down** |
# | a pixel | row i, column j has its centre at x = −s + (j + ½) 2s/W, y = s − (i + ½) 2s/H; it has the number i · W + j |
# | signed distance | d, to the nearest point of the border; **negative inside**, by the even-odd rule |
# | coverage | c = σ(−d/τ); a pixel exactly on the outline is ½, and its gradient in the vertices is taken to be **0** |
# | the pull | of a pixel: ∂L/∂c, what a loss wants of it. Positive: it would have *less* coverage, as one walks against the gradient |
# | strides | in **elements**, as `tensor.stride()` counts them |
# | sums | in float32 at least, also over float16 polygons |
# | dtype, device | an answer has those of what came in. Kernels: float32 and **float16**; float64 is not asked for |
# | inputs | are left as they were, and so are the global random generators |
# | any size | a batch may be empty (B = 0), and a tensor may be a view that is not contiguous in memory |
#
# The last three lines hold for both exercises, whether they say so again or not, and hidden checks look at them.

# %% setup=true
import math
import os

import torch
from torch import Tensor

# Triton decides when it is imported: without a GPU, kernels are interpreted in Python.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")
try:
    import triton
    import triton.language as tl
except ImportError:
    from types import SimpleNamespace

    # Triton exists for Linux only. Kernels can still be written here, and are graded all the same; run them on Colab.
    triton, tl = SimpleNamespace(jit=lambda kernel: kernel), SimpleNamespace(constexpr=int)

from vislab.check import check
from vislab.check.budget import steps
from vislab.geometry.outlines import soft_masks

# the course's icons; or the path of another file with polygons.
ICONS = os.environ.get("VISLAB_ICONS", "icons")


@triton.jit
def centre(cell, height, width, extent):
    """Centres of the pixels with these numbers, x and y: for use inside a kernel."""
    x = ((2 * (cell % width) + 1).to(tl.float32) / width - 1.0) * extent
    return x, (1.0 - (2 * (cell // width) + 1).to(tl.float32) / height) * extent


@triton.jit
def vertex(base, n, stride_axis, stride_point):
    """Vertex n of the polygon that begins at ``base``, x and y in float32: for use inside a kernel."""
    return tl.load(base + n * stride_point).to(tl.float32), tl.load(base + n * stride_point + stride_axis).to(tl.float32)


# %% [markdown]
# ## 1. Tables that nobody reads twice
#
# Notebook 2's rasteriser in PyTorch's own operations comes ready made (`vislab.geometry.outlines.soft_masks`), as a reference for everything that
# follows: a table of all pixels times all edges for every step of the way to the nearest edge, the smallest distance of each pixel, its sign by the
# edges that a ray crosses, and σ(−d / τ).

# %%
import inspect

import matplotlib.pyplot as plt

plt.rcParams["figure.dpi"] = 80
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
HAVE_TRITON = hasattr(triton, "compile")


def plain_coverage(polygons: Tensor, height: int, width: int, extent: float, tau: float) -> Tensor:
    """Coverage [B, H, W] in PyTorch's own operations."""
    return soft_masks(polygons, height, width, extent=extent, tau=tau)[:, 0]


def ready(*kernels) -> bool:
    """Whether kernels can be launched: Triton is there, and the exercises are written."""
    return HAVE_TRITON and not any("raise NotImplementedError" in inspect.getsource(kernel.fn) for kernel in kernels)

# %% [markdown]
# What does it cost in memory? PyTorch lets us look over its shoulder: a *dispatch mode* sees every operation with its result. The one below
# adds up what is allocated, and notes the largest amount that is alive at the same time. A tensor's memory dies when nobody needs it any more,
# the backward pass included.

# %%
import weakref

from torch.utils._python_dispatch import TorchDispatchMode


class Memory(TorchDispatchMode):
    """Adds up what operations allocate, in bytes: all of it, and the most that is alive at one time."""

    total, alive, peak = 0, 0, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = {value.untyped_storage()._cdata for value in args if isinstance(value, Tensor)}
        result = func(*args, **(kwargs or {}))
        storage = result.untyped_storage() if isinstance(result, Tensor) and not func.is_view else None
        # what an operation writes in place was there before.
        if storage is not None and storage._cdata not in given:
            self.total, self.alive = self.total + storage.nbytes(), self.alive + storage.nbytes()
            self.peak = max(self.peak, self.alive)
            weakref.finalize(storage, self.freed, storage.nbytes())
        return result

    def freed(self, size):
        self.alive -= size

# %% [markdown]
# Two icons on 64 × 64 pixels, one pass forward and one back. The measure is a *table*: one float32 number for each pixel and each edge of
# each polygon.

# %%
from vislab.data import open_dataset

icons = open_dataset(ICONS)
rows = list(range(len(icons)))
if "has_polygon" in icons:
    rows = torch.nonzero(torch.as_tensor(icons["has_polygon"].numpy()))[:, 0].tolist()
outlines = torch.as_tensor(icons["polygon"][rows[:: max(1, len(rows) // 42)][:42]]).float().to(DEVICE)
EXTENT = float(outlines.abs().max()) + 0.2
two = outlines[[22, 27]]
table = 64 * 64 * two.shape[2] * 4 * len(two)

leaf = two.clone().requires_grad_(True)
with Memory() as memory:
    drawn = plain_coverage(leaf, 64, 64, EXTENT, 0.1)
    kept = memory.alive
    drawn.sum().backward()
print(f"a table of 64 x 64 pixels times {two.shape[2]} edges, for {len(two)} polygons: {table / 1e6:.2f} MB")
print(f"tables allocated in all: {memory.total / table:.0f}")
print(f"alive after the forward pass: {kept / table:.0f}, at one time: {memory.peak / table:.0f}")
print(f"for a batch of 64 such icons: {32 * memory.peak / 1e9:.1f} GB at one time; their pictures: {64 * 64 * 64 * 4 / 1e6:.0f} MB")

# %% [markdown]
# Every table is written to memory once and read at least once, and of each only one number in 96 decides anything. A kernel keeps the running minimum in
# a register, so that nothing between the vertices and the pixels is ever written.
#
# ## 2. One walk round the border
#
# Programs, pointers, strides, blocks and masks are explained in notebook 3 of assignment 1 (sections 2 and 3 there, and the list of what the compiler
# refuses). Two new words: a kernel may call other functions that are marked `@triton.jit`, such as `centre` and `vertex` in the setup cell; and
# `tl.full((BLOCK,), value, tl.float32)` makes a block of equal numbers, which is what something that a loop changes block by block must begin as.
#
# A program takes a block of pixels, walks once round the border, and keeps two things for each pixel: the smallest squared distance so far, and
# whether it has crossed the border an odd number of times.
#
# ```
# for every polygon b, for every block of pixels:      # one program each
#     nearest = inf;   crossed = 0
#     a = last vertex
#     for every vertex v:
#         nearest = min(nearest, squared distance of the pixel's centre from the edge from a to v)
#         if exactly one of a, v lies above the pixel, and the pixel lies left of the crossing:   crossed += 1
#         a = v
#     d = sqrt(nearest), negative if crossed is odd;   store sigma(-d / tau)
# ```
#
# ### Exercise 4d: `coverage_kernel` (5 bonus points)
#
# Write the kernel and its grid. It is called as
#
# ```
# coverage_kernel[coverage_grid(B, H, W, BLOCK)](polygons, out, N, H, W, extent, tau, *polygons.stride(), BLOCK=BLOCK)
# ```
#
# with `polygons` `[B, 2, N]` of any strides, float32 or float16 (compute in float32), and `out` `[B, H, W]`, contiguous, in the same dtype.
# `out` is full of NaN and guarded on both sides; B may be 0; an edge may have length 0. `tl.sqrt`, `tl.sigmoid`, `tl.minimum`, `tl.maximum`
# and `tl.where` are all that it takes.

# %% exercise="shapes.coverage_kernel"
@triton.jit
def coverage_kernel(polygons, out, points, height, width, extent, tau, stride_polygon, stride_axis, stride_point, BLOCK: tl.constexpr):
    """Soft coverage: program (b, k) computes block k of the pixels of polygon b."""
    ### BEGIN SOLUTION
    b = tl.program_id(0).to(tl.int64)
    cell = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    x, y = centre(cell, height, width, extent)
    base = polygons + b * stride_polygon
    ax, ay = vertex(base, points - 1, stride_axis, stride_point)
    nearest = tl.full((BLOCK,), float("inf"), tl.float32)
    odd = tl.zeros((BLOCK,), tl.int32)
    for n in range(0, points):
        bx, by = vertex(base, n, stride_axis, stride_point)
        u, v, px, py = bx - ax, by - ay, x - ax, y - ay
        squared = u * u + v * v
        share = (px * u + py * v) / tl.where(squared > 0.0, squared, 1.0)
        share = tl.minimum(tl.maximum(share, 0.0), 1.0)
        rest_x, rest_y = px - share * u, py - share * v
        nearest = tl.minimum(nearest, rest_x * rest_x + rest_y * rest_y)
        crossed = (ay > y) != (by > y)
        right = tl.where(v > 0.0, px * v < py * u, px * v >= py * u)
        odd += tl.where(crossed, right.to(tl.int32), 0)
        ax, ay = bx, by
    signed = tl.where(odd % 2 == 1, -tl.sqrt(nearest), tl.sqrt(nearest))
    tl.store(out + b * (height * width) + cell, tl.sigmoid(-signed / tau), mask=cell < height * width)
    ### END SOLUTION


def coverage_grid(polygons: int, height: int, width: int, block: int) -> tuple[int, ...]:
    """Launch grid for that many polygons on a raster of that size, in blocks of ``block`` pixels."""
    ### BEGIN SOLUTION
    return polygons, -(-height * width // block)
    ### END SOLUTION


# %% check="shapes.coverage_kernel"
check("shapes.coverage_kernel", coverage_kernel, grid=coverage_grid)

# %% [markdown]
# **Beside the plain one**: the same pictures, and what it costs. Interpreted kernels pass through two functions of Triton's interpreter when
# they load and store. As in assignment 1 we put a counter in front of both; a time would be the interpreter's, and tell nothing about a GPU. Where
# there *is* a GPU, the last cell of section 4 takes times.

# %%
class KernelTraffic:
    """Counts the numbers that interpreted kernels load and store; masked lanes move nothing."""

    def __enter__(self):
        from triton.runtime.interpreter import interpreter_builder

        self.loaded, self.stored, self.builder = 0, 0, interpreter_builder
        load, store = interpreter_builder.create_masked_load, interpreter_builder.create_masked_store

        def counted_load(pointers, mask, *others):
            self.loaded += int(mask.data.sum())
            return load(pointers, mask, *others)

        def counted_store(pointers, value, mask, *others):
            self.stored += int(mask.data.sum())
            return store(pointers, value, mask, *others)

        interpreter_builder.create_masked_load, interpreter_builder.create_masked_store = counted_load, counted_store
        return self

    def __exit__(self, *error):
        del self.builder.create_masked_load, self.builder.create_masked_store

# %%
import warnings

# a sigmoid far from the outline is 1 / (1 + inf) = 0, as it should be; the interpreter, which computes with numpy, remarks on it.
warnings.filterwarnings("ignore", "overflow encountered in exp")


def draw(polygons: Tensor, height: int, width: int, extent: float, tau: float, block: int = 1024) -> Tensor:
    """Your kernel as a function: coverage [B, H, W]."""
    count, _, points = polygons.shape
    out = polygons.new_empty(count, height, width)
    grid = coverage_grid(count, height, width, block)
    coverage_kernel[grid](polygons, out, points, height, width, extent, tau, *polygons.stride(), BLOCK=block)
    return out


if ready(coverage_kernel):
    mine = draw(two, 64, 64, EXTENT, 0.1)
    print(f"largest difference to the plain one: {(mine - plain_coverage(two, 64, 64, EXTENT, 0.1)).abs().max():.4f}")
    if DEVICE == "cpu":
        with KernelTraffic() as traffic:
            draw(two, 64, 64, EXTENT, 0.1)
        print(f"numbers loaded: {traffic.loaded}, stored: {traffic.stored}")
        print(f"together {4 * (traffic.loaded + traffic.stored) / table:.3f} tables")

# %% [markdown]
# **Memory or arithmetic?** The walk spends about 25 operations on each pixel and edge: two differences, a dot product (3), a division, two for
# the clamp, four for the rest of the way, three for its square, one for the minimum, and nine for the crossing. With 96 edges that is 2400 operations for each
# pixel, for which 4 bytes are written: **600 operations for each byte**. The GPU of assignment 1 balances at 30. So this kernel, unlike those on
# heatmaps, is held up by *arithmetic*, and a number that is recomputed costs something. Keep that in mind for the way back.
#
# **Think.** A pixel that is more than 17 τ from the outline is 0 or 1 to the last bit of float32. Which pixels could skip which edges, and what would a
# program have to know about its block of pixels to skip an edge for all of them at once?

# %% [markdown]
# ## 3. What a pixel does to a vertex
#
# Let $g$ be the pull of a pixel, $\partial L / \partial c$. On the way to the vertices it passes three stages.
#
# **From coverage to distance.** $c = \sigma(-d/\tau)$, so $\;\partial c/\partial d = -\,c\,(1-c)/\tau$: largest on the outline, next to nothing a few τ away.
#
# **From distance to the nearest point.** Let the nearest edge run from $A$ to $B$, and let $q = (1-t)\,A + t\,B$ be its nearest point to the pixel's centre
# $p$, so that $|d| = |p - q|$. The distance shrinks by as much as $q$ moves *towards* $p$. With $s = 1$ outside and $s = -1$ inside:
#
# $$ \frac{\partial d}{\partial q} = -s\,n, \qquad n = \frac{p - q}{|p - q|}. $$
#
# **From the nearest point to the ends.** When $A$ moves, $q$ moves for two reasons: $A$ carries it along, with share $1 - t$; and $t$ changes. The second does not count.
# If $0 < t < 1$, $t$ is where the distance is *smallest*, so a change of $t$ leaves it alone. If $t$ was clamped to 0 or 1, it stays there. (It is
# the envelope theorem: differentiate a minimum as if the place of the minimum stood still.) Together
#
# $$
# \frac{\partial L}{\partial A} = (1-t)\,f, \qquad \frac{\partial L}{\partial B} = t\,f, \qquad
# f = \frac{g\,s\,c\,(1-c)}{\tau}\,n ,
# $$
#
# and a vertex receives the sum over all pixels whose nearest edge begins or ends in it. That is all: **one force, two ends, shared like a load on a plank.**

# %%
ring = torch.arange(9) * (2 * math.pi / 9)
stone = torch.stack([ring.cos(), ring.sin()]) * torch.tensor([1.3, 0.7, 1.1, 1.2, 0.6, 1.2, 1.0, 0.8, 1.25])
level = torch.linspace(-1.6, 1.6, 2 * 160 + 1)[1::2]
dots = torch.cartesian_prod(level.flip(0), level).flip(1)  # centres of 160 x 160 pixels, row by row
last, first = stone.T, stone.T.roll(1, dims=0)
edge, away = last - first, dots[:, None] - first
share = ((away * edge).sum(dim=2) / edge.square().sum(dim=1)).clamp(0, 1)
nearest = (away - share[..., None] * edge).norm(dim=2).argmin(dim=1)
at = share[torch.arange(len(dots)), nearest]
beside = ((at > 0) & (at < 1)).reshape(160, 160)
figure, panels = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
for panel, shown, cmap, top in ((panels[0], nearest, "tab10", 9), (panels[1], at, "viridis", 1)):
    shown = torch.where(beside, shown.reshape(160, 160).float(), math.nan)
    panel.imshow(shown, extent=(-1.6, 1.6, -1.6, 1.6), vmin=0, vmax=top, alpha=0.75, cmap=cmap)
    panel.plot(*torch.cat([stone, stone[:, :1]], dim=1), "-o", color="black", markersize=4, linewidth=1.5)
    panel.axis("off")
for dot in (torch.tensor([1.35, 0.55]), torch.tensor([0.25, -0.35]), torch.tensor([-1.45, 0.3]), torch.tensor([-1.0, 1.45])):
    place = int((dots - dot).norm(dim=1).argmin())
    foot = first[nearest[place]] + at[place] * edge[nearest[place]]
    panels[0].plot(*torch.stack([dots[place], foot]).T, ":s", color="black", markersize=4)
    for end, part in ((first[nearest[place]], 1 - at[place]), (last[nearest[place]], at[place])):
        panels[0].annotate("", end + 0.8 * part * (dots[place] - foot), end, arrowprops={"arrowstyle": "->", "linewidth": 2})
plt.show()

# %% [markdown]
# Left, the nearest edge, a colour each; right, t, from 0 where the edge begins to 1 where it ends; white, where the nearest point is a vertex. Dotted: from four pixels
# (squares) to their nearest points. Arrows: how the two ends would step if the pixel would have more coverage (outside) or less (inside).
# Now the special places, one by one.
#
# * **$t$ is clamped**: the white wedge of pixels before every corner, outside a bulge or inside a dent, has the *vertex* as its nearest point. Then $t$ is 0 or 1, all of the force goes to that vertex, and $n$ is no
#   longer across the edge. Both edges that meet there say the same, so it does not matter which of them is chosen.
# * **A tie between two edges** that do not say the same, on the ridges where colours meet inside: the distance has a kink, and no gradient. PyTorch's `amin` shares
#   the force out evenly; a walk that asks for `<` gives it to the first edge. Both are among the answers that a kink allows, and hidden checks keep away from ridges.
# * **An edge without length** ($A = B$) has no direction: $t = 0/0$. Any $t$ is right, as long as it is a number. Where a *vertex* stands twice, what it receives may go to either of
#   the two; only their sum is determined. (Hidden checks double points in the middle of an edge, where nobody's nearest point is.)
# * **A pixel on the outline**: $p - q = 0$ has no direction. The limit exists (from either side $s\,n$ is the outward normal, as both signs turn), but the plain version says 0, and so does our convention.
# * **A pixel next to the outline** has $n$ from a difference of nearly equal numbers. At a distance of $10^{-4}$, float32 leaves three digits of it. But beside an edge $n$ is across
#   the edge, and the edge knows its direction to all digits: with $(u, v) = B - A$ and $w = (p_x - A_x)\,v - (p_y - A_y)\,u$
#
# $$ p - q = \frac{w}{u^2 + v^2}\,(v, -u) \qquad \text{where } 0 < t < 1. $$
#
# * **A pixel far inside** has $c = 1 - 10^{-9}$, which float32 stores as 1, and $1 - c = 0$. What is $1 - \sigma(z)$ in other words?

# %% [markdown]
# ## 4. The way back
#
# Forward, a program owned *pixels*: each was written by one program. Backward, many pixels add to the same vertex. Give pixels to programs
# again, and two of them will read, add and write the same number at the same time; one addition gets lost. There are two ways out. Additions that the
# hardware makes indivisible (`tl.atomic_add`) come in any order, so that float32 sums differ from run to run; and `out` must be zero before. Or programs own
# *vertices*, each walks over all pixels and picks what is its own: nothing is shared, and the sum is the same every time. That is what you write.
#
# ```
# for every polygon b, for every block of VERTICES vertices:                    # one program each
#     gradient of the own vertices = 0
#     for every block of BLOCK pixels:
#         walk round the WHOLE border: nearest edge, its t and its p - q, and the sign s
#         f = g s c (1 - c) / tau * (p - q) / |p - q|                           # 0 on the outline
#         for every own vertex k:
#             gradient[k] += sum over the block of   t f       where the nearest edge ends in k
#                                          and of   (1 - t) f   where it begins in k
#     store the gradients of the own vertices
# ```
#
# The innermost sum is a table again, but one of VERTICES × BLOCK in registers: `own[:, None] == edge[None, :]` compares every own vertex with every
# pixel's edge, and `tl.sum(..., axis=1)` adds along the pixels.
#
# ### Exercise 4e: `coverage_backward_kernel` (6 bonus points)
#
# Write the kernel and its grid. It is called as
#
# ```
# coverage_backward_kernel[coverage_backward_grid(B, N, VERTICES)](
#     polygons, pull, out, N, H, W, extent, tau, *polygons.stride(), BLOCK=BLOCK, VERTICES=VERTICES
# )
# ```
#
# with `polygons` `[B, 2, N]` of any strides, float32 or float16 (compute in float32); and contiguous, in the same dtype, `pull` `[B, H, W]` and `out` `[B, 2, N]`,
# which takes the gradient of Σ pull · coverage. `out` is full of NaN and guarded on both sides, B may be 0, neither N nor H · W need be a multiple of
# anything, and an edge may have length 0. How you share the work out is yours: the grid says how many programs there are, and one program for each polygon or for each vertex is as right.
#
# Think about these before you start:
#
# * A program owns 16 of 96 vertices. Around how many edges must it walk?
# * The last block of pixels has lanes beyond the raster. What must *they* pull with?
# * Vertex k is an end of two edges. Which ones, and what is the number of the edge that begins in the last vertex?
# * Which of the special places of section 3 end in 0/0, and in which do digits get lost?

# %% exercise="shapes.coverage_backward_kernel"
@triton.jit
def coverage_backward_kernel(polygons, pull, out, points, height, width, extent, tau, stride_polygon, stride_axis, stride_point,
                             BLOCK: tl.constexpr, VERTICES: tl.constexpr):
    """Gradient in the vertices: program (b, k) adds up what all pixels do to block k of the vertices of polygon b."""
    ### BEGIN SOLUTION
    b, own = tl.program_id(0).to(tl.int64), tl.program_id(1) * VERTICES + tl.arange(0, VERTICES)
    base, zero = polygons + b * stride_polygon, tl.zeros((BLOCK,), tl.float32)
    grad_x, grad_y = tl.zeros((VERTICES,), tl.float32), tl.zeros((VERTICES,), tl.float32)
    for start in range(0, height * width, BLOCK):
        cell = start + tl.arange(0, BLOCK)
        x, y = centre(cell, height, width, extent)
        way_x, way_y, sign, at, edge = zero + float("inf"), zero, zero + 1.0, zero, zero.to(tl.int32)
        for n in range(0, points):
            ax, ay = vertex(base, (n + points - 1) % points, stride_axis, stride_point)
            bx, by = vertex(base, n, stride_axis, stride_point)
            u, v, px, py = bx - ax, by - ay, x - ax, y - ay
            squared = tl.maximum(u * u + v * v, 1.0e-30)  # an edge of length 0 has t = 0 / 1e-30
            share, across = tl.minimum(tl.maximum((px * u + py * v) / squared, 0.0), 1.0), px * v - py * u
            beside = (share > 0.0) & (share < 1.0)
            rest_x = tl.where(beside, across / squared * v, px - share * u)
            rest_y = tl.where(beside, -across / squared * u, py - share * v)
            closer = rest_x * rest_x + rest_y * rest_y < way_x * way_x + way_y * way_y
            at, edge = tl.where(closer, share, at), tl.where(closer, n, edge)
            way_x, way_y = tl.where(closer, rest_x, way_x), tl.where(closer, rest_y, way_y)
            sign = tl.where(((ay > y) != (by > y)) & tl.where(v > 0.0, across < 0.0, across >= 0.0), -sign, sign)
        distance = tl.sqrt(way_x * way_x + way_y * way_y)
        size = tl.load(pull + b * (height * width) + cell, mask=cell < height * width, other=0.0).to(tl.float32) * sign
        size *= tl.sigmoid(distance / tau) * tl.sigmoid(-distance / tau) / (tau * tl.where(distance > 0.0, distance, 1.0))
        begins = ((edge + points - 1) % points)[None, :] == own[:, None]
        part = tl.where(begins, 1.0 - at[None, :], 0.0) + tl.where(edge[None, :] == own[:, None], at[None, :], 0.0)
        grad_x += tl.sum(part * (size * way_x)[None, :], axis=1)
        grad_y += tl.sum(part * (size * way_y)[None, :], axis=1)
    tl.store(out + b * (2 * points) + own, grad_x, mask=own < points)
    tl.store(out + b * (2 * points) + points + own, grad_y, mask=own < points)
    ### END SOLUTION

def coverage_backward_grid(polygons: int, points: int, vertices: int) -> tuple[int, ...]:
    ### BEGIN SOLUTION
    return polygons, -(-points // vertices)
    ### END SOLUTION


# %% check="shapes.coverage_backward_kernel"
check("shapes.coverage_backward_kernel", coverage_backward_kernel, grid=coverage_backward_grid)
# %% [markdown]
# **Is it the gradient?** Three witnesses that know nothing of each other: autograd through the plain version; the *forward kernel*, asked twice with one
# coordinate moved a little to either side; and the identities of notebook 2. For the sum of all pixels, the gradients of all vertices add up to zero,
# and $\sum_k P_k \cdot \partial A / \partial P_k = 2A$.

# %%
def send_back(polygons: Tensor, pull: Tensor, extent: float, tau: float, block: int = 1024, vertices: int = 32) -> Tensor:
    """Your kernel as a function: gradient [B, 2, N] of the sum of pull times coverage; the pull is [B, H, W], of any strides."""
    count, height, width = pull.shape
    points = polygons.shape[2]
    out = torch.empty_like(polygons, memory_format=torch.contiguous_format)
    grid = coverage_backward_grid(count, points, vertices)
    sizes = (points, height, width, extent, tau, *polygons.stride())
    coverage_backward_kernel[grid](polygons, pull.contiguous(), out, *sizes, BLOCK=block, VERTICES=vertices)
    return out


if ready(coverage_kernel, coverage_backward_kernel):
    generator = torch.Generator().manual_seed(6)
    shape = stone[None].to(DEVICE)
    pull = torch.randn(1, 20, 28, generator=generator).to(DEVICE)
    found = send_back(shape, pull, 1.6, 0.15)
    leaf = shape.clone().requires_grad_(True)
    (pull * plain_coverage(leaf, 20, 28, 1.6, 0.15)).sum().backward()
    print(f"largest gradient {found.abs().max():.1f}, largest difference to autograd {(found - leaf.grad).abs().max():.4f}")

# %%
if ready(coverage_kernel, coverage_backward_kernel):
    worst = 0.0
    for k in range(9):
        for axis in range(2):
            step = torch.zeros_like(shape)
            step[0, axis, k] = 0.005
            difference = (pull * (draw(shape + step, 20, 28, 1.6, 0.15) - draw(shape - step, 20, 28, 1.6, 0.15))).sum() / 0.01
            worst = max(worst, abs(float(difference - found[0, axis, k])))
    print(f"finite differences: off by less than a hundredth of the largest gradient: {worst < 0.01 * float(found.abs().max())}")
    angle = torch.arange(48, device=DEVICE) * (2 * math.pi / 48)
    x, y = ellipse = torch.stack([1.2 * angle.cos(), 0.8 * angle.sin()])
    grow = send_back(ellipse[None], torch.ones(1, 48, 64, device=DEVICE), 2.0, 0.1)[0] * (2 * 2.0) ** 2 / (48 * 64)
    area = float((x.roll(1) * y - x * y.roll(1)).sum() / 2)
    print(f"an ellipse: sum over the vertices {float(grow.sum(dim=1).abs().max()):.2f}")
    print(f"sum of P dA/dP {float((ellipse * grow).sum()):.2f}, 2A = {2 * area:.2f}")

# %% [markdown]
# **What it costs.** Both kernels allocate what they return, and nothing else. Numbers are loaded again by every program, and that is cheap: the vertices
# of a polygon are 768 bytes, which stay in the nearest cache.

# %% exempt="prints a time where there is a GPU"
def both_ways(polygons: Tensor) -> None:
    """One pass forward and one back by the two kernels."""
    draw(polygons, 64, 64, EXTENT, 0.1)
    send_back(polygons, torch.ones(len(polygons), 64, 64, device=DEVICE), EXTENT, 0.1)


def plain_ways(polygons: Tensor) -> None:
    """The same by autograd."""
    plain_coverage(polygons.clone().requires_grad_(True), 64, 64, EXTENT, 0.1).sum().backward()


if ready(coverage_kernel, coverage_backward_kernel):
    returned = two.numel() * 4 + len(two) * 64 * 64 * 4
    print(f"the kernels allocate {returned / 1e3:.0f} kB, the plain version {memory.peak / 1e6:.0f} MB at one time")
    if DEVICE == "cuda":
        fused, plain = (triton.testing.do_bench(lambda way=way: way(outlines)) for way in (both_ways, plain_ways))
        print(f"{len(outlines)} icons there and back: kernels {1000 * fused:.0f} µs, plain {plain / fused:.0f} times as long")
    else:
        with KernelTraffic() as traffic:
            both_ways(two)
        print(f"numbers loaded {traffic.loaded}, stored {traffic.stored} (interpreted: a time would tell nothing about a GPU)")

# %% [markdown]
# **Think.** Every program of the backward kernel walks round the whole border for every pixel, although the forward kernel has been there before.
# Which number could the forward kernel leave behind for each pixel, so that the way back needs no walk at all?
# What else would the backward kernel have to compute anew, and what would it cost in memory?
#
# ## 5. Two kernels, one function
#
# `torch.autograd.Function` is where PyTorch is told that the two belong together. `forward` keeps the polygons and nothing else: no table survives between the passes. Two
# things to notice: `send_back` makes the pull contiguous, as the gradient of a plain `sum()` is a single 1 with strides 0; and there is one `None` for each argument that has no gradient.

# %%
class Coverage(torch.autograd.Function):
    """Your kernels as one differentiable function: polygons [B, 2, N] to coverage [B, H, W]."""

    @staticmethod
    def forward(ctx, polygons, height, width, extent, tau):
        ctx.save_for_backward(polygons)
        ctx.options = extent, tau
        return draw(polygons, height, width, extent, tau)

    @staticmethod
    def backward(ctx, pull):
        (polygons,) = ctx.saved_tensors
        return send_back(polygons, pull, *ctx.options), None, None, None, None

# %% [markdown]
# **A circle becomes an icon.** 32 vertices, 28 × 36 pixels, nothing but your kernels between a picture and an outline. A little of the term R of notebook 2 keeps the vertices apart.

# %%
goal = draw(outlines[[35]], 28, 36, EXTENT, 0.02) if ready(coverage_kernel) else None
count = steps(full=60, graded_steps=2)


def bend(vertices: Tensor) -> Tensor:
    """Mean squared distance of each vertex from the middle of its neighbours, times four."""
    return (vertices.roll(1, dims=2) + vertices.roll(-1, dims=2) - 2 * vertices).square().sum(dim=1).mean()


if ready(coverage_kernel, coverage_backward_kernel):
    turn = torch.arange(32, device=DEVICE) * (2 * math.pi / 32)
    vertices = (0.5 * EXTENT * torch.stack([turn.cos(), turn.sin()])[None]).requires_grad_(True)
    optimiser = torch.optim.Adam([vertices], lr=0.05)
    walk = [vertices.detach().cpu()[0].clone()]
    for number in range(count):
        drawn = Coverage.apply(vertices, 28, 36, EXTENT, 0.2 * 0.25 ** (number / count))
        loss = (drawn - goal).square().mean() + 0.02 * bend(vertices)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        walk.append(vertices.detach().cpu()[0].clone())

# %%
def closed(shape: Tensor) -> Tensor:
    """An outline with its first vertex at the end again."""
    return torch.cat([shape, shape[:, :1]], dim=1)


if ready(coverage_kernel, coverage_backward_kernel):
    with torch.no_grad():
        before, after = (draw(shape[None].to(DEVICE), 48, 64, EXTENT, 0.02) > 0.5 for shape in (walk[0], walk[-1]))
        truth = draw(outlines[[35]], 48, 64, EXTENT, 0.02) > 0.5
    overlaps = [float((shape & truth).sum() / (shape | truth).sum()) for shape in (before, after)]
    if count == 60 and ICONS == "icons":
        print(f"overlap with the icon at first {overlaps[0]:.2f}, more than nine tenths in the end: {overlaps[1] > 0.9}")
        assert overlaps[1] > 0.9, f"{overlaps[1]:.3f}: the circle has not become the icon"

# %%
if ready(coverage_kernel, coverage_backward_kernel):
    square = (-EXTENT, EXTENT, -EXTENT, EXTENT)
    figure, panels = plt.subplots(1, 3, figsize=(10.5, 3.6), num="finished", layout="constrained")
    blocks = (torch.arange(28 * 36) // 128 % 2).reshape(28, 36)
    picture = draw(outlines[[22]], 28, 36, EXTENT, 0.08)[0].cpu()
    panels[0].imshow(picture + 0.12 * blocks, cmap="Greys", vmin=0, vmax=1.2, extent=square)
    panels[0].plot(*closed(outlines[22].cpu()), color="tab:red", linewidth=1)
    panels[0].set_title("drawn in blocks of 128 pixels", fontsize=9)
    start = walk[0][None].to(DEVICE)
    pull = draw(start, 28, 36, EXTENT, 0.2) - goal
    arrows = -send_back(start, pull, EXTENT, 0.2)[0].cpu()
    panels[1].imshow(pull[0].cpu(), cmap="coolwarm", vmin=-1, vmax=1, extent=square)
    panels[1].plot(*closed(walk[0]), color="black", linewidth=1)
    panels[1].quiver(*walk[0], *arrows, angles="xy", scale_units="xy", scale=2.5 * float(arrows.norm(dim=0).max()), width=0.006)
    panels[1].set_title("pull of the pixels, steps of the vertices", fontsize=9)
    panels[2].imshow(goal[0].cpu(), cmap="Greys", vmax=2, extent=square)
    for number, shade in zip(range(0, len(walk), max(1, len(walk) // 4)), ("tab:blue", "#e8b0b0", "#e08080", "#d02020", "#900000")):
        panels[2].plot(*closed(walk[number]), color=shade, linewidth=1.2)
    panels[2].set_title(f"a circle, and after {count // 4}, {count // 2}, ... {count} steps", fontsize=9)
    for panel in panels:
        panel.axis("off")
    plt.show()

# %% [markdown]
# Red pixels have too much coverage and blue ones too little; the arrows show where the vertices go, against the gradient. **Think.** Some vertices stand in the middle of
# blue and still get short arrows. Which pixels do they hear of, and how much do pixels far from the outline say at this τ?

# %% [markdown]
# ### Written question (3 points)
#
# 64 outlines of 96 vertices are drawn on 256 × 256 pixels, in float32. A GPU moves 1.6 · 10¹² bytes a second, computes 1.92 · 10¹³ float32 operations a second, and has
# 108 processors, each of which runs one program at a time. A walk spends 30 operations on a pixel and an edge.
#
# 1. A plain version keeps eight tables of pixels times edges for the backward pass. How many bytes are that, and how long does it take at least to write them once
#    and read them once? How long does the forward *kernel* take at least, once by its bytes and once by its operations?
# 2. Give the operations of the backward kernel, in walks, and its time at full use of the GPU, for blocks of 96, of 32 and of 1 vertices a program. How many of the 108 processors are busy with
#    blocks of 96, and how long does it take then? Which of the three do you choose for this batch, and which for a single outline?
# 3. A colleague lets programs own blocks of *pixels* and adds to the vertices by `tl.atomic_add`. Name two things that must be different about `out` or about the result, and one case in which it
#    is the better design, with a number.

# %% [markdown] question="shapes.q_walks" points=3
# ### BEGIN SOLUTION
# 1. 64 · 65 536 · 96 = 4.03 · 10⁸ pairs, 1.61 GB a table; eight are **12.9 GB**, and there and back 25.8 · 10⁹ / 1.6 · 10¹² = **16 ms**. The kernel writes 64 · 65 536 · 4 bytes =
#    16.8 MB (the vertices do not count): **10.5 µs** by bytes. By operations 30 · 4.03 · 10⁸ = 1.21 · 10¹⁰ / 1.92 · 10¹³ = **0.63 ms**: arithmetic sets the time.
# 2. 96 vertices a program: 1 walk, 0.63 ms if all processors worked. 32: 3 walks, **1.9 ms**. 1: 96 walks, **60 ms**, more than the plain version's tables. But blocks of 96 make only 64
#    programs: 64 of 108 processors are busy, 0.63 · 108/64 = **1.06 ms**. Blocks of 32 make 192 programs, two rounds with the second not full: 3 · 0.63 · (2 · 108/192) = 2.1 ms. For this batch: 96. For a
#    single outline, one program would leave 107 processors idle (0.0098 ms · 108 = 1.06 ms); blocks of 1 make 96 programs, all at the same time, each with a whole walk: 1.06 ms, too. No block
#    size helps, as every program does at least one whole walk: there the *pixels* have to be shared out (partial sums for each block of pixels, added by a second small kernel; or atomics).
# 3. `out` must be set to zero first (a sum onto NaN stays NaN); the order of the additions changes from run to run, so the last digits do too; in float16 each addition rounds, so it needs a float32 buffer; many programs
#    wait for the same few addresses. Better for few outlines on large rasters: a single outline on 256 × 256 pixels in blocks of 512 makes 128 programs that walk once over their own pixels only, about 10 µs where owners of vertices
#    need 1.06 ms.
#
# **Rubric**: 1 point for 12.9 GB, 16 ms, 10.5 µs and 0.63 ms with the remark that arithmetic decides (half for two of the four) · 1 point for 1, 3 and 96 walks with 0.63, 1.9 and 60 ms, for 64 busy processors with about 1.06 ms, and for choosing 96
# with that reason (half for the walks and times alone; whoever notices that no choice helps a single outline gets the point in any case) · 1 point for two of zero first, order of the sums, rounding, contention, with a case and a number for
# atomics (half for the two differences alone).
# ### END SOLUTION

# %% [markdown]
# **Check yourself before you go on.** Can you, without looking,
#
# * say what a plain rasteriser allocates for 64 × 64 pixels and 96 vertices, and why a kernel allocates next to nothing?
# * say for this kernel whether memory or arithmetic sets its time, and why it is the other one for heatmaps?
# * derive what a pixel does to the two ends of its nearest edge, and say why the change of t does not count?
# * name four special places of that derivative, and what a kernel does at each?
# * say why a program that owns vertices needs no atomics, and what it pays for that?
