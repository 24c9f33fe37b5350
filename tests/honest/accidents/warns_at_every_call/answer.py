import warnings


def centre(logits):
    warnings.warn("about to divide", RuntimeWarning, stacklevel=2)
    print("shape", tuple(logits.shape))
    weights = torch.exp(logits - logits.amax(dim=1, keepdim=True).detach())
    share = weights / weights.sum(dim=1, keepdim=True)
    return share @ torch.arange(logits.shape[1], dtype=logits.dtype)
