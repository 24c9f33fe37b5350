# %% [markdown]
# # Aim
#
# The range is not a lesson: attacks and honest controls are tried on it. Rows are `[rows, columns]`.

# %% setup=true
import torch

from vislab.check import check

# %% exercise="range.centre"
def centre(logits):
    """Expected column of each row under the soft-max of its logits, ``[B, W]`` to ``[B]``. The ready soft-max is off limits."""
    ### BEGIN SOLUTION
    weights = torch.exp(logits - logits.amax(dim=1, keepdim=True).detach())
    share = weights / weights.sum(dim=1, keepdim=True)
    return share @ torch.arange(logits.shape[1], dtype=logits.dtype)
    ### END SOLUTION


# %% check="range.centre"
check("range.centre", centre)

# %% exercise="range.double"
def double(logits):
    """Twice the rows."""
    ### BEGIN SOLUTION
    return 2 * logits
    ### END SOLUTION


# %% check="range.double"
check("range.double", double)
