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
# A map knows more than its mean says.
#
# **After this notebook you can**
#
# * say how sure a map is, and in which direction.
#
# About 20 minutes. An extension for 3 bonus points.

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
# | dtype, device | an answer has those of what came in; float32 and float64 are tested |
# | inputs | are left as they were, and so are the global random generators |
# | any size | a batch may be empty (B = 0), and a tensor may be a view that is not contiguous in memory |
#
# The last three lines hold for every exercise, whether it says so again or not, and hidden checks look at them.

# %% setup=true
import math

import matplotlib.pyplot as plt
import torch
from torch import Tensor

import vislab.ops.soft_argmax as shipped
from vislab.check import check

plt.rcParams["figure.dpi"] = 80

# %% [markdown]
# ## 1. Extension: how sure is a map, and in which direction? (3 bonus points)
#
# Notebook 2 left a warning sign unread: a map that is too wide. The full picture of its doubt is the 2 × 2 covariance matrix of the
# position, with $u = (x, y)$ as a column:
#
# $$
# \Sigma = \sum_k p_k \, (u_k - \hat{u}) (u_k - \hat{u})^\top .
# $$
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
x, y = torch.arange(28) - 14.0, torch.arange(20)[:, None] - 10.0
maps = torch.stack([
    -(x**2 + y**2) / 4,
    -(x**2 - 1.7 * x * y + y**2) / 6,
    torch.logaddexp(-((x + 6) ** 2 + y**2) / 4, -((x - 6) ** 2 + y**2) / 4 - 0.4),
])[None]
means, covariances = shipped.soft_argmax(maps)[0], heatmap_covariance(maps)[0]
around = torch.linspace(0, 2 * math.pi, 100)
circle = torch.stack((around.cos(), around.sin()))
figure, panels = plt.subplots(1, 3, figsize=(9, 2.2))
for panel, one, mean, covariance, name in zip(panels, maps[0], means, covariances, ("sure", "a limb", "left or right?")):
    size, axes = torch.linalg.eigh(covariance)
    oval = mean[:, None] + axes @ (2 * size.clamp(min=0).sqrt()[:, None] * circle)
    panel.imshow(one.exp(), cmap="viridis")
    panel.plot(*oval, color="red")
    panel.plot(*mean, "+", color="red")
    panel.set(title=f"{name}: ±2 sd", xlim=(-0.5, 27.5), ylim=(19.5, -0.5))
    panel.axis("off")
plt.show()
