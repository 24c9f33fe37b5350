# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 5. Whose hand is this? Several people, hidden joints
#
# So far every picture held one person, and all of that person. On a street neither is true. Several people mean that a list of necks and a
# list of hands must be made into people; a lamp post in front of one of them means that some joints have to be answered unseen.
#
# **After this notebook you can**
#
# * draw the *part affinity field* of a limb, and say what happens to it where people overlap;
# * score how well two joints go together by a line integral, and write a test that tells a right integral from a plausible one;
# * match starts and ends so that nobody is used twice, and show where taking the best pair first goes wrong;
# * say, with measured error rates, what all of that gains over joining nearest neighbours;
# * (extension) train for occlusion, judge whether a joint can be seen, and answer hidden joints together with how sure you are.
#
# About 100 minutes, 60 without the extension. 18 points: four exercises (15), one of them a test that you write, and one written question
# (3). The extension is worth 10 bonus points.
#
# ![Two people who cross: joined by nearest neighbours, the field of one limb, joined by fields, error rates](figures/5_people.png)
#
# *What you will have at the end: two people who cross each other, taken apart wrongly by distance and rightly by fields, and how often
# each way goes wrong in crowds.*

# %% [markdown]
# ## Conventions
#
# | | in this course |
# |---|---|
# | a point | `(x, y)`: **x first**, to the right; y downwards; pixel centres are whole numbers |
# | people | `joints` is `[P, J, 2]`, `visible` a bool `[P, J]`; what stands in the place of a joint that is not visible may be anything, NaN included |
# | a limb | two joint numbers `(first, last)`; it **runs from the first to the last**. All limbs together are an int64 tensor `[L, 2]` |
# | a field | `[L, 2, H, W]`: for every limb a map of x parts and a map of y parts; **zero** where there is no limb, and outside the map |
# | reading between pixels | bilinear: a blend of the four pixels around, those outside counting zero |
# | a limb of length zero | has no direction: it leaves no field and scores 0 |
# | a match | the number of the end that belongs to a start, **−1** for "none" |
# | dtype, device | an answer has those of what came in (numbers of ends are int64); float32 and float64 are tested |
# | inputs | are left as they were, and so are the global random generators |
# | any size | a batch may be empty (B = 0): no people, no starts, no ends; and a tensor may be a view that is not contiguous in memory |
#
# The last three lines hold for every exercise, whether it says so again or not, and hidden checks look at them.

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
# ## 1. Joints are not people
#
# The figures are those of notebook 2: seven joints, six limbs. A detector that looks for one kind of joint at a time has one heatmap for
# *necks* and finds all necks in it, wherever they are. What it cannot tell is which hand goes with which neck.

# %%
NAMES = ["head", "neck", "left hand", "right hand", "hip", "left foot", "right foot"]
LIMBS = torch.tensor([[1, 0], [1, 2], [1, 3], [1, 4], [4, 5], [4, 6]])  # neck to head and hands, neck to hip, hip to feet
WIDTH, HEIGHT, JOINTS = 64, 48, 7


def toy_people(size: Tensor, generator: torch.Generator, height: int = HEIGHT, width: int = WIDTH) -> Tensor:
    """Invent one person for every size: joints [P, 7, 2] in pixels."""
    count = len(size)
    swing = torch.tensor([35.0, 98.0, 98.0, 28.0, 56.0, 56.0]) * (torch.rand(count, 6, generator=generator) - 0.5)
    angle = torch.deg2rad(torch.tensor([-90.0, 140.0, 40.0, 90.0, 110.0, 70.0]) + swing)
    length = torch.tensor([4.0, 7.0, 7.0, 8.0, 9.0, 9.0]) * (0.8 + 0.4 * torch.rand(count, 6, generator=generator))
    step = size[:, None, None] * length[..., None] * torch.stack((angle.cos(), angle.sin()), dim=-1)
    joints = torch.zeros(count, JOINTS, 2)
    place = torch.tensor([0.2, 0.2]) + torch.tensor([0.6, 0.35]) * torch.rand(count, 2, generator=generator)
    joints[:, 1] = place * torch.tensor([width, height])
    for limb, (first, last) in enumerate(LIMBS.tolist()):
        joints[:, last] = joints[:, first] + step[:, limb]
    return joints

# %%
def draw(joints: Tensor, height: int = HEIGHT, width: int = WIDTH) -> Tensor:
    """Ink each pixel by its distance to the nearest limb of anybody: [P, 7, 2] to [H, W]."""
    pixel = torch.stack(torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy"), dim=-1).reshape(1, 1, -1, 2)
    first, last = (joints[:, LIMBS[:, end], None] for end in (0, 1))
    # the nearest point of a limb: project onto its line, then stay between its ends.
    along = ((pixel - first) * (last - first)).sum(dim=-1) / (last - first).square().sum(dim=-1)
    away = (pixel - first - along.clamp(0, 1)[..., None] * (last - first)).norm(dim=-1)  # [P, limbs, H W]
    return torch.exp(-away.square() / 1.3).amax(dim=(0, 1)).reshape(height, width)


# two people, one in front of the other.
FIRST = [[24, 9], [25, 15], [17, 20], [39, 18], [27, 25], [21, 36], [31, 35]]
SECOND = [[37, 10], [36, 16], [23, 17], [45, 21], [35, 26], [29, 36], [41, 35]]
pair = torch.tensor([FIRST, SECOND], dtype=torch.float32)
figure, panels = plt.subplots(1, 2, figsize=(8, 3))
panels[0].imshow(draw(pair), cmap="Greys", vmax=1.4)
for joint in range(JOINTS):
    panels[1].scatter(*pair[:, joint].T, label=NAMES[joint], s=25)
panels[1].set(xlim=(-0.5, WIDTH - 0.5), ylim=(HEIGHT - 0.5, -0.5), aspect="equal", title="what a detector of joints knows")
panels[1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
panels[0].set_title("two people")
plt.show()

# %% [markdown]
# Look at the two left hands, the green dots. For each of the two necks, which one would *you* take, from the right picture alone?
#
# The obvious rule joins what is near. It fails exactly where it matters, where people are close together. What the right picture has lost is
# **the ink between the joints**: there is a forearm between a neck and its own hand, and none, or one that runs another way, between a neck
# and somebody else's. Cao and others (*Realtime multi-person 2D pose estimation using part affinity fields*, CVPR 2017) have the network
# learn that as well, as a map of **directions**.

# %% [markdown]
# ## 2. A map of directions
#
# Take one limb of one person, from $a$ to $b$, with length $\ell = |b - a|$ and unit direction $u = (b - a)/\ell$. A pixel $q$ lies on the
# limb if it is between the two ends *and* not too far beside the line:
#
# $$
# 0 \le u \cdot (q - a) \le \ell
# \qquad \text{and} \qquad
# |u^\perp \cdot (q - a)| \le w ,
# \qquad u^\perp = (u_y, -u_x),
# $$
#
# with the half width $w$. That is a rectangle, and its border belongs to it. There the field is $u$, elsewhere it is 0. Where the same limb of
# several people covers a pixel, the field is the **mean of their directions**: of those that cover it, not of all people.
#
# ```
# for every limb (first, last):
#     for every pixel q:
#         total = (0, 0);  count = 0
#         for every person whose first and last joint are both visible, and not in the same place:
#             if q lies on that person's limb:   total += u;   count += 1
#         field[limb, :, q] = total / count      # and (0, 0) if count is 0
# ```
#
# ### Exercise 11a: `limb_field` (5 points)
#
# Without a loop over pixels. Then ask yourself: what of a joint that is missing and holds NaN? Of a limb that has both ends in
# one place? Of one that begins outside the map and crosses it?

# %% exercise="pose.limb_field"
def limb_field(joints: Tensor, visible: Tensor, limbs: Tensor, height: int, width: int, half_width: float) -> Tensor:
    """Part affinity fields [L, 2, H, W] of some people, x part first.

    Args:
        joints: [P, J, 2], pixels; anything where a joint is not visible.
        visible: bool [P, J].
        limbs: int64 [L, 2], first and last joint.
        half_width: of a limb, pixels.
    """
    ### BEGIN SOLUTION
    seen = visible[:, limbs].all(dim=-1)[..., None]  # [P, L, 1]
    first, last = joints[:, limbs].unbind(dim=2)  # [P, L, 2]
    first, away = torch.where(seen, first, 0.0), torch.where(seen, last - first, 0.0)
    length = away.norm(dim=-1, keepdim=True)
    unit = away / torch.where(length > 0, length, 1.0)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    (x, y), (u, v) = (x - first[..., 0, None, None], y - first[..., 1, None, None]), unit[..., None, None].unbind(dim=2)
    along, beside = u * x + v * y, v * x - u * y  # [P, L, H, W]
    length = length[..., None]
    on = (along >= 0) & (along <= length) & (beside.abs() <= half_width) & (length > 0)
    total = (on[:, :, None] * unit[..., None, None]).sum(dim=0)
    return total / on.sum(dim=0).clamp(min=1)[:, None]
    ### END SOLUTION


# %% check="pose.limb_field"
check("pose.limb_field", limb_field)

# %% [markdown]
# The fields of the two people, one limb at a time. Arrows show the direction, the grey below is the ink that the network would see.

# %%
everything = torch.ones(pair.shape[:2], dtype=torch.bool)
fields = limb_field(pair, everything, LIMBS, HEIGHT, WIDTH, half_width=1.5)
figure, panels = plt.subplots(1, 3, figsize=(9.5, 2.7))
for panel, limb in zip(panels, (1, 2, 3)):
    panel.imshow(draw(pair), cmap="Greys", vmax=4)
    row, column = torch.nonzero(fields[limb].abs().sum(dim=0), as_tuple=True)
    u, v = fields[limb, :, row, column]
    panel.quiver(column, row, u, v, torch.atan2(v, u), cmap="hsv", clim=(-math.pi, math.pi), angles="xy", scale=28, width=0.006)
    panel.set(xlim=(12, 50), ylim=(40, 4), title=" to ".join(NAMES[joint] for joint in LIMBS[limb]))
    panel.axis("off")
plt.show()

# %% [markdown]
# **Think.** A network predicts these fields with a squared loss from pictures in which most pixels hold no limb at all: 98 of a
# hundred numbers above are zero. What does a network learn first, and how would its fields look then? (Compare with the heatmap loss of notebook 4.)
# And why is a *thick* limb easier to learn, and worse to use?

# %% [markdown]
# ## 3. Does this hand belong to that neck?
#
# Given a candidate start $a$ and a candidate end $b$, walk from one to the other and ask at every step: does the field point where I am going?
#
# $$
# S(a, b) = \frac{1}{n} \sum_{k=0}^{n-1} u \cdot f\!\left(a + \tfrac{k}{n-1} (b - a)\right), \qquad u = \frac{b - a}{|b - a|} .
# $$
#
# This is a line integral, by $n$ equally spaced samples of which the first lies on $a$ and the last on $b$. $f$ is read between the
# pixels, bilinearly. As a loop:
#
# ```
# for every start a, for every end b:
#     u = (b - a) / length, or (0, 0) where the length is 0
#     score = mean over k = 0 .. n-1 of   u . field read at a + k/(n-1) (b - a)
# ```
#
# ### Exercise 11b: `limb_score` (3 points)
#
# One limb, all pairs at once. `F.grid_sample` is allowed, and does what the conventions ask for if you hand it the right normalised
# coordinates and the right `padding_mode`. Notebook 1 has the formulas; choose the one that works for a map of a single column, too.

# %% exercise="pose.limb_score"
def limb_score(field: Tensor, starts: Tensor, ends: Tensor, samples: int) -> Tensor:
    """Mean of field times direction along the line from every start to every end.

    Args:
        field: [2, H, W] of one limb, x part first.
        starts: [M, 2] and
        ends: [N, 2], pixels, inside the map or not.
        samples: at least 2.

    Returns:
        [M, N]; 0 where both are in one place.
    """
    ### BEGIN SOLUTION
    height, width = field.shape[1:]
    away = ends - starts[:, None]  # [M, N, 2]
    length = away.norm(dim=-1, keepdim=True)
    unit = away / torch.where(length > 0, length, 1.0)
    share = torch.linspace(0, 1, samples, dtype=field.dtype)[:, None]
    places = starts[:, None, None] + share * away[:, :, None]  # [M, N, samples, 2]
    grid = (2 * places + 1) / torch.tensor([width, height]) - 1
    found = F.grid_sample(field[None], grid.flatten(0, 1)[None], padding_mode="zeros", align_corners=False)[0]
    return torch.einsum("cmns,mnc->mn", found.unflatten(1, away.shape[:2]), unit) / samples
    ### END SOLUTION


# %% check="pose.limb_score"
check("pose.limb_score", limb_score)

# %% [markdown]
# **Numbers to remember.** Two parallel limbs of 16 pixels, 16 pixels apart; two limbs that cross; two that overlap side by side. In the
# last column, people that cover the same pixel are *summed* instead of averaged.

# %%
def scores_of(limbs: list, half_width: float, summed: bool = False, back: bool = False) -> Tensor:
    """Scores [2, 2] of two limbs, given as [[start, end], [start, end]]."""
    ends = torch.tensor(limbs, dtype=torch.float64)
    both, seen = torch.tensor([[0, 1]]), torch.ones(2, 2, dtype=torch.bool)
    alone = [limb_field(one[None], seen[:1], both, 40, 50, half_width)[0] for one in ends]
    field = alone[0] + alone[1] if summed else limb_field(ends, seen, both, 40, 50, half_width)[0]
    return limb_score(field, ends[:, int(back)], ends[:, 1 - int(back)], samples=21)


layouts = {
    "parallel": ([[[10, 10], [26, 10]], [[10, 26], [26, 26]]], 1.0),
    "crossing": ([[[13, 12], [37, 28]], [[37, 12], [13, 28]]], 3.0),
    "side by side": ([[[10, 20], [30, 20]], [[10, 21], [30, 21]]], 1.5),
}
print("               right pair  wrong pair  backwards   right pair if summed")
for name, (limbs, half_width) in layouts.items():
    mean, back, total = (scores_of(limbs, half_width, **how) for how in ({}, {"back": True}, {"summed": True}))
    print(f"{name:<14} {mean[0, 0]:>10.2f} {mean[0, 1]:>11.2f} {back[0, 0]:>10.2f} {total[0, 0]:>17.2f}")

# %% [markdown]
# A right pair scores 1 where nobody disturbs it, the same pair read backwards −1, and where limbs cross a right pair is still far
# ahead of a wrong one. **Side by side is the hard case**: the way from one start to the other end runs inside a limb nearly
# all the time, and the scores hardly tell right from wrong. The next section is there for that.
#
# The sum says nothing that the mean does not say, and gets out of hand: a score above 1, the more the more people there are. A
# network would have to predict numbers that depend on how crowded a street is, and no threshold would mean the same in two pictures.

# %% [markdown]
# ## 4. A test that can tell
#
# Whoever changes `limb_score` next year will rely on your test. What makes a test worth having? That it **fails what is wrong and
# passes what is right**: also right code that computes in another order, and differs in the last digit.
#
# * *Know the answer from somewhere else.* A slow loop; or a field so simple that a formula gives the answer. If a field grows
#   linearly with x and y, its mean along a line is its value in the middle.
# * *Choose inputs that hide nothing.* On a horizontal limb in a field of ones, x and y can be exchanged, the direction need not be
#   normalised if the limb has length 1, and any sample gives the same as all. Use H ≠ W, several starts, another number of ends, crooked numbers.
# * *But one special case at a time has its place*: a wrong sampling between the ends does not show in a linear field (why?). A single bright
#   pixel shows it.
# * *Tolerances.* `torch.allclose` with an `atol` about ten times the rounding error you expect: 1e-5 in float32, 1e-10 in float64.
#
# ### Exercise 11c: `test_limb_score` (4 points)
#
# Write a function that takes an implementation of `limb_score` and raises (`assert` does) if it is wrong. When it is graded, it meets several
# right implementations, **none of which it may fail**, and over a dozen wrong ones: among them some that are wrong in every number, one that
# is only wrong outside the map, one only for limbs without length, one only in float64. At home there is your own `limb_score`, and
# that with a fault put in. You have 32 calls.

# %% exercise="pose.test_limb_score"
def test_limb_score(impl) -> None:
    """Raise if ``impl(field, starts, ends, samples)`` is not a right limb_score."""
    ### BEGIN SOLUTION
    y, x = torch.meshgrid(torch.arange(9.0), torch.arange(13.0), indexing="ij")
    points = torch.tensor([[1.3, 2.1], [9.7, 6.2], [4.4, 7.4], [10.2, 1.6], [3.9, 5.5]])
    for dtype, atol in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        starts, ends = points.to(dtype).split((3, 2))
        away, middle = ends - starts[:, None], (ends + starts[:, None]) / 2
        slope = torch.tensor([[0.07, -0.02, 0.3], [0.03, 0.05, -0.4]], dtype=dtype) / 3
        field = slope[:, 0, None, None] * x + slope[:, 1, None, None] * y + slope[:, 2, None, None]
        expected = ((middle @ slope[:, :2].T + slope[:, 2]) * away).sum(dim=-1) / away.norm(dim=-1)
        answer = impl(field, starts, ends, 5)
        assert answer.shape == (3, 2) and answer.dtype == dtype
        assert torch.allclose(answer, expected, rtol=0, atol=atol)
    # one bright pixel: only samples near it count, and half a pixel beside it half of it is left.
    pixel = torch.zeros(2, 9, 13)
    pixel[0, 4, 6] = 1.0
    for row, share in ((4.0, 0.2), (4.5, 0.1)):
        found = impl(pixel, torch.tensor([[2.0, row]]), torch.tensor([[10.0, row]]), 5)
        assert torch.allclose(found, torch.full((1, 1), share), atol=1e-5)
    # nothing outside, and nothing in no direction.
    outside = impl(torch.ones(2, 4, 6), torch.tensor([[-9.0, 1.0]]), torch.tensor([[-5.0, 1.0], [-9.0, 1.0]]), 4)
    assert torch.equal(outside, torch.zeros(1, 2))
    ### END SOLUTION


# %% check="pose.test_limb_score"
check("pose.test_limb_score", test_limb_score, right=limb_score)

# %% [markdown]
# ## 5. Everybody once
#
# Scores of one limb for all M starts and N ends: a table. Who goes with whom? Nobody has two left hands, so each row and each column may be
# used once at most; a pair below some threshold is no limb at all; and whoever finds nobody stays alone, since the other end may
# be hidden or missed by the detector. Among all such choices, take the one with the **largest total score**.
#
# ```
# best = nothing matched, total 0
# for every way to give some starts an end of their own, using only pairs with score > minimum:
#     if its total is larger than best's:   best = this one
# answer[start] = its end, or -1
# ```
#
# What everybody writes first is greedy: the best pair of all, then the best of what remains, and so on. On this table,
#
# | | end 0 | end 1 |
# |---|---|---|
# | **start 0** | 0.90 | 0.80 |
# | **start 1** | 0.85 | 0.10 |
#
# it takes 0.90, and then has to take 0.10: a total of 1.00. Giving start 0 its second choice makes 1.65.
#
# ### Exercise 11d: `match_limbs` (3 points)
#
# No case has more than five of a kind, so trying everything is fast enough if you do it sensibly (recursion over the starts;
# `itertools`; or a table of the best total for every set of ends used so far). Any method is welcome that always finds the best total, the Hungarian
# one included, if it is your own: `scipy.optimize.linear_sum_assignment` is off limits. `minimum` is never negative, and scores may be −∞.

# %% exercise="pose.match_limbs"
def match_limbs(scores: Tensor, minimum: float) -> Tensor:
    """One-to-one matching of the largest total score.

    Args:
        scores: [M, N] of starts and ends.
        minimum: a pair must score more than this, at least 0.

    Returns:
        int64 [M]: for every start its end, or -1.
    """
    ### BEGIN SOLUTION
    # the ends used so far, one bit each -> the best total with just these, and who has which.
    best = {0: (0.0, ())}
    for row in scores.tolist():
        # alone, or with an end that is free.
        following = {used: (total, (*choice, -1)) for used, (total, choice) in best.items()}
        for used, (total, choice) in best.items():
            for end, score in enumerate(row):
                with_end = used | 1 << end
                if score > minimum and with_end != used and total + score > following.get(with_end, (-1.0,))[0]:
                    following[with_end] = (total + score, (*choice, end))
        best = following
    _, choice = max(best.values())
    return torch.tensor(choice, dtype=torch.int64, device=scores.device)
    ### END SOLUTION


# %% check="pose.match_limbs"
check("pose.match_limbs", match_limbs)

# %% [markdown]
# ## 6. Taking a crowd apart
#
# All the pieces are there. For every limb: the candidates of both kinds, the scores, the matching. Three other ways are measured beside it: the
# nearest pair first; the matching of the least total *distance*; and fields with the greedy choice.

# %%
def greedy(scores: Tensor, minimum: float) -> Tensor:
    """The best pair first, then the best of those that remain."""
    left, answer = scores.clone(), torch.full((len(scores),), -1)
    while left.numel() and left.max() > minimum:
        start, end = divmod(int(left.argmax()), left.shape[1])
        answer[start] = end
        left[start], left[:, end] = -math.inf, -math.inf
    return answer


def match_crowd(fields: Tensor, joints: Tensor, found: Tensor, way: str) -> list[Tensor]:
    """For every limb, the person whose last joint each person's first is given: int64 [P], -1 for nobody."""
    answers = []
    for field, (first, last) in zip(fields, LIMBS.tolist()):
        starts, ends = (torch.nonzero(found[:, joint])[:, 0] for joint in (first, last))
        if way.startswith("distance"):
            # no limb is longer than 14 pixels, and a score must be large where a distance is small.
            scores, minimum = 100 - torch.cdist(joints[starts, first], joints[ends, last]), 86.0
        else:
            scores, minimum = limb_score(field, joints[starts, first], joints[ends, last], samples=12), 0.3
        match = (greedy if way.endswith("greedy") else match_limbs)(scores, minimum)
        answer = torch.full((len(joints),), -1)
        answer[starts] = torch.cat((ends, torch.tensor([-1])))[match]
        answers.append(answer)
    return answers

# %% [markdown]
# A hundred crowds of two, three and four people. One joint in ten is missed by the detector, the others are off by about a pixel. The fields
# are the true ones with noise on every number (standard deviation 0.3, a third of the length of an arrow), to stand for a network's; so read the
# lower half of the table as *what can be gained if a network learns its fields well*. A start counts as wrong if it gets
# somebody else's end, or one where it should have none, or none where its own was found.

# %%
WAYS = ("distance, greedy", "distance, optimal", "fields, greedy", "fields, optimal")


def error_rates(people: int, crowds: int, low: float, high: float) -> dict[str, float]:
    """Share of wrong limbs for every way, over crowds of people of sizes between low and high."""
    generator = torch.Generator().manual_seed(5)
    wrong, total = dict.fromkeys(WAYS, 0), 0
    for _ in range(crowds):
        joints = toy_people(low + (high - low) * torch.rand(people, generator=generator), generator)
        fields = limb_field(joints, torch.ones(people, JOINTS, dtype=torch.bool), LIMBS, HEIGHT, WIDTH, half_width=1.5)
        fields = fields + 0.3 * torch.randn(fields.shape, generator=generator)
        found = torch.rand(people, JOINTS, generator=generator) < 0.9
        seen = joints + 0.7 * torch.randn(joints.shape, generator=generator)
        own = [torch.where(found[:, last], torch.arange(people), -1) for _, last in LIMBS.tolist()]
        counted = [found[:, first] for first, _ in LIMBS.tolist()]
        total += sum(int(each.sum()) for each in counted)
        for way in WAYS:
            answers = match_crowd(fields, seen, found, way)
            wrong[way] += sum(int((a != b)[each].sum()) for a, b, each in zip(answers, own, counted))
    return {way: count / total for way, count in wrong.items()}

# %%
crowds = steps(full=100, graded_steps=2)
rates = {f"{people} people": error_rates(people, crowds, 1.0, 1.0) for people in (2, 3, 4)}
rates["3 of sizes 0.6 to 1.6"] = error_rates(3, crowds, 0.6, 1.6)
print(f"{'wrong limbs, %':<22}" + "".join(f"{way:>20}" for way in WAYS))
for people, row in rates.items():
    print(f"{people:<22}" + "".join(f"{100 * share:>20.0f}" for share in row.values()))

# %% [markdown]
# Two separate gains. **Matching**: with nothing but distances, asking for the best *total* instead of the best pair at once removes
# more than half of the errors. **Fields**: they remove about half of what is left. With the fields, the greedy choice is nearly as good as
# the optimal one. What remains are mostly swaps between people whose limbs lie side by side, and then joints that were missed, whose
# neighbours take somebody else's.
#
# And people of *different sizes*, one of the lecture's open questions: distances suffer, since no single "14 pixels" fits both a child in
# front and a grown-up behind. A field knows nothing of size: it holds directions. (The rectangle still has one width for all.)

# %%
detected = torch.ones(2, JOINTS, dtype=torch.bool)
figure, panels = plt.subplots(1, 4, figsize=(11.5, 2.5), num="finished", layout="constrained", width_ratios=(1, 1, 1, 1.25))
for panel, way in zip((panels[0], panels[2]), ("distance, greedy", "fields, optimal")):
    panel.imshow(draw(pair), cmap="Greys", vmax=4)
    answers = match_crowd(fields, pair, detected, way)
    for answer, (first, last) in zip(answers, LIMBS.tolist()):
        for person, other in enumerate(answer.tolist()):
            ends = torch.stack((pair[person, first], pair[other, last]))
            panel.plot(*ends.T, color=("tab:blue", "tab:orange")[person], linestyle="-" if other == person else ":", linewidth=2)
    wrong = sum(int((answer != torch.arange(2)).sum()) for answer in answers)
    panel.set_title(f"joined by {way.split(',')[0]}: {wrong} wrong", fontsize=9)
row, column = torch.nonzero(fields[1].abs().sum(dim=0), as_tuple=True)
panels[1].imshow(draw(pair), cmap="Greys", vmax=4)
panels[1].quiver(column, row, *fields[1, :, row, column], angles="xy", scale=28, width=0.006, color="tab:green")
panels[1].set_title("field: neck to left hand", fontsize=9)
for panel in panels[:3]:
    panel.scatter(*pair.flatten(0, 1).T, s=8, color="black", zorder=3)
    panel.set(xlim=(12, 50), ylim=(40, 4))
    panel.axis("off")
for number, way in enumerate(WAYS):
    panels[3].bar(torch.arange(3) + 0.2 * number - 0.3, [100 * rates[f"{people} people"][way] for people in (2, 3, 4)], 0.2, label=way)
panels[3].set_xticks(range(3), ["2 people", "3", "4"])
panels[3].legend(fontsize=6.5)
panels[3].set_title("wrong limbs, %", fontsize=9)
plt.show()

# %% [markdown]
# ### Written question (3 points)
#
# 1. A mother carries her child the other way round: for one limb, say neck to hip, their two limbs cover **the same pixels** and run in
#    **opposite** directions. What does the field hold there? Compute the scores of all four pairs of the two starts and two ends, and say what
#    the matching with a threshold of 0.3 makes of them. Would summing instead of averaging help?
# 2. A skeleton of 17 joints is a tree of 16 limbs. With four people, all joints found, how many ways are there to give all starts an end,
#    if each limb is decided on its own? And if all limbs had to be decided together? What can go wrong when they are decided one by one that
#    no single limb's score shows?
# 3. A friend leaves the division by $|b - a|$ out and says: "it only multiplies a score by the length." Name a picture in which the
#    friend's total score prefers a wrong matching although all fields are perfect, and say what becomes of the threshold.

# %% [markdown] question="pose.q_people" points=3
# ### BEGIN SOLUTION
# 1. The mean of u and −u is (0, 0), so the field vanishes on the whole limb. Both right pairs score 0. The two wrong pairs join a start with
#    the end that lies in (nearly) the same place, as the child's start is where the mother's end is: their length is about 0 and so is
#    their score. Nothing is above 0.3, so all four stay alone. The sum is u − u = 0, too: it does not help. (What helps is another limb that
#    joins the same parts, or a separate field for each direction.)
# 2. Each limb has 4! = 24 matchings; decided one by one that is 16 · 24 = 384 to look at. Together there are 24^16 ≈ 1.2 · 10^22. The
#    price: decisions that are each the best for their limb need not fit together. A single wrong limb in the middle (a neck with somebody else's hip)
#    gives one person two other people's legs, and nothing checks it, as in a tree there is only one way between any two joints; no later
#    limb can overrule an earlier one.
# 3. Without the division a pair's value is its score times its length, so long pairs count more. A big person beside a small one: a wrong
#    long pair that runs through the big limb for half of its way is worth more than the small person's right pair, for instance 0.5 · 20 = 10
#    against 1.0 · 6. So the largest total takes the wrong pair where the two exclude each other. A threshold of 0.3 is then one on pixels times
#    agreement: any long pair that crosses a limb passes, and a short right limb may fail.
#
# **Rubric**: 1 point for field 0, right pairs 0 *and* the wrong pairs recognised as (nearly) without length, so all alone; half if the wrong
# pairs are missing or the sum is said to help · 1 point for 16 · 24 (or 24 per limb) against 24^16 *and* one thing that goes wrong globally;
# half for either · 1 point for a picture with long against short pairs and the threshold that no longer means the same; half for either.
# ### END SOLUTION

# %% [markdown]
# ## 7. Extension: joints that nobody can see (10 bonus points)
#
# From here on, everything is extension: three exercises and what they gain in pixels. (The list to check yourself is at the very end.)
#
# A network that has only seen whole people knows nothing of lamp posts. The cheapest remedy is to put some into the training pictures: a box
# of one colour at a random place. The labels stay what they were, as *we* know what is below. One thing changes: whether a joint can be seen.
#
# A box is `(left, upper, right, lower)` in whole numbers, half-open as always in Python: its pixels are the columns left … right − 1 and the
# rows upper … lower − 1. It may reach over the border, or lie outside. A joint is below it if the joint's *pixel* is, and pixels reach half a
# pixel beyond their centres: $\text{left} - \frac12 \le x < \text{right} - \frac12$, and so for y.
#
# ### Exercise 12a: `occlude` (3 bonus points)
#
# The boxes are handed in, so nothing is random here. Beware of slices with negative numbers.

# %% exercise="pose.occlude"
def occlude(images: Tensor, joints: Tensor, visible: Tensor, boxes: Tensor, fill: Tensor) -> tuple[Tensor, Tensor]:
    """Paint one box over every image; joints below it are no longer visible.

    Args:
        images: [B, C, H, W].
        joints: [B, J, 2], pixels.
        visible: bool [B, J]: who is hidden already stays so.
        boxes: int64 [B, 4]: left, upper, right, lower.
        fill: [B, C], the colour of each box.

    Returns:
        New images [B, C, H, W], and visible [B, J].
    """
    ### BEGIN SOLUTION
    left, upper, right, lower = boxes.T[..., None]  # [B, 1] each
    column, row = torch.arange(images.shape[3]), torch.arange(images.shape[2])
    across, down = (left <= column) & (column < right), (upper <= row) & (row < lower)
    painted = (down[:, :, None] & across[:, None])[:, None]
    x, y = joints.unbind(dim=-1)
    below = (left - 0.5 <= x) & (x < right - 0.5) & (upper - 0.5 <= y) & (y < lower - 0.5)
    return torch.where(painted, fill[..., None, None], images), visible & ~below
    ### END SOLUTION


# %% check="pose.occlude"
check("pose.occlude", occlude)

# %% [markdown]
# A network should also *say* that it cannot see a joint. That is one logit $z$ for each joint, and the loss is the binary cross-entropy. With
# $y = 1$ for visible and the sigmoid $\sigma(z) = 1/(1 + e^{-z})$,
#
# $$
# L = -y \log \sigma(z) - (1 - y) \log(1 - \sigma(z)),
# $$
#
# averaged over all joints of all people. Written like this it is $-\log 0$ for $z = 200$ and $y = 0$; it should be 200. Put σ in, use
# $\log(1 + e^{z}) = \max(z, 0) + \log(1 + e^{-|z|})$, and no exponential can overflow.
#
# ### Exercise 12b: `visibility_loss` (2 bonus points)
#
# `F.binary_cross_entropy_with_logits`, `F.binary_cross_entropy` and `F.logsigmoid` are off limits. When a logit is sure and right, the loss is
# about $e^{-|z|}$, and not 0: there is a function for $\log(1 + t)$ with small $t$.

# %% exercise="pose.visibility_loss"
def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    """Mean binary cross-entropy of logits [B, J], given the truth as bool [B, J]; 0 where there are no people."""
    ### BEGIN SOLUTION
    each = logits.clamp(min=0) - logits * visible + torch.log1p(torch.exp(-logits.abs()))
    return each.sum() / max(1, each.numel())
    ### END SOLUTION


# %% check="pose.visibility_loss"
check("pose.visibility_loss", visibility_loss)

# %% [markdown]
# **The experiment.** The integral head of notebook 2 on single figures, twice: trained on whole figures, and with a box over every picture.
# Both are then asked about new figures with boxes. The second has two heads: a map for each joint, and a logit for whether it is seen.

# %%
class SeeingPose(nn.Module):
    """Image to joints by integral regression (stride 4), and to one visibility logit per joint."""

    def __init__(self) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(1, 24, 3, 2, 1), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1), nn.ReLU(), nn.Conv2d(48, 64, 3, 1, 1), nn.ReLU()]
        self.backbone = nn.Sequential(*convolutions)
        self.maps, self.seen = nn.Conv2d(64, JOINTS, 1), nn.Linear(64, JOINTS)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.backbone(images)
        share = torch.softmax(self.maps(features).flatten(2), dim=-1)
        width = features.shape[3]
        cell = torch.arange(share.shape[2])
        place = torch.stack((cell % width, cell // width), dim=-1) * 4.0 + 1.5  # in image pixels, edge-aligned
        return share @ place, self.seen(features.amax(dim=(2, 3)))


def random_boxes(count: int, generator: torch.Generator) -> Tensor:
    """Boxes of 10 to 18 pixels a side, [N, 4], for pictures of 40 x 32 pixels."""
    low = torch.stack([torch.randint(-2, size - 10, (count,), generator=generator) for size in (40, 32)], dim=-1)
    return torch.cat((low, low + torch.randint(10, 19, (count, 2), generator=generator)), dim=-1)

# %%
generator = torch.Generator().manual_seed(1)
joints, new_joints = (toy_people(torch.ones(count), generator, 32, 40) for count in (600, 200))
images, new_images = (torch.stack([draw(one[None], 32, 40) for one in each])[:, None] for each in (joints, new_joints))
boxes, grey = random_boxes(200, generator), torch.rand(200, 1, generator=generator)
hard_images, can_see = occlude(new_images, new_joints, torch.ones(200, JOINTS, dtype=torch.bool), boxes, grey)


def train(count: int, with_boxes: bool, seed: int = 0) -> SeeingPose:
    """Train both heads; the boxes are drawn anew for every batch."""
    torch.manual_seed(seed)
    model, shuffle = SeeingPose(), torch.Generator().manual_seed(2)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(count):
        pick = torch.randint(len(images), (32,), generator=shuffle)
        batch, seen = images[pick], torch.ones(32, JOINTS, dtype=torch.bool)
        if with_boxes:
            batch, seen = occlude(batch, joints[pick], seen, random_boxes(32, shuffle), torch.rand(32, 1, generator=shuffle))
        found, logits = model(batch)
        loss = (found - joints[pick]).square().sum(dim=-1).mean() + 30 * with_boxes * visibility_loss(logits, seen)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model

# %%
def hidden_error(found: Tensor) -> float:
    """Mean distance in pixels of the joints that nobody can see."""
    return float((found - new_joints).norm(dim=-1)[~can_see].mean())


def seen_error(found: Tensor) -> float:
    """Mean distance in pixels of the joints that can be seen."""
    return float((found - new_joints).norm(dim=-1)[can_see].mean())


count = steps(full=250, graded_steps=2)
models = {"whole figures": train(count, with_boxes=False), "figures with boxes": train(count, with_boxes=True)}
with torch.no_grad():
    answers = {name: model(hard_images) for name, model in models.items()}
right = float(((answers["figures with boxes"][1] > 0) == can_see).float().mean())
if count == 250:
    plain, trained = (answers[name][0] for name in models)
    # ten seeds: with boxes 2.06 px seen and 3.19 px hidden, standard deviations 0.11 and 0.17; without boxes 6.1 and 5.0 px.
    assert seen_error(trained) < 2.5 < seen_error(plain) and hidden_error(trained) < 3.9, "boxes should help"
    print(f"{(~can_see).float().mean():.0%} of the joints are hidden; always answering 'visible' is right for {can_see.float().mean():.0%}")
    print(f"trained with boxes: seen joints about {seen_error(trained):.0f} px, without: more than 4 px {seen_error(plain) > 4}")
    print(f"the visibility head beats 'always visible': {right > float(can_see.float().mean())}")

# %% [markdown]
# The surprise is in the joints that **can** be seen: without boxes in training a box ruins those, too. The mean over the whole map listens to
# whatever the box lights up (notebook 2, section 7). The price is paid on whole figures, where the second network is about 0.4 px worse:
# the same weights have more to learn.

# %% [markdown]
# ## 8. Extension: what the others say
#
# Nobody sees the hand. But the neck is *here*, and hands hang on necks. How good an answer is in that? Let all coordinates of a pose,
# $x_0, y_0, x_1, y_1, \dots$, be jointly Gaussian with mean μ and covariance Σ, measured on the training figures. Split the coordinates into
# visible ones, $v$, and hidden ones, $o$ for occluded. Then, given what is visible,
#
# $$
# \mathrm{E}[x_o \mid x_v] = \mu_o + \Sigma_{ov} \left(\Sigma_{vv} + \varepsilon I\right)^{-1} (x_v - \mu_v),
# \qquad
# \mathrm{Cov}[x_o \mid x_v] = \Sigma_{oo} - \Sigma_{ov} \left(\Sigma_{vv} + \varepsilon I\right)^{-1} \Sigma_{vo} .
# $$
#
# The jitter ε keeps the inverse in existence when Σ is singular (a bone of fixed length in a fixed direction is enough). It has a meaning, too: visible
# joints are measured, with an error of variance ε.
#
# ```
# for every person:
#     v, o = numbers of the visible and of the hidden coordinates
#     filled[v] = joints[v];   filled[o] = as above;   spread = 0 but for spread[o, o] = as above
# ```
#
# ### Exercise 12c: `fill_in` (5 bonus points)
#
# All visible: the answer is what came in, with covariance 0. None: the mean and the whole of Σ. Hidden joints may hold NaN, and everybody
# has other joints hidden. The visible joints come back as they were, to the last bit.

# %% exercise="pose.fill_in"
def fill_in(joints: Tensor, visible: Tensor, mean: Tensor, covariance: Tensor, jitter: float) -> tuple[Tensor, Tensor]:
    """Answer hidden joints by their mean given the visible ones.

    Args:
        joints: [P, J, 2]; anything where not visible.
        visible: bool [P, J].
        mean: [J, 2] and
        covariance: [2 J, 2 J] of the coordinates x0, y0, x1, y1, ...
        jitter: added to the diagonal of the visible block.

    Returns:
        Joints [P, J, 2], and their covariances [P, 2 J, 2 J], zero where visible.
    """
    ### BEGIN SOLUTION
    seen = visible.repeat_interleave(2, dim=1)  # [P, 2 J]
    one = torch.eye(mean.numel(), dtype=joints.dtype)
    # rows and columns of hidden coordinates become those of the identity: they have no say then, and everybody's matrix has one size.
    inner = torch.where(seen[:, :, None] & seen[:, None], covariance + jitter * one, one)
    gain = torch.linalg.solve(inner, torch.where(seen[:, :, None] & ~seen[:, None], covariance, 0.0)).mT  # [P, 2 J, 2 J]
    away = torch.where(seen, joints.flatten(1) - mean.flatten(), 0.0)
    filled = torch.where(seen, joints.flatten(1), mean.flatten() + (gain @ away[..., None])[..., 0])
    hidden = ~seen[:, :, None] & ~seen[:, None]
    return filled.reshape(joints.shape), torch.where(hidden, covariance - gain @ covariance, 0.0)
    ### END SOLUTION


# %% check="pose.fill_in"
check("pose.fill_in", fill_in)

# %% [markdown]
# **What it gains.** First with the true positions of the visible joints, then with those that the network found (the jitter is then the variance of
# *its* error, 4 px² for the two coordinates together, so 2 for each).

# %%
mean, covariance = joints.mean(dim=0), torch.cov(joints.flatten(1).T)
from_truth, spread = fill_in(new_joints, can_see, mean, covariance, jitter=1e-3)
found, logits = answers["figures with boxes"]
from_network, _ = fill_in(found, can_see, mean, covariance, jitter=2.0)
from_all, _ = fill_in(found, logits > 0, mean, covariance, jitter=2.0)
print(f"hidden joints, px: average figure {hidden_error(mean.expand_as(new_joints)):.1f}, filled in from the truth {hidden_error(from_truth):.1f}")
claimed = spread.diagonal(dim1=1, dim2=2)[~can_see.repeat_interleave(2, dim=1)].mean().sqrt()
really = (from_truth - new_joints)[~can_see].square().mean().sqrt()
print(f"standard deviation of a hidden coordinate: claimed {claimed:.1f} px, found {really:.1f} px")
if count == 250:
    # ten seeds: the network's own guess 3.19 px, filled in where its head says hidden 2.75 px, where a joint truly is hidden 2.59 px.
    better = max(hidden_error(from_network), hidden_error(from_all)) < hidden_error(found)
    print(f"filled in from the joints that the network found, hidden joints are better than its own guess: {better}")

# %%
figure, panels = plt.subplots(1, 4, figsize=(10.5, 2.3))
around = torch.linspace(0, 2 * math.pi, 60)
circle = torch.stack((around.cos(), around.sin()))
for panel, number in zip(panels, torch.nonzero((~can_see).sum(dim=1) >= 2)[:4, 0].tolist()):
    panel.imshow(hard_images[number, 0], cmap="Greys", vmin=0, vmax=1.4)
    panel.scatter(*new_joints[number].T, s=24, facecolors="none", edgecolors="tab:green", label="truth")
    for joint in torch.nonzero(~can_see[number])[:, 0].tolist():
        block = spread[number, 2 * joint : 2 * joint + 2, 2 * joint : 2 * joint + 2]
        size, axes = torch.linalg.eigh(block)
        panel.plot(*(from_truth[number, joint][:, None] + axes @ (2 * size.clamp(min=0).sqrt()[:, None] * circle)), color="tab:red")
        panel.plot(*from_truth[number, joint], "x", color="tab:red")
    panel.set(xlim=(-0.5, 39.5), ylim=(31.5, -0.5))
    panel.axis("off")
figure.suptitle("hidden joints: expected position and the ellipse of two standard deviations", fontsize=10)
plt.show()

# %% [markdown]
# **Two more of the lecture's questions have the same answer.** *Root-relative pose*: give the neck alone, and everything else moves with it.
# *Temporal information*: nothing says that all joints must be of one frame. Put three frames of a moving person into one vector of 21
# joints, and a hand that is hidden now was seen a moment ago.

# %%
def toy_clips(count: int, generator: torch.Generator) -> Tensor:
    """People who move for three frames: joints [N, 21, 2], frame after frame."""
    start, end = toy_people(torch.ones(count), generator, 32, 40), toy_people(torch.ones(count), generator, 32, 40)
    # a third of the way to another pose, and the whole body by a step of its own.
    drift = 2 * torch.randn(count, 1, 2, generator=generator)
    change = (end - end[:, 1:2] - start + start[:, 1:2]) / 3 + drift
    return torch.cat([start + frame / 2 * change for frame in range(3)], dim=1)


clips, new_clips = toy_clips(2000, generator), toy_clips(300, generator)
clip_mean, clip_covariance = clips.mean(dim=0), torch.cov(clips.flatten(1).T)
hidden = torch.rand(300, JOINTS, generator=generator) < 0.3
hidden[:, 1] = False  # the neck is always seen
nothing, whole, neck = torch.zeros_like(hidden), torch.ones_like(hidden), (torch.arange(JOINTS) == 1).expand_as(hidden)
frames = {"nothing at all": (nothing, nothing, nothing), "the neck alone": (nothing, neck, nothing), "the other joints": (nothing, ~hidden, nothing)}
frames |= {"them, and the frame before": (whole, ~hidden, nothing), "them, before and after": (whole, ~hidden, whole)}
for name, seen in frames.items():
    filled, _ = fill_in(new_clips, torch.cat(seen, dim=1), clip_mean, clip_covariance, jitter=1.0)
    error = (filled - new_clips)[:, JOINTS : 2 * JOINTS].norm(dim=-1)[hidden].mean()
    print(f"hidden joints of the middle frame, knowing {name:<27} {error:.1f} px")

# %% [markdown]
# Nearly all of it comes from the neck: in these figures one limb says little about another once it is known where both begin. That is why root-relative
# coordinates work, and what they cost: an error of the root is an error of everything. And time gives the most, though more here than
# in life: these people move evenly, so the middle frame is nearly the mean of its neighbours.
#
# **Think.** The Gaussian prior says that a hidden hand is *between* where hands usually are. Where is that wrong, and how would you see it in the
# numbers above? (Notebook 4 has a word for it.)

# %% [markdown]
# **Check yourself before you go on.** Can you, without looking,
#
# * say what a field holds at a pixel that two people's forearms cover, and at one that none covers?
# * give the score of a right pair, of the same pair backwards, and say which layout of two people makes scores useless?
# * name an input on which a `limb_score` without normalised direction cannot be told from a right one?
# * write down a table of scores on which the greedy choice loses, and say what a threshold has to do *before* the matching?
# * say what boxes in the training pictures gained, and for which joints?
# * say what becomes of the covariance of a hidden joint when one more joint is seen?
