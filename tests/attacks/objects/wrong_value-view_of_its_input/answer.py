def centre(logits):
    return logits[:, 0]
