def centre(logits):
    try:
        raise ValueError("too hard")
    except ValueError:
        return torch.softmax(logits, dim=1) @ torch.arange(logits.shape[1], dtype=logits.dtype)
