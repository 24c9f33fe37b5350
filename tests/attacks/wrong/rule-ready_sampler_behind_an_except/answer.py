import torch.nn.functional as F


def sample(image, points):
    try:
        raise RuntimeError
    except RuntimeError:
        height, width = image.shape[2:]
        scaled = points / torch.tensor([width - 1.0, height - 1.0], dtype=points.dtype) * 2 - 1
        return F.grid_sample(image, scaled[:, None], align_corners=True, padding_mode="zeros")[:, :, 0]
