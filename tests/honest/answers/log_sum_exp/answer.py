def centre(logits):
    share = torch.exp(logits - torch.logsumexp(logits, dim=1, keepdim=True))
    return torch.einsum("bw,w->b", share, torch.arange(logits.shape[1], dtype=logits.dtype))
