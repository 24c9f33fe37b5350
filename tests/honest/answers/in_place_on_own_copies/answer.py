def centre(logits):
    weights = logits.clone()
    weights = weights.sub(logits.detach().amax(dim=1, keepdim=True)).exp_()
    share = weights / weights.sum(dim=1, keepdim=True)
    return share.mul(torch.arange(logits.shape[1], dtype=logits.dtype)).sum(dim=1)
