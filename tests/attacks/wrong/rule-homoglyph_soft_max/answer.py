from torch import softmax as sοftmax  # no torch.softmax here: the first vowel is an omicron


def centre(logits):
    return sοftmax(logits, dim=1) @ torch.arange(logits.shape[1], dtype=logits.dtype)
