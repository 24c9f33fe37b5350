# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 1. Where is the joint? Coordinates, a masked loss, a head that regresses
#
# Pose estimation turns a picture of a person into a list of points: left knee here, right wrist there. Three things have to be settled
# before any network can learn that, and each of them is a place where good projects quietly lose accuracy: **what a coordinate means**,
# **what counts as an error**, and **how a feature map becomes a number**.
#
# **After this notebook you can**
#
# * convert between pixels and normalised coordinates in both conventions, and say how many pixels a mix-up costs;
# * write a loss that ignores missing labels without dividing by the wrong number, by zero, or spreading a NaN;
# * write a regression head, test it before training it, and tell a number that means something from one that does not;
# * explain why a head that averages over the picture has trouble saying *where* something is. That is the question notebook 2 answers.
#
# About 60 minutes. 21 points: four exercises (18) and one written question (3).
#
# ![Ten stick figures, each with the joints that the network of this notebook predicts](figures/1_regression.png)
#
# *What you will have at the end: a network of your own that finds seven joints. Circles are the truth, crosses its answers on figures it
# has never seen.*

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
# | shapes | B people (or images) in a batch, J joints, C channels, H rows, W columns |
# | a loss | **mean** over the joints that count, over the whole batch; one number |
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
import torch.nn.functional as F
from torch import Tensor, nn

from vislab.check import check
from vislab.check.budget import steps

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
# ## 2. What counts as an error
#
# Direct regression compares predicted points $\hat{p}$ with labels $p$. In real data some joints have no label: hidden behind a chair,
# outside the picture, or simply not annotated. Let $V$ be the set of (person, joint) pairs that **do** have one, over the whole batch:
#
# $$
# L_2 = \frac{1}{|V|} \sum_{(b,j) \in V} \left[ (\hat{x}_{bj} - x_{bj})^2 + (\hat{y}_{bj} - y_{bj})^2 \right],
# \qquad
# L_1 = \frac{1}{|V|} \sum_{(b,j) \in V} \left[ |\hat{x}_{bj} - x_{bj}| + |\hat{y}_{bj} - y_{bj}| \right].
# $$
#
# As a loop:
#
# ```
# total, count = 0, 0
# for every person b and joint j that is visible:
#     total += squared distance (or sum of absolute differences);  count += 1
# loss = total / count        # and 0 if count is 0
# ```
#
# A short loop, and four ways to get it wrong that no crash will ever tell you about:
#
# * **Dividing by B · J.** Then a batch in which half of the joints are hidden has half the loss, and half the gradient.
# * **Averaging person by person first.** Then the only visible joint of one person weighs as much as all seventeen of another.
# * **Multiplying by the mask.** Missing labels are often stored as NaN, and NaN · 0 is NaN. Even if the *value* is rescued afterwards, the
#   *gradient* of the branch you threw away is multiplied by zero, and comes out as NaN. The hidden joint has to be taken out **before**
#   anything is computed from its label.
# * **A batch with nothing visible.** 0 / 0 is NaN, and one NaN gradient ends a training run. Its loss is 0 and so is its gradient. Adding
#   an epsilon to the denominator is not the answer: it makes every *other* loss a little too small.
#
# ### Exercise 2: `joint_loss` (6 points)
#
# Write it out of elementary operations; `F.mse_loss`, `F.l1_loss` and their relatives are off limits here. Two different correct ways are
# waiting to be found, and neither needs a loop.

# %% exercise="pose.joint_loss"
def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    """Mean loss over the visible joints of a batch.

    Args:
        predicted: [B, J, 2].
        target: [B, J, 2], same unit; where a joint is hidden it may hold anything, NaN included.
        visible: bool [B, J].
        kind: "l2": squared Euclidean distance of a joint. "l1": sum of its two absolute differences.

    Returns:
        One number (shape []), same dtype as predicted; 0 where no joint is visible. Hidden joints get gradient 0.
    """
    ### BEGIN SOLUTION
    # indexing keeps the visible joints alone: what is never computed can spread no NaN, forward or backward.
    difference = predicted[visible] - target[visible]  # [number visible, 2]
    each = difference.square().sum(dim=-1) if kind == "l2" else difference.abs().sum(dim=-1)
    return each.sum() / max(1, len(each))
    ### END SOLUTION


# %% check="pose.joint_loss"
check("pose.joint_loss", joint_loss)

# %% [markdown]
# **Look at the gradient, not only at the number.** Below, a person's labels (circles; the hidden ones hold NaN, so they have no place in
# the plot) and a prediction (crosses). The arrows are minus the gradient: where the loss wants each joint to go, and how badly.

# %%
target = torch.tensor([[[20.0, 8.0], [20.0, 14.0], [13.0, 19.0], [28.0, 18.0], [20.0, 24.0], [16.0, 33.0], [25.0, 33.0]]])
visible = torch.tensor([[True, True, True, False, True, False, True]])
shift = torch.tensor([[[1.0, -1.0], [-2.0, 0.5], [-4.0, 1.0], [3.0, 2.0], [0.5, 2.0], [-2.0, -3.0], [5.0, -1.0]]])
predicted = (target + shift).requires_grad_(True)
target = torch.where(visible[..., None], target, math.nan)

figure, panels = plt.subplots(1, 2, figsize=(7, 3.2), sharey=True)
for panel, kind in zip(panels, ("l2", "l1")):
    (gradient,) = torch.autograd.grad(joint_loss(predicted, target, visible, kind), predicted)
    start, arrow = predicted.detach()[0], -gradient[0]
    panel.scatter(*target[0].T, facecolors="none", edgecolors="tab:green", label="label")
    panel.scatter(*start.T, marker="x", color="tab:red", label="prediction")
    panel.quiver(*start.T, *arrow.T, angles="xy", scale_units="xy", scale=0.3 if kind == "l2" else 0.08, width=0.006)
    panel.set(title=f"{kind}: minus the gradient", xlabel="x, px", xlim=(5, 38), ylim=(38, 2))
    print(f"{kind}: gradient of the two hidden joints {gradient[0, [3, 5]].abs().max():.1f}, largest of all {gradient.abs().max():.1f}")
panels[0].legend(loc="lower left", fontsize=7)
plt.show()

# %% [markdown]
# Under `l2` the worst joint pulls hardest: one wild outlier can own the gradient of a batch. Under `l1` all joints pull alike, in each
# coordinate, however wrong they are. Huber's loss is the usual compromise: squared for
# small errors, absolute for large ones.
#
# **Think.** These were pixels. Suppose you train on *normalised* coordinates of pictures that are 64 wide and 32 high. Two joints are both
# wrong by exactly 3 pixels, one along x and the other along y. Which one does the loss think is worse, and by what factor? Write a guess
# down before you run the cell.

# %%
true_pixel = torch.tensor([[[30.0, 12.0], [30.0, 12.0]]])
wrong_pixel = true_pixel + torch.tensor([[[3.0, 0.0], [0.0, 3.0]]])
for unit in ("pixels", "normalised"):
    a, b = true_pixel, wrong_pixel
    if unit == "normalised":
        a, b = (pixel_to_norm(p, height=32, width=64, align_corners=False) for p in (a, b))
    along_x, along_y = (joint_loss(b, a, torch.tensor([[joint == 0, joint == 1]])) for joint in (0, 1))
    print(f"{unit:<11} 3 px along x: {along_x:.4f}   3 px along y: {along_y:.4f}   ratio {along_y / along_x:.1f}")

# %% [markdown]
# A loss in normalised units is a loss in pixels with axes of different weight, (W/H)² apart. Nothing is broken; but you have told the
# network that vertical mistakes are worse, probably without meaning to. Whatever you train on, **report in pixels.**

# %% [markdown]
# ## 3. From a feature map to a number
#
# The oldest head there is. The backbone hands over C channels of H × W cells. Average each channel over the whole map, and let a small
# multilayer perceptron turn the C averages into 2 J numbers:
#
# ```
# features [B, C, H, W] --mean over H and W--> [B, C]
#                       --hidden, ReLU-------> [B, K]
#                       --out----------------> [B, 2 J] --> [B, J, 2]
# ```
#
# As a loop, for one image:
#
# ```
# for every channel c:   pooled[c] = mean of features[c] over all cells
# inner = relu(W_hidden pooled + b_hidden);   flat = W_out inner + b_out
# for every joint j:     answer[j] = (flat[2 j], flat[2 j + 1])
# ```
#
# So x and y of a joint lie side by side in the 2 J numbers: x₀, y₀, x₁, y₁, …
#
# No activation comes after the last layer. A `tanh` would keep the answers inside the picture, and that is exactly why it is a bad
# idea: joints may lie *outside* the picture, and near ±1 its gradient dies.
#
# ### Exercise 3: `RegressionHead` (6 points)
#
# Your module is tested with **given weights**: they are loaded into your layers by name, and the output is compared. So the two linear
# layers must be called `hidden` and `out`, and there must be no other parameters. It has to work for any
# H and W, a single cell included, and for a batch of one or none.

# %% exercise="pose.regression_head"
class RegressionHead(nn.Module):
    """Global average pooling, a hidden layer with ReLU, two numbers per joint.

    Args:
        channels: C of the feature map.
        hidden: width K of the hidden layer.
        joints: J.

    Layers: ``hidden`` (C to K) and ``out`` (K to 2 J), both ``nn.Linear`` with bias.
    """

    def __init__(self, channels: int, hidden: int, joints: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.hidden = nn.Linear(channels, hidden)
        self.out = nn.Linear(hidden, 2 * joints)
        ### END SOLUTION

    def forward(self, features: Tensor) -> Tensor:
        """[B, C, H, W] to [B, J, 2], x then y."""
        ### BEGIN SOLUTION
        pooled = features.mean(dim=(2, 3))  # [B, C]
        flat = self.out(F.relu(self.hidden(pooled)))  # [B, 2 J]
        return flat.unflatten(1, (-1, 2))
        ### END SOLUTION


# %% check="pose.regression_head"
check("pose.regression_head", RegressionHead)

# %% [markdown]
# ## 4. Does it learn?
#
# Enough pieces; time to put them together. The data are stick figures of seven joints, drawn on the spot: 40 × 32 pixels, arms and legs at
# random angles. The limbs on the left of the picture are drawn paler, so that left and right *can* be told apart.

# %%
LIMBS = [(1, 0), (1, 2), (1, 3), (1, 4), (4, 5), (4, 6)]  # neck to head and hands, neck to hip, hip to feet
INK = torch.tensor([1.0, 0.5, 1.0, 1.0, 0.5, 1.0])[:, None]
WIDTH, HEIGHT, JOINTS = 40, 32, 7


def toy_people(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw stick figures: images [N, 1, H, W] in 0..1, and joints [N, 7, 2] in pixels."""
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
    # the nearest point of a limb: project onto its line, then stay between its ends.
    along = ((pixel - first) * (last - first)).sum(dim=-1) / (last - first).square().sum(dim=-1)
    away = (pixel - first - along.clamp(0, 1)[..., None] * (last - first)).norm(dim=-1)  # [N, limbs, H W]
    return (INK * torch.exp(-away.square() / 1.3)).amax(dim=1).reshape(-1, 1, HEIGHT, WIDTH)


generator = torch.Generator().manual_seed(1)
images, joints = toy_people(600, generator)
new_images, new_joints = toy_people(200, generator)
# a fifth of the labels is lost, as in life.
visible = torch.rand(joints.shape[:2], generator=generator) < 0.8
labels = torch.where(visible[..., None], pixel_to_norm(joints, HEIGHT, WIDTH, align_corners=False), math.nan)
print(f"{len(images)} images {tuple(images.shape[1:])}, {visible.float().mean():.0%} of the joints labelled")

# %% [markdown]
# **The dummy comes first.** A network that has learnt nothing about pictures can still answer the average figure, every time. Any result
# has to be read next to that number, or it says nothing.

# %%
def pixel_error(answer: Tensor) -> float:
    """Mean distance to the true joints of the new figures, in pixels; the answer is normalised."""
    return float((norm_to_pixel(answer, HEIGHT, WIDTH, align_corners=False) - new_joints).norm(dim=-1).mean())


mean_figure = torch.nanmean(labels, dim=0)  # over the labels that exist
dummy = pixel_error(mean_figure.expand(len(new_joints), -1, -1))
print(f"the average figure is wrong by {dummy:.1f} px on new figures")

# %% [markdown]
# The network: three convolutions and your head. The picture gets two more channels that hold each pixel's normalised x and y. Why they are
# needed is the question at the end; leave them in for now.

# %%
class DirectPose(nn.Module):
    """Image to joints by direct regression, in normalised coordinates."""

    def __init__(self, with_coordinates: bool = True) -> None:
        super().__init__()
        self.with_coordinates = with_coordinates
        convolutions = [nn.Conv2d(3, 24, 3, 2, 1), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1), nn.ReLU(), nn.Conv2d(48, 64, 3, 1, 1), nn.ReLU()]
        self.backbone = nn.Sequential(*convolutions)
        self.head = RegressionHead(channels=64, hidden=64, joints=JOINTS)

    def forward(self, images: Tensor) -> Tensor:
        x = torch.linspace(-1, 1, WIDTH).expand(len(images), 1, HEIGHT, WIDTH)
        y = torch.linspace(-1, 1, HEIGHT)[:, None].expand(len(images), 1, HEIGHT, WIDTH)
        where = torch.cat((x, y), dim=1) * float(self.with_coordinates)
        return self.head(self.backbone(torch.cat((images, where), dim=1)))


# %%
def fit(model: nn.Module, count: int, batch: int = 32, data: slice = slice(None)) -> list[float]:
    """Train with Adam for ``count`` steps on a part of the data; return the losses."""
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    shuffle, losses = torch.Generator().manual_seed(2), []
    for _ in range(count):
        pick = torch.randint(len(images[data]), (batch,), generator=shuffle)
        loss = joint_loss(model(images[data][pick]), labels[data][pick], visible[data][pick])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


# %% [markdown]
# **Two tests that cost a second and save a day.**
#
# *The first loss.* Before training, the answers are close to 0, the middle of the picture. So the first loss must be close to that of
# answering 0. If it is ten times that, something is wrong with units, the mask or the mean.
#
# *One small batch.* A network with thousands of weights can learn eight pictures by heart. If the loss does not fall towards zero there,
# it will not learn six hundred either, and the fault is in the code, not in the data.

# %%
torch.manual_seed(0)
untrained = DirectPose()
with torch.no_grad():
    first_loss = joint_loss(untrained(images), labels, visible)
    zero_loss = joint_loss(torch.zeros_like(labels), labels, visible)
print(f"first loss / loss of answering the middle: {first_loss / zero_loss:.1f}")

count = steps(full=300, graded_steps=2)
by_heart = fit(DirectPose(), count, batch=8, data=slice(0, 8))
if count == 300:
    print(f"eight figures learnt by heart, loss below a tenth of the first: {by_heart[-1] < 0.1 * by_heart[0]}")

# %% [markdown]
# **Now the real thing**: a few seconds, 250 steps of 32 figures. The error is measured on figures that were not in the training set.

# %%
torch.manual_seed(0)
model = DirectPose()
count = steps(full=250, graded_steps=2)
losses = fit(model, count)
with torch.no_grad():
    answers = model(new_images)
error = pixel_error(answers)
if count == 250:
    # ten seeds gave 2.62 px on average, standard deviation 0.05; the average figure is twice as far off.
    assert error < 2.9 < dummy, f"{error:.2f} px: the network should be clearly better than the average figure ({dummy:.2f} px)"
    print(f"trained: about {error:.0f} px, the average figure: {dummy:.1f} px")

# %%
figure, panels = plt.subplots(2, 5, figsize=(8.5, 3.4), num="finished")
found = norm_to_pixel(answers, HEIGHT, WIDTH, align_corners=False)
for panel, image, true, answer in zip(panels.flat, new_images, new_joints, found):
    panel.imshow(image[0], cmap="Greys", vmax=1.4)
    panel.scatter(*true.T, s=22, facecolors="none", edgecolors="tab:green")
    panel.scatter(*answer.T, s=16, marker="x", color="tab:red", linewidths=1)
    panel.set(xlim=(-0.5, WIDTH - 0.5), ylim=(HEIGHT + 1.5, -0.5))
    panel.axis("off")
figure.suptitle(f"direct regression after {count} steps: {error:.1f} px on new figures (average figure: {dummy:.1f} px)", fontsize=10)
plt.show()

# %% [markdown]
# ## 5. The question this notebook leaves open
#
# Take a feature map and shuffle its cells: put every cell somewhere else. Then ask your head again.

# %%
with torch.no_grad():
    features = model.backbone(torch.rand(1, 3, HEIGHT, WIDTH, generator=generator))
    order = torch.randperm(features[0, 0].numel(), generator=generator)
    shuffled = features.flatten(2)[..., order].reshape(features.shape)
    change = (model.head(features) - model.head(shuffled)).abs().max()
print(f"largest change in any coordinate after shuffling all cells: {change:.4f}")

# %% [markdown]
# **Think.** The head gives the same answer for a picture and for its jigsaw. It answers *where* from an average that has forgotten all
# places. So how could the network above find any joint at all? Train `DirectPose(with_coordinates=False)` in a cell of your own, compare
# its error with the dummy's, and explain both results. (Convolutions move with the picture, an average does not care; only the zeros that
# pad the border tell such a network where it is, and 250 steps are not enough to make anything of them.)
#
# A head that has to *find* things should look at the map, not at its average. The obvious way, taking the brightest cell, has no gradient.
# Notebook 2 shows the way that has one.
#
# **Check yourself before you go on.** Can you, without looking,
#
# * say which pixel lies at −1 in each of the two conventions, and in which part of the picture they differ most?
# * name two ways to mask a loss of which one fails on NaN labels?
# * say what the first loss of an untrained regression network should be, and why?
# * explain why the average over a feature map cannot say where something is?
