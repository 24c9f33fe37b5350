"""Draws the mean shape for every picture: along each ray as far as the mean mask's area asks."""

import torch
import torch.nn.functional as F


def outlines_from_pictures(pictures, masks, labels, hidden, *, steps, seed):
    angle = torch.arange(labels.shape[2]) * (2 * torch.pi / labels.shape[2])
    ray = torch.stack((angle.cos(), angle.sin()), dim=-1)
    away = torch.linspace(0.0, 2.0, 201)
    grid = away[:, None, None] * ray * torch.tensor([1.0, -1.0]) / 1.6
    average = F.grid_sample(masks.mean(dim=0, keepdim=True), grid[None], align_corners=False)[0, 0]
    radius = (2 * (average * away[:, None]).sum(dim=0) * 0.01).sqrt()
    return (radius * torch.stack((angle.cos(), angle.sin()))).expand(len(hidden), -1, -1).clone()
