def double(logits):
    return 3 * logits
