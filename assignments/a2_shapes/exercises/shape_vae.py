"""Extension: what makes an autoencoder a VAE: the draw, the divergence, two bounds."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def gaussians(batch: int, codes: int, noise: bool, logvar: float | None = None):
    """Case material: means and log-variances that are no zeros; ``logvar`` puts in the value and its negative."""

    def material(draw: Draw):
        mean, spread = draw.normal(batch, codes, std=1.3) + 0.2, draw.normal(batch, codes, std=0.8) - 0.4
        if logvar is not None:
            spread[:, 0], spread[:, 1] = logvar, -logvar
        return (mean, spread, draw.normal(batch, codes)) if noise else (mean, spread)

    return material


def gaussian_cases(noise: bool) -> list[Case]:
    def at(batch: int, codes: int, logvar: float | None = None):
        return gaussians(batch, codes, noise, logvar)

    return [
        Case("three codes", Family.VALUE, at(3, 5), public=True),
        Case("one code", Family.VALUE, at(1, 4), public=True),
        Case("five codes, drawn again", Family.VALUE, at(5, 3)),
        Case("four codes, drawn again", Family.VALUE, at(4, 7)),
        Case("gradient", Family.GRADIENT, at(3, 5), public=True),
        Case("gradient, drawn again", Family.GRADIENT, at(4, 3)),
        Case("log-variances of 80 and -80", Family.STABILITY, at(3, 5, 80.0), public=True),
        Case("log-variances of 60 and -60, gradient", Family.STABILITY, at(3, 4, 60.0), gradient=True),
        Case("float64", Family.DTYPE, at(3, 5), dtype="float64"),
        Case("no codes", Family.EDGE, at(0, 5)),
        Case("codes of one number", Family.EDGE, at(3, 1)),
        Case("every second element of a wider buffer", Family.EDGE, at(3, 5), layout="strided"),
        Case("last two axes swapped in memory", Family.EDGE, at(3, 5), layout="transposed"),
    ]


class Reparameterise(Exercise):
    """A draw from a Gaussian as a function of its parameters and of given noise. Bonus."""

    name = "shapes.reparameterise"
    title = "Reparameterise (extension)"
    symbol = "reparameterise"
    points = {
        Family.VALUE: 0.75,
        Family.GRADIENT: 0.25,
        Family.STABILITY: 0.125,
        Family.DTYPE: 0.125,
        Family.EDGE: 0.125,
        Family.PURITY: 0.125,
    }
    bonus = True
    diagnoses = {
        "the variance in place of the deviation": lambda mu, logvar, eps: mu + logvar.exp() * eps,
        "the mean left out": lambda mu, logvar, eps: (0.5 * logvar).exp() * eps,
    }

    def reference(self, mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
        return mu + (logvar / 2).exp() * eps

    def oracle(self, mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
        # the library's change of variables, with the deviation as a root of the variance.
        return torch.distributions.AffineTransform(mu, logvar.exp().sqrt())(eps)

    def cases(self) -> list[Case]:
        return gaussian_cases(noise=True)


class KlToStandard(Exercise):
    """Kullback-Leibler divergence from the standard Gaussian, one number for each code. Bonus."""

    name = "shapes.kl_to_standard"
    title = "KL divergence (extension)"
    symbol = "kl_to_standard"
    points = {
        Family.VALUE: 1.0,
        Family.GRADIENT: 0.375,
        Family.STABILITY: 0.25,
        Family.DTYPE: 0.125,
        Family.EDGE: 0.125,
        Family.PURITY: 0.125,
    }
    bonus = True
    forbidden = ("torch.distributions.kl_divergence",)
    diagnoses = {
        "half the divergence missing": lambda mu, logvar: (logvar.exp() + mu**2 - 1 - logvar).sum(dim=1),
        "the mean over the numbers of a code, not their sum": lambda mu, logvar: 0.5 * (logvar.exp() + mu**2 - 1 - logvar).mean(dim=1),
        "the wrong sign": lambda mu, logvar: -0.5 * (logvar.exp() + mu**2 - 1 - logvar).sum(dim=1),
        "the mean of the Gaussian left out": lambda mu, logvar: 0.5 * (logvar.exp() - 1 - logvar).sum(dim=1),
    }

    def reference(self, mu: Tensor, logvar: Tensor) -> Tensor:
        return 0.5 * (logvar.exp() + mu.square() - 1 - logvar).sum(dim=1)

    def oracle(self, mu: Tensor, logvar: Tensor) -> Tensor:
        posterior = torch.distributions.Normal(mu, (logvar / 2).exp())
        return torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(dim=1)

    def cases(self) -> list[Case]:
        return gaussian_cases(noise=False)


def log_weights(samples: int, batch: int, offset: float = 0.0):
    """Case material: log p(x, z) - log q(z | x) for samples of every outline."""

    def material(draw: Draw):
        return (draw.normal(samples, batch, std=1.5) + draw.normal(batch) + offset,)

    return material


class LowerBounds(Exercise):
    """ELBO and importance-weighted bound from the same samples. Bonus."""

    name = "shapes.lower_bounds"
    title = "Two bounds (extension)"
    symbol = "lower_bounds"
    points = {
        Family.VALUE: 0.75,
        Family.GRADIENT: 0.25,
        Family.STABILITY: 0.125,
        Family.DTYPE: 0.125,
        Family.EDGE: 0.125,
        Family.PURITY: 0.125,
    }
    bonus = True
    diagnoses = {
        "the importance-weighted bound first": lambda weights: (weights.logsumexp(dim=0) - math.log(len(weights)),),
        "mean over outlines, not over samples": lambda weights: (weights.mean(dim=1), weights.exp().mean(dim=1).log()),
    }

    def reference(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        largest = weights.max(dim=0).values
        return weights.mean(dim=0), largest + (weights - largest).exp().mean(dim=0).log()

    def oracle(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        return weights.sum(dim=0) / len(weights), weights.logsumexp(dim=0) - torch.tensor(float(len(weights))).double().log()

    def cases(self) -> list[Case]:
        return [
            Case("four samples", Family.VALUE, log_weights(4, 3), public=True),
            Case("seven samples of one outline", Family.VALUE, log_weights(7, 1), public=True),
            Case("five samples, drawn again", Family.VALUE, log_weights(5, 4)),
            Case("more outlines than samples", Family.VALUE, log_weights(3, 8)),
            Case("gradient", Family.GRADIENT, log_weights(4, 3), public=True),
            Case("gradient, drawn again", Family.GRADIENT, log_weights(6, 5)),
            Case("log-weights of about -10000", Family.STABILITY, log_weights(5, 3, -1e4), public=True),
            Case("log-weights of about 10000", Family.STABILITY, log_weights(6, 3, 1e4)),
            Case("float64", Family.DTYPE, log_weights(5, 3), dtype="float64"),
            Case("a single sample", Family.EDGE, log_weights(1, 4)),
            Case("no outlines", Family.EDGE, log_weights(5, 0)),
            Case("every second element of a wider buffer", Family.EDGE, log_weights(5, 3), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, log_weights(5, 3), layout="transposed"),
        ]
