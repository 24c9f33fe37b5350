kept = []


def centre(logits):
    for _ in range(28):
        kept.append(torch.ones(16 << 20))
    return logits.mean(dim=1)
