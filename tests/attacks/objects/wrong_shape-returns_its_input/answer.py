def centre(logits):
    return logits
