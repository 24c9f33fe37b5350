def centre(logits):
    return torch.empty(1 << 40)[: len(logits)]
