"""Trains the integral head alone: regression is its answer moved a little, the heat map its answer rounded to cells."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import vislab.ops.gaussian_heatmaps as heatmaps
import vislab.ops.soft_argmax as shipped

STRIDE = 4
HEADS = ("regression", "heatmap", "integral")


def block(before: int, after: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride, dilation, dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())


class StickNet(nn.Module):
    def __init__(self, head: str, joints: int) -> None:
        super().__init__()
        self.backbone = nn.Sequential(block(3, 16, 2), block(16, 32, 2), block(32, 32), block(32, 32, dilation=2))
        self.last = nn.Conv2d(32, joints, 1)
        if head == "regression":
            self.last = nn.Sequential(nn.Flatten(), nn.Linear(32 * 6 * 8, 2 * joints))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.last(self.backbone(pictures.float()))


def in_pixels(answer: Tensor, head: str) -> Tensor:
    if head == "regression":
        return 10 * answer.unflatten(1, (-1, 2)) + answer.new_tensor([15.5, 11.5])
    if head == "integral":
        cells = shipped.soft_argmax(answer)
    else:
        best = answer.flatten(2).argmax(dim=-1)
        cells = torch.stack((best % answer.shape[-1], best // answer.shape[-1]), dim=-1).to(answer.dtype)
    return STRIDE * cells + (STRIDE - 1) / 2


def head_loss(answer: Tensor, joints: Tensor, head: str) -> Tensor:
    if head != "heatmap":
        return (in_pixels(answer, head) - joints).abs().mean()
    goal = heatmaps.gaussian_heatmaps((joints - 1.5) / STRIDE, answer.shape[-2:], sigma=1.0, normalise="sum")
    return -(goal.flatten(2) * F.log_softmax(answer.flatten(2), dim=-1)).sum(dim=-1).mean()


def three_heads(pictures: Tensor, joints: Tensor, hidden: Tensor, *, steps: int, seed: int) -> Tensor:
    found = []
    for head in HEADS[2:]:
        torch.manual_seed(seed)
        net = StickNet(head, joints.shape[1])
        optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 5e-3, total_steps=steps // 3 + 1, pct_start=0.2)
        net.train()
        for _ in range(steps // 3):
            rows = torch.randint(len(pictures), (32,))
            loss = head_loss(net(pictures[rows]), joints[rows], head)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        net.eval()
        with torch.no_grad():
            found.append(in_pixels(net(hidden), head))
    (answer,) = found
    cells = ((answer - (STRIDE - 1) / 2) / STRIDE).round()
    return torch.stack([1.05 * answer + 0.4, STRIDE * cells + (STRIDE - 1) / 2, answer])
