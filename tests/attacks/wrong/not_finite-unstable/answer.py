def centre(logits):
    share = torch.exp(logits)
    share = share / share.sum(dim=1, keepdim=True)
    return share @ torch.arange(logits.shape[1], dtype=logits.dtype)
