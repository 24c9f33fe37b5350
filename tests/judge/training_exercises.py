"""A training to be judged: which side of a hidden line a point lies on; and answers to it, honest and otherwise."""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.exercise.behaviour import Band, BehaviourProbe
from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

STEPS = 60


def accuracy(predictions: Tensor, targets: Tensor) -> Tensor:
    return (predictions == targets).to(torch.float64).mean()


def mean_error(predictions: Tensor, targets: Tensor) -> Tensor:
    return (predictions - targets).abs().mean()


class Sides(Exercise):
    """Classify points by a line that is drawn for every case: a model of another case knows nothing of this one."""

    name = "toy.sides"
    title = "Sides of a line"
    symbol = "train"
    points = {Family.BEHAVIOUR: 9.0, Family.RULE: 1.0}
    probe = BehaviourProbe(metric=accuracy, unit="accuracy", bands=(Band(low=0.9), Band(low=0.75, share=0.5)), steps=STEPS, allowance_s=10)

    def baseline(self, points: Tensor, labels: Tensor, hidden: Tensor) -> Tensor:
        return labels.mode().values.expand(len(hidden)).clone()

    def material(self, draw: Draw) -> Inputs:
        direction = draw.normal(2)
        points, hidden = draw.normal(200, 2), draw.normal(150, 2)
        return Inputs((points, (points @ direction > 0).long(), hidden), withheld=((hidden @ direction > 0).long(),))

    def cases(self) -> list[Case]:
        return [
            Case("shown", "behaviour", self.material, public=True),
            *(Case(f"hidden {i}", "behaviour", self.material) for i in range(2)),
        ]


class Slope(Sides):
    """A regression: floating predictions, and an error that must be small."""

    name = "toy.slope"
    points = {Family.BEHAVIOUR: 1.0}
    probe = BehaviourProbe(metric=mean_error, unit="mean error", bands=(Band(high=0.05),), steps=STEPS, allowance_s=10)

    def baseline(self, points: Tensor, values: Tensor, hidden: Tensor) -> Tensor:
        return values.mean().expand(len(hidden)).clone()

    def material(self, draw: Draw) -> Inputs:
        direction = draw.normal(2)
        points, hidden = draw.normal(200, 2), draw.normal(150, 2)
        return Inputs((points, points @ direction, hidden), withheld=(hidden @ direction,))


def train(points: Tensor, labels: Tensor, hidden: Tensor, steps: int, seed: int) -> Tensor:
    torch.manual_seed(seed)
    model = torch.nn.Linear(2, 2)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(steps):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(points), labels).backward()
        optimiser.step()
    return model(hidden).argmax(1)


def train_slope(points: Tensor, values: Tensor, hidden: Tensor, steps: int, seed: int) -> Tensor:
    model = torch.nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 0.5 * (1 - step / steps)
        optimiser.zero_grad()
        (model(points).squeeze(1) - values).square().mean().backward()
        optimiser.step()
    return model(hidden).squeeze(1)


def in_closed_form(points: Tensor, labels: Tensor, hidden: Tensor, steps: int, seed: int) -> Tensor:
    """No optimiser of torch, and a generator of its own."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(points), generator=generator)
    weights = torch.zeros(2)
    for index in order.repeat(10):
        if bool((points[index] @ weights > 0) != labels[index].bool()):
            weights = weights + (2 * labels[index] - 1) * points[index]
    return (hidden @ weights > 0).long()


def partly_trained(points: Tensor, labels: Tensor, hidden: Tensor, steps: int, seed: int) -> Tensor:
    """Right, and spoilt for every sixth point: the lower band."""
    found = train(points, labels, hidden, steps, seed)
    found[::6] = 1 - found[::6]
    return found


EXERCISES: dict[str, Exercise] = {exercise.name: exercise for exercise in (Sides(), Slope())}
