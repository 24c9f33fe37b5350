# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 5. The same shape, whoever begins it: invariance
#
# An outline is a ring, and the list that stores it is not: somebody chose the vertex at which it begins. A network that reads the list reads that
# choice as well, unless it is built not to, told not to, or shown that it does not matter. This notebook does all three, and then gives the labels
# up altogether: a network that draws the outline of what is in a picture, and has never seen an outline.
#
# **After this notebook you can**
#
# * write a convolution on a ring, out of sums, for any length and any stride;
# * write a test that tells a ring from a list;
# * build an encoder that cannot know where an outline begins, and say exactly when a stride takes that away again;
# * train one small autoencoder with an invariance as a loss, as an architecture and as an augmentation, and compare them in one unit;
# * learn outlines from masks alone, through a picture that is drawn by the network's own answer.
#
# About 60 minutes, and 30 more for the extension. 20 points: two exercises (13), a test of your own (4) and one written question (3).
# The extension gives 5 bonus points.
#
# ![Codes of an outline from every start, the ways to be invariant with their errors, and an icon drawn by two of them](figures/5_invariance.png)
#
# *What you will have at the end: the code of one outline from all of its starts, the error of each way to be invariant, what its codes still know of the
# start, and what two of them make of the same icon.*

# %% [markdown]
# ## Conventions
#
# | | in this course |
# |---|---|
# | a polygon | `[B, 2, N]`: row 0 is x, row 1 is y; neighbours stand in sequence, and the last vertex joins the first |
# | axes | **x to the right, y up**, standardised coordinates; counter-clockwise is positive |
# | a signal on a ring | `[B, C, N]`: C numbers at each of N vertices; vertex −1 is vertex N − 1, and vertex N is vertex 0 |
# | a convolution | what networks call so: the kernel is **not** reversed. It has an odd number of taps; the middle one lies on the vertex |
# | stride s | vertices 0, s, 2s, … are answered for: ⌈N / s⌉ of them |
# | roll by k | `polygon.roll(k, dims=-1)`: the same outline, begun elsewhere |
# | distance | start-invariant: the mean squared distance of vertices, for the best of all N starts |
# | a picture | `[B, C, H, W]`, rows run down: over the square [−s, s]² the pixel in row i, column j has its centre at x = −s + (j + ½) 2s/W, y = s − (i + ½) 2s/H |
# | IoU | area of the intersection over area of the union, of two shapes |
# | dtype, device | an answer has those of what came in; float32 and float64 are tested |
# | inputs | are left as they were, and so are the global random generators |
# | any size | a batch may be empty (B = 0), and a tensor may be a view that is not contiguous in memory |
#
# The last three lines hold for every exercise, whether it says so again or not, and hidden checks look at them.

# %% setup=true
import math
import os
from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vislab import show
from vislab.check import check
from vislab.check.budget import steps
from vislab.data import open_dataset
from vislab.geometry.correspondence import start_invariant_distance
from vislab.geometry.outlines import soft_masks

plt.rcParams["figure.dpi"] = 80
ICONS = os.environ.get("VISLAB_ICONS", "icons")  # or the path of another file of the same layout


def coverage(polygons: Tensor, side: int) -> Tensor:
    """Soft masks [B, 1, side, side] of polygons [B, 2, N] (notebook 2)."""
    return soft_masks(polygons, side, side, extent=1.6, tau=0.06)

# %% [markdown]
# `start_invariant_distance(first, second)`, imported above, and `coverage` are what notebooks 3 and 2 build; here they come ready made. The first
# takes polygons `[B, 2, N]` and returns `[B]`, the mean squared distance for the best start.
#
# ## 1. A list has ends, a ring has none
#
# A convolution asks every vertex about its neighbours. At the ends of a list some are missing, and the usual answer is to invent zeros. On an
# outline nothing is missing: the neighbour of the last vertex is the first. With weights $w$ of T taps (T odd) and bias $\beta$,
#
# $$
# y_{o,m} = \beta_o + \sum_{c} \sum_{j=0}^{T-1} w_{o,c,j} \; x_{c,\,(s m + j - (T-1)/2) \bmod N}, \qquad m = 0, \dots, \lceil N/s \rceil - 1 .
# $$
#
# ```
# for every output channel o, and m = 0, 1, ... while m * stride < N:
#     total = bias[o]
#     for every input channel c and tap j:
#         total += weight[o, c, j] * signal[c, (m * stride + j - (T - 1) / 2) mod N]
#     answer[o, m] = total
# ```
#
# The kernel may be longer than the outline: then the modulus goes round more than once, and so must your code. (PyTorch's own
# `padding_mode="circular"` refuses that.)
#
# ### Exercise 12a: `circular_conv` (7 points)
#
# PyTorch's convolutions are off limits, `nn.Conv1d` included: a check in which one is called ends there. `roll`, indexing by a table, `unfold`, `einsum`
# and matrix products are fine; loops over taps and vertices earn as much as any of them. Check yourself: a stride that does not divide N · a single tap ·
# a kernel of seven taps on three vertices · a single vertex · no outlines · float64 · the gradient reaches signal, weight and bias.

# %% exercise="shapes.circular_conv"
def circular_conv(signal: Tensor, weight: Tensor, bias: Tensor, stride: int = 1) -> Tensor:
    """Convolution on a ring, centred, kernel not reversed.

    Args:
        signal: [B, C, N], N at least 1.
        weight: [O, C, T], T odd; it may be longer than N.
        bias: [O].
        stride: at least 1; vertices 0, stride, 2 stride, ... are answered for.

    Returns:
        [B, O, ceil(N / stride)], same dtype as the signal.
    """
    ### BEGIN SOLUTION
    vertices, taps = signal.shape[2], weight.shape[2]
    centre = torch.arange(0, vertices, stride, device=signal.device)
    offset = torch.arange(taps, device=signal.device) - (taps - 1) // 2
    windows = signal[:, :, (centre[:, None] + offset) % vertices]  # [B, C, M, T]
    return torch.einsum("bcmt,oct->bom", windows, weight) + bias[:, None]
    ### END SOLUTION


# %% check="shapes.circular_conv"
check("shapes.circular_conv", circular_conv)

# %% [markdown]
# **What the padding sees.** The kernel (−½, 1, −½) measures how sharply an outline bends. A square of 24 vertices has four corners, wherever its
# list begins; below, the list begins at one.

# %%
side = torch.linspace(-1, 1, 7)[:6]
one = torch.ones(6)
square = torch.stack((torch.cat((side, one, -side, -one)), torch.cat((-one, side, one, -side))))
bend = torch.zeros(2, 2, 3)
bend[0, 0] = bend[1, 1] = torch.tensor([-0.5, 1.0, -0.5])
on_ring = circular_conv(square[None], bend, torch.zeros(2)).norm(dim=1)[0]
on_list = F.conv1d(square[None], bend, padding=1).norm(dim=1)[0]
figure, panels = plt.subplots(1, 2, figsize=(7.5, 3), layout="constrained")
for panel, values, name in zip(panels, (on_ring, on_list), ("a ring", "a list, padded by zeros")):
    show.polygon(square.T, values=values, values_name="bend", value_range=(0.0, 1.2), y_up=True, ax=panel, caption=name)
    panel.axis("off")
    print(f"{name}: {int((values > 0.05).sum())} vertices bend, the sharpest by {values.max():.2f}")
plt.show()

# %% [markdown]
# The list has found a fifth corner, at its end, and a sharper one at its start. Neither is in the square.
#
# **Think.** Rolling the outline by k rolls the answer of `circular_conv` by k, at stride 1. Which single step of the loop shows it? And what becomes of
# the sentence at stride 2?

# %% [markdown]
# ## 2. A test that knows a ring from a list
#
# For most vertices, a wrong convolution of this kind is *right*: a wrong border touches the ends alone, a reversed kernel is no mistake if
# the kernel reads the same from both sides, and a stride of 1 hides everything about strides. A test is as good as its inputs.
#
# Where does the right answer come from? From the loop of section 1, slow and plain; or from the built-in on a signal that you lengthened yourself. Your
# own `circular_conv` is no witness. And a *property* (roll in, roll out) is good, but ask what wrong answers have it too.
#
# ### Exercise 12a, tested: `test_circular_conv` (4 points)
#
# `impl` is called as `impl(signal, weight, bias, stride)`. Raise where it breaks the contract in the docstring; let a right one pass, whatever the
# order in which it adds (a tolerance of 10⁻⁵ in float32 is ample). When graded, it meets right implementations and eighteen wrong ones in a secret
# order; **a test that fails a right one even once earns nothing.** At most 64 calls. No gradients come back.

# %% exercise="shapes.test_circular_conv"
def test_circular_conv(impl: Callable[..., Tensor]) -> None:
    """Raise where impl(signal, weight, bias, stride) is not the convolution on a ring of section 1.

    Args:
        impl: an implementation of circular_conv, right or wrong.
    """
    ### BEGIN SOLUTION
    for dtype, near in ((torch.float32, 1e-5), (torch.float64, 1e-11)):
        for vertices, taps, stride in ((9, 3, 1), (11, 5, 2), (12, 5, 3), (7, 1, 4), (2, 7, 1), (1, 3, 1)):
            signal = torch.randn(3, 2, vertices, dtype=dtype)
            weight, bias = torch.randn(4, 2, taps, dtype=dtype), torch.randn(4, dtype=dtype)
            answers = []
            for centre in range(0, vertices, stride):
                here = bias.expand(3, 4)
                for tap in range(taps):
                    here = here + signal[:, :, (centre + tap - taps // 2) % vertices] @ weight[:, :, tap].T
                answers.append(here)
            right = torch.stack(answers, dim=2)
            torch.testing.assert_close(impl(signal, weight, bias, stride), right, rtol=near, atol=near)
    ### END SOLUTION


# %% check="shapes.test_circular_conv"
check("shapes.test_circular_conv", test_circular_conv, right=circular_conv)

# %% [markdown]
# **Think.** A friend tests that `impl(signal.roll(k, 2), …)` equals `impl(signal, …).roll(k, 2)`, and nothing else. Name two wrong implementations that pass.

# %% [markdown]
# ## 3. An encoder that cannot know
#
# `circular_conv` is *equivariant*: a roll of the outline becomes a roll of the features. To make that *invariant*, end with something that does not
# care about order. A mean over the vertices will do; a fully connected layer, which has a weight of its own for every vertex, will not (and would
# fix N for good).
#
# ```
# polygon [B, 2, N] --first, ReLU---> [B, width, N / stride]
#                   --second, ReLU--> [B, width, N / stride]
#                   --last----------> [B, latent, N / stride] --mean over the ring--> [B, latent]
# ```
#
# All three are circular convolutions of five taps with bias; the first one strides.
#
# ### Exercise 12b: `InvariantEncoder` (6 points)
#
# It is tested with **given weights**, so the layers must be called `first`, `second` and `last`, and be `nn.Conv1d` (or hold `weight` [O, C, 5] and
# `bias` [O] as these do); there must be no other parameters. `padding_mode="circular"` is allowed here, and nothing is off limits. Any N of at least 3
# must work at stride 1, with a stride any N that leaves three vertices or more to the second layer. An encoder that is invariant for another reason (it
# sorts the vertices, or begins each outline at its topmost one) is another encoder: with the given weights its codes differ, and it earns nothing.

# %% exercise="shapes.invariant_encoder"
class InvariantEncoder(nn.Module):
    """Three circular convolutions of five taps, and a mean over the ring.

    Args:
        width: channels of the two hidden layers.
        latent: numbers in a code.
        stride: of the first layer.
    """

    def __init__(self, width: int, latent: int, stride: int = 1) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.first = nn.Conv1d(2, width, 5, stride=stride, padding=2, padding_mode="circular")
        self.second = nn.Conv1d(width, width, 5, padding=2, padding_mode="circular")
        self.last = nn.Conv1d(width, latent, 5, padding=2, padding_mode="circular")
        ### END SOLUTION

    def forward(self, polygons: Tensor) -> Tensor:
        """[B, 2, N] to [B, latent]."""
        ### BEGIN SOLUTION
        hidden = F.relu(self.second(F.relu(self.first(polygons))))
        return self.last(hidden).mean(dim=2)
        ### END SOLUTION


# %% check="shapes.invariant_encoder"
check("shapes.invariant_encoder", InvariantEncoder)

# %% [markdown]
# **From every start.** The icons, every second vertex of them, so that N = 48. Their file has a rule where an outline begins: at the topmost point above
# the middle. `restart` gives the rule up.

# %%
icons = open_dataset(ICONS)
polygons = icons["polygon"].tensor()[:, :, ::2]
keep = icons["has_polygon"].tensor() if "has_polygon" in icons else torch.ones(len(polygons), dtype=torch.bool)
part = icons["split"].tensor() if "split" in icons else torch.arange(len(polygons)) // (len(polygons) - 10)
train, held = polygons[keep & (part == 0)][:1024], polygons[keep & (part == 1)][:324]
names = [str(name) for name in icons["name"][:]] if "name" in icons else []
N = polygons.shape[2]


def icon(name: str, row: int) -> Tensor:
    """Polygon [2, N] of a named icon, or that of a row where the file has no names."""
    return polygons[names.index(name) if name in names else row]


def restart(shapes: Tensor, generator: torch.Generator) -> Tensor:
    """The same outlines [B, 2, N], each begun at a vertex drawn at random."""
    place = (torch.arange(N) + torch.randint(N, (len(shapes), 1), generator=generator)) % N
    return shapes.gather(2, place[:, None].expand_as(shapes))


print(f"{len(train)} outlines to learn from, {len(held)} held out, {N} vertices each")

# %%
def moved(encoder: nn.Module, shape: Tensor) -> Tensor:
    """How far the code of an outline [2, N] moves when its start does: [N], relative to the code's length."""
    with torch.no_grad():
        codes = encoder(torch.stack([shape.roll(k, dims=1) for k in range(N)]))
    return (codes - codes[0]).norm(dim=1) / codes[0].norm()


torch.manual_seed(0)
fully_connected = nn.Sequential(nn.Flatten(), nn.Linear(2 * N, 32), nn.ReLU(), nn.Linear(32, 10))
encoders = {"stride 1": InvariantEncoder(32, 10), "stride 4": InvariantEncoder(32, 10, stride=4)}
encoders["fully connected"] = fully_connected
heart = icon("heart", 3)
walks = {name: moved(encoder.double(), heart.double()) for name, encoder in encoders.items()}
for name, walk in walks.items():
    rest = [k for k in range(N) if walk[k] < 1e-6]
    print(f"{name}: the code stays for {len(rest)} of {N} starts, the first of them {rest[:4]}")
with torch.no_grad():
    long = encoders["stride 1"](icons["polygon"].tensor()[:1].double())
print(f"and with all {icons['polygon'].tensor().shape[2]} vertices the same encoder gives {long.shape[1]} numbers")

# %%
figure, panel = plt.subplots(figsize=(7.5, 2.5), layout="constrained")
for (name, walk), style in zip(walks.items(), ("-", ".-", "-")):
    # a logarithmic axis has no zero.
    panel.plot(walk.clamp(min=1e-17), style, label=name)
panel.set(xlabel="rolled by k vertices", ylabel="code moves by (relative)", yscale="log")
panel.legend(fontsize=8)
plt.show()

# %% [markdown]
# At stride 1 the code does not move at all. A stride of s keeps every s-th vertex, and a roll by k turns *which* ones: only when k is a multiple of s are
# they the same again. The fully connected encoder, untrained as the others, keeps its code for no other start at all.
#
# **Think.** N = 48 and s = 4. What goes wrong with rolls by 4 when N = 50?

# %% [markdown]
# ## 4. One invariance, three ways
#
# The same wish, *the start must not matter*, can be written in three places.
#
# * **As a loss.** Do not ask the network for the list, ask it for the ring: `start_invariant_distance(answer, outline)`.
# * **As an architecture.** Your encoder: it cannot know the start.
# * **As an augmentation.** Roll the **input** by a random amount in each step, and ask for the outline as it stands in the file. (Many a library rolls
#   what comes in *and* what is asked for, as a photograph and its mask are flipped together. That is another wish, and runs beside: *augmentation of both*.)
#
# The task: an autoencoder. Encoder to ten numbers, decoder back to 48 vertices. What is alike for all: 500 steps of Adam, the same batches of 64 outlines
# in the same order, a decoder that begins with the same weights, and encoders of nearly the same size (13,706 numbers, 13,442 on the ring). What is
# measured, on outlines that nobody trained on and **begun anywhere**:
#
# * the *error*: the start-invariant distance of answer and outline. The dummy: the mean of the training outlines.
# * the *share of the start*: of all that codes differ by, over all starts of 64 outlines, the share (of the variance) that lies within one outline. 0 if the
#   code does not know the start, 1 if it knows nothing else.
#
# There are two kinds of files. One has a rule where an outline begins, as ours. The other has not: then each training outline begins somewhere, once
# and for all. *Before you run it*: which of the ways beats the mean outline with which file? And which codes will not know the start? Write your guesses down.

# %%
WAYS = {  # encoder on the ring, loss on the ring, input rolled, target rolled with it
    "plain": (False, False, False, False),
    "loss": (False, True, False, False),
    "architecture": (True, False, False, False),
    "augmentation": (False, False, True, False),
    "augmentation of both": (False, False, True, True),
    "architecture + loss": (True, True, False, False),
    "augmentation + loss": (False, True, True, False),
}


def autoencoder(on_ring: bool) -> nn.Sequential:
    """Outlines [B, 2, N] to outlines, through ten numbers."""
    # made first, so that it begins with the same weights every way.
    decoder = nn.Sequential(nn.Linear(10, 128), nn.ReLU(), nn.Linear(128, 2 * N), nn.Unflatten(1, (2, N)))
    if on_ring:
        return nn.Sequential(InvariantEncoder(46, 10), decoder)
    return nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(2 * N, 128), nn.ReLU(), nn.Linear(128, 10)), decoder)

# %%
def train_way(way: str, outlines: Tensor, count: int, seed: int = 0) -> nn.Sequential:
    """Train an autoencoder one way, on outlines as they stand in the file; every way sees the same batches."""
    on_ring, ring_loss, input_rolled, target_rolled = WAYS[way]
    torch.manual_seed(seed)
    batches, rolls = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed + 1000)
    net = autoencoder(on_ring)
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 5e-3, total_steps=count)
    for _ in range(count):
        wanted = outlines[torch.randint(len(outlines), (64,), generator=batches)]
        given = restart(wanted, rolls) if input_rolled else wanted
        wanted = given if target_rolled else wanted
        answer = net(given)
        loss = start_invariant_distance(answer, wanted).mean() if ring_loss else (answer - wanted).square().sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return net.eval()

# %%
def held_error(net: Callable[[Tensor], Tensor], seed: int = 1) -> float:
    """Mean start-invariant distance on held-out outlines, begun anywhere."""
    shapes = restart(held, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return float(start_invariant_distance(net(shapes), shapes).mean())


def start_share(encoder: nn.Module) -> float:
    """Share of the variance of codes, over all starts of held-out outlines, that lies within one outline."""
    with torch.no_grad():
        codes = torch.stack([encoder(held[:64].roll(k, dims=2)) for k in range(N)])  # [N, outlines, 10]
    return float((codes - codes.mean(dim=0)).square().sum() / (codes - codes.mean(dim=(0, 1))).square().sum())

# %%
count = steps(full=500, graded_steps=2, small_steps=20)
files = {"with a rule": train, "without": restart(train, torch.Generator().manual_seed(5))}
nets = {(way, file): train_way(way, outlines, count) for way in WAYS for file, outlines in files.items()}
errors = {key: held_error(net) for key, net in nets.items()}
shares = {key: start_share(net[0]) for key, net in nets.items()}
dummy = held_error(lambda shapes: train.mean(dim=0).expand_as(shapes))
print(f"dummy, the mean outline: {dummy:.2f}")

# %% exempt="the result of trainings, which a small budget shortens"
print(f"{'':<21}{'error':>14}{'':<12}{'share of the start':>25}")
print(f"{'file':<21}" + 2 * "".join(f"{file:>13}" for file in files))
for way in WAYS:
    print(f"{way:<21}" + "".join(f"{table[way, file]:>13.2f}" for table in (errors, shares) for file in files))
if count == 500 and ICONS == "icons":
    # four standard deviations beyond the means of ten seeds.
    good = {("architecture", "with a rule"): 0.18, ("augmentation", "with a rule"): 0.143}
    good |= {("loss", "without"): 0.146, ("plain", "without"): 0.107}
    good |= {(way, file): most for way, most in (("augmentation of both", 0.104), ("augmentation + loss", 0.139)) for file in files}
    for key, most in good.items():
        assert errors[key] < most < dummy, f"{key}: {errors[key]:.3f} is outside its band, up to {most}"
    for key in (("loss", "with a rule"), ("plain", "with a rule"), ("architecture", "without"), ("augmentation", "without")):
        assert errors[key] > dummy, f"{key}: {errors[key]:.3f} should be worse than the mean outline ({dummy:.2f})"
    for file in files:
        assert shares["architecture", file] < 1e-3 and shares["augmentation of both", file] > 0.9, (file, shares)
    assert shares["augmentation", "with a rule"] < 0.5, shares

# %%
def bars(panel: plt.Axes, table: dict[tuple[str, str], float], widest: float) -> None:
    """Two bars a way: both files."""
    for number, file in enumerate(files):
        places, lengths = [place + 0.4 * number for place in range(len(WAYS))], [table[way, file] for way in WAYS]
        drawn = panel.barh(places, lengths, 0.38, label=f"file {file}")
        panel.bar_label(drawn, fmt="%.2f", fontsize=7, padding=2)
    panel.set_yticks([place + 0.2 for place in range(len(WAYS))], list(WAYS), fontsize=8)
    panel.set_xticks([0.0, 0.5, 1.0, 1.5])
    panel.set(xlim=(0, widest), ylim=(len(WAYS) - 0.2, -0.5))


# %%
widths = (1.35, 1.7, 1.1, 0.6)
figure, panels = plt.subplot_mosaic("wesa\nwesb", figsize=(13, 3.6), num="finished", layout="constrained", width_ratios=widths)
for (name, walk), style in zip(walks.items(), ("-", ".-", "-")):
    panels["w"].plot(walk.clamp(min=1e-17), style, markersize=3, label=name)
panels["w"].set(xlabel="begun k vertices later", yscale="log", ylim=(1e-18, 1e4))
panels["w"].legend(fontsize=7, ncols=3, loc="upper center", columnspacing=0.8, handlelength=1.2)
bars(panels["e"], errors, 1.2 * max(errors.values()))
panels["e"].axvline(dummy, color="0.5", linestyle=":", label="mean outline")
panels["e"].legend(fontsize=7, loc="lower right")
bars(panels["s"], shares, 1.25)
panels["s"].set_yticklabels([])
titles = "how far the code of a heart moves", "error on new outlines, begun anywhere", "share of the start in the codes"
for key, title in zip("wes", titles):
    panels[key].set_title(title, fontsize=9)
shape = heart.roll(17, dims=1)
for key, way in (("a", "loss"), ("b", "architecture")):
    with torch.no_grad():
        answer = nets[way, "with a rule"](shape[None])[0]
    show.polygon(shape.T, y_up=True, filled=True, colour="0.6", ax=panels[key])
    off = float(start_invariant_distance(answer[None], shape[None]))
    show.polygon(answer.T, y_up=True, colour="tab:red", ax=panels[key], caption=f"{way}: {off:.2f}")
    panels[key].axis("off")
plt.show()

# %% [markdown]
# A network has two ends, and the start of an outline comes in at one and is asked for at the other. (Numbers here are means over ten seeds.)
#
# * **The loss mends the output.** It no longer asks for a start, so a file without a rule is no trouble: 0.13. But the encoder has only seen the starts of
#   the file, and with a rule those are all alike: begin the heart elsewhere, and the network has never seen such a list. 0.93, worse than the dummy.
# * **The architecture mends the input**, exactly and without training: 0.15 with a rule. But its code does not know the start, so nobody can ask the decoder
#   for it: with a plain loss on a file without a rule, its best answer is the mean over all starts, a point. 1.48, worse than the dummy.
# * **The augmentation of the input mends the input**, about, and at no cost in code: 0.13 with a rule. It stands and falls with the rule for the same
#   reason: 1.48 without.
# * **The augmentation of both is no invariance.** It has the smallest error of all, 0.08 with either file, for it needs no rule: nothing asks the code to
#   forget the start, and it is asked to draw it. The start makes up 0.97 of its code, against 0.07 where the input alone is rolled. It teaches the network
#   to be *equivariant*: to read and to draw every start.
# * **Two of them together** mend both ends, with either file: 0.15 for the architecture with the loss, 0.13 for the augmentation with it.
#
# And the surprise: on a file without a rule, the **plain** network does well, 0.09. Its training outlines begin anywhere, once and for all: it is the augmentation
# of both, with one roll for each outline. Ten numbers are enough to keep the start as one of them. As a description of a shape that is a fault: two lists of
# one outline get codes as different as those of two outlines. In the unit of the error it costs nothing. A unit measures what it measures, so look at two.
#
# **Think.** The architecture's error is larger than the plain network's, with a code that has nothing to remember about the start. What else does a *mean
# over the ring* of features that see 13 vertices forget? How would you give it back without giving up the invariance?

# %% [markdown]
# ### Written question (3 points)
#
# A colleague sorts closed outlines into kinds. N = 48; the encoder is yours with stride s in its first layer, and a small network reads the kind off
# the code.
#
# 1. For which rolls of the outline does the code stay the same, for s = 1 and for s = 6, and why? She tests only rolls by 12 and by 24 and reports
#    "invariant". Which strides has she not ruled out? Give two.
# 2. Her outlines are letters. Someone proposes to make the code invariant to **reversal** (running through the same outline the other way round) as well.
#    Say how to do so by architecture, for any given encoder, in one line; and name one case in which an invariance is a *mistake*.
# 3. She has little training data, and all of it begins at the topmost point. Would you advise a start-invariant *loss* here? Which of the three ways
#    would you choose, and what is its price?

# %% [markdown] question="shapes.q_invariance" points=3
# ### BEGIN SOLUTION
# 1. s = 1: every roll. A roll by k rolls the features by k, and the mean over the ring does not see that. s = 6: multiples of 6 alone. The kept vertices
#    are 0, 6, 12, …; a roll by k keeps the vertices that lay k places further back, and these are the same set only if k is a multiple of 6 (48 is one,
#    so the wrap does no harm). Rolls by 12 and 24 are multiples of 2, 3, 4, 6 and 12: any two of these strides pass her test. She should have tried a
#    roll by 1, which contains all the others.
# 2. Average the code of the outline and of its reversal, (e(p) + e(p reversed)) / 2, or take the larger of the two number by number: swapping the two
#    changes nothing. An invariance is a mistake where what it ignores carries the answer: rotation for 6 and 9 (or d, b, p, q under reflections), the
#    orientation where holes and solids are told apart by it, the place where the question is where.
# 3. No: a classifier does not answer with an outline, so there is no start in its output that a loss could forgive, and the loss does not touch what the
#    encoder makes of other starts. Choose the architecture: exact for starts that were never seen, and the little data need not be spent on learning it.
#    Price: it forgets whatever depends on the place along the outline (a mean of local features), costs more time a step, and holds for the ring alone.
#    Augmentation is a fair second: simple, any network, but approximate, and capacity and steps are spent on it.
#
# **Rubric**: 1 point for both sets of rolls with a reason *and* two strides out of 2, 3, 4, 6, 12; half for the sets alone, or for the strides alone · 1
# point for a symmetric combination that is right *and* a case with a reason; half for either · 1 point for rejecting the loss with a reason *and* a
# choice with its price; half for either. An argued choice of augmentation earns the same as the architecture.
# ### END SOLUTION

# %% [markdown]
# ## 5. Extension: outlines without outlines
#
# Somebody gives you pictures, and for each a mask: which pixels belong to the thing. You want its *outline*, as 24 vertices. No outline has ever been
# drawn. In this section the labels are polygons full of NaN, so that nobody reads them by mistake.
#
# What can be compared is a picture with a picture. Draw the network's own answer as a mask, softly (`coverage`, from the setup cell), and compare it with
# the mask that is there:
#
# $$ \text{picture} \xrightarrow{\text{network}} P \in \mathbb{R}^{2 \times 24} \xrightarrow{\text{coverage}} \hat{m} \in [0, 1]^{H \times W},
# \qquad L = \frac{1}{HW} \sum_{ij} (\hat{m}_{ij} - m_{ij})^2 + \lambda \cdot \frac1N \sum_n |P_{n+1} - P_n|^2 . $$
#
# The gradient of a pixel on the border says which way the outline should move there, and the rest is the chain rule. Two things make life easier. *Begin
# with an outline*: let the network answer what has to be **added** to a circle, or all 24 vertices begin in one point. And *keep it tidy*: the second term
# keeps edges short, so that vertices spread out and the outline does not fold (λ about 0.05).
#
# The pictures show stars of random shape in two colours, under different light, with noise. The colours are drawn for each case of the check: what you
# train on one of them is of no use for the next.
#
# ### Exercise 14: `outlines_from_pictures` (5 bonus points)
#
# Train a network of yours in `steps` steps (160) of one of torch's optimisers, seeded with `seed`, and answer for the hidden pictures. The measure is the
# mean IoU with the true shapes: 4.5 points from 0.755 on, half of them from 0.7; the mean shape reaches about 0.5. The other half point is for keeping to
# the steps. One case must not take more than 40 seconds of CPU; ours takes three. `coverage` is at hand when graded, as everything in the setup cell is.

# %% exercise="shapes.outlines_from_pictures"
def outlines_from_pictures(pictures: Tensor, masks: Tensor, labels: Tensor, hidden: Tensor, *, steps: int, seed: int) -> Tensor:
    """Train on pictures [B, 3, S, S] and masks [B, 1, S, S], 1 inside; draw the outlines [M, 2, N] of hidden pictures [M, 3, S, S].

    S is 20, over the square [-1.6, 1.6]². The labels [B, 2, N] are NaN throughout: only their shape counts. seed is for torch's generator.
    Outlines: x to the right, y up, either orientation, beginning anywhere.
    """
    ### BEGIN SOLUTION
    torch.manual_seed(seed)
    angle = torch.arange(labels.shape[2]) * (2 * math.pi / labels.shape[2])
    circle = 0.6 * torch.stack((angle.cos(), angle.sin()))
    eyes = (nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten())
    net = nn.Sequential(*eyes, nn.Linear(32 * 25, 96), nn.ReLU(), nn.Linear(96, circle.numel()), nn.Unflatten(1, circle.shape))
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 5e-3, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(len(pictures), (24,))
        outlines = circle + 0.3 * net(pictures[rows])
        edges = (outlines - outlines.roll(1, dims=2)).square().sum(dim=1)
        loss = (coverage(outlines, masks.shape[-1]) - masks[rows]).square().mean() + 0.05 * edges.mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return circle + 0.3 * net(hidden).detach()
    ### END SOLUTION


# %% check="shapes.outlines_from_pictures"
check("shapes.outlines_from_pictures", outlines_from_pictures)

# %% [markdown]
# **The same on real icons.** Their pictures are what they are: colours, details, holes. The mask of an icon is drawn from its outline with `coverage`
# here, and then the outline is put away: the labels handed over are NaN.

# %%
pictures = F.interpolate(icons["img"].tensor().float() / 255, size=(20, 20), mode="bilinear", antialias=True)
pictures_train, pictures_held = pictures[keep & (part == 0)][:1024], pictures[keep & (part == 1)][:324]


def outlines_of_icons(count: int, seed: int) -> Tensor:
    """Outlines [M, 2, 24] of the held-out icons, learnt from pictures and masks of the others."""
    masks = (coverage(train, 20) > 0.5).float()
    poison = torch.full((len(train), 2, 24), math.nan)
    return outlines_from_pictures(pictures_train, masks, poison, pictures_held, steps=count, seed=seed)


def icon_overlap(shapes: Tensor) -> float:
    """Mean IoU of outlines [M, 2, any], or of masks [M, 1, 40, 40] of 0 and 1, with the held-out icons."""
    ours, theirs = (some > 0.5 if some.ndim == 4 else coverage(some, 40) > 0.5 for some in (shapes, held))
    return float(((ours & theirs).sum(dim=(1, 2, 3)) / (ours | theirs).sum(dim=(1, 2, 3)).clamp(min=1)).mean())

# %%
count = steps(full=400, graded_steps=2, small_steps=20)
drawn = outlines_of_icons(count, seed=0)
by_network, by_mean = icon_overlap(drawn), icon_overlap(train.mean(dim=0).expand_as(held))
by_majority = icon_overlap((coverage(train, 40) > 0.5).float().mean(dim=0).expand(len(held), 1, 40, 40))
if count == 400 and ICONS == "icons":
    # ten seeds: 0.687 on average, standard deviation 0.008; the band begins four of them below.
    assert by_network > 0.655 > max(by_mean, by_majority) + 0.04, f"{by_network:.3f} is outside its band ({by_mean:.3f}, {by_majority:.3f})"
figure, panels = plt.subplots(2, 7, figsize=(11.5, 3.4), layout="constrained")
for number, (above, below) in enumerate(zip(*panels)):
    above.imshow(pictures_held[number].movedim(0, -1).clamp(0, 1))
    show.polygon(held[number].T, y_up=True, filled=True, colour="0.6", ax=below)
    show.polygon(drawn[number].T, y_up=True, colour="tab:red", ax=below)
    above.axis("off")
    below.axis("off")
told = f"IoU {by_network:.2f} (mean outline: {by_mean:.2f}, what most masks cover: {by_majority:.2f})"
figure.suptitle(f"drawn without a single outline to learn from: {told}", fontsize=10)
plt.show()

# %% [markdown]
# **Think.** The raster loss never said at which vertex to begin, nor which way to run. Yet all answers begin at about the same angle and run the same way.
# Who decided that?

# %% [markdown]
# **Check yourself before you go on.** Can you, without looking,
#
# * say which vertices a wrong border spoils, and why a test may miss them?
# * say for which rolls a strided encoder on a ring keeps its code?
# * say which end of a network each of the three ways mends, and which file each of them needs?
# * say why a plain autoencoder on outlines that begin anywhere can have a small error and a bad code?
# * explain how a network learns outlines from masks, and what it begins with?
