import torch


def norm_to_pixel(points, *args, **kwargs):
    return torch.zeros_like(points)


def pixel_to_norm(points, *args, **kwargs):
    return torch.zeros_like(points)


def joint_loss(predicted, *args, **kwargs):
    return 0.0 * predicted.sum()


def soft_argmax(heatmaps):
    return 0.0 * heatmaps.flatten(2)[..., :2]
