def centre(logits):
    return torch.quantize_per_tensor((logits.mean(dim=1)).detach().float(), 0.1, 0, torch.qint8)
