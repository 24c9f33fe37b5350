# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 1. A shape in numbers: polygons
#
# A picture of a cat has thousands of pixels. Its outline has 96 points, and nearly everything one would call *the shape* is in them. This
# assignment lives on such outlines: it draws them, compares them, invents new ones. First they have to be measured, and measuring is where
# geometry meets floating-point numbers: each formula in this notebook is a line long, and each has a trap that real icons step into.
#
# **After this notebook you can**
#
# * compute area, length, middle and direction of a batch of polygons, also far from the origin and where there is no area;
# * say what the gradient of an area is, and where a gradient turns into NaN although the value is fine;
# * walk along an outline in equal steps, and write a test that catches a wrong walk you have never seen;
# * tell inside from outside by two rules that do not always agree, also for points level with a vertex;
# * compute a signed distance whose gradient has length 1, and see the one place where it has not.
#
# About 110 minutes. 32 points: seven exercises (25), a test of your own (4) and one written question (3).
#
# ![A cat with its middle, the same cat in 32 equal steps, the inside of a pentagram by two rules, level lines of a distance](figures/1_polygons.png)
#
# *What you will have at the end: an icon with its middle, the same icon in 32 equal steps, a star in which two rules disagree about the
# inside, and the distance from an outline as level lines.*

# %% [markdown]
# ## Conventions
#
# | | in this course |
# |---|---|
# | polygons | `[B, 2, N]`: row 0 is x, row 1 is y; vertices in sequence, and the **last joins the first** |
# | axes | **x to the right, y up**, standardised coordinates: an icon reaches from about −1.5 to 1.5 |
# | direction | **counter-clockwise is positive** |
# | an edge | number n runs from vertex n to vertex n + 1, the last one back to vertex 0 |
# | points | `[P, 2]`, x then y: one set of points for all polygons of a batch |
# | a raster | H × W pixels over the square from −s to s; pixel (i, j) has its centre at x = −s + (j + ½) 2s/W, y = s − (i + ½) 2s/H |
# | signed distance | to the nearest point of the outline; **negative inside**, by the even-odd rule |
# | any vertex may repeat | two vertices in a row may be equal, and the first one may stand again at the end: an edge of length 0 |
# | dtype, device | an answer has those of what came in; float32 and float64 are tested |
# | inputs | are left as they were, and so are the global random generators |
# | any size | a batch may be empty (B = 0), a polygon may have one vertex, and a tensor may be a view that is not contiguous in memory |
#
# The last four lines hold for every exercise, whether it says so again or not, and hidden checks look at them.

# %% setup=true
import math
import os

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.path import Path
from torch import Tensor

from vislab import show
from vislab.check import check
from vislab.data import open_dataset

plt.rcParams["figure.dpi"] = 80
# the course's icons; or the path of another file with pictures and polygons.
ICONS = os.environ.get("VISLAB_ICONS", "icons")


def even_odd(points: Tensor, polygons: Tensor) -> Tensor:
    """Which points [P, 2] lie inside polygons [B, 2, N], by the even-odd rule, as Matplotlib sees it: bool [B, P]."""
    places = points.detach().numpy()
    found = [Path(one.detach().T.numpy()).contains_points(places) for one in polygons]
    return torch.from_numpy(np.array(found, dtype=bool).reshape(len(polygons), len(points)))


# %% [markdown]
# ## 1. Six outlines
#
# Colours follow the order of the vertices, the ring is the first one, arrows show the direction.

# %%
icons = open_dataset(ICONS)
shapes = icons["polygon"].tensor()
if "has_polygon" in icons:
    shapes = shapes[icons["has_polygon"].tensor()]
rows = icons["has_polygon"].tensor().nonzero()[:, 0].tolist() if "has_polygon" in icons else range(len(shapes))
names = [str(name) for name in icons["name"][:]] if "name" in icons else []


def icon(name: str, row: int) -> Tensor:
    """Polygon [2, N] of a named icon, or that of a row where the file has no names."""
    return shapes[rows.index(names.index(name)) if name in names else row]


chosen = {name: icon(name, row) for row, name in enumerate(("cat", "heart", "key", "hand-back-left", "fish", "star"))}
figure = show.panels(6, size=2.0)
for panel, (name, shape) in zip(figure.axes, chosen.items()):
    show.polygon(shape.T, y_up=True, filled=True, ax=panel, caption=name)
plt.show()
print(f"{len(shapes)} icons of {shapes.shape[2]} vertices each")

# %% [markdown]
# ## 2. Area
#
# Join every edge to the origin by a triangle. The triangle over the edge from $p_n$ to $p_{n+1}$ has the signed area
# $\tfrac12 (x_n y_{n+1} - x_{n+1} y_n)$: positive where the edge runs counter-clockwise as seen from the origin, negative where it runs
# clockwise. What lies between the outline and the origin is added by one edge and taken away by another, and what stays is the inside:
#
# $$ A = \frac12 \sum_{n=0}^{N-1} \left( x_n \, y_{n+1} - x_{n+1} \, y_n \right), \qquad p_N = p_0 . $$
#
# ![A quadrilateral away from the origin: two of its four triangles count, two are taken away](figures/shoelace.png)
#
# ```
# for every polygon b:
#     A[b] = 0
#     for every n:  A[b] += (x[n] * y[n + 1] - x[n + 1] * y[n]) / 2      # n + 1 modulo N
# ```
#
# On paper it does not matter where the origin is. In floating-point numbers it does: far away the triangles are huge and nearly cancel,
# and what stays is their rounding errors. Move the polygon before you multiply: take its mean vertex off (or its first vertex).
#
# ### Exercise 1a: `signed_area` (3 points)

# %% exercise="shapes.signed_area"
def signed_area(polygons: Tensor) -> Tensor:
    """Area of every polygon, positive if it runs counter-clockwise.

    Args:
        polygons: [B, 2, N], anywhere in the plane: ten thousand from the origin as well.

    Returns:
        [B].
    """
    ### BEGIN SOLUTION
    x, y = (polygons - polygons.mean(dim=2, keepdim=True)).unbind(dim=1)
    return (x * y.roll(-1, dims=1) - x.roll(-1, dims=1) * y).sum(dim=1) / 2
    ### END SOLUTION


# %% check="shapes.signed_area"
check("shapes.signed_area", signed_area)

# %% [markdown]
# **What is lost, and by whom?** A cat is moved away from the origin and stored in float32. Three errors of its area: that of the *stored
# numbers themselves*, evaluated without further rounding; that of the formula as it stands; and that of yours.

# %%
cat = chosen["cat"].double()[None]
true = float(signed_area(cat))
away = torch.logspace(0, 6, 61).tolist()
lost = {"the stored numbers": [], "the formula as it stands": [], "your function": []}
for offset in away:
    stored = (cat + offset).float()
    x, y = stored.unbind(dim=1)
    plain = (x * y.roll(-1, dims=1) - x.roll(-1, dims=1) * y).sum(dim=1) / 2
    for name, area in zip(lost, (signed_area(stored.double()), plain, signed_area(stored))):
        lost[name].append(abs(float(area) / true - 1) + 1e-9)
figure, panel = plt.subplots(figsize=(6, 2.8))
for (name, errors), style in zip(lost.items(), ("k:", "tab:red", "tab:blue")):
    panel.loglog(away, errors, style, label=name)
panel.axhline(1, color="0.7", linewidth=0.8)
panel.set(xlabel="distance from the origin along x and y", ylabel="relative error of the area", ylim=(1e-8, 1e5))
panel.legend(fontsize=8)
plt.show()

# %% [markdown]
# At ten thousand the stored numbers still know the area to better than a per cent, and the formula as it stands answers with noise of the size of
# the area itself. The first error nobody can mend. The second was made by us: an algorithm can lose what the data still had.
#
# **The gradient of an area.** Vertex n occurs in two of the triangles, so
#
# $$ \frac{\partial A}{\partial x_n} = \frac{y_{n+1} - y_{n-1}}{2}, \qquad \frac{\partial A}{\partial y_n} = \frac{x_{n-1} - x_{n+1}}{2} . $$
#
# That is half of the line between its two neighbours, turned by 90°. For a polygon that runs counter-clockwise it points outwards.

# %%
moving = cat.clone().requires_grad_()
(pull,) = torch.autograd.grad(signed_area(moving).sum(), moving)
x, y = cat.unbind(dim=1)
by_hand = torch.stack((y.roll(-1, dims=1) - y.roll(1, dims=1), x.roll(1, dims=1) - x.roll(-1, dims=1)), dim=1) / 2
print(f"autograd and formula differ by at most {float((pull - by_hand).abs().max()):.6f}")
print(f"all arrows together are ({abs(float(pull[0, 0].sum())):.6f}, {abs(float(pull[0, 1].sum())):.6f})")
figure, panel = plt.subplots(figsize=(4, 4))
show.polygon(cat[0].T, y_up=True, filled=True, colour="0.4", ax=panel, caption="the gradient of the signed area")
panel.quiver(*cat[0], *pull[0], color="tab:red", angles="xy", scale_units="xy", scale=0.4, width=0.006, zorder=6)
plt.show()

# %% [markdown]
# **Think.** These arrows point *inwards*. Why? And why do they add up to zero, for every polygon there is?

# %% [markdown]
# ## 3. Length
#
# The perimeter is the sum of the lengths of all edges, the closing one included. The value is easy. The gradient of a length
# $\ell = \sqrt{u^2 + v^2}$ is $(u, v) / \ell$, and that of an edge of **length 0** is 0/0. Such edges exist: of the 44 icons that this
# course was first taught with, 64 % repeat their first vertex at the end. A single one turns a whole training into NaN, while the value of the loss
# looks all right. The definition here: an edge of length 0 has length 0 and **gradient 0**.
#
# Mind that `torch.where(length > 0, root, 0)` alone does not help: autograd computes the gradient of *both* branches, and 0 · NaN is NaN.
# Either the root must never see the 0, or you use an operation that has the gradient 0 there; `torch.linalg.vector_norm` has. An
# epsilon under the root is neither: it makes short edges longer.
#
# ### Exercise 1b: `perimeter` (2 points)

# %% exercise="shapes.perimeter"
def perimeter(polygons: Tensor) -> Tensor:
    """Length of every outline [B, 2, N], closing edge included: [B]. The gradient of an edge of length 0 is 0."""
    ### BEGIN SOLUTION
    return torch.linalg.vector_norm(polygons.roll(-1, dims=2) - polygons, dim=1).sum(dim=1)
    ### END SOLUTION


# %% check="shapes.perimeter"
check("shapes.perimeter", perimeter)

# %% [markdown]
# **Two numbers make a third.** $4 \pi |A| / L^2$ is 1 for a disc, less for everything else, and knows nothing of place, size, direction or start.
# The icons in the order of that number:

# %%
roundness = 4 * math.pi * signed_area(shapes).abs() / perimeter(shapes) ** 2
order = roundness.argsort()
figure = show.panels(8, columns=8, size=1.5)
for panel, place in zip(figure.axes, torch.linspace(0, len(order) - 1, 8).long().tolist()):
    row = order[place]
    show.polygon(shapes[row].T, y_up=True, filled=True, colour="0.3", ax=panel, caption=f"{float(roundness[row]):.2f}")
plt.show()
print(f"roundness of half of the icons: below {float(roundness.median()):.2f}; of a square {math.pi / 4:.2f}")

# %% [markdown]
# **Think.** A shape slides down the gradient of its perimeter while its area is kept. What does it become? And what if its area is not
# kept?

# %% [markdown]
# ## 4. The middle
#
# The mean of the vertices is not the middle of a shape: add a hundred vertices along one side, and it moves there, though the shape is the same. The
# **area centroid**, the point on which a cardboard cat balances, does not. Each triangle balances on the mean of its three corners, one of which is
# the origin; weighted by the signed areas that is
#
# $$ c = \frac{1}{6 A} \sum_n (p_n + p_{n+1}) \, (x_n y_{n+1} - x_{n+1} y_n) . $$
#
# ```
# for every polygon b:
#     m = mean of its vertices;  move the polygon by -m
#     A, L = its signed area and its perimeter
#     if |A| <= 1e-6 * L^2:   c[b] = m                               # no area to speak of
#     else:                   c[b] = m + sum((p[n] + p[n + 1]) * cross[n]) / (6 A)
# ```
#
# **No area.** All vertices on a line, a bow tie whose two halves cancel, two vertices, one: nothing to divide by. In floating-point numbers such an
# area is hardly ever *exactly* 0, and what is left of it says nothing, so the question is whether it is small. Compared with what? With
# the only area at hand, the squared length. Then the mean of the vertices is the answer, and its gradient is that of a mean: 1/N for
# every vertex, not NaN.
#
# ### Exercise 1c: `centroid` (3 points)
#
# Far from the origin, as in 1a, and without a loop. Everything said about `where` in section 3 holds for a division, too.

# %% exercise="shapes.centroid"
def centroid(polygons: Tensor) -> Tensor:
    """Centroid of the area of every polygon [B, 2, N], and the mean vertex of one without area: [B, 2]."""
    ### BEGIN SOLUTION
    mean = polygons.mean(dim=2, keepdim=True)
    shape = polygons - mean
    following = shape.roll(-1, dims=2)
    cross = shape[:, 0] * following[:, 1] - following[:, 0] * shape[:, 1]
    area = cross.sum(dim=1, keepdim=True) / 2
    length = torch.linalg.vector_norm(following - shape, dim=1).sum(dim=1, keepdim=True)
    thin = area.abs() <= 1e-6 * length.square()
    moment = ((shape + following) * cross[:, None]).sum(dim=2)
    # the division never sees a zero, in neither direction.
    return mean[..., 0] + torch.where(thin, 0.0, moment / torch.where(thin, 1.0, 6 * area))
    ### END SOLUTION


# %% check="shapes.centroid"
check("shapes.centroid", centroid)

# %% [markdown]
# Vertices crowd on one side of the key; the key stays the same.

# %%
key = chosen["key"][None]
# every edge in the upper half is divided into eight: the outline does not change.
pieces = [key[0, :, n, None] + (key[0, :, (n + 1) % 96] - key[0, :, n])[:, None] * torch.arange(8) / 8 for n in range(96)]
upper = [piece if float(piece[1, 0]) > 0 else piece[:, :1] for piece in pieces]
crowded = torch.cat(upper, dim=1)[None]
figure, panels = plt.subplots(1, 2, figsize=(7, 3.2))
for panel, shape, name in zip(panels, (key, crowded), ("as it is", "the upper half eight times as dense")):
    show.polygon(shape[0].T, y_up=True, filled=True, colour="0.5", ax=panel, caption=f"{name}: {shape.shape[2]} vertices")
    panel.plot(*shape.mean(dim=2)[0], "s", color="tab:orange", markersize=9, label="mean of the vertices", zorder=7)
    panel.plot(*centroid(shape)[0], "D", color="tab:blue", markersize=9, label="centroid of the area", zorder=7)
    panel.axis("off")
panels[0].legend(fontsize=7, loc="lower left")
plt.show()
moved = [float((of(crowded) - of(key)).norm()) for of in (lambda one: one.mean(dim=2), centroid)]
print(f"the mean of the vertices moved by {moved[0]:.2f}, the centroid by {moved[1]:.2f}")

# %% [markdown]
# ## 5. One direction for all
#
# The first drawing told you: these icons run clockwise. Another file's may not, and whoever compares vertex with vertex must first see to
# it that all run the same way. Reversing a list is easy. Reversing it so that the **first vertex stays the first** takes a second thought:
#
# ```
# for every polygon b with A[b] < 0:
#     new[0], new[1], new[2], ...  =  old[0], old[N - 1], old[N - 2], ...
# ```
#
# ### Exercise 1d: `counter_clockwise` (2 points)
#
# Polygons with A ≥ 0 come back as they are. The sign must be right far from the origin, too. Gradients flow to the vertices where they
# went.

# %% exercise="shapes.counter_clockwise"
def counter_clockwise(polygons: Tensor) -> Tensor:
    """The polygons [B, 2, N], all of them running counter-clockwise, each from its own first vertex: [B, 2, N]."""
    ### BEGIN SOLUTION
    x, y = (polygons - polygons.mean(dim=2, keepdim=True)).unbind(dim=1)
    area = (x * y.roll(-1, dims=1) - x.roll(-1, dims=1) * y).sum(dim=1)
    # reversed, the first vertex stands last; one step further it is the first again.
    return torch.where((area < 0)[:, None, None], polygons.flip(2).roll(1, dims=2), polygons)
    ### END SOLUTION


# %% check="shapes.counter_clockwise"
check("shapes.counter_clockwise", counter_clockwise)

# %%
turned = counter_clockwise(shapes)
for name, some in (("as they are", shapes), ("turned", turned)):
    print(f"{name:<12} {float((signed_area(some) > 0).float().mean()):.0%} of the icons run counter-clockwise")
print(f"first vertices that moved: {int((turned[..., 0] != shapes[..., 0]).any(dim=1).sum())}")

# %% [markdown]
# ### Written question (3 points)
#
# To have twice as many icons, *Carla* mirrors each of them: x becomes −x, in the order in which the vertices stand.
#
# 1. What happens to the signed area, to the perimeter, to the centroid $(c_x, c_y)$, and to a vertex's gradient of the area?
# 2. A net is to predict the 96 vertices of an icon from its picture, with a squared loss, vertex by vertex. It learns from the icons and from Carla's
#    mirrored lists, as they stand. One icon is a heart, its own mirror image, so both lists belong to one picture. What is the best answer
#    that the net can give for vertex n of the heart, and what does the whole predicted outline look like? What should Carla have done with her
#    lists, and why would `flip(-1)` alone still not be right?
# 3. *Dan* reads polygons from pictures, where y grows **downwards**, and forgets to turn y over. `counter_clockwise` then sends all of his
#    shapes the same way round. Which way, as one sees it on the screen? He mixes them with the course's icons, passed through
#    `counter_clockwise` as well. For which of these does it matter: area without sign, perimeter, inside or outside, the vertex-by-vertex
#    loss? Why?

# %% [markdown] question="shapes.q_mirror" points=3
# ### BEGIN SOLUTION
# 1. Each cross product changes its sign, so A becomes −A; lengths do not change, so L stays; the centroid is (−c_x, c_y), since numerator
#    (in y) and denominator change sign together, and in x the numerator keeps its sign. The gradient of the signed area is, as a vector,
#    mirrored *and* negated: ∂A/∂x keeps its sign (y is unchanged), ∂A/∂y changes it. A clockwise icon's arrows pointed inwards; the mirrored
#    icon runs counter-clockwise, and its arrows point outwards.
# 2. A squared loss is smallest at the mean of the targets: for vertex n that is the mean of $(x_n, y_n)$ and $(-x_n, y_n)$, which is $(0, y_n)$. The
#    outline **collapses onto the vertical axis**: up and down a line, without any area. (For other icons the two pictures differ; the net
#    can learn both lists, but has to find out from the picture which way the list runs.) The mirrored lists run the other way round, so they must be
#    reversed with the start kept, n to −n mod 96, as `counter_clockwise` does it: applied to all icons, mirrored or not, it mends this. For
#    the heart, which starts on its axis, both lists are then the same. With `flip(-1)` alone the first vertex becomes the last one, and the mirrored
#    half is one place off: the best answer lies in the middle between two neighbours, a small error at every vertex that no training removes.
# 3. In numbers they run counter-clockwise; with y downwards that is **clockwise on the screen**. Read with y up they also stand on their
#    heads. Area without sign and perimeter do not change under a reflection, and inside or outside does not ask for the direction (even-odd counts
#    crossings, non-zero asks for winding ≠ 0). The vertex-by-vertex loss does mind: as seen on the screen Dan's vertices run the other way, and
#    his shapes are mirrored top to bottom.
#
# **Rubric**: 1 point for −A, L, (−c_x, c_y) and a right word on the gradient (half for the first three alone) · 1 point for the collapse onto
# the axis *and* the reversal that keeps the start (half for either) · 1 point for clockwise on the screen *and* that only the loss minds, with
# a reason (half for either).
# ### END SOLUTION

# %% [markdown]
# ## 6. Equal steps
#
# A net that predicts 96 vertices wants them spread evenly. Files do not do that: curves have many vertices and straight lines two. How uneven an
# outline is can be told by the *coefficient of variation* (CV) of its edges: their standard deviation divided by their mean. It is 0.06
# on average in the course's icons, which were resampled and then had their nearest vertex moved onto each corner, and 0.34 in the first file.
#
# **Walk.** Measure the way along the outline: vertex n lies at arc length $s_n = \ell_0 + \dots + \ell_{n-1}$, and the whole way is L. Point k of a
# **closed** outline lies at arc length k L / count: point 0 on vertex 0, and the last one *one step before* coming home. On an
# **open** line, without the closing edge, it lies at k L / (count − 1), so that the last point is the last vertex; a single point is the first
# vertex.
#
# ```
# for every polygon b, for every k:
#     s = k * L[b] / count                          # open: k * L[b] / (count - 1), L without closing edge
#     find the edge n with  s[n] <= s < s[n + 1]    # the last point of an open line: the last edge
#     t = (s - s[n]) / length[n]
#     point[b, :, k] = (1 - t) * p[n] + t * p[n + 1]
# ```
#
# **Edges of length 0** hold no points and must not divide anything; their gradient is 0, as in section 3. Where all vertices lie in one
# place, all points do. Where the outline is tiny, a thousandth of a thousandth, it is an outline like any other: so no epsilons.
#
# ### Exercise 2a: `resample` (6 points)
#
# No loop over points is needed: `cumsum` measures the way, and the edge of a point is found by `torch.searchsorted`, or by counting the
# $s_n$ that are not larger than s. Gradients flow into the vertices by both ways: a vertex moves the points on its edges, and it
# makes its edges longer, which moves *all* the points behind.

# %% exercise="shapes.resample"
def resample(polygons: Tensor, count: int, closed: bool = True) -> Tensor:
    """Points at equal steps along outlines.

    Args:
        polygons: [B, 2, N], N at least 1.
        count: how many points, at least 1.
        closed: whether the last vertex joins the first.

    Returns:
        [B, 2, count], beginning with the first vertex.
    """
    ### BEGIN SOLUTION
    corners = torch.cat((polygons, polygons[..., :1]), dim=2) if closed else polygons
    if corners.shape[2] == 1:
        return corners.repeat(1, 1, count)
    length = torch.linalg.vector_norm(corners.diff(dim=2), dim=1)
    reach = torch.cat((torch.zeros_like(length[:, :1]), length.cumsum(dim=1)), dim=1)  # [B, N + 1]
    parts = count if closed else max(count - 1, 1)
    place = reach[:, -1:] * torch.arange(count, dtype=polygons.dtype) / parts
    edge = (reach[:, None, :-1] <= place[..., None]).sum(dim=2) - 1  # [B, count]
    own, start = length.gather(1, edge), reach.gather(1, edge)
    t = torch.where(own > 0, (place - start) / torch.where(own > 0, own, 1.0), 0.0)[:, None]
    edge = edge[:, None].expand(-1, 2, -1)
    return (1 - t) * corners.gather(2, edge) + t * corners.gather(2, edge + 1)
    ### END SOLUTION


# %% check="shapes.resample"
check("shapes.resample", resample)

# %% [markdown]
# An ellipse whose vertices stand at equal *angles* of its formula, three icons, and what becomes of them. Then a heart with two thirds of its
# vertices on one side, by about two dozen points in two ways: every fifth vertex, and equal steps.

# %%
def unevenness(polygons: Tensor) -> Tensor:
    """Coefficient of variation of the edges of polygons [B, 2, N]: [B]."""
    edges = (polygons.roll(-1, dims=2) - polygons).norm(dim=1)
    return edges.std(dim=1, correction=0) / edges.mean(dim=1)


angle = 2 * math.pi * torch.arange(96, dtype=torch.float64) / 96
ellipse = torch.stack((2 * angle.cos(), angle.sin()))
for name, shape in {"ellipse": ellipse, **{name: chosen[name].double() for name in ("heart", "cat", "key")}}.items():
    before, after = (float(unevenness(one)) for one in (shape[None], resample(shape[None], 96)))
    print(f"{name:<8} CV {before:.4f} before, {after:.4f} after")
heart = chosen["heart"][None]
lopsided = torch.cat((resample(heart[..., :49], 80, closed=False), heart[..., 49:]), dim=2)
figure, panels = plt.subplots(1, 3, figsize=(10, 3))
lists = {"lopsided": lopsided, "every fifth vertex": lopsided[..., ::5], "equal steps": resample(lopsided, 26)}
for panel, (name, shape) in zip(panels, lists.items()):
    show.polygon(shape[0].T, y_up=True, filled=True, ax=panel, caption=f"{name}: {shape.shape[2]} points")
    panel.axis("off")
plt.show()

# %% [markdown]
# On the ellipse the CV falls below a thousandth. On shapes with corners it does not reach zero: steps are equal *along the outline*, and where
# it turns between two points, the straight way from one to the other is shorter. Every point lies on the old outline; the old corners need not be
# points of the new one.
#
# **Think.** Resample a shape twice, 96 points from 96 points. Is the second time the identity? When is it?

# %% [markdown]
# ## 7. A test of your own
#
# `resample` will be used for years by people who never look inside. Write the test that they can trust: `test_resample(impl)` gets *some*
# implementation, calls it as `impl(polygons, count, closed)`, and raises (by `assert`, say) if it is wrong. If it returns, the implementation
# has passed.
#
# It is graded on about twenty wrong implementations that you do not see, and on several right ones that were written in different ways. A wrong
# one that passes costs its share. **A right one that fails costs everything.** So:
#
# * **Inputs that hide nothing.** On a regular polygon, equal steps in the *number* of the vertex are equal steps along the outline; on a square,
#   x and y may be exchanged; one polygon alone hides a batch; `closed=True` alone hides an argument.
# * **Expected values from another idea**: a loop that walks; a rectangle of 3 by 1, worked out on paper; a property. *Equal distances* between
#   neighbouring points is *not* a property of right answers (why?), equal ways along the outline is.
# * **A tolerance with a reason.** Right implementations agree to about 10⁻⁵ in float32 and 10⁻¹¹ in float64.
# * **Everything that the text promises.** Go through sections 3 and 6 and the conventions, sentence by sentence.
#
# `impl` returns tensors without gradients. At most 32 calls. Below, your test meets your own `resample`, which it must pass, and copies of it
# that have been spoilt on purpose.
#
# ### Exercise 2b: `test_resample` (4 points)

# %% exercise="shapes.test_resample"
def test_resample(impl) -> None:
    """Raise if ``impl`` is a wrong implementation of resample; return if it is a right one."""
    ### BEGIN SOLUTION
    def walk(corners: list, count: int, closed: bool) -> Tensor:
        corners = corners + corners[:1] if closed else corners
        lengths = [math.dist(*ends) for ends in zip(corners, corners[1:])]
        points = []
        for k in range(count):
            left, n = sum(lengths) * k / (count if closed else max(count - 1, 1)), 0
            while n < len(lengths) - 1 and left >= lengths[n]:
                left, n = left - lengths[n], n + 1
            t = left / lengths[n] if lengths and lengths[n] else 0.0
            points.append([a + t * (b - a) for a, b in zip(corners[n], corners[min(n + 1, len(corners) - 1)])])
        return torch.tensor(points, dtype=torch.float64).T

    some = torch.tensor([[[2.1, 5.3, 4.9, 3.2], [3.4, 3.1, 4.2, 6.6]], [[-1.2, 0.4, 0.9, -0.8], [0.3, -1.9, 1.1, 2.2]]])
    doubled = some[..., [0, 1, 1, 2, 3, 0]]
    for given, atol in ((some.double(), 1e-11), (some, 1e-5), (doubled, 1e-5), (some[..., :1], 1e-5), (some * 1e-6, 1e-11)):
        for count, closed in ((7, True), (7, False), (1, True), (1, False)):
            found = impl(given, count, closed)
            assert found.shape == (2, 2, count) and found.dtype == given.dtype
            for one, polygon in zip(found.double(), given):
                assert torch.allclose(one, walk(polygon.T.tolist(), count, closed), rtol=0, atol=atol)
    assert impl(some[:0], 4, True).shape == (0, 2, 4)
    ### END SOLUTION


# %% check="shapes.test_resample"
check("shapes.test_resample", test_resample, right=resample)

# %% [markdown]
# **How sharp is it?** The points are moved along the outline by a share of a step that gets smaller and smaller.

# %%
def noticed(share: float) -> bool:
    """Whether the test fails points that are a share of the way to their successors too far."""

    def late(polygons: Tensor, count: int, closed: bool = True) -> Tensor:
        points = resample(polygons, count, closed)
        return torch.lerp(points, points.roll(-1, dims=2), share)

    try:
        test_resample(late)
    except NotImplementedError:
        raise
    except Exception:
        return True
    return False


print({f"{share:g}": noticed(share) for share in (1e-1, 1e-3, 1e-5)})

# %% [markdown]
# ## 8. Inside?
#
# Send a ray from the point to the right and look where it meets the outline. Two rules:
#
# * **even-odd**: inside if the number of crossings is odd;
# * **non-zero**: add +1 where the outline crosses *upwards*, −1 where it crosses *downwards*; inside if the sum, the winding number, is not 0.
#
# For an outline that never meets itself they agree. SVG and fonts use the second, by default, many rasterisers the first.
#
# **The vertex on the ray.** If the ray passes exactly through a vertex, two edges meet it there. Counting both is wrong where the outline goes
# on upwards, counting neither as well; and points at the very height of a vertex are not rare when both stand on a raster. The remedy is to let
# every edge own one of its two ends, say the **lower** one: an edge from $y_1$ to $y_2$ is met at height y if *exactly one* of $y_1 \le y$ and
# $y_2 \le y$ holds. A line that passes is then met once, a valley twice, a peak not at all, and a horizontal edge never.
#
# ![A ray through a vertex of a passing line, through a peak, a valley and a horizontal edge](figures/crossings.png)
#
# ```
# for every polygon b, for every point p = (x, y):
#     crossings = winding = 0
#     for every edge from (x1, y1) to (x2, y2):
#         if (y1 <= y) != (y2 <= y) and the edge meets the height y to the right of x:
#             crossings += 1
#             winding += 1 if y1 <= y else -1          # upwards, downwards
#     inside[b, p] = crossings is odd     or, for "nonzero":     winding != 0
# ```
#
# To the right of x without a division: an edge that goes upwards meets the ray if p lies to its left, that is if the cross product
# $(x_2 - x_1)(y - y_1) - (y_2 - y_1)(x - x_1)$ is positive; one that goes downwards if it is negative.
#
# ### Exercise 3a: `inside` (4 points)
#
# No point lies on an outline or within rounding of it. The `even_odd` of the setup cell asks Matplotlib: it is there for exercise 3b, and refuses
# to work in this one.

# %% exercise="shapes.inside"
def inside(points: Tensor, polygons: Tensor, rule: str) -> Tensor:
    """Which points lie inside which polygons.

    Args:
        points: [P, 2].
        polygons: [B, 2, N], in either direction; they may cross themselves.
        rule: "even_odd" or "nonzero".

    Returns:
        bool [B, P].
    """
    ### BEGIN SOLUTION
    first = polygons.mT[:, None]  # [B, 1, N, 2]
    edge, away = first.roll(-1, dims=2) - first, points[:, None] - first
    left = edge[..., 0] * away[..., 1] - edge[..., 1] * away[..., 0]  # [B, P, N]
    below = first[..., 1] <= points[:, None, 1]
    up = below & ~below.roll(-1, dims=2) & (left > 0)
    down = ~below & below.roll(-1, dims=2) & (left < 0)
    if rule == "even_odd":
        return (up | down).sum(dim=2) % 2 == 1
    return up.sum(dim=2) != down.sum(dim=2)
    ### END SOLUTION


# %% check="shapes.inside"
check("shapes.inside", inside)

# %% [markdown]
# A pentagram drawn in one stroke, a polygon that runs around twice, and two that cross themselves, by both rules. The raster is that of the
# conventions.

# %%
def raster(size: int, extent: float) -> Tensor:
    """Centres of the pixels of a square raster, row by row: [size * size, 2]."""
    step = (torch.arange(size) + 0.5) * 2 * extent / size
    y, x = torch.meshgrid(extent - step, step - extent, indexing="ij")
    return torch.stack((x, y), dim=-1).reshape(-1, 2)


corner = 2 * math.pi * torch.arange(10) / 5 + math.pi / 2
size = torch.cat((torch.full((5,), 1.1), torch.full((5,), 0.6)))
stroke = torch.stack((corner[::2].cos(), corner[::2].sin())) * 1.1
twice = torch.stack((size * corner.cos(), size * corner.sin()))
tie = torch.tensor([[-1.0, 1.0, 1.0, -1.0], [-0.8, 0.8, -0.8, 0.8]])
knot = torch.tensor([[-1.1, 0.9, 0.9, -0.6, -0.6, 0.5, 0.5, -1.1], [-0.9, -0.9, 0.6, 0.6, -0.4, -0.4, 1.0, 1.0]])
figure, panels = plt.subplots(2, 4, figsize=(9, 4.6), layout="constrained")
for line, rule in zip(panels, ("even_odd", "nonzero")):
    for panel, shape in zip(line, (stroke, twice, tie, knot)):
        picture = inside(raster(120, 1.3), shape[None], rule).reshape(120, 120)
        panel.imshow(picture, extent=(-1.3, 1.3, -1.3, 1.3), cmap="Blues", vmax=1.6)
        show.polygon(shape.T, y_up=True, colour="0.2", ax=panel, caption=f"{rule}: {float(picture.float().mean()) * 2.6**2:.1f}")
        panel.axis("off")
plt.show()
print("signed areas", [round(float(signed_area(shape[None])), 1) + 0.0 for shape in (stroke, twice, tie, knot)])

# %% [markdown]
# The numbers above the pictures are areas, by counting pixels. **Think.** For none of the four is the shoelace formula's area that of the even-odd
# rule. What does it count, then? Say it with winding numbers, and check it on the bow tie.

# %% [markdown]
# ## 9. How far?
#
# Inside or outside is one bit. The **signed distance** says how far a point is from the outline, and on which side: negative inside. Notebook 2 makes
# pictures from it, since unlike the bit it has a gradient.
#
# The nearest point of an edge from $a$ to $b$: follow the edge as far as $p$ has come along it, but not beyond its ends,
#
# $$ t = \frac{(p - a) \cdot (b - a)}{|b - a|^2} \text{, limited to } 0 \dots 1, \qquad q = a + t \, (b - a), \qquad d = \min_{\text{edges}} |p - q| . $$
#
# ![The plane around an edge: a strip where the nearest point is between the ends, and two half planes that belong to the ends](figures/nearest.png)
#
# ```
# for every polygon b, for every point p:
#     d = the smallest |p - q| over all edges
#     distance[b, p] = -d if p is inside by the even-odd rule, else d
# ```
#
# Two places where the value is fine and the gradient is not. An **edge of length 0**: t is 0/0; its nearest point is $a$, whatever t is. And a
# point **on the outline**, where d = 0 and the slope of the root is infinite: the gradient is **0** there, by definition. You have met the remedy in
# section 3: a division or a root must not even *see* the bad number, in the branch that `where` throws away either.
#
# ### Exercise 3b: `signed_distance` (5 points)
#
# Use `even_odd(points, polygons)` of the setup cell for the sign, or your own: only the result counts.

# %% exercise="shapes.signed_distance"
def signed_distance(points: Tensor, polygons: Tensor) -> Tensor:
    """Distance of points from outlines, negative inside.

    Args:
        points: [P, 2].
        polygons: [B, 2, N].

    Returns:
        [B, P], differentiable in both. 0 with gradient 0 for a point on the outline.
    """
    ### BEGIN SOLUTION
    first = polygons.mT[:, None]  # [B, 1, N, 2]
    edge, away = first.roll(-1, dims=2) - first, points[:, None] - first
    squared = edge.square().sum(dim=-1)
    along = (away * edge).sum(dim=-1) / torch.where(squared > 0, squared, 1.0)
    nearest = (away - along.clamp(0, 1)[..., None] * edge).square().sum(dim=-1).amin(dim=2)  # [B, P]
    distance = torch.where(nearest > 0, torch.where(nearest > 0, nearest, 1.0).sqrt(), 0.0)
    return torch.where(even_odd(points, polygons), -distance, distance)
    ### END SOLUTION


# %% check="shapes.signed_distance"
check("shapes.signed_distance", signed_distance)

# %% [markdown]
# **A slope of one.** Walk straight away from the nearest point, and the distance grows by exactly as much as you walk: $|\nabla d| = 1$ (the
# *eikonal equation*). Autograd first, then the same by differences of neighbouring pixels, which look at both sides of a pixel at once.

# %%
places = raster(160, 1.9).double().requires_grad_()
field = signed_distance(places, cat)
(slope,) = torch.autograd.grad(field.sum(), places)
print(f"by autograd: the slope is between {float(slope.norm(dim=1).min()):.4f} and {float(slope.norm(dim=1).max()):.4f}")
field = field.detach().reshape(160, 160)
step = 2 * 1.9 / 160
by_pixels = torch.stack(torch.gradient(field, spacing=step)).norm(dim=0)
flat = by_pixels < 0.95
print(f"by pixels: below 0.95 for {float(flat.float().mean()):.0%} of them")
figure, panels = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for panel, picture, name, colours in zip(panels, (field, by_pixels), ("signed distance", "its slope, by pixels"), ("RdBu", "viridis")):
    limit = 1.2 if colours == "RdBu" else 1.0
    shown = panel.imshow(picture, extent=(-1.9, 1.9, -1.9, 1.9), cmap=colours, vmin=-limit if colours == "RdBu" else 0.5, vmax=limit)
    panel.plot(*torch.cat((cat[0], cat[0, :, :1]), dim=1), "k", linewidth=1)
    panel.set_title(name, fontsize=9)
    figure.colorbar(shown, ax=panel, shrink=0.8)
plt.show()

# %% [markdown]
# The dark lines are the **skeleton**: the points with two nearest points on the outline, where the distance has a crease. Autograd does not
# see it. It takes one of the two sides and reports a slope of 1, since no pixel lies exactly on the crease.
#
# **Think.** Inside, the skeleton looks like a stick figure of the cat. What do its branches end in? And a vertex that is moved by a little changes
# the distance at which points? What does that mean for a net that learns from distances far from the outline?

# %% [markdown]
# ## 10. Experiment: how many points does an icon need?
#
# The icons have 96 vertices. Is that many? Resample a hundred of them to fewer and measure how far the old vertices are from the new outline, by
# your own distance; beside it, what becomes of the area.

# %%
# a hundred spread over the file, in float64.
hundred = shapes[torch.linspace(0, len(shapes) - 1, min(100, len(shapes))).long()].double()
areas, curves = signed_area(hundred), {"farthest": [], "mean": [], "area": []}
counts = (8, 12, 16, 24, 32, 48, 64, 96)
for count in counts:
    fewer = resample(hundred, count)
    off = torch.stack([signed_distance(old.T, new[None])[0].abs() for old, new in zip(hundred, fewer)])
    lost_area = (signed_area(fewer) / areas - 1).abs()
    for name, one in zip(curves, (off.amax(dim=1), off.mean(dim=1), lost_area)):
        curves[name].append(float(one.median()))
    print(f"{count:>3} points: farthest vertex {curves['farthest'][-1]:.3f} off, mean {curves['mean'][-1]:.3f}, area {curves['area'][-1]:.1%} off")
figure, panel = plt.subplots(figsize=(5.5, 2.8))
for name, label in {"farthest": "farthest vertex", "mean": "mean of all vertices", "area": "share of the area"}.items():
    panel.loglog(counts, curves[name], "o-", label=label)
panel.axhline(2 * 1.5 / 28, color="0.6", linestyle=":", label="one pixel of the icon's picture")
panel.set(xlabel="points", ylabel="median over a hundred icons")
panel.legend(fontsize=7)
plt.show()

# %% [markdown]
# **Result.** With 24 points the farthest old vertex of a typical icon is less than a pixel of the icon's own picture away (dotted: the icon is
# 28 pixels wide there, and about 3 units here), and the area is right to about a per cent. Then it gets dear: halving the error at the
# corners takes twice the points, as a corner is cut by a share of a step, while on smooth parts the error falls with the square of the step.
# Even 96 points from 96 do not bring the corners back. Whoever needs them puts a vertex on each, as the makers of these icons did, and accepts
# steps that are not equal.

# %%
grid = raster(160, 1.9)
figure, panels = plt.subplots(1, 4, figsize=(12, 3.2), num="finished", layout="constrained")
front = chosen["cat"]
show.polygon(front.T, y_up=True, filled=True, ax=panels[0], caption="an icon and its middle")
panels[0].plot(*centroid(front[None])[0], "D", color="tab:red", markersize=9, zorder=7)
show.polygon(resample(front[None], 32)[0].T, y_up=True, filled=True, ax=panels[1], caption="in 32 equal steps")
both = [inside(grid, stroke[None], rule).reshape(160, 160).float() for rule in ("even_odd", "nonzero")]
panels[2].imshow(both[0] + both[1], extent=(-1.9, 1.9, -1.9, 1.9), cmap="Blues", vmax=2.6)
show.polygon(stroke.T, y_up=True, colour="0.2", ax=panels[2], caption="pale: only the non-zero rule")
levels = signed_distance(grid, front[None]).reshape(160, 160).flip(0)
axis = (torch.arange(160) + 0.5) * 2 * 1.9 / 160 - 1.9
panels[3].contourf(axis, axis, levels, levels=torch.arange(-1.2, 1.7, 0.1), cmap="RdBu", vmin=-1.2, vmax=1.2)
panels[3].contour(axis, axis, levels, levels=[0.0], colors="black")
panels[3].set_title("signed distance", fontsize=9)
panels[3].set_aspect("equal")
for panel in panels:
    panel.axis("off")
plt.show()

# %% [markdown]
# **Check yourself before you go on.** Can you, without looking,
#
# * say why a polygon is moved before its area is computed, and which error that does not mend?
# * write down the gradient of the area in one vertex, and say which way it points?
# * name three inputs for which a length or a distance is fine and its gradient is NaN, and mend one of them?
# * say where the last of n points lies on a closed outline, and where on an open one?
# * draw a shape for which even-odd and non-zero disagree, and a ray that meets a vertex?
# * say at which points a signed distance has no gradient?
