# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 2. From outline to picture, and back
#
# A polygon is a handful of numbers, a picture is thousands. Going from one to the other is easy and, done the usual way, a dead end: a
# pixel is inside or it is not, and no gradient comes back. Here you make a rasteriser through which gradients flow, let pictures pull
# outlines into place, and then replace the rasteriser by a net that has learnt to draw.
#
# **After this notebook you can**
#
# * turn a signed distance into a picture that has a gradient in every vertex, and say what the softness costs in area;
# * write a test that tells a right rasteriser from one that is half a pixel off;
# * paint shapes above each other, and say what each of them receives from a loss;
# * fit an outline to a picture by gradient descent, and say what keeps it from folding;
# * build a decoder from transposed convolutions, and say from two numbers whether it will leave a checkerboard.
#
# About 95 minutes. 28 points: six exercises (25), one of them a test that you write, and one written question (3).
#
# ![An outline that is pulled into place by a picture, and icons drawn by a net](figures/2_rendering.png)
#
# *What you will have at the end: outlines that a picture has pulled into place, and icons beside the same icons as a net draws them.*

# %% [markdown]
# ## Conventions
#
# | | in this course |
# |---|---|
# | polygons | `[B, 2, N]`: row 0 is x, row 1 is y; vertices in sequence, the last joins the first; any N from 3 on |
# | axes | **x to the right, y up**; counter-clockwise is positive, but what is drawn does not depend on it |
# | a raster | H × W pixels over the square from −s to s in x and in y; s is called `extent`. Rows run **down** |
# | a pixel | row i, column j has its centre at x = −s + (j + ½) 2s/W, y = s − (i + ½) 2s/H |
# | signed distance | to the nearest point of the border; **negative inside**, by the even-odd rule |
# | pictures | `[B, C, H, W]`, colours and coverage from 0 to 1 |
# | dtype, device | an answer has those of what came in; float32 and float64 are tested |
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

from vislab.check import check
from vislab.check.budget import steps
from vislab.geometry.outlines import signed_distance

# the course's icons; or the path of another file with pictures and polygons.
ICONS = os.environ.get("VISLAB_ICONS", "icons")

# %% [markdown]
# ## 1. A pixel that can be nudged
#
# `signed_distance(points, polygons)`, imported above, is what notebook 1 builds, ready-made, so that nothing here depends on yours: points `[P, 2]`
# and polygons `[B, 2, N]` of one dtype in, distances `[B, P]` out. The usual rasteriser asks for its sign alone: a pixel is 1 where the distance is
# negative. Move a vertex by a little, and nearly all pixels stay what they are. The derivative is 0 except at the moments when a pixel
# flips, and there it does not exist.
#
# So let a pixel say *how far* inside it is, and squeeze that into 0 to 1:
#
# $$ c = \sigma\!\left(-\frac{d}{\tau}\right), \qquad \sigma(t) = \frac{1}{1 + e^{-t}} . $$
#
# On the border every pixel is ½. The temperature $\tau$ is a length: at $3\tau$ inside, a pixel is 0.95, as far outside 0.05. With $\tau$ to 0
# the hard picture comes back.
#
# ```
# for every polygon b:
#     for every row i, column j:
#         p = centre of pixel (i, j)                    # see the conventions: y is up, rows run down
#         coverage[b, 0, i, j] = sigma(-d(p, polygon b) / tau)
# ```
#
# ### Exercise 4a: `coverage` (5 points)
#
# Without a loop over pixels. $\tau$ may be as small as 10⁻⁴: what becomes of $e^{d/\tau}$ then, and of its *gradient*?


# %% exercise="shapes.coverage"
def coverage(polygons: Tensor, height: int, width: int, extent: float, tau: float) -> Tensor:
    """Soft coverage of every pixel, [B, 1, H, W].

    Args:
        polygons: [B, 2, N], x then y, y up.
        extent: s; the raster is the square from -s to s.
        tau: width of the border, a length greater than 0.
    """
    ### BEGIN SOLUTION
    x = ((2 * torch.arange(width, dtype=polygons.dtype, device=polygons.device) + 1) / width - 1) * extent
    y = (1 - (2 * torch.arange(height, dtype=polygons.dtype, device=polygons.device) + 1) / height) * extent
    centres = torch.stack([x.repeat(height), y.repeat_interleave(width)], dim=1)  # [H W, 2]
    return torch.sigmoid(-signed_distance(centres, polygons) / tau).unflatten(1, (1, height, width))
    ### END SOLUTION


# %% check="shapes.coverage"
check("shapes.coverage", coverage)

# %% [markdown]
# Three icons of the course, each at three temperatures. The first column is the icon's own picture.

# %%
from vislab import show
from vislab.data import open_dataset

plt.rcParams["figure.dpi"] = 80
icons = open_dataset(ICONS)
rows = list(range(len(icons)))
if "has_polygon" in icons:
    rows = torch.nonzero(torch.as_tensor(icons["has_polygon"].numpy()))[:, 0].tolist()
rows = rows[:: max(1, len(rows) // 42)][:42]
outlines = torch.as_tensor(icons["polygon"][rows]).float()
pictures = torch.as_tensor(icons["img"][rows]).float() / 255
# the largest coordinate of all of them, and some room.
EXTENT = float(outlines.abs().max()) + 0.2

# %%
figure, panels = plt.subplots(3, 5, figsize=(9, 5.2), layout="constrained")
for line, icon in zip(panels, (3, 11, 23)):
    line[0].imshow(pictures[icon].permute(1, 2, 0))
    show.polygon(outlines[icon].T, y_up=True, ax=line[1])
    for panel, tau in zip(line[2:], (0.02, 0.1, 0.3)):
        panel.imshow(coverage(outlines[icon, None], 48, 48, EXTENT, tau)[0, 0], cmap="Greys", vmin=0, vmax=1)
        panel.set_title(f"τ = {tau}", fontsize=9)
    for panel in line:
        panel.axis("off")
plt.show()

# %% [markdown]
# **What does softness cost?** The pixels' sum times a pixel's area should be the area of the polygon. An ellipse with half axes 1.2 and
# 0.8, as a polygon of 96 vertices, on 64 × 64 pixels over the square from −2 to 2:

# %%
angle = torch.arange(96, dtype=torch.float64) * (2 * math.pi / 96)
ellipse = torch.stack([1.2 * angle.cos(), 0.8 * angle.sin()])[None]
x, y = ellipse[0]
area = float((x * y.roll(-1) - x.roll(-1) * y).sum() / 2)
for tau in (0.02, 0.05, 0.1, 0.2):
    total = float(coverage(ellipse, 64, 64, 2.0, tau).sum()) * (4 / 64) ** 2
    print(f"tau {tau:<5} area by pixels {total:.3f}, by the shoelace formula {area:.3f}: {100 * (total / area - 1):.2f} % too much")

# %% [markdown]
# Always too much, and from one line to the next about four times as much when $\tau$ doubles. **Think.** Along a *straight* border the two sides
# cancel exactly: what a pixel at distance t outside has too much, one at t inside lacks. Why does that not help on a curve? How
# would the picture of a *star-shaped hole* come out?
#
# **And the gradient?** Two things that we know without computing it. Moving the whole polygon leaves its area alone, so the gradients of all
# vertices must add up to zero. And an area grows with the square of the size, so Euler's theorem on homogeneous functions asks for
#
# $$ \sum_k P_k \cdot \frac{\partial A}{\partial P_k} = 2A . $$

# %%
for tau in (0.05, 0.1):
    leaf = ellipse.clone().requires_grad_(True)
    total = coverage(leaf, 64, 64, 2.0, tau).sum() * (4 / 64) ** 2
    (gradient,) = torch.autograd.grad(total, leaf)
    drift = float(gradient.sum(dim=2).abs().max())
    print(f"tau {tau}: sum of P dA/dP = {float((ellipse * gradient).sum()):.4f}, 2A = {2 * area:.4f}; a shift changes {drift:.4f}")

# %% [markdown]
# The *value* at τ = 0.05 was off by nearly a hundredth, the *gradient* is right to a part in ten thousand. For pulling outlines about,
# the second is what counts. (On an outline in a raster that is coarse against τ, neither holds: try τ = 0.005.)

# %% [markdown]
# ## 2. A test that notices half a pixel
#
# Everybody who draws pictures of polygons has at some time had them upside down, or half a pixel off. Both survive a glance, and both
# survive a test on a square in the middle of a square raster.
#
# * *Know the answer from elsewhere*: a slow loop, one pixel at a time, written from the conventions; or a shape whose distance you
#   know by heart, a box.
# * *Choose inputs that hide nothing*: H ≠ W, an extent that is not 1, a shape without any symmetry and away from the middle, two
#   different shapes in a batch.
# * *Then one special case at a time*: the other orientation, a vertex that stands twice, no polygon at all, a very sharp border, float64.
# * *Tolerances*: 1e-5 in float32 and 1e-12 in float64, for τ of a tenth. What should it be for τ = 10⁻⁴, when a distance is
#   rounded to 10⁻⁷? Or choose pixels that are not near the border.
#
# ### Exercise 4b: `test_coverage` (4 points)
#
# Write a function that takes an implementation of `coverage` and raises (`assert` does) if it is wrong. When it is graded, it meets several
# right implementations, **none of which it may fail**, and over a dozen wrong ones. It may call `impl` 64 times. `signed_distance` is yours to use.


# %% exercise="shapes.test_coverage"
def test_coverage(impl) -> None:
    """Raise if ``impl(polygons, height, width, extent, tau)`` is not a right coverage."""
    ### BEGIN SOLUTION
    crooked = torch.tensor([[[-0.7, 0.9, 0.2, 0.4], [-0.6, -0.8, 0.1, 1.0]], [[-0.3, 0.5, 1.1, -0.9], [-1.1, -0.2, 0.7, 0.3]]])
    for dtype, atol in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        for polygons in (crooked, crooked.flip(2), crooked[:, :, [0, 1, 2, 3, 3]], crooked[:0]):
            polygons = polygons.to(dtype)
            soft, sharp = (impl(polygons, 5, 8, 1.3, tau) for tau in (0.13, 1e-4))
            assert soft.shape == sharp.shape == (len(polygons), 1, 5, 8) and soft.dtype == sharp.dtype == dtype
            for row in range(5):
                for column in range(8):
                    at = torch.tensor([[-1.3 + (column + 0.5) * 2.6 / 8, 1.3 - (row + 0.5) * 2.6 / 5]], dtype=dtype)
                    distance = signed_distance(at, polygons)[:, 0]
                    assert torch.allclose(soft[:, 0, row, column], torch.sigmoid(-distance / 0.13), rtol=0, atol=atol)
                    # no centre lies within a hundredth of a border here, so a sharp picture is 0 or 1.
                    assert torch.allclose(sharp[:, 0, row, column], (distance < 0).to(dtype), rtol=0, atol=1e-6)
    ### END SOLUTION


# %% check="shapes.test_coverage"
check("shapes.test_coverage", test_coverage, right=coverage)

# %% [markdown]
# ## 3. Paint
#
# Icons have colours, and shapes that lie above others. Paint one shape after the other: where a shape covers the share c of a pixel, it hides
# that share of whatever was there.
#
# ```
# picture = background
# for every shape s, from the first (lowest) to the last (highest):
#     for every pixel and every colour channel:
#         picture = c_s * fill_s + (1 - c_s) * picture
# ```
#
# ### Exercise 4c: `paint` (3 points)
#
# A loop over the shapes is fine. With no shape at all, the answer is a picture like the background.


# %% exercise="shapes.paint"
def paint(coverages: Tensor, fills: Tensor, background: Tensor) -> Tensor:
    """Shapes over a background, the last one highest: [B, 3, H, W].

    Args:
        coverages: [B, S, H, W] of S shapes, 0 to 1.
        fills: [B, S, 3], the colour of each.
        background: [B, 3, H, W].
    """
    ### BEGIN SOLUTION
    picture = background.clone()
    for share, colour in zip(coverages.unsqueeze(2).unbind(1), fills[..., None, None].unbind(1)):
        picture = share * colour + (1 - share) * picture
    return picture
    ### END SOLUTION


# %% check="shapes.paint"
check("shapes.paint", paint)

# %%
layers = coverage(torch.cat([1.15 * outlines[[3]], outlines[[3]]]), 64, 64, 1.2 * EXTENT, 0.03).transpose(0, 1)
sky = torch.linspace(0.95, 0.6, 64)[None, None, :, None].expand(1, 3, 64, 64) * torch.tensor([0.7, 0.85, 1.0])[None, :, None, None]
fills = torch.tensor([[[0.1, 0.1, 0.2], [0.95, 0.6, 0.1]]])
figure, panels = plt.subplots(1, 3, figsize=(7.5, 2.6))
for panel, layer, title in zip(panels, (layers[:, :0], layers[:, :1], layers), ("background", "one shape", "two shapes")):
    panel.imshow(paint(layer, fills[:, : layer.shape[1]], sky)[0].permute(1, 2, 0))
    panel.set_title(title, fontsize=9)
    panel.axis("off")
plt.show()

# %% [markdown]
# **Think.** A loss on the picture pulls on every shape. How much of it reaches a shape that is wholly hidden under another, in its colour and in
# its vertices? What does that mean for whoever fits several shapes at once from a bad start?

# %% [markdown]
# ## 4. A picture pulls an outline into place
#
# Start with a circle, draw it, compare with a picture, and follow the gradient: nobody says where a vertex belongs. Each pixel pulls
# on the nearest point of the border and on nothing else, and only *across* it; along the border vertices drift as they like and crowd together.
# A camera adds a little noise, which pulls each vertex elsewhere, and where vertices stand close, the outline runs through itself. So a
# second term asks each vertex to stay in the middle between its neighbours,
#
# $$ R = \frac{1}{N} \sum_k \left| P_{k+1} - 2 P_k + P_{k-1} \right|^2 . $$
#
# ```
# outlines = one copy of start for every picture
# for step in range(steps):
#     tau = ...                              # soft at first, so that far pixels pull, too; sharp in the end
#     for every picture b:
#         misfit[b] = mean over pixels p of (sigma(-d(centres[p], outlines[b]) / tau) - pictures[b, 0, p])^2
#         uneven[b] = mean over k of |P[k + 1] - 2 P[k] + P[k - 1]|^2,   P = the vertices of outlines[b], a ring
#     outlines = outlines moved by an optimiser, down the gradient of the sum over b of misfit[b] + weight * uneven[b]
# ```
#
# ### Exercise 5: `fit_outline` (5 points)
#
# Fit the outlines of all pictures at once; they do not know of each other, so sum over them. Adam with a rate of a few hundredths is a
# good optimiser here, and a τ that falls from 0.1 to 0.03, by the same factor at every step, a good beginning. The **weight** is for you to find:
# try 0, 1 and 100, and look. The check leaves `weight` out, and means the one that you have found.
#
# The check's pictures show, for each of 24 × 28 pixels, the share that is covered, with a little noise. It calls an outline *in place* if it
# does not cross itself and covers 0.93 of the union with the true shape (*intersection over union*, IoU).
# Of eight outlines 6 must be in place for all points, 5 for half of them. You have 200 steps, handed over as `steps`, and 30 seconds of CPU for eight
# pictures; ours takes two. The circle has 72 to 84 vertices, another number in every case, and so has your answer.


# %% exercise="shapes.fit_outline"
def fit_outline(pictures: Tensor, centres: Tensor, start: Tensor, *, steps: int, seed: int, weight: float | None = None) -> Tensor:
    """Pull one outline to the shape in each picture: [B, 2, N], without a gradient.

    Args:
        pictures: [B, 1, H, W], covered share of every pixel, and noise.
        centres: [H W, 2], where the pixels' centres lie, row by row.
        start: [2, N], the circle to begin with, the same for all.
        steps: how many steps the optimiser may take.
        seed: for torch's generator, if you draw anything.
        weight: of the second term; None for the one that you have found.
    """
    ### BEGIN SOLUTION
    weight = 1.0 if weight is None else weight
    outlines = start.repeat(len(pictures), 1, 1).requires_grad_(True)
    optimiser = torch.optim.Adam([outlines], lr=0.02)
    for step in range(steps):
        drawn = torch.sigmoid(-signed_distance(centres, outlines) / (0.1 * 0.3 ** (step / steps)))
        misfit = (drawn - pictures.flatten(1)).square().mean(dim=1)
        bend = outlines.roll(1, dims=2) + outlines.roll(-1, dims=2) - 2 * outlines
        loss = (misfit + weight * bend.square().sum(dim=1).mean(dim=1)).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return outlines.detach()
    ### END SOLUTION


# %% check="shapes.fit_outline"
check("shapes.fit_outline", fit_outline)

# %% [markdown]
# **Three weights, three shapes.** What a camera sees of a shape: a sharp picture of 128 × 128 pixels, averaged down to 32 × 32, and noise.

# %%
FIT = 1.6
generator = torch.Generator().manual_seed(0)
turn = torch.arange(96) * (2 * math.pi / 96)
radius = torch.full((3, 96), 0.8)
for wave in range(2, 6):
    height = 0.42 / wave**0.5 * torch.rand(3, 1, generator=generator)
    radius = radius + height * torch.cos(wave * turn + 6.28 * torch.rand(3, 1, generator=generator))
truth = torch.stack([radius * turn.cos(), radius * turn.sin()], dim=1)
target = nn.functional.avg_pool2d(coverage(truth, 128, 128, FIT, 1e-3), 4)
target = target + 0.08 * torch.randn(target.shape, generator=generator)
place = ((torch.arange(32) + 0.5) / 16 - 1) * FIT
centres = torch.stack([place.repeat(32), -place.repeat_interleave(32)], dim=1)
angle = torch.arange(80) * (2 * math.pi / 80)
circle = 0.6 * torch.stack([angle.cos(), angle.sin()])

# %%
count = steps(full=200, graded_steps=2)
fitted = {weight: fit_outline(target, centres, circle, steps=count, seed=0, weight=weight) for weight in (0.0, 1.0, 100.0)}
for weight, shapes in fitted.items():
    mine, theirs = (coverage(some, 64, 64, FIT, 1e-3) > 0.5 for some in (shapes, truth))
    overlap = (mine & theirs).sum(dim=(1, 2, 3)) / (mine | theirs).sum(dim=(1, 2, 3))
    if count == 200:
        print(f"weight {weight:g}: every outline covers more than 93 % of the union with its shape: {bool((overlap > 0.93).all())}")

# %%
figure, panels = plt.subplots(3, 3, figsize=(9, 9), layout="constrained")
for line, (weight, shapes) in zip(panels, fitted.items()):
    for panel, picture, shape in zip(line, target, shapes):
        panel.imshow(picture[0], cmap="Greys", extent=(-FIT, FIT, -FIT, FIT), vmin=-0.3, vmax=2)
        panel.plot(*torch.cat([shape, shape[:, :1]], dim=1), "o-", color="tab:red", markersize=2.5, linewidth=1)
        panel.set_title(f"weight {weight:g}", fontsize=9)
        panel.axis("off")
plt.show()

# %% [markdown]
# The two upper rows cover their shapes about equally well, and an error of areas alone would hardly tell them apart. Look at the *vertices*:
# where do they crowd in the first row, and where does the border run through itself?
#
# **Think.** The term R is 0 for a polygon whose vertices all lie in one place. What keeps the outlines of the second row from shrinking to
# a point, and which parts of the shapes has the third row given up first? You have found your weight for 72 to 84 vertices. By
# which factor does R fall when there are twice as many, and what must become of the weight?

# %% [markdown]
# ## 5. A net that draws
#
# A rasteriser knows what a polygon is. A *decoder* does not: it is a net that turns numbers into pictures, and all generative models of the
# next assignment end in one. On its way from 4 × 4 cells to 32 × 32 pixels it has to enlarge, and the layer for that is the
# transposed convolution: where a convolution gathers a patch into a number, this spreads a number out to a patch.
#
# ```
# out = zeros(B, D, (H - 1) * stride + k, (W - 1) * stride + l)
# for every picture b, channel c, row i, column j:
#     for every channel d of the output:
#         out[b, d, i * stride : i * stride + k, j * stride : j * stride + l] += features[b, c, i, j] * weight[c, d]
# cut `padding` rows off above and below, and as many columns on the left and on the right
# ```
#
# ### Exercise 6a: `transposed_convolution` (4 points)
#
# Not with PyTorch's own transposed convolutions. Loops over the k · l numbers of the kernel are fine, loops over pixels are slow.


# %% exercise="shapes.transposed_convolution"
def transposed_convolution(features: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Spread every number out to a patch: [B, D, (H-1) stride + k - 2 padding, (W-1) stride + l - 2 padding].

    Args:
        features: [B, C, H, W].
        weight: [C, D, k, l].
        stride: at least 1; may be larger than the kernel.
        padding: rows and columns cut off on each side.
    """
    ### BEGIN SOLUTION
    batch, _, height, width = features.shape
    _, out, tall, wide = weight.shape
    full = features.new_zeros(batch, out, (height - 1) * stride + tall, (width - 1) * stride + wide)
    for row in range(tall):
        for column in range(wide):
            place = full[:, :, row::stride, column::stride][:, :, :height, :width]
            place += torch.einsum("bchw,cd->bdhw", features, weight[:, :, row, column])
    return full[:, :, padding : full.shape[2] - padding, padding : full.shape[3] - padding]
    ### END SOLUTION


# %% check="shapes.transposed_convolution"
check("shapes.transposed_convolution", transposed_convolution)

# %% [markdown]
# **How many numbers meet in a pixel?** Ones in, ones as a kernel: the answer counts.

# %%
one = torch.ones(1, 1, 6, 6)
counts = {}
for kernel, padding in ((3, 0), (4, 1)):
    counts[kernel] = transposed_convolution(one, torch.ones(1, 1, kernel, kernel), stride=2, padding=padding)[0, 0]
    middle = counts[kernel][4:6, 4:6].flatten().int().tolist()
    print(f"kernel {kernel}, stride 2: a block of 2 x 2 pixels in the middle receives {middle}")
figure, panels = plt.subplots(1, 2, figsize=(6, 2.8))
for panel, (kernel, picture) in zip(panels, counts.items()):
    shown = panel.imshow(picture, cmap="viridis", vmin=0, vmax=4)
    panel.set_title(f"contributions, kernel {kernel}", fontsize=9)
    panel.axis("off")
figure.colorbar(shown, ax=panels)
plt.show()

# %% [markdown]
# A kernel of 3 at stride 2 lays patches so that some pixels get four times as much as others: a **checkerboard**, before anything is learnt.
# The net has to unlearn it in every layer. A kernel whose size the stride divides has no such trouble.
#
# ### Exercise 6b: `Renderer` (4 points)
#
# `Renderer(points, channels)` draws polygons `[B, 2, points]` as pictures `[B, 3, 32, 32]`. `channels` is a multiple of 4.
#
# | attribute | layer | then |
# |---|---|---|
# | `first` | linear, from 2 · points numbers (all x, then all y) to 16 · channels | ReLU, as `[B, channels, 4, 4]` |
# | `up1` | transposed convolution to channels / 2, kernel 4, stride 2, padding 1 | ReLU, 8 × 8 |
# | `up2` | the same to channels / 4 | ReLU, 16 × 16 |
# | `up3` | the same to 3 | sigmoid, 32 × 32 |
#
# Layers of `nn` are allowed here, with their biases. For 96 vertices and 64 channels there is a budget of 250 000 parameters.


# %% exercise="shapes.renderer"
class Renderer(nn.Module):
    """Polygons [B, 2, points] to pictures [B, 3, 32, 32] between 0 and 1."""

    def __init__(self, points: int, channels: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.first = nn.Linear(2 * points, 16 * channels)
        self.up1 = nn.ConvTranspose2d(channels, channels // 2, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(channels // 2, channels // 4, 4, stride=2, padding=1)
        self.up3 = nn.ConvTranspose2d(channels // 4, 3, 4, stride=2, padding=1)
        ### END SOLUTION

    def forward(self, polygons: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        features = self.first(polygons.flatten(1)).relu().unflatten(1, (-1, 4, 4))
        features = self.up2(self.up1(features).relu()).relu()
        return self.up3(features).sigmoid()
        ### END SOLUTION


# %% check="shapes.renderer"
check("shapes.renderer", Renderer)

# %%
torch.manual_seed(0)
renderer = Renderer(outlines.shape[2], 64)
weights = sum(parameter.numel() for parameter in renderer.parameters())
print(f"{weights} parameters, within the budget: {weights <= 250_000}")

# %% [markdown]
# **Overfit first.** A net that cannot learn 42 icons by heart will learn nothing. The baseline that it must beat is the mean picture. What is
# drawn here is each icon's soft coverage in orange on white: can the net find out what a polygon is?

# %%
shapes = coverage(outlines, 32, 32, EXTENT, 0.05)
drawings = paint(shapes, torch.tensor([0.9, 0.5, 0.1]).expand(len(shapes), 1, 3), torch.ones(len(shapes), 3, 32, 32))
baseline = float((drawings - drawings.mean(dim=0)).square().mean())
optimiser = torch.optim.Adam(renderer.parameters(), lr=3e-3)
count = steps(full=300, graded_steps=2)
errors = []
for _ in range(count):
    error = (renderer(outlines) - drawings).square().mean()
    errors.append(float(error.detach()))
    optimiser.zero_grad()
    error.backward()
    optimiser.step()
if count == 300:
    print(f"less than a twentieth of the mean picture's error: {errors[-1] < 0.05 * baseline}")
    assert errors[-1] < 0.05 * baseline, f"{errors[-1]:.4f}: the net has not learnt 42 icons by heart"

# %%
with torch.no_grad():
    learnt = renderer(outlines)
figure, panels = plt.subplots(2, 7, figsize=(10.5, 3.2), num="finished", layout="constrained")
for panel, stage in zip(panels[:, 0], (0, -1)):
    panel.imshow(target[0, 0], cmap="Greys", extent=(-FIT, FIT, -FIT, FIT), vmin=-0.3, vmax=2)
    shape = circle if stage == 0 else fitted[1.0][0]
    panel.plot(*torch.cat([shape, shape[:, :1]], dim=1), color="tab:red", linewidth=1.5)
    panel.set_title("start" if stage == 0 else "pulled into place", fontsize=9)
for line, source in zip(panels, (drawings, learnt)):
    for panel, icon in zip(line[1:], range(3, 42, 7)):
        panel.imshow(source[icon].permute(1, 2, 0))
for panel in panels.flat:
    panel.axis("off")
panels[0, 1].set_title("rasterised", fontsize=9)
panels[1, 1].set_title("drawn by the net", fontsize=9)
plt.show()

# %% [markdown]
# **Think.** Rotate one of the outlines by ten degrees, or begin it at another vertex, and let both draw it. The rasteriser does not care where
# a polygon begins. Does the net? Notebook 3 is about that.
#
# The rasteriser of section 1 writes tables of pixels times edges: fine for a picture, wasteful for a training set. Notebook 6 makes two GPU kernels of it that
# need no table, one that draws and one that carries gradients back to the vertices.

# %% [markdown]
# ### Written question (3 points)
#
# You fit an outline to a photograph of 512 × 512 pixels over the square from −1 to 1. The outline starts about 0.5 beside the object, and in
# the end it should be right to a pixel.
#
# 1. The gradient of a pixel's coverage in its distance is $-c(1-c)/\tau$. How large is it, as a multiple of its largest value, for a pixel at
#    a distance of 10τ? What does a τ of one pixel mean for the first step, and a τ of 0.2 for the last?
# 2. Propose how τ should change during the fit, with numbers, and say what in the convention of `extent` makes your numbers depend on the picture's size.
# 3. A friend renders by a trained net in place of the rasteriser, "since both are differentiable". Name one thing that the gradient of the
#    rasteriser can be relied on for, anywhere, and that of the net only near the outlines that it was trained on. How would you test it?

# %% [markdown] question="shapes.q_softness" points=3
# ### BEGIN SOLUTION
# 1. The largest value is at c = ½, (1/4)/τ. At 10τ, c(1 − c) is about e⁻¹⁰ = 4.5 · 10⁻⁵, so the share is 4 · 4.5 · 10⁻⁵ = **1.8 · 10⁻⁴**. A
#    pixel is 2/512 = 0.0039 wide. With τ of one pixel the object's pixels, 0.5 or 128 τ away, send e⁻¹²⁸: nothing, in float32 exactly nothing once
#    c rounds to 1. Only pixels along the present outline pull. With τ = 0.2 (51 pixels) everything pulls, but the border is a blur: where
#    it is curved, the best outline is off by far more than a pixel, and corners are rounded.
# 2. Begin at about 0.1 to 0.2 (a third of the way that is to go, or more) and shrink geometrically to about one pixel, 0.004: over 200 steps
#    by a factor of 0.98 a step. The last value is a multiple of 2s/W, so it changes with the raster (and the first with the units of the
#    outline, not with the raster).
# 3. Any physical or geometrical identity: a shift changes no area, so gradients of the pixel sum add up to 0 over the vertices; Euler's identity;
#    outward normals: moving the border outwards brightens pixels there and nowhere else; the same picture for another first vertex. The net has learnt
#    pictures, not gradients, and off its training set nothing binds it. Test: compute the identity for both at training outlines, and at
#    rotated, shifted or re-started ones, and compare.
#
# **Rubric**: 1 point for 1.8 · 10⁻⁴ with both consequences (half for one of the three) · 1 point for a schedule from tenths to about a pixel,
# with numbers, and for 2s/W (half for a schedule without numbers) · 1 point for a property that holds for the rasteriser everywhere, with a
# test that could fail (half without the test).
# ### END SOLUTION

# %% [markdown]
# **Check yourself before you go on.** Can you, without looking,
#
# * write down the centre of pixel (i, j), and say which of its signs would turn pictures upside down?
# * say why a hard picture has no useful gradient, and what a soft one pays for having one?
# * name two identities that the gradient of an area must satisfy?
# * name four inputs that a test of a rasteriser must not leave out, and the mistake that each of them shows?
# * say in which directions a pixel pulls on an outline, in which it does not, and what follows for the vertices?
# * count the contributions of a transposed convolution with kernel 5 and stride 2, in the middle?
