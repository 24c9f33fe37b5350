def centre(logits):
    share = torch.exp(logits - logits.amax(dim=1, keepdim=True).detach())
    share = share / share.sum(dim=1, keepdim=True)
    return share @ torch.arange(1, logits.shape[1] + 1, dtype=logits.dtype)
