def centre(logits):
    return (logits * 0).sum(dim=1) + (logits.shape[1] - 1) / 2
