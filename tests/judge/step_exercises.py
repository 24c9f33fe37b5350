"""Training steps to be judged: the discriminator's step of a GAN, and both steps in one; with right and wrong answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.step import Net, Optimiser, Setup, StepProbe, drawn_state
from vislab.check.verdict import Family

LATENT, WIDTH = 3, 5


class Generator(nn.Module):
    def __init__(self, latent: int, width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(latent, width)
        self.norm = nn.BatchNorm1d(width)
        self.outer = nn.Linear(width, 2)

    def forward(self, noise: Tensor) -> Tensor:
        return torch.tanh(self.outer(F.relu(self.norm(self.inner(noise)))))


class Critic(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(2, width)
        self.norm = nn.BatchNorm1d(width)
        self.outer = nn.Linear(width, 1)

    def forward(self, points: Tensor) -> Tensor:
        return self.outer(F.leaky_relu(self.norm(self.inner(points)), 0.2)).squeeze(1)


def bce(logits: Tensor, label: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


class CriticStep(Exercise):
    """One step of the critic; the generator is used and must be left alone."""

    name = "toy.critic_step"
    title = "A critic's step"
    symbol = "critic_step"
    points = {Family.VALUE: 9.0, Family.PURITY: 1.0}
    probe = StepProbe()
    kind = "SGD"
    diagnoses = {"a step that maximises": lambda *given: _uphill(*given)}

    def setup(self, inputs: Inputs) -> Setup:
        options = {"lr": inputs.init["lr"], "weight_decay": 0.3, **({"momentum": 0.8} if self.kind == "SGD" else {})}
        nets = {"generator": Net(Generator, {"latent": LATENT, "width": WIDTH}), "critic": Net(Critic, {"width": WIDTH})}
        return Setup(nets, {"optimiser": Optimiser(self.kind, ("critic",), options)}, inputs.init["calls"])

    def reference(self, generator: nn.Module, critic: nn.Module, optimiser: Any, real: Tensor, noise: Tensor) -> Tensor:
        optimiser.zero_grad()
        loss = bce(critic(real), 1.0) + bce(critic(generator(noise).detach()), 0.0)
        loss.backward()
        optimiser.step()
        return loss

    def oracle(self, generator: nn.Module, critic: nn.Module, optimiser: Any, real: Tensor, noise: Tensor) -> Any:
        if self.kind != "SGD":
            return NotImplemented
        group = optimiser.param_groups[0]
        with torch.no_grad():
            fake = generator(noise)
        loss = F.softplus(-critic(real)).mean() + F.softplus(critic(fake)).mean()
        parameters = list(critic.parameters())
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients):
                velocity = optimiser.state[parameter]["momentum_buffer"]
                velocity.mul_(group["momentum"]).add_(gradient + group["weight_decay"] * parameter)
                parameter.sub_(group["lr"] * velocity)
        return loss.detach()

    def once(self, draw: Draw, calls: int | None = None) -> Inputs:
        init = {"lr": draw.number(0.05, 0.2), "calls": calls}
        batch = [7] if calls is None else [calls, 7]
        weights = drawn_state(draw, self.setup(Inputs(init=init)))
        return Inputs((draw.normal(*batch, 2), draw.normal(*batch, LATENT)), weights=weights, init=init)

    def twice(self, draw: Draw) -> Inputs:
        return self.once(draw, 2)

    def cases(self) -> list[Case]:
        return [
            Case("one step", "value", self.once, public=True),
            Case("one more step", "value", self.once, public=True),
            Case("two steps in a row", "value", self.twice, public=True),
            Case("hidden step", "value", self.once),
            Case("hidden steps", "value", self.twice),
            Case("float64", "value", self.once, dtype="float64"),
        ]


class CriticStepByAdam(CriticStep):
    name = "toy.critic_step_by_adam"
    kind = "Adam"


class CriticStepByRmsprop(CriticStep):
    name = "toy.critic_step_by_rmsprop"
    kind = "RMSprop"


class GanStep(CriticStep):
    """The critic's step, then the generator's; the critic's gradients must be cleared in the end, the generator's kept."""

    name = "toy.gan_step"
    title = "A GAN's step"
    symbol = "gan_step"
    diagnoses = {}

    def setup(self, inputs: Inputs) -> Setup:
        nets = {
            "generator": Net(Generator, {"latent": LATENT, "width": WIDTH}, gradients="step"),
            "critic": Net(Critic, {"width": WIDTH}, gradients="cleared"),
        }
        optimisers = {
            "generator_optimiser": Optimiser("Adam", ("generator",), {"lr": inputs.init["lr"], "betas": (0.5, 0.99)}),
            "critic_optimiser": Optimiser("SGD", ("critic",), {"lr": 2 * inputs.init["lr"]}),
        }
        return Setup(nets, optimisers, inputs.init["calls"])

    def reference(self, generator: Any, critic: Any, by_generator: Any, by_critic: Any, real: Tensor, noise: Tensor) -> Any:
        return gan_step(generator, critic, by_generator, by_critic, real, noise)

    def oracle(self, *given: Any) -> Any:
        return NotImplemented


def _uphill(generator, critic, optimiser, real, noise):
    optimiser.zero_grad()
    loss = bce(critic(real), 1.0) + bce(critic(generator(noise).detach()), 0.0)
    (-loss).backward()
    optimiser.step()


def critic_step(generator, critic, optimiser, real, noise):
    optimiser.zero_grad()
    loss = bce(critic(real), 1.0) + bce(critic(generator(noise).detach()), 0.0)
    loss.backward()
    optimiser.step()
    return loss.detach()


def gan_step(generator, critic, by_generator, by_critic, real, noise):
    by_critic.zero_grad()
    fake = generator(noise)
    critic_loss = bce(critic(real), 1.0) + bce(critic(fake.detach()), 0.0)
    critic_loss.backward()
    by_critic.step()
    by_generator.zero_grad()
    generator_loss = bce(critic(fake), 1.0)
    generator_loss.backward()
    by_generator.step()
    by_critic.zero_grad()
    return critic_loss.detach(), generator_loss.detach()


def edited(step: Callable[..., Any], *changes: tuple[str, str]) -> Callable[..., Any]:
    """The step with lines of its text replaced."""
    import inspect

    text = inspect.getsource(step)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    scope = {"torch": torch, "F": F, "bce": bce}
    exec(text, scope)
    return scope[step.__name__]


EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise for exercise in (CriticStep(), CriticStepByAdam(), CriticStepByRmsprop(), GanStep())
}
