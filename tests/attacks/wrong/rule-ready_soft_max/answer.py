def centre(logits):
    return torch.softmax(logits, dim=1) @ torch.arange(logits.shape[1], dtype=logits.dtype)
