def centre(logits):
    weights = torch.exp(logits - logits.amax(dim=1, keepdim=True).detach())
    total, moment = torch.zeros_like(weights[:, 0]), torch.zeros_like(weights[:, 0])
    for column in reversed(range(logits.shape[1])):
        total = total + weights[:, column]
        moment = moment + weights[:, column] * column
    return moment / total
