# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 4. Ten numbers for a shape: shape spaces
#
# An icon's outline is 192 numbers, and nearly every choice of 192 numbers is no icon. The outlines of real things lie in a small part of that
# space, and whoever has coordinates *for that part* can do with shapes what one does with numbers: take means, measure how unusual one is,
# draw new ones, walk from a heart to a leaf. A *shape space* is such a set of coordinates. This notebook builds three: a flat one (PCA), a
# bent one (an autoencoder), and one with a probability on it (a VAE), and holds them against each other at the same size.
#
# **After this notebook you can**
#
# * fit a PCA shape space, take outlines there and back, and say beforehand how large the error will be;
# * test such a space by what must hold, without knowing the right answer;
# * compare subspaces by their angles, with digits left when the angles are small, and show that a linear autoencoder is PCA;
# * say what an autoencoder gains over PCA with as many numbers, on icons it has seen and on icons it has not;
# * (extension) turn it into a VAE, bound what it cannot compute, and interpolate in points, in aligned points and in codes.
#
# About 110 minutes, 70 without the extension. 21 points: five exercises (14), a test that you write (4) and one written question
# (3). The extension is worth 11 bonus points.
#
# ![The mean icon moving along three modes, error by size of the code, and a heart becoming an airplane in three ways](figures/4_shape_spaces.png)
#
# *What you will have at the end: modes of PCA as moving outlines, from blue to red; what a code of k numbers loses, on icons that no space was
# fitted to; and one icon becoming another in points, in aligned points and in codes, with every self-intersection marked.*

# %% [markdown]
# ## Conventions
#
# | | in this course |
# |---|---|
# | a polygon | `[2, N]`, a batch `[B, 2, N]`: row 0 is x, row 1 is y; neighbours stand in sequence, and the last vertex joins the first |
# | axes | **x to the right, y up**, standardised coordinates: an icon reaches from about −1.5 to 1.5 |
# | flattened | **all x first, then all y**: `shape.flatten()` is x₀ … x_{N−1} y₀ … y_{N−1} |
# | a mode | `[2, N]`, like an outline; modes are orthonormal when flattened. A space is a mean `[2, N]` and modes `[k, 2, N]` |
# | sign of a mode | v and −v are the same mode. Here the number of **largest size in it is positive** |
# | variance | the mean over the M outlines at hand: **divided by M**, not M − 1 |
# | a code | `[k]`, a batch `[B, k]` |
# | error | the mean of squares over all coordinates of all outlines, unless a text says otherwise |
# | dtype, device | an answer has those of what came in (counts are int64); float32 and float64 are tested |
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

from vislab import show
from vislab.check import check
from vislab.check.budget import steps
from vislab.data import open_dataset

plt.rcParams["figure.dpi"] = 80
# the course's icons, or the path of another file of the same layout.
ICONS = os.environ.get("VISLAB_ICONS", "icons")


def restart(shapes: Tensor, start: Tensor) -> Tensor:
    """The same outlines [B, 2, N], each begun at its own vertex, int64 [B]."""
    place = (torch.arange(shapes.shape[2]) + start[:, None]) % shapes.shape[2]
    return shapes.gather(2, place[:, None].expand_as(shapes))


def best_start(shapes: Tensor, target: Tensor) -> Tensor:
    """The start of each outline [B, 2, N] that brings it nearest to the target [2, N]."""
    product = torch.fft.rfft(shapes.double()) * torch.fft.rfft(target.double()).conj()
    return torch.fft.irfft(product.sum(dim=1), n=shapes.shape[2]).argmax(dim=1)


def aligned_starts(shapes: Tensor, rounds: int = 5) -> tuple[Tensor, Tensor]:
    """Choose all starts anew, by turns with the mean: outlines [B, 2, N] and the last mean [2, N]."""
    mean = shapes.mean(dim=0)
    for _ in range(rounds):
        shapes = restart(shapes, best_start(shapes, mean))
        mean = shapes.mean(dim=0)
    return shapes, mean

# %% [markdown]
# ## 1. The same icons, three times
#
# Notebook 3 asked which vertex is which. This notebook takes the answer as given (the functions in the cell above are shipped) and asks
# what it is worth. So there are three files of the same icons: starts drawn at random; starts at the topmost point, as the set has them;
# and starts that bring each outline nearest to the mean.

# %%
icons = open_dataset(ICONS)
polygons = icons["polygon"].tensor().float()
keep = icons["has_polygon"].tensor() if "has_polygon" in icons else torch.ones(len(polygons), dtype=torch.bool)
part = icons["split"].tensor() if "split" in icons else torch.arange(len(polygons)) // (len(polygons) - 10)
train, held = polygons[keep & (part == 0)], polygons[keep & (part == 1)]
names = [str(name) for name in icons["name"][:]] if "name" in icons else []


def icon(name: str, row: int) -> Tensor:
    """Polygon [2, N] of a named icon, or that of a row where the file has no names."""
    return polygons[names.index(name) if name in names else row]


generator = torch.Generator().manual_seed(0)
random_train, random_held = (restart(each, torch.randint(each.shape[2], (len(each),), generator=generator)) for each in (train, held))
aligned, middle = aligned_starts(train)
aligned_held = restart(held, best_start(held, middle))
FILES = {"random starts": (random_train, random_held), "topmost starts": (train, held), "aligned starts": (aligned, aligned_held)}
print(f"{len(train)} icons to learn from, {len(held)} held out, {polygons.shape[2]} vertices each")

# %%
figure, panels = plt.subplots(1, 3, figsize=(9, 3))
for panel, (name, (shapes, _)) in zip(panels, FILES.items()):
    show.polygon(shapes.mean(dim=0).T, y_up=True, filled=True, ax=panel, caption=f"mean, {name}")
    panel.set(adjustable="box", xlim=(-1.5, 1.5), ylim=(-1.5, 1.5))
plt.show()

# %% [markdown]
# ## 2. A flat space: PCA
#
# Take the outlines as vectors $x_1, \dots, x_M$ with mean $\mu$. Which $k$ directions $v_1, \dots, v_k$, orthonormal, keep most of them? The
# answer is the eigenvectors of the covariance matrix with the largest eigenvalues, and these are the right singular vectors of the matrix of
# centred outlines: with $X - \mu = U S V^\top$,
#
# $$
# \text{modes: the first rows of } V^\top , \qquad
# \text{variances } \lambda_j = \frac{S_j^2}{M} , \qquad
# \text{explained } = \frac{\lambda_1 + \dots + \lambda_k}{\lambda_1 + \lambda_2 + \dots} .
# $$
#
# ```
# mean = mean of the outlines
# rows = the outlines less the mean, each flattened
# modes = first k right singular vectors of rows;  in each, the number of largest size is made positive
# variance = squares of the first k singular values / number of outlines
# explained = sum of variance / sum of ALL squares / number of outlines
# ```
#
# ### Exercise 10a: `fit_pca` (4 points)
#
# There may be fewer outlines than numbers in an outline, and k may be 0. `torch.pca_lowrank` and `torch.cov` are off limits; decompositions
# in `torch.linalg` are not.

# %% exercise="shapes.fit_pca"
def fit_pca(shapes: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Fit a PCA shape space.

    Args:
        shapes: [M, 2, N], M at least 2, not all alike.
        k: how many modes, 0 or more, at most the rank of the centred outlines.

    Returns:
        mean [2, N], modes [k, 2, N], largest variance first, variance [k], and the explained share of the variance, [].
    """
    ### BEGIN SOLUTION
    mean = shapes.mean(dim=0)
    _, sizes, rows = torch.linalg.svd((shapes - mean).flatten(1), full_matrices=False)
    variance = sizes.square() / len(shapes)
    modes = rows[:k]
    modes = modes * modes.gather(1, modes.abs().argmax(dim=1, keepdim=True)).sign()
    return mean, modes.reshape(k, *mean.shape), variance[:k], variance[:k].sum() / variance.sum()
    ### END SOLUTION


# %% check="shapes.fit_pca"
check("shapes.fit_pca", fit_pca)

# %% [markdown]
# A mode is an outline's worth of arrows. Add it to the mean, a little, then more, and the mean moves. From −2 standard deviations (blue) to 2 (red):

# %%
mean, modes, variance, explained = fit_pca(aligned, 10)


def draw_mode(number: int, panel: plt.Axes) -> None:
    """Draw the mean on its way along a mode, from -2 standard deviations (blue) to 2 (red)."""
    for place, shade in zip(torch.linspace(-2, 2, 9), plt.get_cmap("coolwarm")(torch.linspace(0, 1, 9).numpy())):
        x, y = mean + place * variance[number].sqrt() * modes[number]
        panel.plot([*x, x[0]], [*y, y[0]], color=shade, linewidth=1)
    panel.set_title(f"mode {number + 1}", fontsize=9)
    panel.set(aspect="equal", xlim=(-2.1, 2.1), ylim=(-2.1, 2.1))
    panel.axis("off")


figure, panels = plt.subplots(1, 5, figsize=(12, 2.6))
for number, panel in enumerate(panels):
    draw_mode(number, panel)
plt.show()

# %% [markdown]
# ### Exercise 10b: `project` (2 points)
#
# The code of an outline: how far it goes along each mode. Modes are orthonormal, so no system has to be solved.
#
# ```
# for b, j:   codes[b, j] = sum over both rows and all vertices of (shapes[b] - mean) * modes[j]
# ```

# %% exercise="shapes.project"
def project(shapes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    """Codes [B, k] of outlines [B, 2, N] in the space of mean [2, N] and modes [k, 2, N]."""
    ### BEGIN SOLUTION
    return torch.einsum("bcn,kcn->bk", shapes - mean, modes)
    ### END SOLUTION


# %% check="shapes.project"
check("shapes.project", project)

# %% [markdown]
# ### Exercise 10c: `reconstruct` (2 points)
#
# And back: the mean, and as much of every mode as the code says.

# %% exercise="shapes.reconstruct"
def reconstruct(codes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
    """Outlines [B, 2, N] of codes [B, k] in the space of mean [2, N] and modes [k, 2, N]."""
    ### BEGIN SOLUTION
    return mean + torch.einsum("bk,kcn->bcn", codes, modes)
    ### END SOLUTION


# %% check="shapes.reconstruct"
check("shapes.reconstruct", reconstruct)

# %% [markdown]
# What is lost on the way is known before: the mean squared length of what no mode holds is the **sum of the eigenvalues that were dropped**.

# %%
kept = reconstruct(project(aligned, mean, modes), mean, modes)
lost = (aligned - kept).square().sum(dim=(1, 2)).mean()
total = (aligned - mean).square().sum(dim=(1, 2)).mean()
print(f"lost for an outline, measured {lost:.3f}, predicted {total - variance.sum():.3f}; explained {explained:.3f}")

# %% [markdown]
# ### Exercise 10d: `test_fit_pca` (4 points)
#
# How do you test a function whose answer you do not know? By what must hold between its answers. A test takes `impl`, calls it like `fit_pca`
# on outlines that you invent, and raises (an `assert` will do) if something is wrong; it must let *every* right implementation pass, also
# one that rounds otherwise. Think of what each of the four answers must fulfil alone, and what two of them together. Then look at
# your outlines: is there a mistake that they hide? (What does a mean of zero hide?)

# %% exercise="shapes.test_fit_pca"
def test_fit_pca(impl) -> None:
    """Raise if impl(shapes, k) is not a right fit_pca."""
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(1)
    for dtype, allowed in ((torch.float32, 2e-4), (torch.float64, 1e-9)):
        for count, vertices in ((40, 6), (9, 11)):
            shapes = torch.randn(count, 2, vertices, generator=generator, dtype=torch.float64)
            shapes = (shapes * (1 + torch.arange(2 * vertices).reshape(2, vertices)) ** 0.7 / 3 + 0.8).to(dtype)
            mean, modes, variance, explained = impl(shapes, 3)
            assert all(answer.dtype == dtype for answer in (mean, modes, variance, explained))
            assert mean.shape == (2, vertices) and modes.shape == (3, 2, vertices) and variance.shape == (3,)
            flat, away = modes.flatten(1), (shapes - shapes.mean(dim=0)).flatten(1)
            assert torch.allclose(mean, shapes.mean(dim=0), atol=allowed)
            assert torch.allclose(flat @ flat.T, torch.eye(3, dtype=dtype), atol=allowed)
            assert bool((flat.gather(1, flat.abs().argmax(dim=1, keepdim=True)) > 0).all())
            codes = away @ flat.T
            assert torch.allclose(codes.square().mean(dim=0), variance, rtol=allowed)
            largest = torch.linalg.svdvals(away.double())[:3] ** 2 / count
            assert torch.allclose(variance.double(), largest, rtol=allowed)
            assert abs(float(explained - variance.sum() / away.square().sum() * count)) < allowed
            assert impl(shapes, 0)[1].shape == (0, 2, vertices) and float(impl(shapes, 0)[3]) == 0
    ### END SOLUTION


# %% check="shapes.test_fit_pca"
check("shapes.test_fit_pca", test_fit_pca, right=fit_pca)

# %% [markdown]
# **How many numbers does an icon need?** Error by k for the three files, on icons the space was fitted to and on icons it was not.

# %%
def pca_errors(shapes: Tensor, others: Tensor, sizes: list[int]) -> tuple[list[float], list[float], list[float]]:
    """Error on the shapes, error on others, and explained share, for each size of the code."""
    mean, modes, _, _ = fit_pca(shapes, max(sizes))
    errors = [[float((x - reconstruct(project(x, mean, modes[:k]), mean, modes[:k])).square().mean()) for k in sizes] for x in (shapes, others)]
    total = float((shapes - mean).square().mean())
    return errors[0], errors[1], [1 - error / total for error in errors[0]]


SIZES = [1, 2, 5, 10, 20, 40] if len(train) > 40 else [1, 2, 5, 10, 20]
curves = {name: pca_errors(*pair, SIZES) for name, pair in FILES.items()}
figure, panels = plt.subplots(1, 2, figsize=(9, 3.2))
for (name, (seen, unseen, shares)), colour in zip(curves.items(), ("tab:grey", "tab:blue", "tab:red")):
    panels[0].plot(SIZES, seen, "o-", color=colour, label=name, markersize=3)
    panels[0].plot(SIZES, unseen, "o--", color=colour, markersize=3)
    panels[1].plot(SIZES, shares, "o-", color=colour, markersize=3)
    print(f"{name:<15} k = 10: error {seen[3]:.4f}, held out {unseen[3]:.4f}, explained {shares[3]:.3f}")
panels[0].set(yscale="log", xscale="log", xlabel="k", ylabel="mean squared error", title="solid: fitted; dashed: held out")
panels[1].set(xscale="log", xlabel="k", ylabel="explained share")
panels[0].legend(fontsize=8)
plt.show()

# %% [markdown]
# Read the printed lines from top to bottom. The error at k = 10 becomes smaller when the starts are aligned, and the explained share becomes
# **smaller, too**.
#
# ### Question 1 (3 points)
#
# How can a space explain a smaller share of the variance and yet be the better one? Say what the two numbers of the ratio are and what
# alignment does to each; which modes of the first file are no shapes at all; and what you would report instead of the explained share.

# %% [markdown] question="shapes.q_explained_share" points=3
# ### BEGIN SOLUTION
# Explained share = 1 - dropped / total, and error = dropped / (number of coordinates). Two files are compared here whose totals differ.
#
# **Random starts.** The total holds a variance that has nothing to do with shape: the same outline, begun elsewhere, is far from itself. This
# part is huge and simple. A restarted outline is roughly a circle with another phase, and all phases of a circle lie in a plane: two modes (cosine and
# sine of the vertex number) hold nine tenths of the total. They explain a lot because there was a lot of *that* to explain.
#
# **Alignment** takes that variance out of the total, and with it out of the numerator, as it was what the first modes held. The denominator falls by a
# factor of nine; the dropped part falls, too, but by less than a factor of two. So dropped / total rises, and the share falls,
# while the dropped part, which is what one loses, is smaller.
#
# **Report** the error itself in the unit of the outlines (on held-out icons), or the share of one common total for both files. A share compares sizes
# of a code for one file, never two files.
#
# **Rubric** 1 point: share and error have different denominators, and the total fell more than the dropped part. 1 point: the first modes of the first
# file are starts (a phase), not shapes; names the plane of two modes or describes it. 1 point: the absolute error, or a common denominator, on
# data that was not fitted.
# ### END SOLUTION

# %% [markdown]
# **Think.** On the held-out icons, the topmost start does slightly better than the aligned one, though alignment was made to bring outlines
# near to each other. To which mean were the held-out icons aligned, and what exactly does the alignment minimise?

# %% [markdown]
# ## 3. A bent space: the autoencoder
#
# PCA's outlines are sums of fixed arrows. A net may bend: an *encoder* from 2N numbers to k, a *decoder* back, trained for a small error.
#
# ```
# codes = code(relu(inner(flattened outline)))          2N -> hidden -> k
# answer = out(relu(outer(codes)))                      k -> hidden -> 2N,  then [2, N] again
# ```
#
# ### Exercise 11a: `ShapeAutoencoder` (3 points)
#
# Four linear layers with these names: `inner`, `code`, `outer`, `out`. The check brings its own weights and asks for `forward`; the figures
# below use the methods `encode` and `decode`.

# %% exercise="shapes.autoencoder"
class ShapeAutoencoder(nn.Module):
    """Outlines [B, 2, N] to codes [B, k] and back; N vertices, k codes, hidden: the width between."""

    def __init__(self, vertices: int, hidden: int, codes: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.inner, self.code = nn.Linear(2 * vertices, hidden), nn.Linear(hidden, codes)
        self.outer, self.out = nn.Linear(codes, hidden), nn.Linear(hidden, 2 * vertices)
        ### END SOLUTION

    def encode(self, shapes: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return self.code(self.inner(shapes.flatten(1)).relu())
        ### END SOLUTION

    def decode(self, codes: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return self.out(self.outer(codes).relu()).unflatten(1, (2, -1))
        ### END SOLUTION

    def forward(self, shapes: Tensor) -> Tensor:
        return self.decode(self.encode(shapes))


# %% check="shapes.autoencoder"
check("shapes.autoencoder", ShapeAutoencoder)

# %% [markdown]
# First the sanity checks: the number of parameters, and whether the net can learn eight icons by heart. One that cannot do this will
# learn nothing from thousands.

# %%
def train_net(model: nn.Module, shapes: Tensor, count: int, lr: float = 1e-3, batch: int = 64, seed: int = 0) -> nn.Module:
    """Train a net that returns its input, by Adam with a learning rate that falls to zero."""
    order = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, count)
    for _ in range(count):
        pick = shapes[torch.randint(len(shapes), (min(batch, len(shapes)),), generator=order)]
        loss = (model(pick) - pick).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return model

# %%
torch.manual_seed(0)
small = ShapeAutoencoder(polygons.shape[2], hidden=128, codes=10)
print(f"{sum(weight.numel() for weight in small.parameters())} parameters")
count = steps(full=800, graded_steps=2)
train_net(small, aligned[:8], count)
if count == 800 and ICONS == "icons":
    with torch.no_grad():
        error = float((small(aligned[:8]) - aligned[:8]).square().mean())
    assert error < 1e-3, "eight icons should be learnt by heart"
    print(f"eight icons by heart: error below 0.001 {error < 1e-3}")

# %% [markdown]
# **Without its ReLUs** the net is a product of matrices, and its answers lie in a plane of k dimensions. Which plane? PCA's error is the smallest
# that *any* plane of k dimensions has. So a linear autoencoder that is trained to the end spans PCA's modes. To say how near two planes are,
# one needs the *principal angles* between them. With orthonormal columns $Q_1$, $Q_2$,
#
# $$
# \cos\theta_j = \text{singular values of } Q_1^\top Q_2, \qquad
# \sin\theta_j = \text{singular values of } Q_2 - Q_1 Q_1^\top Q_2 .
# $$
#
# For small angles the cosine is 1 less nothing: in float32, $1 - \theta^2/2$ is 1 for all $\theta$ below 2·10⁻⁴. For angles near 90 degrees it is
# the sine that is blind.
#
# ### Exercise 11b: `principal_angles` (3 points)
#
# In radians, the smallest first. The columns that come in are independent, and neither orthogonal nor of length one. Digits must be left
# for small angles and for large ones.

# %% exercise="shapes.principal_angles"
def principal_angles(first: Tensor, second: Tensor) -> Tensor:
    """Angles [k] between the spans of the columns of two matrices [D, k], smallest first, in radians."""
    ### BEGIN SOLUTION
    one, two = torch.linalg.qr(first).Q, torch.linalg.qr(second).Q
    cosine = torch.linalg.svdvals(one.T @ two)
    sine = torch.linalg.svdvals(two - one @ (one.T @ two)).flip(0)
    return torch.atan2(sine, cosine)
    ### END SOLUTION


# %% check="shapes.principal_angles"
check("shapes.principal_angles", principal_angles)

# %%
class LinearAutoencoder(nn.Module):
    """The same with two layers and no ReLU; outlines less the mean."""

    def __init__(self, vertices: int, codes: int) -> None:
        super().__init__()
        self.code, self.out = nn.Linear(2 * vertices, codes, bias=False), nn.Linear(codes, 2 * vertices, bias=False)

    def forward(self, shapes: Tensor) -> Tensor:
        return self.out(self.code(shapes.flatten(1))).unflatten(1, (2, -1))


torch.manual_seed(0)
centred, count = aligned - mean, steps(full=3000, graded_steps=2)
linear = train_net(LinearAutoencoder(polygons.shape[2], 3), centred, count, lr=1e-2, batch=512)
if count == 3000 and ICONS == "icons":
    with torch.no_grad():
        angles = principal_angles(linear.out.weight, modes[:3].flatten(1).T)
        ours = (linear(centred) - centred).square().mean()
        least = (aligned - reconstruct(project(aligned, mean, modes[:3]), mean, modes[:3])).square().mean()
    assert 1 - 1e-5 < float(ours / least) < 1.01, "no plane has a smaller error than PCA's, and a trained one nearly the same"
    print(f"largest angle to PCA's plane below 0.05 {bool(angles.max() < 0.05)}; error at most 1 % above PCA's {bool(ours < 1.01 * least)}")

# %% [markdown]
# **At equal size.** Ten numbers for an icon, once by PCA and once by the net, on icons that were learnt from and on icons that were not.

# %%
torch.manual_seed(0)
count = steps(full=3000, graded_steps=2, small_steps=1500)
bent = train_net(ShapeAutoencoder(polygons.shape[2], hidden=128, codes=10), aligned, count)
with torch.no_grad():
    errors = [float((bent(each) - each).square().mean()) for each in (aligned, aligned_held)]
flat_errors = [curves["aligned starts"][which][3] for which in (0, 1)]
if count >= 1500 and ICONS == "icons":
    assert errors[0] < flat_errors[0] and errors[1] < flat_errors[1], "as many numbers, bent, should do better"
    print(f"PCA, 10 numbers: seen {flat_errors[0]:.4f}, held out {flat_errors[1]:.4f}")
    print(f"the net is better on seen icons {errors[0] < flat_errors[0]}, and on held-out ones {errors[1] < flat_errors[1]}")

# %% exempt="errors after a training"
print(f"the net: seen {errors[0]:.4f}, held out {errors[1]:.4f}, with {sum(weight.numel() for weight in bent.parameters())} parameters")
print(f"PCA: {mean.numel() + modes.numel()} numbers in mean and modes")

# %%
figure, panels = plt.subplots(3, 6, figsize=(11, 5.5))
with torch.no_grad():
    shown = aligned_held[:: max(1, len(aligned_held) // 6)][:6]
    rows = shown, reconstruct(project(shown, mean, modes), mean, modes), bent(shown)
for line, shapes, name in zip(panels, rows, ("held out", "PCA, 10 numbers", "autoencoder, 10 numbers")):
    for panel, shape in zip(line, shapes):
        panel.fill(*shape, color="tab:grey", alpha=0.6)
        panel.set(aspect="equal", xlim=(-1.6, 1.6), ylim=(-1.6, 1.6))
        panel.axis("off")
    line[0].set_title(name, fontsize=9)
plt.show()

# %% [markdown]
# Bending pays while numbers are few. It is no law: with 20 numbers the same net, trained as long, has an error of about 0.004 on seen icons, and PCA
# 0.0032. A net must *find* what PCA is handed by a decomposition. And "equal size" counts the numbers of a code; count those of the
# model, and the net is 25 times as large.
#
# **Think.** A linear net that is trained to the end spans PCA's plane. Are its codes PCA's codes? What could you do to a trained linear net that
# changes every code and no answer?

# %% [markdown]
# ## 4. Extension: a space with a probability
#
# An autoencoder's codes lie where training left them, with holes between. A *variational* autoencoder encodes an outline as a Gaussian cloud,
# draws a code from the cloud, and pays for clouds that are not the standard Gaussian. To draw, and still to have a gradient, noise comes from outside:
# $z = \mu + \sigma\varepsilon$ with $\varepsilon$ standard Gaussian. Nets answer $\log\sigma^2$, which may be any number.
#
# ### Exercise 13a: `reparameterise` (1.5 bonus points)

# %% exercise="shapes.reparameterise"
def reparameterise(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    """Codes [B, k] from means, log-variances and noise, each [B, k]."""
    ### BEGIN SOLUTION
    return mu + (0.5 * logvar).exp() * eps
    ### END SOLUTION


# %% check="shapes.reparameterise"
check("shapes.reparameterise", reparameterise)

# %% [markdown]
# The price of a cloud is its Kullback-Leibler divergence from the standard Gaussian,
#
# $$
# \mathrm{KL} = \frac12 \sum_{j=1}^{k} \left( \sigma_j^2 + \mu_j^2 - 1 - \log\sigma_j^2 \right) .
# $$
#
# By hand: for μ = (1, 0) and log σ² = (0, ln 4) it is 1.30685.
#
# ### Exercise 13b: `kl_to_standard` (2 bonus points)
#
# One number for each outline: the sum over its code. Log-variances of ±80 must give numbers, and not infinity.

# %% exercise="shapes.kl_to_standard"
def kl_to_standard(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL divergence [B] of Gaussians with means and log-variances [B, k] from the standard one."""
    ### BEGIN SOLUTION
    return 0.5 * (logvar.exp() + mu.square() - 1 - logvar).sum(dim=1)
    ### END SOLUTION


# %% check="shapes.kl_to_standard"
check("shapes.kl_to_standard", kl_to_standard)

# %% [markdown]
# What one would like to know is $\log p(x)$, and cannot compute. Samples $z_s$ of the cloud with weights
# $w_s = p(x, z_s) / q(z_s \mid x)$ bound it from below twice:
#
# $$
# \underbrace{\frac1S \sum_s \log w_s}_{\text{ELBO}} \;\le\; \underbrace{\log \frac1S \sum_s w_s}_{\text{importance weighted}} .
# $$
#
# ### Exercise 13c: `lower_bounds` (1.5 bonus points)
#
# Log-weights of outlines are hundreds below zero; the exponential of −10000 is 0, and its logarithm is no number.

# %% exercise="shapes.lower_bounds"
def lower_bounds(log_weights: Tensor) -> tuple[Tensor, Tensor]:
    """ELBO and importance-weighted bound, each [B], from log-weights [S, B]: S samples of each of B outlines."""
    ### BEGIN SOLUTION
    return log_weights.mean(dim=0), log_weights.logsumexp(dim=0) - math.log(len(log_weights))
    ### END SOLUTION


# %% check="shapes.lower_bounds"
check("shapes.lower_bounds", lower_bounds)

# %% [markdown]
# The VAE: the same layers, and one more that answers log-variances. Coordinates are taken to be Gaussian around the decoder's answer, with a
# variance that *you* choose: the smaller it is, the more an error costs beside the KL divergence. That price is faded in over the first third of the
# training (β from 0 to 1), or the clouds give up before the decoder listens.

# %%
class ShapeVae(nn.Module):
    """An autoencoder whose code is a Gaussian."""

    def __init__(self, vertices: int, hidden: int, codes: int) -> None:
        super().__init__()
        self.inner, self.code, self.spread = nn.Linear(2 * vertices, hidden), nn.Linear(hidden, codes), nn.Linear(hidden, codes)
        self.decoder = nn.Sequential(nn.Linear(codes, hidden), nn.ReLU(), nn.Linear(hidden, 2 * vertices), nn.Unflatten(1, (2, -1)))

    def encode(self, shapes: Tensor) -> tuple[Tensor, Tensor]:
        inner = self.inner(shapes.flatten(1)).relu()
        return self.code(inner), self.spread(inner)

# %%
def train_vae(shapes: Tensor, count: int, variance: float, codes: int = 10, seed: int = 0) -> ShapeVae:
    """Train a VAE for outlines with Gaussian coordinates of the given variance."""
    torch.manual_seed(seed)
    model, noise = ShapeVae(shapes.shape[2], 128, codes), torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(count):
        pick = shapes[torch.randint(len(shapes), (64,), generator=noise)]
        mu, logvar = model.encode(pick)
        answer = model.decoder(reparameterise(mu, logvar, torch.randn(mu.shape, generator=noise)))
        beta = min(1.0, 3 * step / count)
        loss = ((answer - pick).square().sum(dim=(1, 2)) / (2 * variance) + beta * kl_to_standard(mu, logvar)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model


count = steps(full=3000, graded_steps=2, small_steps=1500)
vaes = {variance: train_vae(aligned, count, variance) for variance in (0.01, 0.1)}

# %% [markdown]
# Two things to ask of them. Is the ELBO below the other bound, outline by outline? And do the codes fill the standard Gaussian, from which one
# would like to draw? For that, the mean of the clouds' variances and the variance of their means must make 1 together. A number of the code is
# *active* if its mean moves at all (variance above 0.01); one that is not says nothing about the outline.

# %%
filled, active = {}, {}
for spread, model in vaes.items():
    with torch.no_grad():
        mu, logvar = model.encode(aligned)
        some, noise = aligned[:200], torch.randn(20, *mu[:200].shape, generator=torch.Generator().manual_seed(0))
        z = reparameterise(mu[:200], logvar[:200], noise)
        away = (model.decoder(z.flatten(0, 1)).unflatten(0, z.shape[:2]) - some).square().sum(dim=(2, 3))
        # log p(x | z) + log p(z) - log q(z | x); what 2 pi gives cancels between p(z) and q.
        log_weights = -away / (2 * spread) - some[0].numel() / 2 * math.log(2 * math.pi * spread)
        log_weights = log_weights - z.square().sum(dim=2) / 2 + (noise.square() + logvar[:200]).sum(dim=2) / 2
    elbo, tighter = lower_bounds(log_weights)
    filled[spread] = float((mu.var(dim=0) + logvar.exp().mean(dim=0)).mean())
    active[spread] = int((mu.var(dim=0) > 0.01).sum())
    print(f"variance {spread:<4}: ELBO never above the tighter bound {bool((elbo <= tighter + 1e-3).all())}")
if count >= 1500 and ICONS == "icons":
    assert active[0.1] >= 8, "most numbers of the code should be in use"
    assert filled[0.01] < 0.75 < filled[0.1] < 1.1, "the narrow one leaves the Gaussian half empty"
    print(f"at least 8 of 10 active {active[0.1] >= 8}; variance of the codes below 0.75 for 0.01, and above for 0.1: {filled[0.01] < 0.75 < filled[0.1]}")

# %% [markdown]
# **New icons**: draw codes from the standard Gaussian, and decode them. The first panel of each row is the code 0, the most probable of all.

# %%
drawn = torch.cat((torch.zeros(1, 10), torch.randn(6, 10, generator=torch.Generator().manual_seed(3))))
figure, panels = plt.subplots(2, 7, figsize=(11, 3.4))
for line, (spread, model) in zip(panels, vaes.items()):
    with torch.no_grad():
        shapes = model.decoder(drawn)
    for panel, shape in zip(line, shapes):
        panel.fill(*shape, color="tab:grey", alpha=0.6)
        panel.set(aspect="equal", xlim=(-1.9, 1.9), ylim=(-1.9, 1.9))
        panel.axis("off")
    line[0].set_title(f"variance {spread}, code 0", fontsize=9)
plt.show()

# %% [markdown]
# **Think.** The narrow VAE has the smaller error, and draws rags. Its codes keep away from 0, though the prior likes 0 best. What does it pay for
# that, and why is it worth the price to it and not to the other one?
#
# **A walk** from the heart's code: its two busiest numbers move from −2 to 2, the others stay.

# %%
def picture(shapes: Tensor, size: int = 64) -> Tensor:
    """Paint outlines [B, 2, N] over [-1.8, 1.8]², [B, 1, H, W]; row 0 is on top, y up."""
    middle = (torch.arange(size) + 0.5) * 3.6 / size - 1.8
    x, y = middle.reshape(1, 1, size, 1), -middle.reshape(1, size, 1, 1)
    start, end = shapes[:, :, None, None], shapes.roll(-1, dims=2)[:, :, None, None]
    rises = (start[:, 1] > y) != (end[:, 1] > y)
    slope = (end[:, 0] - start[:, 0]) / torch.where(rises, end[:, 1] - start[:, 1], 1.0)
    left = x < start[:, 0] + (y - start[:, 1]) * slope
    return ((rises & left).sum(dim=3) % 2).float()[:, None]


vae, places = vaes[0.1], torch.linspace(-2, 2, 7)
with torch.no_grad():
    mu, _ = vae.encode(aligned)
    heart = vae.encode(restart(icon("heart", 3)[None], best_start(icon("heart", 3)[None], middle)))[0]
    codes = heart.repeat(5, 7, 1)
    first, second = mu.var(dim=0).topk(2).indices.tolist()
    codes[..., first], codes[..., second] = places, torch.linspace(-2, 2, 5)[:, None]
    walk = picture(vae.decoder(codes.flatten(0, 1))).unflatten(0, (5, 7))

# %%
figure, panel = plt.subplots(figsize=(7.5, 5.4))
values = [round(place, 1) + 0.0 for place in places.tolist()]
show.latent_walk(1 - 0.6 * walk, values, "the busiest number", row_values=[-2, -1, 0, 1, 2], row_name="the second", ax=panel)
plt.show()

# %% [markdown]
# ## 5. Extension: from one icon to another
#
# Halfway between two codes on a straight line lies a code that is *shorter* than both: in many dimensions Gaussian codes lie near a sphere, and the
# line cuts through it. *Spherical* interpolation follows the arc. With θ the angle between a and b,
#
# $$
# \mathrm{slerp}(a, b, t) = \frac{\sin((1-t)\theta)}{\sin\theta}\, a + \frac{\sin(t\theta)}{\sin\theta}\, b .
# $$
#
# Where $|\cos\theta| > 1 - 10^{-5}$ (parallel or antipodal), and where a code is zero, there is no arc, or not only one: the answer is then the straight
# line, $(1-t)\,a + t\,b$.
#
# ### Exercise 13d: `slerp` (3 bonus points)
#
# Row by row, with gradients that are numbers everywhere. `torch.where` alone is not enough: the branch that is *not* taken has a
# gradient, too.

# %% exercise="shapes.slerp"
def slerp(first: Tensor, second: Tensor, t: float) -> Tensor:
    """Interpolate codes [B, k] along the arc, from first at t = 0 to second at t = 1."""
    ### BEGIN SOLUTION
    squares = first.square().sum(dim=1) * second.square().sum(dim=1)
    cosine = (first * second).sum(dim=1) / torch.where(squares > 0, squares, 1.0).sqrt()
    line = (cosine.abs() > 1 - 1e-5) | (squares == 0)
    angle = torch.acos(torch.where(line, 0.5, cosine))
    left = torch.where(line, 1 - t, torch.sin((1 - t) * angle) / torch.sin(angle))
    right = torch.where(line, t, torch.sin(t * angle) / torch.sin(angle))
    return left[:, None] * first + right[:, None] * second
    ### END SOLUTION


# %% check="shapes.slerp"
check("shapes.slerp", slerp)

# %% [markdown]
# When is something between two outlines still an outline? At least it should not cross itself. Edges p q and r s cross where r and s lie on
# different sides of p q **and** p and q on different sides of r s. The side of c seen from a to b is the sign of
#
# $$
# (b_x - a_x)(c_y - a_y) - (b_y - a_y)(c_x - a_x) .
# $$
#
# ### Exercise 13e: `count_crossings` (3 bonus points)
#
# Count pairs of edges, each pair once. Touching is not crossing: edges that share a vertex, or have no length, do not count.

# %% exercise="shapes.count_crossings"
def count_crossings(polygons: Tensor) -> Tensor:
    """How many pairs of edges cross, int64 [B], for closed outlines [B, 2, N]."""
    ### BEGIN SOLUTION
    start = polygons.transpose(1, 2)
    end = start.roll(-1, dims=1)

    def side(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])

    a, b, c, d = start[:, :, None], end[:, :, None], start[:, None], end[:, None]
    crossing = (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)
    return crossing.sum(dim=(1, 2)) // 2
    ### END SOLUTION


# %% check="shapes.count_crossings"
check("shapes.count_crossings", count_crossings)

# %%
def area(shapes: Tensor) -> Tensor:
    """Area [B] of outlines [B, 2, N], whichever way round they go."""
    x, y = shapes.unbind(dim=1)
    return ((x * y.roll(-1, dims=1) - y * x.roll(-1, dims=1)).sum(dim=1) / 2).abs()


def crossing_places(shape: Tensor) -> Tensor:
    """Where the edges of an outline [2, N] cross, [P, 2]."""
    start = shape.double().T
    step = start.roll(-1, dims=0) - start

    def cross(a: Tensor, b: Tensor) -> Tensor:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]

    # start i + s step i = start j + t step j, solved for all pairs at once.
    apart, bottom = start[None] - start[:, None], cross(step[:, None], step[None])
    bottom = torch.where(bottom == 0, torch.inf, bottom)
    s, t = cross(apart, step[None]) / bottom, cross(apart, step[:, None]) / bottom
    both = torch.triu((torch.minimum(s, t) > 1e-9) & (torch.maximum(s, t) < 1 - 1e-9))
    return start[torch.nonzero(both)[:, 0]] + s[both][:, None] * step[torch.nonzero(both)[:, 0]]

# %%
pair = torch.stack((icon("heart", 3), icon("airplane", 5)))
pair_random = restart(pair, torch.tensor([0, polygons.shape[2] // 3]))
pair_aligned = restart(pair, best_start(pair, middle))
with torch.no_grad():
    codes, _ = vae.encode(pair_aligned)
    along = [vae.decoder(slerp(codes[:1], codes[1:], t))[0] for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
strips = {"points, starts apart": pair_random, "aligned points": pair_aligned}
strips = {name: [ends[0] + t * (ends[1] - ends[0]) for t in (0.0, 0.25, 0.5, 0.75, 1.0)] for name, ends in strips.items()} | {"codes": along}
for name, strip in list(strips.items())[:2]:
    crossings, size = count_crossings(torch.stack(strip)).tolist(), area(torch.stack(strip))
    print(f"{name:<21} crossings {crossings}, area of the middle one {size[2]:.2f}, of the ends {size[0]:.2f} and {size[4]:.2f}")

# %% [markdown]
# All of it in one picture: the three modes that move the mean most; what is lost of icons that were held out, by the size of the code; and the three ways.

# %%
def draw_outline(shape: Tensor, panel: plt.Axes) -> None:
    """Draw an outline [2, N], with its crossings in red."""
    panel.fill(*shape, color="tab:grey", alpha=0.5)
    panel.plot(*torch.cat((shape, shape[:, :1]), dim=1), color="black", linewidth=0.8)
    panel.scatter(*crossing_places(shape).T, s=14, color="tab:red", zorder=3)
    panel.set(aspect="equal", xlim=(-1.7, 1.7), ylim=(-1.7, 1.7))
    panel.axis("off")

# %%
figure = plt.figure(figsize=(9.5, 7.8), num="finished", layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=(1.25, 3))
*moving, panel = above.subplots(1, 4, width_ratios=(1, 1, 1, 1.6))
for number, place in enumerate(moving):
    draw_mode(number, place)
for (name, (_, unseen, _)), colour in zip(curves.items(), ("tab:grey", "tab:blue", "tab:red")):
    panel.plot(SIZES, unseen, "o-", color=colour, label=f"PCA, {name}", markersize=3)
panel.plot([10], [errors[1]], "*", color="black", markersize=9, label="autoencoder")
panel.set(xscale="log", yscale="log", xticks=SIZES, xticklabels=SIZES, xlabel="numbers in the code")
panel.minorticks_off()
panel.set_title("error on held-out icons", fontsize=9)
panel.legend(fontsize=7)
for line, (name, strip) in zip(below.subplots(3, 5), strips.items()):
    for place, shape in zip(line, strip):
        draw_outline(shape, place)
    line[0].set_title(name, fontsize=9)
plt.show()

# %% [markdown]
# **Sliders.** Where `ipywidgets` is installed and the notebook is alive, the next cell gives you five numbers of PCA's code to move; elsewhere
# it draws a still figure of the same space.

# %%
def draw_code(*numbers: float) -> None:
    """Draw the outline of a code, in standard deviations."""
    shape = mean + torch.einsum("k,kcn->cn", torch.tensor(numbers) * variance[: len(numbers)].sqrt(), modes[: len(numbers)])
    _, panel = plt.subplots(figsize=(3, 3))
    show.polygon(shape.T, y_up=True, filled=True, ax=panel)
    panel.set(adjustable="box", xlim=(-2, 2), ylim=(-2, 2))
    plt.show()


try:
    if os.environ.get("VISLAB_CI"):
        raise ImportError("a still figure, where nobody can move a slider")
    from ipywidgets import FloatSlider, interactive
    from IPython.display import display

    sliders = {f"z{number}": FloatSlider(0.0, min=-3, max=3, step=0.1) for number in range(1, 6)}
    display(interactive(lambda **numbers: draw_code(*numbers.values()), **sliders))
except ImportError:
    draw_code(1.5, -1.0, 0.5, 0.0, 1.0)

# %% [markdown]
# **Think.** Which of the three ways has the fewest crossings halfway, and is that the best picture? What does the decoder do to the ends?
#
# **Check yourself before you go on.** Can you, without looking,
#
# * say how large PCA's error will be before you compute a single reconstruction?
# * name an input on which a PCA that forgot the mean cannot be told from a right one?
# * say why a linear autoencoder's codes may differ from PCA's though its plane is the same?
# * say why an arc cosine cannot tell that two planes are 10⁻⁴ apart?
# * give the KL divergence of a cloud that is the standard Gaussian, and what a code pays that ignores its outline?
