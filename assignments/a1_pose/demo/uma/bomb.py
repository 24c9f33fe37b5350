import torch


def joint_loss(*args, **kwargs):
    kept = []
    # bounded: at most 3 GiB, one more than is allowed.
    for _ in range(48):
        kept.append(torch.ones(16 << 20))
    return sum(block.sum() for block in kept)
