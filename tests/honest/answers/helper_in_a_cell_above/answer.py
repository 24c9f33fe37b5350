def centre(logits):
    return share_of(logits) @ torch.arange(logits.shape[1], dtype=logits.dtype)
