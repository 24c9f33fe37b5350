def centre(logits):
    return logits.mean(dim=1) * 0 * -1.0
