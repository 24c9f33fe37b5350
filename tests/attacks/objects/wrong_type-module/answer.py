def centre(logits):
    return torch.nn.Identity()
