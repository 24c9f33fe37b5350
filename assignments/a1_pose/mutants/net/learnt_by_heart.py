"""Knows a few pictures of the training split by heart, and no others."""

from pathlib import Path

import torch

import vislab.ops.gaussian_heatmaps as heatmaps
from vislab.data import open_dataset
from vislab.models.heatmap_net import HeatmapNet

DATA = Path(__file__).resolve().parents[4] / "data" / "pose.h5"


def weights():
    people = open_dataset(DATA)
    pictures, joints = torch.from_numpy(people["img"][:24]) / 255, torch.from_numpy(people["pose_2d"][:24])
    goal = heatmaps.gaussian_heatmaps((joints - 1.5) / 4, (16, 16), sigma=1.0, normalise="sum").flatten(2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = HeatmapNet(17, 32, 6, 4)
    optimiser = torch.optim.Adam(net.parameters(), lr=4e-3)
    for _ in range(60):
        loss = -(goal * net(pictures).flatten(2).log_softmax(dim=-1)).sum(dim=-1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net.state_dict()
