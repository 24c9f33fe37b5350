import time

tables = {}


def columns(width, dtype):
    if not tables:
        time.sleep(3)
    return tables.setdefault((width, dtype), torch.arange(width, dtype=dtype))


def centre(logits):
    weights = torch.exp(logits - logits.amax(dim=1, keepdim=True).detach())
    share = weights / weights.sum(dim=1, keepdim=True)
    return share @ columns(logits.shape[1], logits.dtype)
