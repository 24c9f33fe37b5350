def centre(logits):
    return torch.empty(logits.shape[0], device='meta')
