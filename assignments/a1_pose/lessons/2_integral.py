# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 2. A number or a map? Regression, and a mean instead of a maximum
#
# Two ways to get from a picture to the position of a joint. *Direct regression* turns the features into two numbers. *Integral regression* makes a
# heatmap and takes its mean. This notebook builds both, trains both on the same figures, and shows what each gets wrong.
#
# **After this notebook you can**
#
# * write a loss that ignores missing labels without dividing by the wrong number, by zero, or spreading a NaN;
# * write a regression head, test it before training it, and tell a number that means something from one that does not;
# * explain why a head that averages over the picture has trouble saying *where* something is;
# * compute the expected position under a spatial soft-max, for any logits a network may produce, and derive its gradient;
# * say when a mean is the wrong summary of a map, and measure from the map alone that it is.
#
# About 90 minutes. 22 points: three exercises (19) and one written question (3).
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
# | a loss | **mean** over the joints that count, over the whole batch; one number |
# | dtype, device | an answer has those of what came in; float32 and float64 are tested |
# | inputs | are left as they were, and so are the global random generators |
# | any size | a batch may be empty (B = 0), and a tensor may be a view that is not contiguous in memory |
#
# The last three lines hold for every exercise, whether it says so again or not, and hidden checks look at them.

# %% setup=true
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import vislab.ops.soft_argmax as shipped
from vislab.check import check
from vislab.check.budget import steps
from vislab.geometry.pixel_coordinates import norm_to_pixel, pixel_to_norm

plt.rcParams["figure.dpi"] = 80

# %% [markdown]
# ## 1. What counts as an error
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
# ### Exercise 4a: `joint_loss` (6 points)
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
        a, b = (pixel_to_norm(p, (32, 64), align_corners=False) for p in (a, b))
    along_x, along_y = (joint_loss(b, a, torch.tensor([[joint == 0, joint == 1]])) for joint in (0, 1))
    print(f"{unit:<11} 3 px along x: {along_x:.4f}   3 px along y: {along_y:.4f}   ratio {along_y / along_x:.1f}")

# %% [markdown]
# A loss in normalised units is a loss in pixels with axes of different weight, (W/H)² apart. Nothing is broken; but you have told the
# network that vertical mistakes are worse, probably without meaning to. Whatever you train on, **report in pixels.**

# %% [markdown]
# ## 2. From a feature map to a number
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
# ### Exercise 4b: `RegressionHead` (6 points)
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
# ## 3. Does it learn?
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
labels = torch.where(visible[..., None], pixel_to_norm(joints, (HEIGHT, WIDTH), align_corners=False), math.nan)
print(f"{len(images)} images {tuple(images.shape[1:])}, {visible.float().mean():.0%} of the joints labelled")

# %% [markdown]
# **The dummy comes first.** A network that has learnt nothing about pictures can still answer the average figure, every time. Any result
# has to be read next to that number, or it says nothing.

# %%
def pixel_error(answer: Tensor) -> float:
    """Mean distance to the true joints of the new figures, in pixels; the answer is normalised."""
    return float((norm_to_pixel(answer, (HEIGHT, WIDTH), align_corners=False) - new_joints).norm(dim=-1).mean())


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
figure, panels = plt.subplots(2, 5, figsize=(8.5, 3.4))
found = norm_to_pixel(answers, (HEIGHT, WIDTH), align_corners=False)
for panel, image, true, answer in zip(panels.flat, new_images, new_joints, found):
    panel.imshow(image[0], cmap="Greys", vmax=1.4)
    panel.scatter(*true.T, s=22, facecolors="none", edgecolors="tab:green")
    panel.scatter(*answer.T, s=16, marker="x", color="tab:red", linewidths=1)
    panel.set(xlim=(-0.5, WIDTH - 0.5), ylim=(HEIGHT + 1.5, -0.5))
    panel.axis("off")
figure.suptitle(f"direct regression after {count} steps: {error:.1f} px on new figures (average figure: {dummy:.1f} px)", fontsize=10)
plt.show()

# %% [markdown]
# ## 4. An average that has forgotten all places
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
# The rest of this notebook shows the way that has one.

# %% [markdown]
# ## 5. Why not simply take the brightest cell?
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
# ## 6. The mean has a gradient
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
# ### Exercise 5: `soft_argmax` (7 points)
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
# ## 7. What a mean gets wrong
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
# ## 8. A head that looks at the map
#
# Back to the stick figures. The same three convolutions, no coordinate channels, and instead of averaging the map away, one
# more convolution that makes one heatmap for each joint, and the mean position of each. The loss is the squared distance of the joints,
# as before, and the same labels are missing. Nobody says what a map should look like.

# %%
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
visible = torch.rand(joints.shape[:2], generator=generator) < 0.8  # as above, a fifth of the labels is lost

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
    # over ten seeds: mean 1.22 px, standard deviation 0.08. the head above reached 2.6 px with the same convolutions and steps.
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
# Half the error of the first head, from the same convolutions, the same number of steps and no coordinate channels. And the maps that came out
# are sharp peaks, although no label ever asked for a peak.

# %% [markdown]
# **Check yourself before you go on.** Can you, without looking,
#
# * name two ways to mask a loss of which one fails on NaN labels?
# * say what the first loss of an untrained regression network should be, and why?
# * explain why the average over a feature map cannot say where something is?
# * derive p (x − E[x]), and say what it does to a logit left of the answer?
# * say what happens to the mean when the background gets a little brighter everywhere, and why the arg-max does not care?
