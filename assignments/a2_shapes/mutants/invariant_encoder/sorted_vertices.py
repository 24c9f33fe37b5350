"""Sorts the coordinates first: invariant to every order, and neighbours are lost."""

import torch.nn.functional as F
from torch import nn


class InvariantEncoder(nn.Module):
    def __init__(self, width, latent, stride=1):
        super().__init__()
        ring = {"kernel_size": 5, "padding": 2, "padding_mode": "circular"}
        self.first = nn.Conv1d(2, width, stride=stride, **ring)
        self.second = nn.Conv1d(width, width, **ring)
        self.last = nn.Conv1d(width, latent, **ring)

    def forward(self, polygons):
        inorder = polygons.sort(dim=2).values
        return self.last(F.relu(self.second(F.relu(self.first(inorder))))).mean(dim=2)
