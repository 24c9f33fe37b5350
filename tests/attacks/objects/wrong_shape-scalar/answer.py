def centre(logits):
    return logits.mean()
