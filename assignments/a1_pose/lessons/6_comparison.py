# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 6. Which head is best? Three answers in one unit
#
# A loss of .058 on joints, a loss of .00024 on heatmaps, a loss of .9 pixels: three heads, three numbers, and nothing to compare. This
# notebook measures all three in pixels, on the same people, with the same backbone, and looks at what the mean hides.
#
# **After this notebook you can**
#
# * measure a pose net: mean error, share of correct keypoints, the area under its curve, similarity of keypoints, and what each leaves out;
# * write a test that tells a right measure from a wrong one;
# * train three heads on one backbone so that they can be compared, each in the mode it belongs in;
# * say what an arg-max can reach at best, before anything is trained;
# * train a net on real pictures, and hand in its weights.
#
# About 60 minutes. 15 points: two exercises (8), one test that you write (4) and one written question (3). On top, 11 bonus points.
#
# ![Errors of three heads beside the dummy, and shares of joints within a distance](figures/6_comparison.png)
#
# *What you will have at the end: every head in one unit, beside somebody who always answers the mean pose, and what is left of an error when
# the right cell is known.*

# %% [markdown]
# ## Conventions
#
# | | in this course |
# |---|---|
# | a point | `(x, y)`: **x first**, to the right; y downwards; pixel centres are whole numbers |
# | an error | Euclidean distance in **pixels of the picture**, whatever the head's own unit is |
# | map cell (i, j), stride s | its centre is pixel `((j + ½) s − ½, (i + ½) s − ½)`: with s = 4 the pixels 1.5, 5.5, 9.5 … |
# | who counts | joints with `visible` true, over the whole batch; labels of the others may be anything, NaN as well |
# | a threshold | **counts**: at most, not below |
# | nobody visible | the score is 0 |
# | dtype, device | an answer has those of what came in; float32 and float64 are tested |
# | inputs | are left as they were, and so are the global random generators (a training may seed them) |
# | any size | a batch may be empty (B = 0), and a tensor may be a view that is not contiguous in memory |
#
# The last three lines hold for every exercise, whether it says so again or not, and hidden checks look at them.

# %% setup=true
from pathlib import Path

import h5py
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import vislab.ops.gaussian_heatmaps as heatmaps
import vislab.ops.soft_argmax as shipped
from vislab.check import check
from vislab.check.budget import steps
from vislab.data import AffineJitter, Augmentation, ColourJitter, DeviceLoader, open_dataset
from vislab.models.heatmap_net import HeatmapNet
from vislab.show.skeletons import bones_of, skeleton
from vislab.train import fit

plt.rcParams["figure.dpi"] = 80

# %% [markdown]
# ## 1. A share of the person, not of the picture
#
# Four pixels are a lot on a child far away and little on a face that fills the picture. The **share of correct keypoints**, PCK@α, calls a
# joint found when it is off by at most α times the size of its person, in pixels, its *scale* (what is taken for the size, the head, the torso or the
# longer side of the person, must be said with every PCK; here it is given):
#
# ```
# found = count = 0
# for b in range(B):
#     for j in range(J):
#         if visible[b, j]:
#             count += 1
#             if |predicted[b, j] - target[b, j]| <= alpha * scale[b]:   # the threshold itself counts
#                 found += 1
# pck = found / count, or 0 where count is 0
# ```
#
# ### Exercise 13a: `pck` (2 points)

# %% exercise="pose.pck"
def pck(predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, *, alpha: float) -> Tensor:
    """Share of the visible joints, over the whole batch, that lie within alpha times their person's scale.

    Args:
        predicted, target: [B, J, 2], pixels. Labels of joints that are not visible may be anything.
        visible: bool [B, J].
        scale: [B], pixels.
        alpha: share of the scale.

    Returns:
        One number [], same dtype as the predictions.
    """
    ### BEGIN SOLUTION
    off = torch.linalg.vector_norm(predicted - target, dim=-1)  # [B, J]
    found = (off <= alpha * scale[:, None]) & visible
    return found.sum().to(predicted.dtype) / visible.sum().clamp(min=1)
    ### END SOLUTION


# %% check="pose.pck"
check("pose.pck", pck)

# %% [markdown]
# Two nets with the **same mean error** of 5 px on people of 50 px: one is a little wrong everywhere, the other is right on nine joints of ten and
# lost on the tenth. Watch the share of correct keypoints as α grows.

# %%
generator = torch.Generator().manual_seed(0)
truth, size = torch.zeros(200, 10, 2), torch.full((200,), 50.0)
turned = torch.nn.functional.normalize(torch.randn(200, 10, 2, generator=generator), dim=-1)
even, lost = 5 * turned, torch.where(torch.arange(10)[:, None] == 0, 41 * turned, turned)
for name, guess in (("a little wrong everywhere", even), ("lost on one joint of ten", lost)):
    mean = torch.linalg.vector_norm(guess, dim=-1).mean()
    seen = torch.ones(200, 10, dtype=torch.bool)
    shares = [float(pck(guess, truth, seen, size, alpha=alpha)) for alpha in (0.05, 0.09, 0.11, 0.2)]
    print(f"{name:26} mean error {mean:.1f} px, PCK at .05 .09 .11 .2:", *(f"{share:.2f}" for share in shares))

# %% [markdown]
# **Think.** Which of the two would you rather have in a net that feeds a physiotherapist's app, and which in one whose joints are smoothed over
# time afterwards? Which single number would have told you?

# %% [markdown]
# ## 2. A test of a measure
#
# A wrong net shows in its score. A wrong score shows nowhere: every net that is compared with it is compared wrongly, and nobody notices. So the
# measure is what to test first. A good test
#
# * knows the answer from elsewhere: distances of 3-4-5 triangles and shares that one can count on fingers;
# * is **generic**, so that a wrong term shows: people of different sizes, different numbers of visible joints, joints that are hidden *and* wrong
#   or hidden *and* right;
# * looks at the edges on purpose: a distance exactly on the threshold, nobody visible, the other dtype;
# * allows for rounding, and for nothing else: a right implementation that fails your test even once costs all points.
#
# ### Exercise 13b: `test_pck` (4 points)
#
# Write a test of `pck`. It gets an implementation, calls it as you would call your own, and raises (an `assert` will do) when the
# answer is wrong. It is run on right implementations, which it must pass, and on wrong ones, which it must fail. At home the wrong ones are
# your own solution with a fault put in; when graded there are more, and some are wrong on special inputs only.

# %% exercise="pose.test_pck"
def test_pck(impl):
    """Pass right implementations of pck, fail wrong ones; call them as impl(predicted, target, visible, scale, alpha=...)."""
    ### BEGIN SOLUTION
    zero, size = torch.zeros(2, 4, 2), torch.tensor([40.0, 80.0])
    off = torch.tensor([[[3.0, 4.0], [0.0, 1.0], [3.0, 3.0], [0.0, 0.0]], [[0.0, 9.0], [6.0, 6.0], [0.0, 11.0], [9.0, 9.0]]])
    seen = torch.tensor([[True, True, False, False], [True, True, True, False]])
    for dtype in (torch.float32, torch.float64):
        # within 5 px of the first person: 5 (on the threshold) and 1; within 10 px of the second: 9 and 8.5, but not 11.
        found = impl(off.to(dtype), zero.to(dtype), seen, size.to(dtype), alpha=0.125)
        assert found.dtype == dtype and abs(float(found) - 4 / 5) < 1e-5
    # within 4.4 and 8.8 px: 1 of the first, 8.5 of the second.
    assert abs(float(impl(off, zero, seen, size, alpha=0.11)) - 2 / 5) < 1e-5
    assert abs(float(impl(off, zero, torch.ones_like(seen), size, alpha=0.11)) - 4 / 8) < 1e-5
    assert float(impl(off, zero, torch.zeros_like(seen), size, alpha=0.125)) == 0
    ### END SOLUTION


# %% check="pose.test_pck"
check("pose.test_pck", test_pck, right=pck)

# %% [markdown]
# ## 3. Extension: three more numbers
#
# * **MPJPE**, the mean per-joint position error: the mean distance over all visible joints, in pixels. 0 where nobody is visible.
# * **AUC**, the area under the PCK curve: here the mean of PCK@α, as in section 1, over a list of thresholds. No single α is chosen, so none can
#   be chosen well.
# * **OKS**, object keypoint similarity, per person: the mean over that person's visible joints of
#   $\exp\!\big(-d_j^2 / (2 s^2 \kappa_j^2)\big)$. It falls off smoothly with the distance, and κ says how exactly a joint can be placed: an eye
#   has a small κ, a hip a large one. A person of whom nothing is visible, or of scale 0, has similarity 0.
#
# ```
# for b:  oks[b] = mean over visible j of exp(-d[b, j]^2 / (2 * scale[b]^2 * kappa[j]^2))
# ```
#
# ### Exercise 13c: `keypoint_scores` (3 bonus points)

# %% exercise="pose.keypoint_scores"
def keypoint_scores(
    predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, kappa: Tensor, *, alphas: list[float]
) -> tuple[Tensor, Tensor, Tensor]:
    """MPJPE, AUC and OKS, as described above.

    Args:
        predicted, target, visible, scale: as in pck.
        kappa: [J], no unit.
        alphas: thresholds of the AUC.

    Returns:
        MPJPE [] in pixels, AUC [], OKS [B], all of the predictions' dtype.
    """
    ### BEGIN SOLUTION
    # a label that is NaN must not be touched: 0 * NaN is NaN.
    safe = torch.where(visible[..., None], target, torch.zeros_like(target))
    square = (predicted - safe).square().sum(dim=-1)
    off, count = square.sqrt(), visible.sum().clamp(min=1)
    shares = [((off <= alpha * scale[:, None]) & visible).sum().to(predicted.dtype) / count for alpha in alphas]
    reach = 2 * scale[:, None].square() * kappa.square()
    similar = torch.where(visible & (reach > 0), torch.exp(-square / reach), torch.zeros_like(square))
    area = torch.stack(shares).mean()
    return off[visible].sum() / count, area, similar.sum(dim=1) / visible.sum(dim=1).clamp(min=1)
    ### END SOLUTION


# %% check="pose.keypoint_scores"
check("pose.keypoint_scores", keypoint_scores)

# %%
distance = torch.linspace(0, 20, 200)
figure, panel = plt.subplots(figsize=(6, 2.4))
panel.plot(distance, (distance <= 5).float(), label="PCK@.1")
for kappa, name in ((0.05, "eye"), (0.2, "hip")):
    panel.plot(distance, torch.exp(-(distance**2) / (2 * 50**2 * kappa**2)), label=f"OKS, κ = {kappa} ({name})")
panel.set(xlabel="distance in px, person of 50 px", ylabel="counts for")
panel.legend()
plt.show()

# %% [markdown]
# ## 4. Three heads, one backbone
#
# Now the comparison. The pictures are stick figures: 24 × 32, int16, the raw counts of a sensor between about 0 and 1000, with five
# joints. They are drawn anew for every check, **in colours of their own and with the joints in an order of their own**: nothing that
# was learnt elsewhere is of use. Some of the hidden pictures are overexposed. Nobody asks where *their* joints are, but they are handed in
# together with the others.
#
# The backbone is given, and the three last layers; so is how each answer becomes pixels. Read both.

# %% setup=true
STRIDE, HEADS = 4, ("regression", "heatmap", "integral")


def block(before: int, after: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    convolution = nn.Conv2d(before, after, 3, stride, dilation, dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())


class StickNet(nn.Module):
    """One backbone, and a last layer that makes 2 J numbers ("regression") or J maps of 6 x 8 cells (the others)."""

    def __init__(self, head: str, joints: int) -> None:
        super().__init__()
        self.backbone = nn.Sequential(block(3, 16, 2), block(16, 32, 2), block(32, 32), block(32, 32, dilation=2))
        flat = nn.Sequential(nn.Flatten(), nn.Linear(32 * 6 * 8, 2 * joints))
        self.last = flat if head == "regression" else nn.Conv2d(32, joints, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.last(self.backbone(pictures.float()))


def in_pixels(answer: Tensor, head: str, stride: int = STRIDE, middle: tuple[float, float] = (15.5, 11.5)) -> Tensor:
    """Positions [B, J, 2] in pixels: from tens of pixels about the middle, from the highest cell, or from the mean of a map."""
    if head == "regression":
        return 10 * answer.unflatten(1, (-1, 2)) + answer.new_tensor(middle)
    if head == "integral":
        cells = shipped.soft_argmax(answer)
    else:
        best = answer.flatten(2).argmax(dim=-1)
        cells = torch.stack((best % answer.shape[-1], best // answer.shape[-1]), dim=-1).to(answer.dtype)
    return stride * cells + (stride - 1) / 2


# %% [markdown]
# ### Exercise 14: `three_heads` (6 points)
#
# ```
# for each head:
#     a new StickNet, an optimiser, training mode
#     steps // 3 times: a random batch of 32, the head's loss, a step
#     evaluation mode, no gradients: where are the joints of the hidden pictures, in pixels?
# ```
#
# * **regression** and **integral**: the mean absolute difference of positions, in pixels or tens of pixels, after `in_pixels`.
# * **heatmap**: the cross-entropy of the soft-max over all cells with a Gaussian of σ = 1 cell, sum 1, about the joint's place *in cells* (the
#   third line of the conventions, solved for j and i): `heatmaps.gaussian_heatmaps(places, (6, 8), sigma=1.0, normalise="sum")` draws them,
#   places `[B, J, 2]`, x first. Average over people and joints.
# * Answers are what `in_pixels` makes of each head's output: regression's numbers, the centre of the heat map's highest cell, the integral
#   head's mean.
#
# What counts is three bands, in pixels: mean errors of at most 3.0 for regression, 2.4 for the heat map, 1.3 for the integral head. One head in
# its band earns 30 % of the points, two 60 %. Somebody who answers the mean pose is wrong by about 7 px. A heat map's answers must be
# centres of cells, and **each head must be one that was trained**: another head's answers, shifted, stretched or rounded, do not count.
#
# The function gets `pictures` int16 `[M, 3, 24, 32]` to train on, their `joints` float32 `[M, J, 2]` in pixels, and `hidden` int16 `[N, 3, 24, 32]`
# to be asked about; it returns float32 pixels. `steps` is the budget of all three heads together, 540 in every check, so 180 for each. Adam with
# a learning rate of 5e-3 that rises and then falls to 0 (`torch.optim.lr_scheduler.OneCycleLR`, whose `total_steps` are those of one head) gets
# there with room to spare; how you train is up to you. `seed` is for `torch.manual_seed`. One check trains for a few seconds.

# %% exercise="pose.three_heads"
def three_heads(pictures: Tensor, joints: Tensor, hidden: Tensor, *, steps: int, seed: int) -> Tensor:
    """Predictions [3, N, J, 2] for the pictures in hidden, in the order of HEADS, after training on pictures and joints."""
    ### BEGIN SOLUTION
    found = []
    for head in HEADS:
        torch.manual_seed(seed)
        net = StickNet(head, joints.shape[1]).train()
        optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 5e-3, total_steps=steps // 3 + 1, pct_start=0.2)
        for _ in range(steps // 3):
            rows = torch.randint(len(pictures), (32,))
            answer, goal = net(pictures[rows]), joints[rows]
            loss = (in_pixels(answer, head) - goal).abs().mean()
            if head == "heatmap":
                goal = heatmaps.gaussian_heatmaps((goal - 1.5) / STRIDE, answer.shape[-2:], sigma=1.0, normalise="sum")
                loss = -(goal.flatten(2) * F.log_softmax(answer.flatten(2), dim=-1)).sum(dim=-1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        with torch.no_grad():
            found.append(in_pixels(net.eval()(hidden), head))
    return torch.stack(found)
    ### END SOLUTION


# %% check="pose.three_heads"
check("pose.three_heads", three_heads)

# %%
recorded = Path("cases.h5")
if recorded.is_file():
    with h5py.File(recorded) as file:
        case = file["pose.three_heads/0/inputs"]
        shown, places = torch.from_numpy(case["in.0"][:6]), torch.from_numpy(case["in.1"][:6])
    figure, panels = plt.subplots(2, 3, figsize=(9, 4.6), layout="constrained")
    for panel, picture, place in zip(panels.flat, shown, places):
        panel.imshow((picture.movedim(0, -1) / 1023).clip(0, 1))
        panel.scatter(*place.T, c=["#d62728", "#ff7f0e", "#ffffff", "#17becf", "#111111"], edgecolors="white", s=35)
        panel.axis("off")
    plt.show()

# %% [markdown]
# **Think.** What happens to *one* overexposed picture in a batch of 160, when the net is still in training mode? And what happens to the other
# 159? Which of the two modes makes the answer to a picture depend on who else is in the batch?
#
# ## 5. What an arg-max can reach at best
#
# Put every joint into the right cell, and read the middle of that cell. What is left is rounding, and no training can remove it: this much a
# head that is read at its maximum will always be wrong by.

# %%
place = torch.rand(200_000, 2, generator=torch.Generator().manual_seed(1)) * 64 - 0.5
for stride in (2, 4, 8):
    middle = torch.floor((place + 0.5) / stride) * stride + (stride - 1) / 2
    off = torch.linalg.vector_norm(place - middle, dim=-1)
    largest, formula = stride / 2**0.5, 0.3826 * stride
    print(f"stride {stride}: {off.mean():.2f} px in the mean, {largest:.2f} px at most; .3826 x stride is {formula:.2f}")

# %% [markdown]
# ### Written question (3 points)
#
# 1. A colleague reports a loss of .00024 for a heatmap head (mean squared error over all cells) and .058 for a regression head (mean squared
#    error over normalised coordinates), and concludes that heat maps are better. Why does that not follow?
# 2. The same colleague's heat maps, of larger pictures, have cells of 16 pixels and are read at their maximum; the mean error is 6.4 px. Is it worth
#    training longer? What else could be done?
# 3. Name what you would hold equal, and what you would put beside the numbers, before you say that one head is better than another.

# %% [markdown] question="pose.q_one_unit" points=3
# ### BEGIN SOLUTION
# 1. They measure different things in different units: the one averages squared differences over all cells of all maps, nearly all of
#    which are empty and right without effort; the other squared distances of two numbers per joint. A blank map has a tiny map loss and finds
#    no joint. Only a common unit, such as the distance in pixels on the same joints, compares them.
# 2. 16 px cells: 0.3826 · 16 = 6.12 px is what rounding alone costs in the mean, so 6.4 px leaves .28 px for everything else; more training
#    cannot help, a finer map, reading between the cells (parabola, local mean), or an integral head can. 3.06 px would be the floor at stride 8.
# 3. Visible joints of the same people, in the same pictures; the same backbone, budget and augmentation; a dummy (mean pose) beside them; several
#    seeds, and a difference that is larger than their spread, paired by seed.
#
# **Rubric**: 1 point for the different units *and* that empty cells make the map loss small; half for "they are different losses" alone · 1 point for 6.12 px
# as the floor with one remedy that changes map or reading; half for the remedy without the number · 1 point for at least three of: same joints, same
# backbone or budget, a dummy, several seeds with their spread; half for two.
# ### END SOLUTION

# %% [markdown]
# ## 6. People
#
# The set `pose` holds 6,500 pictures of 64 × 64 of people whose 17 joints are known, over photographs; test pictures have photographs that training never
# shows. Whoever turns their back has a left hand where others have a right one, so we take those who turn at most 75° away from the
# camera: 2,036 to train on, 432 to be asked about. A person's size is here the longer side of the box around all 17 joints, hidden ones included;
# `measured` gives the two numbers of this section, mean error and PCK@.1, of visible joints or of others that you name.

# %%
people = open_dataset("pose")
yaw, split = people["yaw"].numpy(), people["split"].numpy()
facing = np.abs(yaw) <= np.radians(75)
rows = {name: np.flatnonzero((split == number) & facing) for number, name in enumerate(("train", "val", "test"))}
truth, visible = (torch.from_numpy(people[name][rows["test"]]) for name in ("pose_2d", "visible"))
pictures = torch.from_numpy(people["img"][rows["test"]]) / 255
extent = (truth.amax(dim=1) - truth.amin(dim=1)).amax(dim=-1)
mean_pose = torch.from_numpy(people["pose_2d"][rows["train"]]).mean(dim=0).expand_as(truth)
counts = {name: len(found) for name, found in rows.items()}
print(counts, f"{visible.float().mean():.2f} of the test joints are visible")


def measured(guess: Tensor, counts: Tensor = visible) -> tuple[float, float]:
    """Mean error in pixels, and share of joints within a tenth of their person's size, over the joints that count."""
    off = torch.linalg.vector_norm(guess - truth, dim=-1)
    return float(off[counts].mean()), float((off <= 0.1 * extent[:, None])[counts].float().mean())


print("the mean pose: {:.1f} px, PCK@.1 {:.2f}".format(*measured(mean_pose)))

# %%
bones = bones_of([int(parent) for parent in people.attributes["parents"]])
names = list(people.attributes["joint_names"])
figure, panels = plt.subplots(2, 4, figsize=(10, 5), layout="constrained")
for panel, *person in zip(panels.flat, truth, pictures, visible):
    skeleton(person[0], bones, picture=person[1], visible=person[2], names=names, ax=panel)
plt.show()

# %% [markdown]
# One backbone, `HeatmapNet` with maps of 16 × 16 cells, or 8 × 8; a linear layer on top of 16 of its maps for regression. The batches come from a
# `DeviceLoader`: the whole set lies in memory as bytes, and each batch is mirrored, turned, scaled and recoloured as a whole. A mirrored person's left hand is a right
# one: the loader exchanges the joints, as you will below. Five trainings of 300 batches, together less than a minute on two cores.

# %%
MIDDLE = (31.5, 31.5)


def backbone(head: str, stride: int) -> nn.Module:
    """A net that answers 34 numbers or 17 maps."""
    if head != "regression":
        return HeatmapNet(17, 32, 4, stride)
    return nn.Sequential(HeatmapNet(16, 32, 4, stride), nn.ReLU(), nn.Flatten(), nn.Linear(16 * (64 // stride) ** 2, 34))


def people_loss(head: str, stride: int):
    """The loss of a batch, over visible joints."""

    def loss(net: nn.Module, batch: dict) -> Tensor:
        answer, seen = net(batch["img"]), batch["visible"].bool()
        if head == "heatmap":
            cells = (batch["pose_2d"] - (stride - 1) / 2) / stride
            goal = heatmaps.gaussian_heatmaps(cells, answer.shape[-2:], sigma=1.0, normalise="sum")
            return -(goal.flatten(2) * F.log_softmax(answer.flatten(2), dim=-1)).sum(dim=-1)[seen].mean()
        return (in_pixels(answer, head, stride, MIDDLE) - batch["pose_2d"])[seen].abs().mean() / 10

    return loss


# %%
ASKED = (("regression", 4), ("heatmap", 4), ("integral", 4), ("heatmap", 8), ("integral", 8))
COUNT = steps(full=300, small_steps=10, graded_steps=2)


def trained(head: str, stride: int, seed: int = 0) -> nn.Module:
    """Train one head on the people of the training split."""
    torch.manual_seed(seed)
    net = backbone(head, stride)
    move = AffineJitter(rotation_rad=0.2, scale=(0.87, 1.15), shift=(0.1, 0.1))
    change = Augmentation(flip=0.5, affine=move, colour=ColourJitter(0.2, 0.2, 0.2))
    fields = ["img", "pose_2d", "visible"]
    batches = DeviceLoader(people, 32, rows=rows["train"], fields=fields, seed=seed, augmentation=change, drop_last=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=COUNT + 1, pct_start=0.2)
    loss, live = people_loss(head, stride), head == "integral"
    fit(net, batches, loss, optimizer=optimiser, scheduler=schedule, steps=COUNT, live=live)
    return net.eval()


def asked(net: nn.Module, pictures: Tensor) -> Tensor:
    """What a net answers to pictures."""
    with torch.no_grad():
        return torch.cat([net(part) for part in pictures.split(100)])


# %% exempt="numbers of a training, which depend on the budget"
nets = {(head, stride): trained(head, stride) for head, stride in ASKED}
answers = {key: asked(net, pictures) for key, net in nets.items()}
guesses = {(head, stride): in_pixels(answer, head, stride, MIDDLE) for (head, stride), answer in answers.items()}
for (head, stride), guess in guesses.items():
    print("{:10} stride {}: {:5.2f} px, PCK@.1 {:.2f}".format(head, stride, *measured(guess)))

# %%
if COUNT == 300:
    # ten seeds: 7.84 ± .26, 6.96 ± .42, 6.63 ± .41 px, at stride 8 8.28 ± .49 and 7.21 ± .33 px; four deviations to both sides are
    bands = ((6.8, 8.9), (5.3, 8.6), (5.0, 8.3), (6.3, 10.2), (5.9, 8.5))
    dummy_off = measured(mean_pose)[0]
    for (low, high), (head, stride) in zip(bands, ASKED):
        off = measured(guesses[head, stride])[0]
        told = f"{head}, stride {stride}: {off:.2f} px lies outside of {low} to {high} px; was the training changed?"
        assert low < off < high < dummy_off, told
    # coarser cells cost the heat map 1.3 ± .2 px, in every one of these seeds.
    assert measured(guesses["heatmap", 8])[0] > measured(guesses["heatmap", 4])[0] + 0.5

# %% [markdown]
# Beside the dummy, and as a curve. Dotted lines are what is left when every joint is in the right cell (section 5): no head that is read at its
# maximum gets below.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), num="finished", layout="constrained")
shown = {f"{head} /{stride}": guess for (head, stride), guess in guesses.items()} | {"mean pose": mean_pose}
colours, names = ("C0", "C1", "C2", "C1", "C2", "0.6"), [name.replace(" ", "\n") for name in shown]
left.bar_label(left.bar(names, [measured(guess)[0] for guess in shown.values()], color=colours), fmt="%.1f")
for bar, stride in ((1, 4), (3, 8)):
    left.hlines(0.3826 * stride, bar - 0.4, bar + 0.4, color="black", linestyle=":")
left.set(ylabel="mean error, px", title="visible joints of test people", ylim=(0, 13))
left.tick_params(axis="x", labelsize=8)
radius = torch.linspace(0, 20, 81)
for (name, guess), colour in zip(shown.items(), colours):
    off = torch.linalg.vector_norm(guess - truth, dim=-1)[visible]
    share = [float((off <= limit).float().mean()) for limit in radius]
    right.plot(radius, share, "--" if "/8" in name else "-", color=colour, label=name)
right.set(xlabel="distance, px", title="share of joints within a distance")
right.legend(fontsize=8)
plt.show()

# %% [markdown]
# **Think.** This is *one* training of each. Train `("heatmap", 4)` and `("integral", 4)` again with other seeds (`trained(head, 4, seed=1)`, some ten
# seconds each): which of the steps between bars would you bet on?

# %% [markdown]
# ### The same maps, read in two ways
#
# A heat map that was trained to be a Gaussian can be read at its maximum or by its mean, and so can the maps of the integral head, which nobody told what to look
# like. Which reading belongs to which head? Guess before you run the cell.

# %% exempt="numbers of a training, which depend on the budget"
for (head, stride), answer in answers.items():
    if head != "regression":
        for way, name in (("heatmap", "at the maximum"), ("integral", "by the mean")):
            off, share = measured(in_pixels(answer, way, stride))
            print(f"{head:8} stride {stride}, {name:14}: {off:.2f} px, PCK@.1 {share:.2f}")

# %% [markdown]
# **Think.** Nobody told the integral head where the top of its map should be, so it suffers at the maximum. But a heat map was told, and its mean
# error is smaller by the mean as well. For which joints does a mean beat a maximum that is in the right place more often? (Notebook 4 has the two maps
# to think of.)

# %% [markdown]
# ### Which joints, and who is hidden
#
# `visible` is false where something stands in front of a joint: another limb, an object, or the person's own body. Labels are known all the same,
# since the people are rendered, so the error on hidden joints can be measured although no loss ever saw them.

# %% exempt="numbers of a training, which depend on the budget"
best, dummy = (torch.linalg.vector_norm(guess - truth, dim=-1) for guess in (guesses["integral", 4], mean_pose))
names = list(people.attributes["joint_names"])
figure, panel = plt.subplots(figsize=(10, 2.6))
for offset, mask, name in ((-0.2, visible, "visible"), (0.2, ~visible, "hidden")):
    panel.bar(np.arange(17) + offset, (best * mask).sum(dim=0) / mask.sum(dim=0).clamp(min=1), 0.4, label=name)
panel.set_xticks(range(17), names, rotation=60, fontsize=9, ha="right", rotation_mode="anchor")
panel.set(ylabel="mean error, px", title="integral head")
panel.legend()
plt.show()
print(f"visible {best[visible].mean():.1f} px, hidden {best[~visible].mean():.1f} px")
print(f"the mean pose: {dummy[visible].mean():.1f} px on visible ones, {dummy[~visible].mean():.1f} px on hidden ones")

# %% [markdown]
# **Think.** The net never saw a label of a hidden joint, and still does better on them than the mean pose. Where does it know from? And why are
# wrists and ankles worse than hips, hidden or not?

# %% [markdown]
# ## 7. Extension: two looks, one of them in a mirror
#
# Show the net the picture and its mirror image, bring the second maps back, and take the mean. Bringing back takes **two** steps: turn
# the maps around, and exchange left and right joints, since what looks like a left hand in the mirror is a right one. `twin[j]` is the number
# of the joint on the other side, or `j` itself for a joint in the middle, such as the head.
#
# ```
# average[b, j, y, x] = (maps[b, j, y, x] + mirrored[b, twin[j], y, W - 1 - x]) / 2
# ```
#
# ### Exercise 13d: `flip_average` (2 bonus points)

# %% exercise="pose.flip_average"
def flip_average(maps: Tensor, mirrored: Tensor, twin: Tensor) -> Tensor:
    """Mean of the maps of a picture and those of its mirror image, brought back.

    Args:
        maps, mirrored: [B, J, H, W].
        twin: int64 [J], the joint on the other side.

    Returns:
        [B, J, H, W], same dtype.
    """
    ### BEGIN SOLUTION
    return (maps + mirrored.flip(-1)[:, twin]) / 2
    ### END SOLUTION


# %% check="pose.flip_average"
check("pose.flip_average", flip_average)

# %% [markdown]
# What is it worth? First on maps that we make: bumps about known places and noise, in both looks a noise of its own. Means of two such numbers are
# off by $1 / \sqrt 2$ = .71 of what each is off by.

# %%
twin = torch.tensor([int(other) for other in people.attributes["mirror"]])
print("twin is its own inverse:", bool((twin[twin] == torch.arange(17)).all()))
generator = torch.Generator().manual_seed(0)
places = 5 + 5 * torch.rand(400, 17, 2, generator=generator)
in_the_mirror = torch.stack((15 - places[..., 0], places[..., 1]), dim=-1)[:, twin]
looks = [6 * heatmaps.gaussian_heatmaps(each, (16, 16), sigma=2.0) for each in (places, in_the_mirror)]
first, second = (look + 0.3 * torch.randn(look.shape, generator=generator) for look in looks)
clean, one, two = (shipped.soft_argmax(maps) for maps in (looks[0], first, flip_average(first, second, twin)))
off = [float(torch.linalg.vector_norm(each - clean, dim=-1).mean()) for each in (one, two)]
print(f"noise moves a place by {off[0]:.3f} cells in one look, by {off[1]:.3f} in two: {off[1] / off[0]:.2f} times as far")

# %% [markdown]
# Then on the nets: once as above, and once with the maps turned back and left and right joints *not* exchanged.

# %% exempt="numbers of a training, which depend on the budget"
figure, panel = plt.subplots(figsize=(4.5, 2.2))
for offset, head in ((-0.2, "heatmap"), (0.2, "integral")):
    once, second = answers[head, 4], asked(nets[head, 4], pictures.flip(-1))
    ways = (once, flip_average(once, second, twin), (once + second.flip(-1)) / 2)
    one, two, kept = (measured(in_pixels(maps, head))[0] for maps in ways)
    print(f"{head:8} one look {one:.2f} px, two looks {two:.2f} px: {1 - two / one:.1%} less; sides kept {kept:.2f} px")
    panel.bar(np.arange(3) + offset, (one, two, kept), 0.4, label=head, color="C1" if head == "heatmap" else "C2")
    # ten seeds: .33 ± .07 and .18 ± .05 px less with two looks; 1.2 ± .1 and 1.3 ± .1 px more where sides are kept.
    assert COUNT < 300 or two < one < kept - 0.5, f"{head}: two looks should help, and harm where sides are kept"
panel.set_xticks(range(3), ["one look", "two looks", "sides kept"])
panel.set(ylabel="mean error, px")
panel.legend(fontsize=8, loc="lower right")
plt.show()

# %% [markdown]
# **Think.** Noise of its own in each look would leave .71 of the error. Why is so much more left, although the two looks do differ?

# %% [markdown]
# ## 8. Extension: hand in a net of your own
#
# ### Exercise 14b: the weights of a pose net (6 bonus points)
#
# Train `HeatmapNet(joints=17, width=32, blocks=6, stride=4)` as long as you like, on whatever you like, and save its weights beside this notebook as
# `pose_net.safetensors`: `save_file(net.state_dict(), pose_net_file)` of `safetensors.torch` does that for a net on the CPU. They are judged on 200 hidden pictures at a time, of people and photographs that are in none of your files, who turn at
# most 75° away: pictures in [0, 1], maps read at their highest cell. What counts is the share of visible joints within **4 pixels**: .5 earns three points,
# .75 the other three. An untrained net finds .02, one that confuses left and right .4. 3,000 batches of 32 reach .84: two to three minutes on
# a processor, less on a GPU. Mind that an augmentation may take a joint out of the picture, where it is still called visible, and that a heat map is a question of *which
# cell*.
#
# At home the check measures your file on a few training pictures: whoever reads pictures or cells wrong sees it there. For what to expect of the hidden ones, use
# the test split; it is the harder one of the two: the net that finds .84 of the hidden joints finds .68 there. Call `train_pose_net()` in a cell of
# your own, and delete that cell before you hand in. The file belongs into your submission, beside the notebook.

# %% exercise="pose.net"
pose_net_file = "pose_net.safetensors"


def train_pose_net(total: int = 3000, device: str = "cpu") -> None:
    """Train the net and save its weights as pose_net_file."""
    ### BEGIN SOLUTION
    from safetensors.torch import save_file

    people = open_dataset("pose")
    facing = np.flatnonzero((people["split"].numpy() == 0) & (np.abs(people["yaw"].numpy()) <= np.radians(75)))
    move = AffineJitter(0.2, (0.87, 1.15), (0.1, 0.1))
    change = Augmentation(flip=0.5, affine=move, colour=ColourJitter(0.2, 0.2, 0.2))
    batches = DeviceLoader(people, 32, rows=facing, fields=["img", "pose_2d", "visible"], augmentation=change, device=device, drop_last=True)
    net = HeatmapNet(17, 32, 6, 4).to(device)
    optimiser = torch.optim.AdamW(net.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=total + 1, pct_start=0.2)

    def loss(net, batch):
        goal = heatmaps.gaussian_heatmaps((batch["pose_2d"] - 1.5) / 4, (16, 16), sigma=1.0, normalise="sum")
        return -(goal.flatten(2) * F.log_softmax(net(batch["img"]).flatten(2), dim=-1)).sum(dim=-1)[batch["visible"].bool()].mean()

    fit(net, batches, loss, optimizer=optimiser, scheduler=schedule, steps=total, seed=0)
    save_file({name: value.cpu().contiguous() for name, value in net.state_dict().items()}, pose_net_file)
    ### END SOLUTION


# %% check="pose.net"
check("pose.net", pose_net_file)

# %% [markdown]
# ## Check yourself before you go on
#
# * What does PCK tell that the mean error does not, and the other way round?
# * Why does a head that is read at its maximum stop improving at .38 times the stride?
# * Which of the three heads answers between the cells, and what did nobody tell it about its maps?
# * Which mode belongs to training, which to asking, and what goes wrong with each in the wrong place?
# * What must happen besides turning the maps around when a mirror image is averaged in?
