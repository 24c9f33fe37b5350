def centre(logits):
    return logits.mean().reshape(1).expand(logits.shape[0])
