def softmax(logits):
    """My own soft-max; torch.softmax and F.softmax are off limits."""
    weights = torch.exp(logits - logits.amax(dim=1, keepdim=True).detach())
    return weights / weights.sum(dim=1, keepdim=True)  # the same as torch.softmax(logits, dim=1)


def centre(logits):
    forbidden = "torch.softmax"
    assert forbidden
    return softmax(logits) @ torch.arange(logits.shape[1], dtype=logits.dtype)
