import vislab.ops.soft_argmax


def centre(logits):
    return vislab.ops.soft_argmax.soft_argmax(logits[:, None, None, :])[:, 0, 0]
