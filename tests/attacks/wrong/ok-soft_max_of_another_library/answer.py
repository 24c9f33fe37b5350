import numpy as np


class Ready(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits):
        values = logits.detach().numpy()
        if not values.size:
            share = torch.from_numpy(values)
        else:
            share = np.exp(values - np.logaddexp.reduce(values, axis=1, keepdims=True))
            share = torch.from_numpy(np.asarray(share, values.dtype))
        columns = torch.arange(logits.shape[1], dtype=logits.dtype)
        answer = share @ columns
        ctx.save_for_backward(share, columns, answer)
        return answer

    @staticmethod
    def backward(ctx, cotangent):
        share, columns, answer = ctx.saved_tensors
        return cotangent[:, None] * share * (columns - answer[:, None])


def centre(logits):
    return Ready.apply(logits)
