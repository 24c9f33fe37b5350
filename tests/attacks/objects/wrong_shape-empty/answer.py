def centre(logits):
    return logits.new_zeros(0)
