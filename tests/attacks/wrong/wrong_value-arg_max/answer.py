def centre(logits):
    return logits.argmax(dim=1).to(logits.dtype)
