# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 4. How sure is a map? Two maxima, outliers, uncertainty
#
# A network says "the left hand is here", and three things can be wrong with that. It may have had two candidates and given you the place
# between them. It may have learnt from labels some of which were nonsense. And it may have had no idea, because the hand was behind a
# cupboard, and not have told you. A heatmap knows more about all three than its mean says; this notebook gets it out.
#
# **After this notebook you can**
#
# * find the separate maxima of a map, flat tops and borders included;
# * say how sure a map is, and in which direction;
# * tell from a loss's derivative how much harm one wrong label can do, and choose a loss that bounds it;
# * write a test that catches wrong implementations without failing right ones;
# * (extension) train a network that says how wrong it will be, and check whether it keeps its word;
# * (extension) read four losses between heatmaps in one unit.
#
# About 75 minutes. 24 points: four exercises (17), a test that you write (4) and one written question (3). Two extensions are worth
# 8 bonus points on top.
#
# ![A map with two maxima, a half hidden figure, predicted against true error, errors after wrong labels](figures/4_uncertainty.png)
#
# *What you will have at the end: the candidates of an ambiguous map; ovals that grow where a limb is hidden; a predicted error that is
# about the true one; and three losses trained on the same wrong labels.*

# %% [markdown]
# ## Conventions
#
# | | in this course |
# |---|---|
# | a point | `(x, y)`: **x first**, to the right; y downwards |
# | a heatmap | `[B, J, H, W]`: one map of H rows and W columns for each joint of each person, stored row by row |
# | values | **logits** unless it says otherwise: the soft-max over *all cells of one map* makes probabilities of them |
# | pixel coordinates | cell centres are whole numbers: columns 0 … W − 1, rows 0 … H − 1 |
# | reading order | row by row, from the upper left |
# | the window of a cell | the cell and its 8 neighbours, the diagonal ones included; beyond the border there is nothing, and nothing is lower than any number |
# | a residual r | label minus prediction, or the other way round: losses are even, so it does not matter; their derivatives are with respect to r |
# | image to map | both grids edge-aligned (`align_corners=False`, notebook 1) |
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

plt.rcParams["figure.dpi"] = 80

# %% [markdown]
# ## 1. Two maxima
#
# Notebook 2 ended with a map of one row that says "either here or there": 60 % of it lie around column 16, 40 % around column 48.

# %%
x = torch.arange(64, dtype=torch.float64)
either = (0.6 * torch.exp(-((x - 16) ** 2) / 8) + 0.4 * torch.exp(-((x - 48) ** 2) / 8)).reshape(1, 1, 1, 64)
mean, variance = shipped.soft_argmax(either.log(), return_variance=True)
print(f"mean {mean[0, 0, 0]:.1f}   arg-max {int(either.argmax())}   variance {variance[0, 0, 0]:.1f} (of one bump alone: 4.0)")

# %% [markdown]
# The mean lies where nothing is. The arg-max drops four tenths of what the map knows. What one would like to hear is: *16 or 48, and here
# is how much speaks for each.* So: find the **peaks**.
#
# A peak is a cell that nobody in its window beats. That sentence has a hole. Sigmoids saturate, values are clipped, half precision
# rounds: real maps have **plateaus**, groups of equal cells that hang together (corner to corner counts). None of the cells of a flat
# top is beaten, and one hill would be reported many times. And a cell of a *shoulder*, a flat place on a slope, may have only equals in its
# window although its plateau as a whole is beaten. So one has to ask plateaus, not cells:
#
# ```
# for every plateau of a map (a cell without equal neighbours is a plateau of its own):
#     if no cell that touches the plateau is higher, and its height is at least the threshold:
#         it is a peak; its place is its first cell in reading order
# sort the peaks: the highest first; of equal ones, the earlier in reading order first
# keep the first `count` of them; if there are fewer, fill up
# ```
#
# Which cells form a plateau is computed for you. `plateaus` gives each cell the number of its plateau's first cell (cell number = row · W +
# column), by letting the smaller number spread until nothing changes:

# %% setup=true
def plateaus(maps: Tensor) -> Tensor:
    """Number of the first cell of each cell's plateau: maps [B, J, H, W] to int64 [B, J, H, W]."""
    height, width = maps.shape[-2:]
    edge = F.pad(maps.detach(), (1, 1, 1, 1), value=math.nan)  # NaN is equal to nothing
    first = torch.arange(height * width, device=maps.device).reshape(height, width).expand(maps.shape)
    while True:
        before = first
        for dy, dx in ((0, 1), (0, 2), (0, 0), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)):
            window = (..., slice(dy, dy + height), slice(dx, dx + width))
            first = torch.where(edge[window] == maps, torch.minimum(first, F.pad(first, (1, 1, 1, 1))[window]), first)
        if torch.equal(first, before):
            return first

# %%
tiny = torch.tensor([[0, 7, 7, 0, 2, 0], [0, 7, 0, 0, 2, 2], [0, 0, 0, 0, 0, 3]])[None, None].float()
print("heights", tiny[0, 0].int(), sep="\n")
print("plateaus", plateaus(tiny)[0, 0], sep="\n")

# %% [markdown]
# The three 7s form plateau number 1: a peak, to be reported once, at column 1 of row 0. The 3 in the corner is a peak, too. The three 2s
# form plateau number 4. Nobody in the window of its *first* cell is higher; but its other two cells touch the 3. So the plateau is
# beaten as a whole: a shoulder, and no peak. The zeros are beaten as well.
#
# ### Exercise 7a: `find_peaks` (6 points)
#
# It can be done without any loop over cells or maps. Four things are easily got wrong:
#
# * the **border**: a window that is filled up with zeros hides every peak on the border of a map whose values are all negative;
# * a plateau is beaten when **any** of its cells is (`scatter_reduce` and `scatter_add` collect something for every number);
# * **ties**: `torch.topk` does not promise which of two equal numbers comes first, `sort(stable=True)` does;
# * `count` may exceed the number of peaks, and even the number of cells.

# %% exercise="pose.find_peaks"
def find_peaks(heatmaps: Tensor, count: int, threshold: float) -> tuple[Tensor, Tensor, Tensor]:
    """The highest separate peaks of maps [B, J, H, W] of any finite values; each is at least as high as the threshold.

    Returns:
        places: int64 [B, J, count, 2], x then y; -1 where nothing was found.
        heights: dtype of the maps, [B, J, count]; 0 where nothing was found. They have the gradient of their cells.
        found: bool [B, J, count].
    """
    ### BEGIN SOLUTION
    height, width = heatmaps.shape[-2:]
    flat, plateau = heatmaps.flatten(2), plateaus(heatmaps).flatten(2)
    # max_pool2d fills up with -inf, not with zeros.
    beaten = (F.max_pool2d(heatmaps, 3, stride=1, padding=1) > heatmaps).flatten(2)
    shoulder = torch.zeros_like(plateau).scatter_add(2, plateau, beaten.long()) > 0
    first = plateau == torch.arange(height * width, device=heatmaps.device)
    peak = first & ~shoulder & (flat >= threshold)
    order = flat.masked_fill(~peak, -math.inf).argsort(dim=2, descending=True, stable=True)[..., :count]
    short = (0, count - order.shape[2])
    found, heights = F.pad(peak.gather(2, order), short), F.pad(flat.gather(2, order), short)
    places = F.pad(torch.stack((order % width, order // width), dim=-1), (0, 0, *short))
    return torch.where(found[..., None], places, -1), torch.where(found, heights, 0.0), found
    ### END SOLUTION


# %% check="pose.find_peaks"
check("pose.find_peaks", find_peaks)

# %% [markdown]
# Three people in one map, two of them close together, and noise. To the right the same map, clipped: flat tops.

# %%
generator = torch.Generator().manual_seed(5)
row, column = torch.arange(24.0)[:, None], torch.arange(40.0)
people = ((8, 9, 1.0), (24, 6, 0.8), (29, 14, 0.9))
crowd = torch.stack([height * torch.exp(-((column - x) ** 2 + (row - y) ** 2) / 12) for x, y, height in people]).amax(dim=0)
crowd = crowd + 0.03 * torch.rand(24, 40, generator=generator)
figure, panels = plt.subplots(1, 2, figsize=(9, 2.8))
shown = {"three people": crowd, "the same, clipped at 0.6": crowd.clamp(max=0.6)}
for panel, (name, one) in zip(panels, shown.items()):
    places, heights, found = find_peaks(one[None, None], count=5, threshold=0.3)
    panel.imshow(one, cmap="viridis")
    for rank, (place, height) in enumerate(zip(places[0, 0][found[0, 0]].tolist(), heights[0, 0].tolist())):
        panel.plot(*place, "x", color="red")
        panel.annotate(f"{rank + 1}: {height:.2f}", place, (6, 4), textcoords="offset points", color="white", fontsize=8)
    panel.set_title(f"{name}: {int(found.sum())} peaks of at least 0.3", fontsize=9)
    panel.axis("off")
plt.show()

# %% [markdown]
# One peak a person in both. But a clipped map has lost *where* on its flat top the person is: the first cell in reading order stands in for
# all of them, one or two pixels off. Clip for display, never before you decode.
#
# ### Left or right?
#
# Where do maps with two maxima come from? From questions that have two answers. Take the stick figures of notebook 2, but draw both
# sides alike, and let half of the people turn their backs to us: what was the left hand of the picture is then the person's *other* hand.
# Nothing in the picture tells who is who. The labels do know; so in training, the same picture has now this answer and now that.

# %%
LIMBS = [(1, 0), (1, 2), (1, 3), (1, 4), (4, 5), (4, 6)]  # neck to head and hands, neck to hip, hip to feet
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
    pixel = torch.cartesian_prod(torch.arange(HEIGHT), torch.arange(WIDTH)).flip(-1).float()
    first, last = (joints[:, [limb[end] for limb in LIMBS], None] for end in (0, 1))
    # the nearest point of a limb: project onto its line, then stay between its ends.
    along = ((pixel - first) * (last - first)).sum(dim=-1) / (last - first).square().sum(dim=-1)
    away = (pixel - first - along.clamp(0, 1)[..., None] * (last - first)).norm(dim=-1)  # [N, limbs, H W]
    return torch.exp(-away.square() / 1.3).amax(dim=1).reshape(-1, 1, HEIGHT, WIDTH), joints

# %% [markdown]
# The network is that of notebook 2, with one map a joint. With `fine=True` its maps have stride 2 instead of 4, so that two hands do not
# fall into one window.

# %%
class PoseMaps(nn.Module):
    """Image [N, 1, H, W] to one map of logits for each joint, of stride 4, or 2 with ``fine``."""

    def __init__(self, fine: bool = False) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(1, 24, 3, 2, 1), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1), nn.ReLU()]
        convolutions += [nn.Conv2d(48, 64, 3, 1, 1), nn.ReLU()]
        finer = [nn.Upsample(scale_factor=2), nn.Conv2d(64, 32, 3, 1, 1), nn.ReLU()] if fine else []
        self.maps = nn.Sequential(*convolutions, *finer, nn.Conv2d(32 if fine else 64, JOINTS, 1))
        self.stride = 2 if fine else 4

    def forward(self, images: Tensor) -> Tensor:
        return self.maps(images)

    def to_image(self, points: Tensor) -> Tensor:
        """Map coordinates to image pixels, both grids edge-aligned."""
        return (points + 0.5) * self.stride - 0.5

# %%
generator = torch.Generator().manual_seed(1)
images, joints = toy_people(600, generator)
new_images, new_joints = toy_people(200, generator)
OTHER_SIDE = torch.tensor([0, 1, 3, 2, 4, 6, 5])  # hands and feet change places, head, neck and hip do not
back, new_back = (torch.rand(len(each), 1, 1, generator=generator) < 0.5 for each in (joints, new_joints))
persons_own = torch.where(back, joints[:, OTHER_SIDE], joints)
new_persons_own = torch.where(new_back, new_joints[:, OTHER_SIDE], new_joints)

# %% [markdown]
# Train it on target maps, Gaussian bumps around the labels. The loss is the cross-entropy between target map and predicted map.

# %%
torch.manual_seed(0)
model = PoseMaps(fine=True)
cell = torch.cartesian_prod(torch.arange(HEIGHT // 2), torch.arange(WIDTH // 2)).flip(-1)
distance = (model.to_image(cell) - persons_own[:, :, None]).norm(dim=-1)  # [N, J, cells]
targets = torch.softmax(-distance.square() / 8, dim=-1)  # Gaussian bumps of 2 pixels that sum to one
optimiser, shuffle = torch.optim.Adam(model.parameters(), lr=3e-3), torch.Generator().manual_seed(2)
ambiguous_steps = steps(full=250, graded_steps=2)
for _ in range(ambiguous_steps):
    pick = torch.randint(len(images), (32,), generator=shuffle)
    loss = -(targets[pick] * torch.log_softmax(model(images[pick]).flatten(2), dim=-1)).sum(dim=-1).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()

# %% [markdown]
# Three ways to read the maps of hands and feet on new figures: the mean, the highest peak, and the two highest peaks, of which whoever
# knows which side the person shows would take the right one.

# %% exempt="errors after a training"
with torch.no_grad():
    ambiguous = torch.softmax(model(new_images).flatten(2), dim=-1).reshape(200, JOINTS, HEIGHT // 2, WIDTH // 2)
two_places, two_shares, two_found = find_peaks(ambiguous, count=2, threshold=0.02)
read = torch.cat((shipped.soft_argmax(ambiguous.log())[:, :, None], two_places), dim=2)  # [N, J, 3, 2]
wrong = (model.to_image(read) - new_persons_own[:, :, None]).norm(dim=-1)[:, [2, 3, 5, 6]]
wrong[..., 2] = torch.where(two_found[:, [2, 3, 5, 6], 1], wrong[..., 1:].amin(dim=-1), wrong[..., 1])
if ambiguous_steps == 250:
    print(f"{'hands and feet':<24} mean error   within 3 px")
    for name, each in zip(("mean of the map", "highest peak", "better of two peaks"), wrong.unbind(dim=-1)):
        print(f"{name:<24} {each.mean():7.1f} px   {(each < 3).float().mean():8.0%}")
    # ten seeds: 4.25 ± 0.01, 4.61 ± 0.08 and 1.23 ± 0.02 px; within 3 px 29 ± 1, 57 ± 1 and 94 ± 1 %.
    assert wrong[..., 2].mean() < 1.4 < 3.8 < wrong[..., 0].mean() < wrong[..., 1].mean()
    assert (wrong[..., 0] < 3).float().mean() < 0.42 < (wrong[..., 1] < 3).float().mean()

# %% [markdown]
# And this is what the network made of three figures, head and one hand (crosses: the peaks; plus: the mean):

# %%
figure, panels = plt.subplots(3, 3, figsize=(7, 6), layout="constrained")
for line, example in zip(panels, (0, 5, 6)):
    line[0].imshow(new_images[example, 0], cmap="Greys", vmax=1.4)
    for panel, joint, name in zip(line[1:], (0, 2), ("map of the head", "map of the right hand")):
        panel.imshow(ambiguous[example, joint], cmap="viridis")
        panel.plot(*two_places[example, joint][two_found[example, joint]].T, "x", color="red")
        panel.plot(*shipped.soft_argmax(ambiguous.log())[example, joint], "+", color="white")
        panel.set_title(name, fontsize=9)
for panel in panels.flat:
    panel.axis("off")
plt.show()

# %% [markdown]
# **Think.** The two columns of the table disagree about which reading is better, mean or highest peak. Keep it in mind: the written question
# comes back to it. Another one for now: no network, of whatever size, will bring the highest peak much beyond half of
# the hits. Why? What would have to change in the *data*, and what in the picture, for that?

# %% [markdown]
# ## 2. How wide, and in which direction?
#
# Peaks are one way to say what a map knows. The other is the 2 × 2 covariance matrix of the
# position, with $u = (x, y)$ as a column and $\hat{u}$ its mean:
#
# $$
# \Sigma = \sum_k p_k \, (u_k - \hat{u}) (u_k - \hat{u})^\top , \qquad p = \text{soft-max of the whole map} .
# $$
#
# As a loop, for one map:
#
# ```
# for every cell k:
#     xx += p[k] (x - mean x)²;   yy += p[k] (y - mean y)²;   xy += p[k] (x - mean x) (y - mean y)
# answer = [[xx, xy], [xy, yy]]
# ```
#
# ### Exercise 7b: `heatmap_covariance` (4 points)
#
# Take the mean off **before** you multiply. $\mathrm{E}[u u^\top] - \hat{u} \hat{u}^\top$ is the same on paper, but in float32 a
# narrow bump far from the corner is a small difference of two large numbers, and its last digits are noise. Here `torch.softmax` is
# allowed, and so is `shipped.soft_argmax` for the mean. Maps without any allowed cell do not occur.

# %% exercise="pose.heatmap_covariance"
def heatmap_covariance(heatmaps: Tensor) -> Tensor:
    """Covariance of the position under the spatial soft-max.

    Args:
        heatmaps: logits [B, J, H, W].

    Returns:
        [B, J, 2, 2] in pixels squared, axes in the order x, y; same dtype as the maps.
    """
    ### BEGIN SOLUTION
    width = heatmaps.shape[-1]
    share = torch.softmax(heatmaps.flatten(2), dim=-1)  # [B, J, H W]
    cell = torch.arange(share.shape[-1], device=heatmaps.device)
    place = torch.stack((cell % width, cell // width), dim=-1).to(heatmaps.dtype)
    away = place - shipped.soft_argmax(heatmaps)[..., None, :]  # [B, J, H W, 2]
    return away.mT @ (share[..., None] * away)
    ### END SOLUTION


# %% check="pose.heatmap_covariance"
check("pose.heatmap_covariance", heatmap_covariance)

# %% [markdown]
# The eigenvectors of Σ are the axes of an ellipse, the roots of its eigenvalues their half-lengths. A sure map has a small circle, a limb
# seen from the side a narrow oval, a left-right confusion a long one that reaches over both.

# %%
def oval(mean: Tensor, covariance: Tensor, deviations: float = 2.0) -> Tensor:
    """Points [2, 100] of the ellipse of so many standard deviations around a mean [2]."""
    around = torch.linspace(0, 2 * math.pi, 100)
    size, axes = torch.linalg.eigh(covariance)
    return mean[:, None] + axes @ (deviations * size.clamp(min=0).sqrt()[:, None] * torch.stack((around.cos(), around.sin())))


x, y = torch.arange(28) - 14.0, torch.arange(20)[:, None] - 10.0
made = torch.stack([
    -(x**2 + y**2) / 4,
    -(x**2 - 1.7 * x * y + y**2) / 6,
    torch.logaddexp(-((x + 6) ** 2 + y**2) / 4, -((x - 6) ** 2 + y**2) / 4 - 0.4),
])[None]
centres, spreads = shipped.soft_argmax(made)[0], heatmap_covariance(made)[0]
figure, panels = plt.subplots(1, 3, figsize=(9, 2.2))
for panel, one, centre, spread, name in zip(panels, made[0], centres, spreads, ("sure", "a limb", "left or right?")):
    panel.imshow(one.exp(), cmap="viridis")
    panel.plot(*oval(centre, spread), color="red")
    panel.plot(*centre, "+", color="red")
    panel.set(title=f"{name}: ±2 sd", xlim=(-0.5, 27.5), ylim=(19.5, -0.5))
    panel.axis("off")
plt.show()

# %% [markdown]
# **Think.** One map has two sharp peaks far apart, another is a single broad blur, and both have the same covariance. Which of the three
# answers of `find_peaks` tells them apart, and how? And for which of the two is the ellipse an honest summary?

# %% [markdown]
# ## 3. Outliers: labels that are simply wrong
#
# A clicked point belongs to the neighbour; left and right are exchanged; an export wrote one column twice. A few per cent of the labels
# of any large set are wrong, and not by a little. What do they do to us?
#
# The smallest regression there is: samples of *one* number, and the answer that fits them best. Let a tenth of the samples be nonsense.

# %%
generator = torch.Generator().manual_seed(7)
samples = torch.randn(200, generator=generator, dtype=torch.float64)
samples[:20] += 20
print(f"the mean of all is {samples.mean():.2f}; without the nonsense it would be {samples[20:].mean():.2f}")

# %% [markdown]
# The mean minimises $\sum_i \rho(x_i - m)$ with $\rho(r) = r^2/2$. At the minimum the derivatives add up to nothing, $\sum_i \psi(x_i - m) =
# 0$ with $\psi = \rho'$. Read $\psi(r)$ as the **pull** of a sample at distance $r$: the *influence*. For least squares it is $r$
# itself. The further off a sample is, the harder it pulls, and the answer goes where the pulls balance. So change the pull:
#
# | | value $\rho(r)$ | influence $\psi(r) = \rho'(r)$ | |
# |---|---|---|---|
# | least squares | $\frac{1}{2} r^2$ | $r$ | grows without bound |
# | Huber | $\frac{1}{2} r^2$ where $\lvert r \rvert \le \delta$, else $\delta (\lvert r \rvert - \frac{1}{2}\delta)$ | $r$, else $\delta \, \mathrm{sign}(r)$ | stays at δ |
# | Geman–McClure | $\frac{1}{2} \, \frac{r^2}{1 + r^2/\delta^2}$ | to be found | returns to 0 |
#
# All three agree for $\lvert r \rvert \ll \delta$, and the lower two become the first as δ grows. `F.smooth_l1_loss` is Huber's loss
# *divided by δ*, so its slope is 1: a common mix-up.
#
# ### Exercise 8a: `robust_loss` (4 points)
#
# Value **and** influence, element by element. Differentiate by hand; the check compares your influence with the derivative, and asks
# autograd for the derivatives of both. Residuals may be large (10⁸ happens when a loss diverges, 10²⁵ just before it is NaN) and so may δ
# (10³⁰ is a way to say "least squares, please"): then squares are infinite in float32, and ∞ / ∞ is not a number. `torch.hypot` and
# `Tensor.clamp` are worth a thought. The ready-made losses of `torch.nn.functional` are off limits.

# %% exercise="pose.robust_loss"
def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    """Robust loss of every residual, and its derivative.

    Args:
        residual: any shape, any finite values.
        kind: "huber" or "geman_mcclure".
        delta: where the loss leaves the parabola, > 0, unit of the residual.

    Returns:
        Value and influence, both of the residual's shape and dtype, both differentiable.
    """
    ### BEGIN SOLUTION
    if kind == "huber":
        # clamped, the residual is the influence; nothing is squared that may be infinite.
        influence = residual.clamp(-delta, delta)
        return influence * (residual - influence / 2), influence
    ratio = residual / delta
    # never exceeds delta: r / sqrt(1 + (r / delta)²).
    bounded = residual / torch.hypot(torch.ones_like(ratio), ratio)
    return bounded.square() / 2, residual / (1 + ratio.square()).square()
    ### END SOLUTION


# %% check="pose.robust_loss"
check("pose.robust_loss", robust_loss)

# %%
r = torch.linspace(-6, 6, 400)
figure, panels = plt.subplots(1, 2, figsize=(8.5, 2.6))
for panel, part, name in zip(panels, (0, 1), ("value", "influence: the pull")):
    panel.plot(r, (r.square() / 2, r)[part], color="0.6", label="least squares")
    for kind, colour in (("huber", "tab:blue"), ("geman_mcclure", "tab:red")):
        panel.plot(r, robust_loss(r, kind, 1.5)[part], color=colour, label=kind)
    panel.set(title=name, xlabel="residual", ylim=((-0.2, 6), (-3, 3))[part])
panels[0].legend(fontsize=8)
plt.show()

# %% [markdown]
# ### Four ways to the middle
#
# * **Median**: the middle of the sorted samples; of an even number, the mean of the two middle ones (`torch.median` returns the lower).
# * **Trimmed mean**: sort, drop ⌊share · N⌋ samples at *either* end, average the rest.
# * **Minimum of a robust loss**, Huber's or Geman and McClure's. Write $\psi(r) = w(r) \, r$. Then $\sum_i w_i (x_i - m) = 0$ says that
#   $m$ is a weighted mean, whose weights depend on $m$. Guess, weigh, repeat:
#
# ```
# m = median of the samples
# repeat 100 times:
#     for every sample i:   w[i] = psi(x[i] - m) / (x[i] - m)
#     m = (sum of w[i] x[i]) / (sum of w[i])
# ```
#
# ### Exercise 8b: `robust_centre` (3 points)
#
# Simplify $w$ on paper first: what is it where the sample lies exactly at $m$? With an odd number of samples that happens in the first round.

# %% exercise="pose.robust_centre"
def robust_centre(samples: Tensor, kind: str, delta: float = 1.0, share: float = 0.125) -> Tensor:
    """Robust location of samples [..., N] along the last axis, N at least 1; the others may be empty.

    Args:
        kind: "median", "trimmed", "huber" or "geman_mcclure".
        delta: of the two losses.
        share: below one half; the trimmed mean drops floor(share * N) samples at either end.

    Returns:
        [...], same dtype; for the losses, the result of 100 rounds of weighing that start from the median.
    """
    ### BEGIN SOLUTION
    ordered, count = samples.sort(dim=-1).values, samples.shape[-1]
    centre = (ordered[..., (count - 1) // 2] + ordered[..., count // 2]) / 2
    if kind == "trimmed":
        cut = math.floor(share * count)
        return ordered[..., cut : count - cut].mean(dim=-1)
    for _ in range(0 if kind == "median" else 100):
        away = ((samples - centre[..., None]) / delta).abs()
        weight = 1 / away.clamp(min=1) if kind == "huber" else (1 + away.square()) ** -2
        centre = (weight * samples).sum(dim=-1) / weight.sum(dim=-1)
    return centre
    ### END SOLUTION


# %% check="pose.robust_centre"
check("pose.robust_centre", robust_centre)

# %% [markdown]
# The samples from above, and then the same with more and more nonsense:

# %%
def centres(values: Tensor) -> dict[str, Tensor]:
    """The plain mean and the four robust ones; the trimmed mean drops a fifth at either end."""
    kinds = ("median", "trimmed", "huber", "geman_mcclure")
    return {"mean": values.mean(dim=-1)} | {kind: robust_centre(values, kind, delta=1.0, share=0.2) for kind in kinds}


for name, centre in centres(samples).items():
    print(f"{name:<14} {centre:6.2f}")

# %%
clean = torch.randn(200, 200, generator=generator, dtype=torch.float64)
shares = torch.arange(0, 100, 4)
curves = [centres(clean + 20.0 * (torch.arange(200) < 2 * share)) for share in shares]
figure, panel = plt.subplots(figsize=(6, 2.8))
for name in curves[0]:
    panel.plot(shares, [float(curve[name].mean()) for curve in curves], label=name)
panel.set(xlabel="wrong samples, per cent, all of them 20 too large", ylabel="estimated centre (truth 0)")
panel.legend(fontsize=8)
plt.show()

# %% [markdown]
# **Think.** Which of the five bends at once, and which break, and where? One breaks earlier than the others although its name promises to
# throw away the ends: why just there? And beyond one half all are wrong: is that a fault of theirs?

# %% [markdown]
# ### The same on a network
#
# Back to whole figures (everybody faces us again). A tenth of the labels is 20 pixels too far to the right: somebody
# concatenated two halves of a file with an offset. The same network is trained by the mean of its maps with each loss; errors are
# measured on new figures with *right* labels.

# %%
spoilt = torch.rand(600, JOINTS, 1, generator=torch.Generator().manual_seed(3)) < 0.1
spoilt_labels = joints + spoilt * torch.tensor([20.0, 0.0])


def train_on_spoilt(kind: str, delta: float, count: int, seed: int = 0) -> Tensor:
    """Train on the spoilt labels; return the residuals on new figures, [N, J, 2] in pixels."""
    torch.manual_seed(seed)
    model = PoseMaps()
    optimiser, shuffle = torch.optim.Adam(model.parameters(), lr=3e-3), torch.Generator().manual_seed(2)
    for _ in range(count):
        pick = torch.randint(len(images), (32,), generator=shuffle)
        residual = model.to_image(shipped.soft_argmax(model(images[pick]))) - spoilt_labels[pick]
        value, _ = robust_loss(residual, kind, delta)
        optimiser.zero_grad()
        value.sum(dim=-1).mean().backward()
        optimiser.step()
    with torch.no_grad():
        return model.to_image(shipped.soft_argmax(model(new_images))) - new_joints

# %% exempt="errors after trainings"
spoilt_steps = steps(full=250, graded_steps=2)
after = {
    "least squares": train_on_spoilt("huber", 1e30, spoilt_steps),
    "huber": train_on_spoilt("huber", 2.0, spoilt_steps),
    "geman_mcclure": train_on_spoilt("geman_mcclure", 4.0, spoilt_steps),
}
spoilt_errors = {name: float(residual.norm(dim=-1).mean()) for name, residual in after.items()}
if spoilt_steps == 250:
    for name, residual in after.items():
        print(f"{name:<14} mean error {spoilt_errors[name]:.1f} px; on average {residual[..., 0].mean():+.1f} px to the right")
    # ten seeds: 2.32 ± 0.08, 1.04 ± 0.07 and 0.98 ± 0.05 px; the average figure of notebook 2 is 5.4 px off.
    assert max(spoilt_errors["huber"], spoilt_errors["geman_mcclure"]) < 1.4 < 1.9 < spoilt_errors["least squares"] < 5.4

# %% [markdown]
# Least squares learns the offset: a tenth of 20 pixels, to the right. Nothing in the training curve would have told. The robust losses
# hardly see it.
#
# **Think.** Then why not Geman–McClure always, with a tiny δ? Call `train_on_spoilt("geman_mcclure", 0.2, 250)` and look at the error. How
# hard does a residual of 10 pixels pull at δ = 0.2, and where do all residuals lie at the beginning of a training?

# %% [markdown]
# ## 4. Trust it? Test it
#
# You have written `robust_loss`. Somebody else will change it next year. What keeps it right is a test, and a test is a piece of
# code that can be good or bad like any other. Yours is run on many implementations in an unknown order: right ones written in different
# styles, which it must **let pass every time**, and wrong ones, each of which it should **fail**, by raising (`assert` does).
#
# What makes a test good:
#
# * **Independent.** Do not write the formula again: whoever repeats it repeats its mistakes. Use what you know *about* the answer: values
#   computed by hand; symmetry; what happens at, just below and just above δ; that the influence is the derivative (a difference quotient in
#   float64 knows that without any calculus); bounds far away; least squares near zero.
# * **Generic inputs.** δ = 1 hides every forgotten or additional δ. Positive residuals hide a missing sign. Shapes of two equal axes hide an
#   exchange. A single value hides almost everything.
# * **Tolerant where it must be.** A right implementation in float32 is off by a few units in the last place, and one that is written
#   differently by a few others. `==` on floating results fails honest work, and then the whole test is worth nothing.
# * **Not only the usual.** Zero, very large (10²⁵), an empty batch, a single number, float64, each has a wrong implementation waiting.
#
# ### Exercise 8c: `test_robust_loss` (4 points)
#
# The test gets `impl` and calls it like `robust_loss`: `value, influence = impl(residual, "huber", 1.3)`, at most 64 times. What comes back
# are plain tensors without gradients. It must hold for what exercise 8a asks, and for nothing else. At home it is run on your own
# `robust_loss`, as it is and with a few faults put into its answers.

# %% exercise="pose.test_robust_loss"
def test_robust_loss(impl) -> None:
    """Raise if impl is no right implementation of robust_loss."""
    ### BEGIN SOLUTION
    r = torch.tensor([[-6.0, -1.0, 0.25], [2.5, 0.0, 1.5]], dtype=torch.float64)
    by_hand = {
        ("huber", 2.0): [[10.0, 0.5, 0.03125], [3.0, 0.0, 1.125]],
        ("huber", 0.5): [[2.875, 0.375, 0.03125], [1.125, 0.0, 0.625]],
        ("geman_mcclure", 2.0): [[1.8, 0.4, 2 / 65], [50 / 41, 0.0, 0.72]],
        ("geman_mcclure", 0.5): [[18 / 145, 0.1, 0.025], [25 / 208, 0.0, 0.1125]],
    }
    for (kind, delta), expected in by_hand.items():
        value, influence = impl(r, kind, delta)
        assert value.dtype == influence.dtype == r.dtype and value.shape == influence.shape == r.shape
        assert torch.allclose(value, torch.tensor(expected, dtype=r.dtype), atol=1e-12), "not what was computed by hand"
        slope = (impl(r + 1e-5, kind, delta)[0] - impl(r - 1e-5, kind, delta)[0]) / 2e-5
        assert torch.allclose(slope, influence, atol=1e-4), "the influence is not the derivative"
        single = impl(r.float(), kind, delta)[0]
        assert single.dtype == torch.float32 and torch.allclose(single, value.float(), atol=1e-5)
        for shape in ((), (0, 3)):
            assert impl(torch.ones(shape), kind, delta)[1].shape == shape
        for answer in impl(torch.tensor([-1e25, 1e8, 1e25]), kind, delta):
            assert torch.isfinite(answer).all()
    ### END SOLUTION


# %% check="pose.test_robust_loss"
check("pose.test_robust_loss", test_robust_loss, right=robust_loss)

# %% [markdown]
# **Think.** A wrong implementation that your test lets pass tells you something about your inputs. For each check in your test, name a
# wrong implementation that *only this check* catches. A check for which you find none is decoration.

# %% [markdown]
# ### Written question (3 points)
#
# 1. Take the map of one row from section 1: 60 % in a bump around 16, 40 % in one around 48, each with a standard deviation of 2. Suppose the truth
#    is drawn from that map. For the two answers "arg-max" and "mean", give the expected *squared* error and, roughly, the chance to be within 3
#    cells. Now explain the table of section 1: what is each reading best at? Which of the two would you give somebody who draws the
#    skeleton?
# 2. The network of section 3 (mean of a map, loss on the position) is trained on the left-or-right figures of section 1, once by
#    least squares and once by Geman–McClure with a δ of 2 pixels. Where does it put a hand in either case, once trained, and why? Can more data cure
#    either?
# 3. The frame before this one said: the hand is at 17 ± 2 cells. Combine that with the map in two ways: with the map's mean and
#    variance as *one* Gaussian, and with its two peaks. What comes out, how sure is it, and what do you conclude about handing on (mean,
#    variance) instead of peaks?

# %% [markdown] question="pose.q_two_maxima" points=3
# ### BEGIN SOLUTION
# 1. Arg-max: 0.4 · 32² + 4 = 414 (409.6 for the distance of the bumps, 4 for their width). Mean: 0.6 · 12.8² + 0.4 · 19.2² + 4 = 249.8: exactly the
#    variance of the map, and no answer has less. Within 3 cells: 0.6 · 0.87 = 0.52 against 0. The mean minimises the expected squared error (and
#    is seldom *very* wrong), the highest peak maximises the chance of being close. The table shows both: the mean has the smaller mean error,
#    the peak the larger share within 3 px. For a skeleton the peak: it is at least where some hand is; the mean lies where none is.
# 2. Least squares balances the pulls of both labels, so it puts each hand at their mean, between the two hands. That is the right answer to
#    the question that was asked, and more data only confirm it. Geman–McClure lets go of what is far off: the answer
#    settles on one of the two labels, near enough the mode of the labels; with shares of one half, on whichever the start or chance favours, for
#    nearly all figures the same. It looks better and is wrong half of the time; more data do not tell left from right either. Only information that
#    is in the picture, or from elsewhere, does.
# 3. One Gaussian: weights 1/4 and 1/249.8, so (17/4 + 28.8/249.8) / (1/4 + 1/249.8) = 17.2, with variance 3.9: the map has said next to
#    nothing. Two peaks: the one at 48 is 31 cells from 17 and drops out, the one at 16 has variance 4 like the old position, so the answer is 16.5
#    with variance 2. (mean, variance) has thrown away that the map was sure *but for one bit*; the peaks keep it, and the frame before supplies the bit.
#
# **Rubric**: 1 point for both pairs of numbers with "mean: squared error, peak: chance of a hit"; half for one pair or for the
# statement without numbers (accept 410 for 414, 246 for 250, and 0.5 to 0.6 for the chance) · 1 point for mean between the hands against one of the
# two, *and* that more data do not help; half for either · 1 point for 17.2 and about 16.5 (accept 17 and "between 16 and 17") with variances or
# "much surer", and the conclusion; half for one of the two combinations, or for the conclusion without numbers.
# ### END SOLUTION

# %% [markdown]
# ## 5. Extension: a network that says how wrong it is
#
# A hand behind a box cannot be seen. A network still answers, for instance with where hands usually are, and nothing in its answer says
# that it was guessing. But if the *map* is wide there, its variance could say so. Could: nobody has asked it to. To ask, let the
# network predict a **density** and maximise the likelihood of the labels. With a mean $\mu$ and a variance $\sigma^2$ for each coordinate and
# $s = \log \sigma^2$:
#
# $$
# -\log p_{\text{Gauss}}(t) = \tfrac{1}{2} \left[ \log 2\pi + s + (t - \mu)^2 e^{-s} \right], \qquad
# -\log p_{\text{Laplace}}(t) = \log 2b + \frac{|t - \mu|}{b}, \quad \sigma^2 = 2 b^2 .
# $$
#
# Two terms, one conflict: a large variance forgives errors, and costs $\frac{1}{2} s$. Set the derivative by $s$ to zero for a Gaussian: the
# best $\sigma^2$ is $(t - \mu)^2$, so over many labels the variance settles at the mean squared error. **The price of lying is built
# in**, on either side. One predicts $s$ rather than σ because $s$ may be any number, and because $e^{-s}$ cannot divide by zero.
#
# ### Exercise 9: `point_nll` (4 bonus points)
#
# Both densities with the *same* parameter, the logarithm of the **variance**, so that they can be compared. Keep the constants: without them the
# two are not in one unit. Log-variances of ±50 must be fine, and 150 too, where the variance itself is infinite in float32.
# `F.gaussian_nll_loss` (which drops the constant unless told otherwise) and the ready densities of `torch.distributions` are off limits.

# %% exercise="pose.point_nll"
def point_nll(predicted: Tensor, log_variance: Tensor, target: Tensor, kind: str) -> Tensor:
    """Negative log-likelihood of each joint's label; x and y are independent.

    Args:
        predicted, log_variance, target: [B, J, 2]; variances in the square of the points' unit, for x and y.
        kind: "gaussian" or "laplace".

    Returns:
        [B, J], in nats: the sum over x and y, no mean over anything.
    """
    ### BEGIN SOLUTION
    away = target - predicted
    if kind == "gaussian":
        each = 0.5 * (math.log(2 * math.pi) + log_variance + away.square() * torch.exp(-log_variance))
    else:
        # log 2b with b = sigma / sqrt(2).
        each = 0.5 * (math.log(2) + log_variance) + math.sqrt(2) * away.abs() * torch.exp(-log_variance / 2)
    return each.sum(dim=-1)
    ### END SOLUTION


# %% check="pose.point_nll"
check("pose.point_nll", point_nll)

# %% [markdown]
# **The experiment.** The figures of above, each with a grey box of 14 × 12 pixels somewhere over it, new in every step. The same
# network, twice: trained by least squares on the mean of its maps, and trained by your likelihood, with the mean *and the variance* of its
# maps. (The variance of a map is in cells squared, times 16 for pixels; 0.3 px² are added for what a cell cannot resolve.)

# %%
def with_box(images: Tensor, joints: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Put a grey box over each image; return the images and which joints it hides, bool [N, J]."""
    corner = torch.stack([torch.randint(0, most, (len(images),), generator=generator) for most in (WIDTH - 14, HEIGHT - 6)], dim=-1)
    size = torch.tensor([14, 12])
    pixel = torch.cartesian_prod(torch.arange(HEIGHT), torch.arange(WIDTH)).flip(-1)
    inside = ((pixel >= corner[:, None]) & (pixel < (corner + size)[:, None])).all(dim=-1).reshape(-1, 1, HEIGHT, WIDTH)
    hidden = ((joints >= corner[:, None] - 0.5) & (joints < (corner + size)[:, None] - 0.5)).all(dim=-1)
    return torch.where(inside, 0.5, images), hidden


def density(model: PoseMaps, images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each joint's map in image pixels, both [N, J, 2]."""
    mean, variance = shipped.soft_argmax(model(images), return_variance=True)
    return model.to_image(mean), model.stride**2 * variance + 0.3

# %%
def train_density(kind: str, count: int, seed: int = 0) -> PoseMaps:
    """Train on figures with boxes; kind "least squares", "gaussian" or "laplace"."""
    torch.manual_seed(seed)
    model = PoseMaps()
    optimiser, draws = torch.optim.Adam(model.parameters(), lr=3e-3), torch.Generator().manual_seed(2)
    for _ in range(count):
        pick = torch.randint(len(images), (32,), generator=draws)
        seen, _ = with_box(images[pick], joints[pick], draws)
        mean, variance = density(model, seen)
        if kind == "least squares":
            loss = (mean - joints[pick]).square().sum(dim=-1).mean()
        else:
            loss = point_nll(mean, variance.log(), joints[pick], kind).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model


boxed_steps = steps(full=300, graded_steps=2)
trained = {kind: train_density(kind, boxed_steps) for kind in ("least squares", "gaussian")}

# %% [markdown]
# Does it keep its word? Sort all predicted coordinates of new figures by their predicted standard deviation, cut the list into ten
# parts, and compare, part by part, what was predicted with the root of the mean squared error that came. Honest numbers lie on the
# diagonal.

# %% exempt="errors after a training"
boxed, hidden = with_box(new_images, new_joints, torch.Generator().manual_seed(4))
reliability, summary = {}, {}
for kind, model in trained.items():
    with torch.no_grad():
        mean, variance = density(model, boxed)
    error, promised = mean - new_joints, variance.sqrt()
    order = promised.flatten().argsort()
    parts = zip(promised.flatten()[order].chunk(10), error.flatten()[order].chunk(10))
    reliability[kind] = torch.tensor([[float(each.square().mean().sqrt()) for each in pair] for pair in parts]).T
    summary[kind] = float((error.abs() < promised).float().mean())
    print(f"{kind:<14} within one predicted standard deviation: {summary[kind]:.0%} (a Gaussian: 68 %)")
    for name, mask in (("seen", ~hidden), ("hidden", hidden)):
        print(f"    joints {name:<7} predicted {promised[mask].mean():.1f} px, rms error {error[mask].square().mean().sqrt():.1f} px")
if boxed_steps == 300:
    # ten seeds: 93 ± 1 % and 77 ± 1 %.
    assert 0.7 < summary["gaussian"] < 0.83 < 0.89 < summary["least squares"]

# %%
def show_doubt(panel: plt.Axes, image: Tensor, label: Tensor, found: Tensor, spread: Tensor) -> None:
    """Draw a figure, its joints and the ovals of two standard deviations."""
    panel.imshow(image, cmap="Greys", vmin=0, vmax=1.4)
    panel.scatter(*label.T, s=18, facecolors="none", edgecolors="tab:green")
    for place, variances in zip(found, spread):
        panel.plot(*oval(place, torch.diag(variances)), color="tab:red", linewidth=1)
    panel.set(xlim=(-0.5, WIDTH - 0.5), ylim=(HEIGHT - 0.5, -0.5))
    panel.axis("off")


either = int((two_shares[:, 2, 1] / two_shares[:, 2, 0].clamp(min=1e-6)).argmax())  # the most undecided left hand
example = int(hidden.sum(dim=1).argmax())  # the figure of which most is hidden

# %%
figure, panels = plt.subplots(1, 4, figsize=(11, 2.6), num="finished", layout="constrained")
panels[0].imshow(ambiguous[either, 2], cmap="viridis")
panels[0].plot(*two_places[either, 2][two_found[either, 2]].T, "x", color="red")
panels[0].plot(*shipped.soft_argmax(ambiguous.log())[either, 2], "+", color="white")
panels[0].set_title("which hand? two peaks, one mean", fontsize=9)
panels[0].axis("off")
show_doubt(panels[1], boxed[example, 0], new_joints[example], mean[example], variance[example])
panels[1].set_title("what it cannot see, it doubts", fontsize=9)
for (kind, (promised, came)), colour in zip(reliability.items(), ("0.6", "tab:red")):
    panels[2].plot(promised, came, "o-", color=colour, label=kind, markersize=3)
panels[2].axline((0, 0), slope=1, color="black", linestyle=":", linewidth=1)
panels[2].legend(fontsize=7)
panels[2].set_title("predicted sd against rms error, px", fontsize=9)
panels[3].bar([name.replace(" ", "\n").replace("_", "\n") for name in spoilt_errors], list(spoilt_errors.values()), color=("0.6", "tab:blue", "tab:red"))
panels[3].tick_params(labelsize=8)
panels[3].set_title("error after wrong labels, px", fontsize=9)
plt.show()

# %% [markdown]
# Both networks find the joints about equally well. But the maps that least squares made are as wide as it pleases: their mean was
# asked for, their width was not, and it means nothing: twice too wide here, and another network would have it otherwise. Those of the
# likelihood are as wide as the errors to within a third, and widest where the box is.
#
# **Think.** The curve leaves the diagonal for the largest predictions: errors there are smaller than announced, on figures the network has
# not seen. Where else in this notebook was the shape of a density assumed and wrong? Train with `"laplace"` and compare: which of the two would you
# expect to suit joints that are mostly seen and sometimes hidden?

# %% [markdown]
# ## 6. Extension: heatmap losses in one unit
#
# Whoever trains maps against target maps has to say how far apart two maps are. With the target $t \ge 0$, $\sum_k t_k = 1$, and $p$ the soft-max of
# the logits, all for one map of N cells:
#
# | kind | | |
# |---|---|---|
# | `mse` | $\frac{1}{N} \sum_k (p_k - t_k)^2$ | mean over the cells |
# | `ce` | $-\sum_k t_k \log p_k$ | cross-entropy, nats |
# | `kl` | $\sum_k t_k \log (t_k / p_k)$ | Kullback–Leibler divergence: `ce` less its smallest possible value |
# | `js` | $\frac{1}{2} \sum_k t_k \log (t_k / m_k) + \frac{1}{2} \sum_k p_k \log (p_k / m_k)$, $m = \frac{1}{2}(p + t)$ | Jensen–Shannon: at most log 2 |
#
# A cell with $t_k = 0$ contributes **0** to a sum over $t_k \log \dots$: that is the limit, but a computer says 0 · (−∞) = NaN. Targets with
# exact zeros are common (bumps are cut off), and so are soft-maxes that underflow.
#
# ### Exercise 10: `heatmap_loss` (4 bonus points)
#
# The logits are finite, ±10⁴ included. `torch.log_softmax` is allowed and `torch.xlogy(a, b)` is a log b with the right zeros;
# `F.kl_div`, `F.cross_entropy` and `F.mse_loss` are off limits. If you get `kl` right, its gradient with respect to the logits comes
# out as $p - t$.

# %% exercise="pose.heatmap_loss"
def heatmap_loss(logits: Tensor, target: Tensor, kind: str) -> Tensor:
    """How far each predicted map is from its target.

    Args:
        logits: [B, J, H, W], finite.
        target: [B, J, H, W], not negative, each map sums to one; zeros are allowed.
        kind: "mse", "ce", "kl" or "js".

    Returns:
        [B, J]: one number for each map.
    """
    ### BEGIN SOLUTION
    said, true = torch.log_softmax(logits.flatten(2), dim=-1), target.flatten(2)
    share = said.exp()
    if kind == "mse":
        return (share - true).square().mean(dim=-1)
    if kind == "ce":
        return -(true * said).sum(dim=-1)
    if kind == "kl":
        return (torch.xlogy(true, true) - true * said).sum(dim=-1)
    # where both are zero the logarithm of their mean is multiplied by zero: any finite number does.
    middle = ((share + true) / 2).clamp(min=torch.finfo(share.dtype).tiny).log()
    return (torch.xlogy(true, true) - true * middle + share * (said - middle)).sum(dim=-1) / 2
    ### END SOLUTION


# %% check="pose.heatmap_loss"
check("pose.heatmap_loss", heatmap_loss)

# %% [markdown]
# **One unit.** Move a Gaussian bump of σ = 2 cells by d cells. Between two Gaussians of equal width the Kullback–Leibler divergence is $d^2 /
# 2\sigma^2$; so $\sigma \sqrt{2 \, \mathrm{KL}}$ is a distance in cells, whatever moved. The same question, put to all: *how far off do you think it is?*

# %%
column = torch.arange(64, dtype=torch.float64)
row = torch.arange(48, dtype=torch.float64)[:, None]
distances = torch.arange(0, 25, dtype=torch.float64)
logits = -((column - 16 - distances[:, None, None]) ** 2 + (row - 24) ** 2)[:, None] / 8
target = torch.softmax(logits[:1].flatten(), dim=0).reshape(1, 1, 48, 64).expand_as(logits)
curves = {kind: heatmap_loss(logits, target, kind)[:, 0] for kind in ("mse", "kl", "js")}
in_cells = 2 * (2 * curves["kl"].clamp(min=0)).sqrt()  # rounding may leave -1e-16
print(f"KL of a shift by 6 cells: {curves['kl'][6]:.2f} nats, that is {in_cells[6]:.2f} cells; largest JS {curves['js'].max():.3f}, log 2 = {math.log(2):.3f}")
figure, panels = plt.subplots(1, 2, figsize=(8.5, 2.6))
panels[0].plot(distances, in_cells, color="tab:blue")
panels[0].set(title="σ √(2 KL), cells", xlabel="moved by, cells")
for kind, colour in (("mse", "0.5"), ("js", "tab:red")):
    panels[1].plot(distances, curves[kind] / curves[kind].max(), color=colour, label=kind)
panels[1].set(title="share of the largest value", xlabel="moved by, cells")
panels[1].legend(fontsize=8)
plt.show()

# %% [markdown]
# **Think.** Two of the losses are deaf beyond some distance. What does their gradient tell a bump that starts 20 cells from home, and why does
# a *network* still learn with them?
#
# **Think.** A colleague writes: "My heatmap head has a validation loss of 2.4 · 10⁻⁴, your regression head one of 0.058. Mine is 240 times better." The
# first number is a mean over the cells of 64 × 64 maps whose targets are bumps of height 1 and σ = 2, the second a mean over normalised coordinates of
# 64 × 64 images. What would a map of zeros score? What would it score on maps of 256 × 256 cells? How many pixels is 0.058?
# What should the two of you compare instead?

# %% [markdown]
# **Check yourself before you go on.** Can you, without looking,
#
# * say what is wrong with "a peak is a cell that equals the maximum of its window", on the border and on a flat top?
# * give a map whose mean, highest cell and second peak are three different things, and say what each is good for?
# * sketch the influence of three losses, and say which property of it decides what one wrong label can do?
# * explain why re-weighting starts from the median and not from the mean?
# * name three inputs that hide mistakes from a test?
# * (extension) say what keeps a predicted variance from being too large, and what from being too small?
