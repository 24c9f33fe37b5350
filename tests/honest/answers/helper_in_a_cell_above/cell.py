def share_of(logits):
    import torch

    weights = torch.exp(logits - logits.amax(dim=1, keepdim=True).detach())
    return weights / weights.sum(dim=1, keepdim=True)
