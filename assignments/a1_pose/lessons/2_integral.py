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
# heatmap and takes its mean. This notebook builds both, trains both on the same figures with the same loss, and shows what each gets wrong.
#
# **After this notebook you can**
#
# * write a loss that ignores missing labels without dividing by the wrong number, by zero, or spreading a NaN;
# * write a test that passes every right loss and fails the wrong ones;
# * write a regression head, test it before training it, and tell a number that means something from one that does not;
# * explain why a head that averages over the picture has trouble saying *where* something is;
# * compute the expected position under a spatial soft-max, for any logits a network may produce, and derive its gradient;
# * predict how far background and border pull a mean off, and take the pull of the background back.
#
# About 70 minutes, and 20 more for the extension. 26 points: three exercises (19), a test of your own (4) and one written question (3).
# The extension gives 4 bonus points.
#
# ![Three heatmaps of a stick figure, its joints read from all seven maps, and the error of each way to read them](figures/2_integral.png)
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
# | a test | raises (by `assert`, say) to fail an implementation, and simply ends to pass it |
# | dtype, device | an answer has those of what came in; float32 and float64 are tested |
# | inputs | are left as they were, and so are the global random generators |
# | any size | a batch may be empty (B = 0), and a tensor may be a view that is not contiguous in memory |
#
# The last three lines hold for every exercise, whether it says so again or not, and hidden checks look at them.

# %% setup=true
import math
from collections.abc import Callable, Iterator

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import vislab.ops.soft_argmax as shipped
from vislab.check import check
from vislab.check.budget import steps
from vislab.geometry.pixel_coordinates import norm_to_pixel, pixel_to_norm
from vislab.ops.gaussian_heatmaps import gaussian_heatmaps
from vislab.show import loss_curves
from vislab.train import History, fit

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
# coordinate, however wrong they are. Notebook 4 has more to choose from.
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
# network that vertical mistakes are worse, probably without meaning to. Below, both networks are trained **and** judged in pixels.

# %% [markdown]
# ## 2. Who tests the test?
#
# A check told you that your loss is right. For the next function that you write there is no check, and the four faults of section 1 have one
# thing in common: nothing crashes. You need a test, and a test can be wrong in two ways.
#
# * **It fails what is right.** Sums taken in another order differ in the last digits. So compare with a tolerance (10⁻⁵ of the value is ample in
#   float32), and never demand more than the contract (the docstring) says.
# * **It passes what is wrong.** On a single person, a mean of means *is* the mean. With nothing hidden, no mask is tested. Where the true answer is
#   a whole number, nobody sees that it was rounded. So choose inputs on which right and wrong **differ**, and ask of every fault you can think of:
#   which of my lines would notice?
#
# Read the docstring as a lawyer would: each clause is a promise, and each promise wants a line. "*Two kinds.*" "*It may hold anything, NaN
# included.*" "*Same dtype.*" "*0 where no joint is visible.*" And the conventions on top: "*a view that is not contiguous*". (`tensor.mT` is one,
# once its last two axes differ.)
#
# Where does the right answer come from? Not from your own `joint_loss`: a test that shares the code shares its faults. Take an example worked out
# by hand, or the loop of section 1, slow and obvious; or a property: what must the loss of *one* visible joint be, and what must stay the same
# when a hidden label changes?
#
# ### Exercise 4a, tested: `test_joint_loss` (4 points)
#
# `impl` stands for some implementation of `joint_loss`: call it like yours, and raise where it is wrong. When graded, your test meets right
# implementations and nineteen wrong ones, in an order that nobody knows. Points are for wrong ones caught; **a test that fails a right one even
# once earns nothing.** What comes back has no gradient, so test values, dtypes and shapes. At most 64 calls.
#
# At home, `check` runs your test on your own `joint_loss`, which it must pass, and on that with each of four faults put in, which it must fail.

# %% exercise="pose.test_joint_loss"
def test_joint_loss(impl: Callable[..., Tensor]) -> None:
    """Raise where impl(predicted, target, visible, kind) is not the masked loss of section 1.

    Args:
        impl: an implementation of joint_loss, right or wrong.
    """
    ### BEGIN SOLUTION
    visible = torch.tensor([[True, False, False, False], [True, True, False, True], [False, True, True, False]])
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-10)):
        predicted = 4 * torch.randn(3, 2, 4, dtype=dtype).mT  # a view that is not contiguous
        target = 4 * torch.randn(3, 4, 2, dtype=dtype)
        for kind, power in (("l2", 2), ("l1", 1)):
            terms = [((predicted[b, j] - target[b, j]).abs() ** power).sum().item() for b, j in visible.nonzero()]
            for hidden in (5.0, math.nan, math.inf):
                got = impl(predicted, torch.where(visible[..., None], target, hidden), visible, kind)
                expected = torch.tensor(sum(terms) / len(terms), dtype=dtype)
                torch.testing.assert_close(got, expected, rtol=tolerance, atol=0)  # shape and dtype as well
            nothing = impl(predicted, target, torch.zeros_like(visible), kind)
            assert nothing.item() == 0, "no joint is visible"
    ### END SOLUTION


# %% check="pose.test_joint_loss"
check("pose.test_joint_loss", test_joint_loss, right=joint_loss)

# %% [markdown]
# **Think.** Suppose your test compares in float32 with a tolerance of 10⁻⁴. Which of the faults in section 1 is too small for it? What would you
# change to see it, the tolerance or something else?

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
labels = torch.where(visible[..., None], joints, math.nan)
print(f"{len(images)} images {tuple(images.shape[1:])}, {visible.float().mean():.0%} of the joints labelled")

# %% [markdown]
# **The dummy comes first.** A network that has learnt nothing about pictures can still answer the average figure, every time. Any result
# has to be read next to that number, or it says nothing.

# %%
def pixel_error(found: Tensor) -> float:
    """Mean distance to the true joints of the new figures, in pixels."""
    return float((found - new_joints).norm(dim=-1).mean())


mean_figure = torch.nanmean(labels, dim=0)  # over the labels that exist
dummy = pixel_error(mean_figure.expand_as(new_joints))
print(f"the average figure is wrong by {dummy:.1f} px on new figures")

# %% [markdown]
# The network: three convolutions and your head. The head's numbers are normalised coordinates, turned into pixels at the end. The picture gets
# two more channels that hold each pixel's normalised x and y. Why they are needed is the question of the next section; leave them in for now.

# %%
def convolutions(channels: int) -> list[nn.Module]:
    """Images [N, channels, H, W] to features [N, 64, H / 4, W / 4]."""
    layers = [nn.Conv2d(channels, 24, 3, 2, 1), nn.Conv2d(24, 48, 3, 2, 1), nn.Conv2d(48, 64, 3, 1, 1)]
    return [part for layer in layers for part in (layer, nn.ReLU())]


class DirectPose(nn.Module):
    """Images to joints [N, 7, 2] in pixels, by direct regression."""

    def __init__(self, with_coordinates: bool = True) -> None:
        super().__init__()
        self.with_coordinates = with_coordinates
        self.backbone = nn.Sequential(*convolutions(3))
        self.head = RegressionHead(channels=64, hidden=64, joints=JOINTS)

    def forward(self, images: Tensor) -> Tensor:
        x = torch.linspace(-1, 1, WIDTH).expand(len(images), 1, HEIGHT, WIDTH)
        y = torch.linspace(-1, 1, HEIGHT)[:, None].expand(len(images), 1, HEIGHT, WIDTH)
        where = torch.cat((x, y), dim=1) * float(self.with_coordinates)
        return norm_to_pixel(self.head(self.backbone(torch.cat((images, where), dim=1))), (HEIGHT, WIDTH), align_corners=False)

# %% [markdown]
# Both networks of this notebook are trained by the same few lines. `fit` is the loop that you know,
#
# ```
# for each of the steps:
#     optimizer.zero_grad();  loss(model, next batch).backward();  optimizer.step()
# ```
#
# with a progress bar and a live figure, which also shows the error on new figures, in pixels, twenty times along the way.

# %%
def batches(count: int, size: int = 32) -> Iterator[dict[str, Tensor]]:
    """Batches drawn at random from the first ``count`` figures, without end."""
    shuffle = torch.Generator().manual_seed(2)
    while True:
        pick = torch.randint(count, (size,), generator=shuffle)
        yield {"image": images[pick], "label": labels[pick], "visible": visible[pick]}


def pose_loss(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Mean squared distance over the labelled joints, px²."""
    return joint_loss(model(batch["image"]), batch["label"], batch["visible"])


def train(model: nn.Module, count: int, figures: int = 600, size: int = 32) -> History:
    """Train with Adam for ``count`` steps and return the losses and errors on the way."""
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)

    def error(model: nn.Module) -> float:
        return pixel_error(model(new_images))

    return fit(model, batches(figures, size), pose_loss, optimizer=optimiser, steps=count, validate=error)

# %% [markdown]
# **Two tests that cost a second and save a day.**
#
# *The first loss.* Before training, the head's numbers are close to 0, the middle of the picture. So the first loss must be close to that of
# answering the middle. If it is ten times that, something is wrong with units, the mask or the mean.
#
# *One small batch.* A network with thousands of weights can learn eight pictures by heart. If the loss does not fall towards zero there,
# it will not learn six hundred either, and the fault is in the code, not in the data. (Watch the live figure: what does the error on *new* figures do
# meanwhile?)

# %%
torch.manual_seed(0)
untrained = DirectPose()
middle = torch.tensor([(WIDTH - 1) / 2, (HEIGHT - 1) / 2]).expand_as(labels)
with torch.no_grad():
    first_loss = joint_loss(untrained(images), labels, visible)
print(f"first loss / loss of answering the middle: {first_loss / joint_loss(middle, labels, visible):.1f}")

count = steps(full=300, graded_steps=2)
by_heart = train(DirectPose(), count, figures=8, size=8).losses
if count == 300:
    print(f"eight figures learnt by heart, loss below a twentieth of the first: {by_heart[-1] < 0.05 * by_heart[0]}")

# %% [markdown]
# **Now the real thing**: a few seconds, 250 steps of 32 figures. The error is measured on figures that were not in the training set.

# %%
torch.manual_seed(0)
direct = DirectPose()
count = steps(full=250, graded_steps=2)
direct_run = train(direct, count)
with torch.no_grad():
    answers = direct(new_images)
errors = {"average figure": dummy, "direct": pixel_error(answers)}
if count == 250:
    # ten seeds gave 2.65 px on average, standard deviation 0.04; the average figure is twice as far off.
    assert errors["direct"] < 2.9 < dummy, f"{errors['direct']:.2f} px: clearly better than the average figure ({dummy:.2f} px) is expected"
    print(f"trained: about {errors['direct']:.0f} px, the average figure: {dummy:.1f} px")

# %%
figure, panels = plt.subplots(2, 5, figsize=(9.5, 3.6), layout="constrained")
for panel, image, true, answer in zip(panels.flat, new_images, new_joints, answers):
    panel.imshow(image[0], cmap="Greys", vmax=1.4)
    panel.scatter(*true.T, s=22, facecolors="none", edgecolors="tab:green")
    panel.scatter(*answer.T, s=16, marker="x", color="tab:red", linewidths=1)
    panel.set(xlim=(4, WIDTH - 4), ylim=(HEIGHT + 1.5, -0.5))
    panel.axis("off")
figure.suptitle(f"direct regression after {count} steps: {errors['direct']:.1f} px on new figures (average figure: {dummy:.1f} px)", fontsize=10)
plt.show()

# %% [markdown]
# ## 5. An average that has forgotten all places
#
# Take a feature map and shuffle its cells: put every cell somewhere else. Then ask your head again.

# %%
with torch.no_grad():
    features = direct.backbone(torch.rand(1, 3, HEIGHT, WIDTH, generator=generator))
    order = torch.randperm(features[0, 0].numel(), generator=generator)
    shuffled = features.flatten(2)[..., order].reshape(features.shape)
    change = (direct.head(features) - direct.head(shuffled)).abs().max()
print(f"largest change in any coordinate after shuffling all cells: {change:.3f}")

# %% [markdown]
# **Think.** The head gives the same answer for a picture and for its jigsaw. It answers *where* from an average that has forgotten all
# places. So how could the network above find any joint at all? Train `DirectPose(with_coordinates=False)` in a cell of your own, from a few
# different seeds, compare its error with the dummy's, and explain both results. (In ten runs of ours eight ended where the dummy is, and two
# reached 4 px. Convolutions move with the picture, an average does not care. What is left to tell such a network where it is?)
#
# A head that has to *find* things should look at the map, not at its average.

# %% [markdown]
# ## 6. Why not simply take the brightest cell?
#
# Notebook 1 read positions off a map by arg-max, and measured its first fault: even from a perfect map it answers in whole cells, 0.38 cells off
# on average. On a map of stride 8 it is 3 image pixels. Decoding tricks mend much of this, once the map is there.
#
# The second fault they cannot mend. Move a logit a little: the highest cell stays where it is, or another takes its place. The derivative of the
# answer is zero wherever there is one. **Nothing can be learnt through an arg-max**, so one trains on an invented target instead (a Gaussian bump
# around each joint, say) and hopes that a good bump means a good position.
#
# We keep the arg-max for comparison.

# %%
def argmax(maps: Tensor) -> Tensor:
    """The highest cell: [B, J, H, W] to [B, J, 2], x then y."""
    index, width = maps.flatten(2).argmax(dim=-1), maps.shape[-1]
    return torch.stack((index % width, index // width), dim=-1).to(maps.dtype)

# %% [markdown]
# ## 7. The mean has a gradient
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
generator = torch.Generator().manual_seed(3)
bump = 6 * gaussian_heatmaps(torch.tensor([[[13.3, 8.6]]]), (20, 28), sigma=2.5)
bump = (bump + 0.4 * torch.randn(bump.shape, generator=generator)).requires_grad_(True)
answer = soft_argmax(bump)
(gradient,) = torch.autograd.grad(answer[0, 0, 0], bump)
share = torch.softmax(bump.detach().flatten(2), dim=-1).reshape(bump.shape)
by_hand = share * (torch.arange(28) - answer[0, 0, 0].detach())
print(f"autograd and p (x - E[x]) differ by at most {(gradient - by_hand).abs().max():.4f}")

figure, panels = plt.subplots(1, 3, figsize=(9, 2.4))
panels[0].imshow(bump.detach()[0, 0], cmap="viridis")
panels[0].plot(*argmax(bump.detach())[0, 0], "x", color="white", label="arg-max")
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
# ## 8. What a mean gets wrong
#
# **The background pulls.** A mean listens to every cell, and there are many of them. Let the bump hold the share $w$ of the probability and
# the background, spread evenly with mean $c$ (the middle of the map), the rest. Then
#
# $$ \hat{x} = w \, x_{\text{bump}} + (1 - w) \, c . $$
#
# How large is $w$? Take a Gaussian bump of height 1 and width σ, multiply it by β, and read it as logits on a map of H × W cells. Each cell has at
# least the weight $e^0 = 1$; the bump is what stands out above that. Summed over the plane, this has a closed form:
#
# $$
# A(\beta) = \int \left( e^{\beta \exp(-r^2 / 2 \sigma^2)} - 1 \right) \mathrm{d}A
# = 2 \pi \sigma^2 \int_0^\beta \frac{e^t - 1}{t} \, \mathrm{d}t
# = 2 \pi \sigma^2 \sum_{n \ge 1} \frac{\beta^n}{n \cdot n!},
# \qquad w = \frac{A}{A + H W} .
# $$
#
# So one can say, before any network is trained, what the mean will answer. The true position is (10, 20), σ = 2, the map 64 × 64:

# %%
def risen(beta: float, sigma: float) -> float:
    """A(beta): weight of a bump above its background, in cells."""
    term, total = 1.0, 0.0
    for n in range(1, 200):
        term *= beta / n  # beta^n / n!, without ever holding n!
        total += term / n
    return 2 * math.pi * sigma**2 * total


place = torch.tensor([[[10.0, 20.0]]])
bump = gaussian_heatmaps(place, (64, 64), sigma=2.0)
print("   beta   measured x       y   predicted x       y")
for beta in (1, 5, 10, 20):
    x, y = shipped.soft_argmax(beta * bump)[0, 0].tolist()
    w = risen(beta, sigma=2.0) / (risen(beta, sigma=2.0) + 64 * 64)
    print(f"{beta:>7} {x:>12.2f} {y:>7.2f} {w * 10 + (1 - w) * 31.5:>13.2f} {w * 20 + (1 - w) * 31.5:>7.2f}")
# the logarithm of a Gaussian has no background: its soft-max is the Gaussian.
x, y = shipped.soft_argmax(bump.clamp(min=1e-38).log())[0, 0].tolist()
print(f"log-Gaussian {x:>7.2f} {y:>7.2f}")

# %% [markdown]
# With β = 1 the answer is the middle of the map, give or take a pixel: 4096 cells of logit 0 outvote one small bump. A network that is
# trained *through* the mean learns to make its logits large enough, or the background very negative. One that was trained on Gaussian
# targets and then read out by a mean has never been told.
#
# **The border pushes.** Even without any background, part of a bump may lie outside the map. What is left is a bump that was cut, and its mean lies
# further inside than its peak. Below, the second panel moves a log-Gaussian towards column 0.

# %%
betas = torch.linspace(1, 20, 39)
pull = [float(shipped.soft_argmax(beta * bump)[0, 0, 0]) - 10 for beta in betas]
share = [risen(float(beta), 2.0) / (risen(float(beta), 2.0) + 64 * 64) for beta in betas]
columns = torch.arange(64.0)
peaks = torch.linspace(0, 8, 33)
inside = torch.softmax(-((columns - peaks[:, None]) ** 2) / 8, dim=1) @ columns - peaks

figure, panels = plt.subplots(1, 2, figsize=(8.5, 2.8), layout="constrained")
panels[0].plot(betas, [(1 - w) * (31.5 - 10) for w in share], color="tab:blue", label="predicted: (1 − w) (c − x)")
panels[0].plot(betas, pull, ".", color="tab:red", label="measured")
panels[0].set(xlabel="β", ylabel="bias of x, px", title="pulled by the background")
panels[0].legend(fontsize=8)
panels[1].plot(peaks, inside, ".-", color="tab:red")
panels[1].set(xlabel="true column, px", ylabel="bias of x, px", title="pushed by the border, σ = 2")
plt.show()
for x in (0, 0.5, 1, 2, 4):
    print(f"true column {x:<4} bias {float(inside[peaks == x]):.2f} px")

# %% [markdown]
# **Think.** Double the resolution of the map to 128 × 128 cells, with the same σ in cells and the same place in the picture. The background now
# holds four times as many cells. Must β be four times as large for the same $w$? Ask `risen`, and say what kind of function of β it is.

# %% [markdown]
# ### Written question (3 points)
#
# A network turns an image of 64 × 48 pixels into one 16 × 12 map for each joint (stride 4, both grids edge-aligned).
#
# 1. Suppose the network is perfect: each map is a noise-free Gaussian around the true position. Read by arg-max, the answers are still
#    wrong. By how many **image** pixels on average, and why can no training remove that?
# 2. Why has soft-arg-max no such floor? And what does it pay? On one map, the bump lies at cell (3, 9) and holds 0.8 of the probability; the rest
#    is spread evenly over the map. By how many image pixels, and in which direction, is the soft-arg-max off?
# 3. Describe a map *without any background* and away from the border for which the arg-max is closer to the truth than the mean. Which quantity,
#    computed from the map alone, would warn you?

# %% [markdown] question="pose.q_quantisation" points=3
# ### BEGIN SOLUTION
# 1. The true position is anywhere within its cell, the answer is the middle of the cell. The mean distance is 0.3826 cells, so
#    4 · 0.3826 = 1.53 image pixels. It is rounding, not a lack of knowledge: the map was already perfect, and there is no better cell to
#    choose.
# 2. The mean is a continuous function of the logits: moving a little probability from one cell to its neighbour moves the answer by a
#    fraction of a cell, so positions between cells can be expressed and learnt. The price is that *all* cells vote. The middle of the map is
#    c = (7.5, 5.5), so the bias is (1 − w)(c − x) = 0.2 · (4.5, −3.5) = (0.9, −0.7) cells: 3.6 image pixels to the right and 2.8 upwards,
#    towards the middle. That is more than the arg-max ever errs here.
# 3. Two separate maxima, such as a left and a right knee with shares 0.6 and 0.4: the arg-max is right whenever the larger one is, the mean
#    lies between them, where nothing is. For bumps with σ = 2 at columns 16 and 48 the mean is 28.8. The variance or covariance of the map
#    warns: 249.8 instead of the 4 of a single bump. The entropy of the map, or the ratio of the two highest separate peaks, would do as well.
#
# **Rubric**: 1 point for 1.5 image pixels (accept 1.5 to 1.6) with the reason that the set of answers is discrete; half for 0.38 cells
# without the factor 4, or for the number without the reason · 1 point for continuity of the mean *and* 3.6 px right, 2.8 px up (accept 4.6 px
# towards the middle); half for either, and for (0.9, −0.7) cells without the stride · 1 point for a right example with a right warning
# quantity; half for either.
# ### END SOLUTION

# %% [markdown]
# ## 9. A head that looks at the map
#
# Back to the stick figures. The same three convolutions, no coordinate channels, and instead of averaging the map away, one
# more convolution that makes one heatmap for each joint, and the mean position of each. Loss, labels, batches and steps are those of section 4.
# Nobody says what a map should look like.

# %%
def to_image(points: Tensor, maps: Tensor) -> Tensor:
    """Map coordinates to image pixels: equal normalised coordinates on both grids."""
    return norm_to_pixel(pixel_to_norm(points, maps.shape[-2:], align_corners=False), (HEIGHT, WIDTH), align_corners=False)


class IntegralPose(nn.Module):
    """Images to joints [N, 7, 2] in pixels, through one heatmap per joint (stride 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(*convolutions(1), nn.Conv2d(64, JOINTS, 1))

    def forward(self, images: Tensor) -> Tensor:
        maps = self.maps(images)
        return to_image(shipped.soft_argmax(maps), maps)

# %%
torch.manual_seed(0)
integral = IntegralPose()
count = steps(full=250, graded_steps=2)
integral_run = train(integral, count)
with torch.no_grad():
    maps = integral.maps(new_images)
    found = integral(new_images)
errors |= {"arg-max of maps": pixel_error(to_image(argmax(maps), maps)), "mean of maps": pixel_error(found)}
if count == 250:
    # over ten seeds: mean 1.22 px, standard deviation 0.05; the same maps read by arg-max 2.06 px, standard deviation 0.07.
    best = errors["mean of maps"]
    assert best < 1.6 < errors["arg-max of maps"] < errors["direct"] < errors["average figure"], errors
    print(f"integral regression: about {best:.0f} px, direct regression: about {errors['direct']:.0f} px")
    print(f"the same maps read by arg-max are worse: {errors['arg-max of maps'] > best}")

# %%
figure, panels = plt.subplots(1, 5, figsize=(10.5, 2.4), num="finished", layout="constrained", width_ratios=(1, 1, 1, 1, 1.3))
for panel, joint, name in zip(panels, (0, 3, 6), ("head", "right hand", "right foot")):
    panel.imshow(torch.softmax(maps[3, joint].flatten(), dim=0).reshape(maps.shape[-2:]), cmap="viridis")
    panel.plot(*shipped.soft_argmax(maps)[3, joint], "+", color="red", markersize=10)
    panel.set_title(f"map: {name}", fontsize=9)
panels[3].imshow(new_images[3, 0], cmap="Greys", vmax=1.4)
panels[3].scatter(*new_joints[3].T, s=30, facecolors="none", edgecolors="tab:green")
panels[3].scatter(*found[3].T, s=20, marker="x", color="tab:red", linewidths=1)
panels[3].set_title("all seven joints", fontsize=9)
for panel in panels[:4]:
    panel.axis("off")
bars = panels[4].barh(list(errors), list(errors.values()), color=("0.85", "0.7", "0.55", "tab:red"))
panels[4].bar_label(bars, fmt="%.1f", fontsize=8, padding=2)
panels[4].set(xlim=(0, 6.5))
panels[4].tick_params(labelsize=8)
panels[4].set_title("error on new figures, px", fontsize=9)
plt.show()

# %% [markdown]
# Half the error of the first head, from the same convolutions, the same number of steps and no coordinate channels. And the maps that came out
# are sharp peaks, although no label ever asked for a peak.
#
# **Where, and how?** An error of 2.7 px hides two questions: *where* is the person, and *how* are arms and legs held? Take each figure relative to
# its own neck, truth and answer alike: what is left is the pose alone. (In three dimensions people often report nothing else, since how far away a
# person stands can hardly be seen.) Look at the ten figures of section 4 again, and make a guess before you run the cell.

# %%
def from_neck(points: Tensor) -> Tensor:
    """The six joints other than the neck, relative to the neck: [N, 7, 2] to [N, 6, 2]."""
    return (points - points[:, 1:2])[:, [0, 2, 3, 4, 5, 6]]


pose_errors = {}
for name, points in {"average figure": mean_figure.expand_as(new_joints), "direct": answers, "mean of maps": found}.items():
    pose_errors[name] = float((from_neck(points) - from_neck(new_joints)).norm(dim=-1).mean())
if count == 250:
    # over ten seeds: direct 2.31 px, standard deviation 0.02; integral 1.50 px, standard deviation 0.06.
    print(f"relative to the neck, the average figure is wrong by {pose_errors['average figure']:.1f} px")
    print(f"direct regression is at least a tenth better: {pose_errors['direct'] < 0.9 * pose_errors['average figure']}")
    print(f"integral regression is at least a fifth better: {pose_errors['mean of maps'] < 0.8 * pose_errors['average figure']}")

# %% [markdown]
# Direct regression has learnt where people are, and about their arms and legs next to nothing: it moves one average figure to the right place. From an
# average over the map, that is by far the easiest thing to learn.

# %%
runs = {"direct regression": direct_run, "integral regression": integral_run}
loss_curves(
    {name: [error for _, error in run.validations] for name, run in runs.items()},
    steps={name: [step for step, _ in run.validations] for name, run in runs.items()},
    y="error on new figures, px",
    caption="same convolutions, batches and loss",
)
plt.axhline(dummy, color="0.6", linestyle=":")
plt.annotate("average figure", (250, dummy), ha="right", va="bottom", fontsize=8, color="0.4")
plt.ylim(0, None)
plt.show()

# %% [markdown]
# ## 10. Guided experiment: one frame knows nothing of the last
#
# Both networks look at one picture at a time. In a film the same joint comes back thirty times a second, a little further on, and the errors of
# single frames make it tremble. Neighbouring frames can be averaged, but a joint that moves is then seen where it *was*. Below, a hand rests and then
# waves; each frame's answer is its true position with an error of 1.2 px in each coordinate, as if the errors were independent. (In a real film
# they are not: the same sleeve fools the network in every frame. Notebook 6 has sequences.)
#
# Two filters, both causal: they know the past alone. `average` takes the last n answers. `with_velocity` keeps a position **and a speed**,
# predicts the next frame from both, and corrects them by a share of the surprise.

# %%
def average(seen: Tensor, n: int) -> Tensor:
    """Mean of the last n frames: [T, 2] to [T, 2]."""
    return torch.stack([seen[max(0, t + 1 - n) : t + 1].mean(dim=0) for t in range(len(seen))])


def with_velocity(seen: Tensor, gain: float) -> Tensor:
    """Constant-velocity filter: predict, then correct position and speed by the surprise."""
    position, speed, answers = seen[0], torch.zeros(2), []
    for now in seen:
        surprise = now - (position + speed)
        position = position + speed + gain * surprise
        speed = speed + gain**2 / (2 - gain) * surprise
        answers.append(position)
    return torch.stack(answers)


frame = torch.arange(600)
angle = (frame - 240).clamp(min=0) * 2 * math.pi / 60  # rests for 240 frames, then takes 60 for each wave
hand = torch.stack((28 + 8 * angle.sin(), 10 + 2 * angle.cos()), dim=-1)
seen = hand + 1.2 * torch.randn(600, 2, generator=torch.Generator().manual_seed(5))

# %%
filters = {"single frames": seen}
filters |= {f"average of {n}": average(seen, n) for n in (3, 5, 15)}
filters |= {f"with velocity, gain {gain}": with_velocity(seen, gain) for gain in (0.3, 0.4)}
print(f"{'':<26} at rest   waving   (mean distance, px)")
for name, track in filters.items():
    off = (track - hand).norm(dim=-1)
    print(f"{name:<26} {off[20:240].mean():>7.1f} {off[260:].mean():>8.1f}")

figure, panel = plt.subplots(figsize=(8.5, 2.6))
panel.plot(frame, seen[:, 0], ".", color="0.7", markersize=4, label="single frames")
panel.plot(frame, hand[:, 0], color="black", linewidth=1, label="truth")
panel.plot(frame, filters["average of 15"][:, 0], color="tab:orange", label="average of 15")
panel.plot(frame, filters["with velocity, gain 0.3"][:, 0], color="tab:blue", label="with velocity, gain 0.3")
panel.set(xlim=(200, 360), xlabel="frame", ylabel="column of the hand, px")
panel.legend(fontsize=7, loc="upper left")
plt.show()

# %% [markdown]
# An average of n frames divides the error of a hand at rest by √n, and shows a moving one where it was (n − 1)/2 frames ago. A filter that also
# keeps the speed lags only when the speed *changes*: compare rows that are equally calm at rest. The gain over a good average is modest; the price of
# a bad one, fifteen frames long, is not.
#
# **Think.** The joint moves v pixels a frame, and the error of one frame has standard deviation s in each coordinate. Write the expected squared
# error of the average of n frames as a sum of two terms, and find the best n for v = 0.5 and s = 1.2.

# %% [markdown]
# ## 11. Extension: take the background off
#
# The formula of section 8 can be turned round. Suppose you know the **floor** of a map: the logit $f$ that its background has. What stands out
# above the floor is the bump, and the bump alone says where it is:
#
# $$
# a_k = e^{h_k} - e^{f}, \qquad
# w = \frac{\sum_k a_k}{\sum_k e^{h_k}}, \qquad
# x = \frac{\sum_k a_k \, x_k}{\sum_k a_k}, \qquad
# \text{bias} = \hat{x} - x = (1 - w)(c - x) .
# $$
#
# A cell below the floor counts against the bump: its $a_k$ is negative, and stays so. As a loop, for one map:
#
# ```
# for every cell k at (column, row):
#     weight = exp(h[k]);   rise = weight - exp(floor)
#     total += weight;   risen += rise;   sum_x += rise * column;   sum_y += rise * row
# w = risen / total
# bias = (1 - w) * (middle of the map - (sum_x / risen, sum_y / risen))
# ```
#
# On paper, one could as well solve the formula of section 8 for $x_{\text{bump}}$ and divide by $w$. In a computer both go wrong on a map that
# is **almost flat**, which is what an untrained network gives you: then $e^{h_k}$ and $e^f$ agree in all but their last digits, and their
# difference is noise. Take a common factor out, $e^{h} - e^{f} = e^{h} \left(1 - e^{f - h}\right)$, and meet `torch.expm1(z)`, which is
# $e^z - 1$ with all its digits, however small $z$ is.
#
# ### Exercise 6: `integral_bias` (4 bonus points)
#
# Everything of PyTorch is allowed. A list to check yourself against: maps whose logits differ by 10⁻⁵ alone · a map that lies on its floor
# throughout (bias 0, share 0, gradient 0) beside others that do not · logits of ±10⁴ · a constant of 200 added to map and floor, which must not
# change a thing · one cell · no people · float64.

# %% exercise="pose.integral_bias"
def integral_bias(heatmaps: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    """How far the background pulls the soft-arg-max of a map, and the share of the bump.

    Args:
        heatmaps: finite logits [B, J, H, W], any strides.
        floor: logit of the background [B, J]; no more than 50 above the lowest logit of its map.

    Returns:
        The bias [B, J, 2], x then y, in pixels: what to subtract from the soft-arg-max. And the share w of the bump, [B, J].
        Same dtype as the maps; both are 0, with gradient 0, where every logit of a map equals its floor.
    """
    ### BEGIN SOLUTION
    height, width = heatmaps.shape[-2:]
    logits, ground = heatmaps.flatten(2), floor[..., None]  # [B, J, H W], [B, J, 1]
    # filled before anything is computed: no 0 / 0, and no gradient.
    flat = (logits == ground).all(dim=-1, keepdim=True)
    logits, ground = logits.masked_fill(flat, 0.0), ground.masked_fill(flat, 0.0)
    rise = -torch.expm1(ground - logits) * torch.softmax(logits, dim=-1)
    share = rise.sum(dim=-1)
    cell = torch.arange(height * width, device=heatmaps.device)
    # counted from the middle of the map, so that c is 0.
    away = torch.stack((cell % width - (width - 1) / 2, cell // width - (height - 1) / 2), dim=-1).to(heatmaps.dtype)
    position = rise @ away / rise.sum(dim=-1, keepdim=True).masked_fill(flat, 1.0)
    return -(1 - share)[..., None] * position, share
    ### END SOLUTION


# %% check="pose.integral_bias"
check("pose.integral_bias", integral_bias)

# %% [markdown]
# Does it bring the bump back? First the noise-free bumps of section 8, whose floor is known to be 0. Then two hundred maps with noise on every logit,
# where the floor has to be guessed from the map: once as its lowest logit, once as its median.

# %%
for beta in (1, 5, 10):
    bias, share = integral_bias(beta * bump, torch.zeros(1, 1))
    x, y = (shipped.soft_argmax(beta * bump) - bias)[0, 0].tolist()
    print(f"beta {beta:>2}: share of the bump {float(share):.3f}, corrected ({x:.2f}, {y:.2f})")

generator = torch.Generator().manual_seed(4)
print("beta  noise   mean off by   floor: lowest logit   floor: median")
for beta, noise in ((5, 0.1), (5, 0.3), (8, 0.1), (8, 0.3)):
    noisy = beta * bump.double() + noise * torch.randn(200, 1, 64, 64, generator=generator, dtype=torch.float64)
    mean, flat = shipped.soft_argmax(noisy), noisy.flatten(2)
    left = [(mean - place).norm(dim=-1).mean()]
    for floor in (flat.amin(dim=-1), flat.median(dim=-1).values):
        left.append((mean - integral_bias(noisy, floor)[0] - place).norm(dim=-1).mean())
    print(f"{beta:>4} {noise:>6} {left[0]:>10.1f} px {left[1]:>18.1f} px {left[2]:>13.1f} px")

# %%
one = 5 * bump + 0.1 * torch.randn(1, 1, 64, 64, generator=generator)
mean, flat = shipped.soft_argmax(one), one.flatten(2)
figure, panel = plt.subplots(figsize=(4.6, 3.4), layout="constrained")
panel.imshow(one[0, 0], cmap="Greys")
panel.plot(*place[0, 0], "o", color="tab:green", markersize=14, fillstyle="none", label="truth")
panel.plot(*mean[0, 0], "+", color="tab:red", markersize=12, label="mean")
for name, colour, floor in (("lowest logit", "tab:orange", flat.amin(dim=-1)), ("median", "tab:blue", flat.median(dim=-1).values)):
    panel.plot(*(mean - integral_bias(one, floor)[0])[0, 0], "x", color=colour, label=f"floor: {name}")
panel.plot(31.5, 31.5, "s", color="black", markersize=4, label="middle of the map")
figure.legend(loc="outside right upper", fontsize=8)
panel.set(xlim=(-0.5, 63.5), ylim=(63.5, -0.5), title="β = 5, noise 0.1")
plt.show()

# %% [markdown]
# The formula is exact, and everything depends on the floor. The lowest of 4096 noisy logits says what the noise can do at worst, not what the
# background is. The median does well as long as the bump covers less than half of the map and the noise is small.
#
# **Think.** With noise of 0.3 even the median leaves pixels of bias, always towards the middle. Which floor, in terms of the noise's standard
# deviation, would be right on average? (What is the mean of $e^{h}$ when $h$ is Gaussian? And its median?)
#
# And what did *training* do about the pull? Ask your trained maps for their share:

# %%
if count == 250:
    _, share = integral_bias(maps, maps.flatten(2).median(dim=-1).values)
    print(f"half of the trained maps have a share of more than 0.95: {float(share.median()) > 0.95}")

# %% [markdown]
# **Check yourself before you go on.** Can you, without looking,
#
# * name two ways to mask a loss of which one fails on NaN labels?
# * name a wrong loss that a test with one person cannot see, and one that a test without hidden joints cannot see?
# * say what the first loss of an untrained regression network should be, and why?
# * explain why the average over a feature map cannot say where something is?
# * derive p (x − E[x]), and say what it does to a logit left of the answer?
# * say what happens to the mean when the background gets a little brighter everywhere, and why the arg-max does not care?
# * say why averaging over frames helps a hand at rest and hurts a hand that waves?
