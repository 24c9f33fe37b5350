"""Averages an encoder with ends over all starts: invariant to the last bit, and never a ring."""

import torch
import torch.nn.functional as F
from torch import nn


class InvariantEncoder(nn.Module):
    def __init__(self, width, latent, stride=1):
        super().__init__()
        self.first = nn.Conv1d(2, width, 5, stride=stride, padding=2)
        self.second = nn.Conv1d(width, width, 5, padding=2)
        self.last = nn.Conv1d(width, latent, 5, padding=2)

    def forward(self, polygons):
        starts = torch.stack([polygons.roll(k, dims=2) for k in range(polygons.shape[2])]).flatten(0, 1)
        codes = self.last(F.relu(self.second(F.relu(self.first(starts))))).mean(dim=2)
        return codes.unflatten(0, (polygons.shape[2], len(polygons))).mean(dim=0)
