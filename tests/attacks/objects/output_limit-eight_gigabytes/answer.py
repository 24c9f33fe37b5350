def centre(logits):
    return torch.zeros(1).expand(1 << 31)
