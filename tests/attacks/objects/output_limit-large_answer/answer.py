def centre(logits):
    return torch.zeros(75 << 20)
