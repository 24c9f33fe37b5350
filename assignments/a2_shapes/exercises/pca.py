"""PCA shape space: mean and modes of many outlines, codes, and outlines from codes."""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def signed(modes: Tensor) -> Tensor:
    """Turn modes ``[k, D]`` so that the number of largest size in each is positive."""
    rows = [mode * torch.sign(mode[mode.abs().argmax()]) for mode in modes]
    return torch.stack(rows) if rows else modes


def eigen_pca(shapes: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Eigenvectors of the covariance matrix, in the coordinates of a flattened outline."""
    flat = shapes.flatten(1)
    mean = flat.mean(dim=0)
    away = flat - mean
    values, vectors = torch.linalg.eigh(away.T @ away / len(flat))
    modes = signed(vectors.flip(1)[:, :k].T)
    variance = values.flip(0)[:k].clamp(min=0)
    return mean.reshape(shapes.shape[1:]), modes.reshape(-1, *shapes.shape[1:]), variance, variance.sum() / values.clamp(min=0).sum()


def svd_pca(
    shapes: Tensor, k: int, *, centred: bool = True, less: int = 0, power: int = 2, order: str = "xxyy", share: str = "of all"
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """PCA by the singular values, right by default; each option is a common wrong term."""
    mean = shapes.mean(dim=0)
    _, sizes, rows = torch.linalg.svd((shapes - mean if centred else shapes).flatten(1), full_matrices=False)
    variance = (sizes / (len(shapes) - less) ** 0.5) ** power
    modes = signed(rows[:k])
    modes = modes.reshape(-1, *mean.shape) if order == "xxyy" else modes.reshape(-1, mean.shape[1], 2).transpose(1, 2)
    parts = {"of all": (variance[:k], variance), "of the kept": (variance[:k], variance[:k]), "of deviations": (sizes[:k], sizes)}
    kept, total = parts[share]
    return mean, modes, variance[:k], kept.sum() / total.sum()


def drawn_outlines(draw: Draw, count: int, vertices: int, rank: int, fall: float = 0.62) -> Tensor:
    """Outlines ``[count, 2, vertices]`` whose variances are known and far apart, about a mean that is no regular polygon."""
    left = draw.normal(count, rank)
    left = torch.linalg.qr(left - left.mean(dim=0)).Q
    right = torch.linalg.qr(draw.normal(2 * vertices, rank)).Q
    sizes = draw.uniform(0.95, 1.05, rank) * 2.0 * fall ** torch.arange(rank)
    around = torch.arange(vertices) * 2 * torch.pi / vertices
    radius = draw.uniform(0.5, 1.4, vertices)
    mean = torch.stack((radius * around.cos() + draw.number(0.3, 0.7), radius * around.sin() - draw.number(0.3, 0.7)))
    # left has orthonormal columns, so a variance is sizes squared: sizes are scaled to shapes, not to their sum.
    return mean + count**0.5 * (left * sizes @ right.T).reshape(count, 2, vertices)


def many(count: int, vertices: int, k: int, rank: int):
    """Case material: outlines and the number of modes."""

    def material(draw: Draw):
        return drawn_outlines(draw, count, vertices, rank), k

    return material


class FitPca(Exercise):
    """Mean, modes, their variances, and the share of the variance that they explain."""

    name = "shapes.fit_pca"
    title = "PCA shape space"
    symbol = "fit_pca"
    points = {Family.VALUE: 2.5, Family.DTYPE: 0.5, Family.EDGE: 0.75, Family.PURITY: 0.25}
    forbidden = ("torch.pca_lowrank", "torch.cov")
    diagnoses = {
        "modes about the origin: outlines that were not centred": lambda shapes, k: svd_pca(shapes, k, centred=False),
        "modes read as x and y in turn": lambda shapes, k: svd_pca(shapes, k, order="xyxy"),
        "squares divided by M - 1 instead of M": lambda shapes, k: svd_pca(shapes, k, less=1),
        "singular values in place of variances": lambda shapes, k: svd_pca(shapes, k, power=1),
        "the share among the kept modes, which is always 1": lambda shapes, k: svd_pca(shapes, k, share="of the kept"),
        "the share of deviations instead of variances": lambda shapes, k: svd_pca(shapes, k, share="of deviations"),
    }
    # an eigenvector's error grows with the inverse gap of the variances, and an eigensolver's is not that of an SVD.
    tolerance_factor = 64.0

    def reference(self, shapes: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        flat = shapes.flatten(1)
        mean = flat.mean(dim=0)
        _, sizes, rows = torch.linalg.svd(flat - mean, full_matrices=False)
        variance = sizes.square() / len(flat)
        modes = signed(rows[:k])
        return mean.reshape(shapes.shape[1:]), modes.reshape(-1, *shapes.shape[1:]), variance[:k], variance[:k].sum() / variance.sum()

    def oracle(self, shapes: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return eigen_pca(shapes, k)

    def cases(self) -> list[Case]:
        return [
            Case("more outlines than numbers", Family.VALUE, many(23, 7, 3, 6), public=True),
            Case("fewer outlines than numbers", Family.VALUE, many(9, 11, 4, 6), public=True),
            Case("more outlines than numbers, drawn again", Family.VALUE, many(31, 6, 4, 6)),
            Case("fewer outlines than numbers, drawn again", Family.VALUE, many(8, 13, 2, 6)),
            Case("one mode", Family.VALUE, many(12, 8, 1, 5)),
            Case("float64", Family.DTYPE, many(17, 9, 3, 6), dtype="float64", public=True),
            Case("float64, few outlines", Family.DTYPE, many(7, 9, 3, 5), dtype="float64"),
            Case("as many modes as the rank", Family.EDGE, many(19, 6, 5, 5), public=True),
            Case("no modes at all", Family.EDGE, many(10, 7, 0, 5)),
            Case("no modes at all, few outlines", Family.EDGE, many(6, 8, 0, 4)),
            Case("triangles", Family.EDGE, many(10, 3, 2, 4)),
            Case("every second element of a wider buffer", Family.EDGE, many(15, 7, 3, 6), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, many(15, 7, 3, 6), layout="transposed"),
        ]


def space(batch: int, vertices: int, k: int, codes: bool):
    """Case material: outlines (or codes), a mean, and orthonormal modes."""

    def material(draw: Draw):
        modes = torch.linalg.qr(draw.normal(2 * vertices, max(k, 1))).Q[:, :k].T.reshape(k, 2, vertices)
        first = draw.normal(batch, k, std=1.5) if codes else draw.normal(batch, 2, vertices) + 0.5
        return first, draw.normal(2, vertices) + 0.8, modes

    return material


def space_cases(codes: bool) -> list[Case]:
    def at(batch: int, vertices: int, k: int):
        return space(batch, vertices, k, codes)

    return [
        Case("three outlines", Family.VALUE, at(3, 7, 4), public=True),
        Case("one outline", Family.VALUE, at(1, 7, 4), public=True),
        Case("five outlines, drawn again", Family.VALUE, at(5, 11, 3)),
        Case("more modes than outlines", Family.VALUE, at(4, 9, 6)),
        Case("gradient", Family.GRADIENT, at(3, 7, 4), public=True),
        Case("gradient, drawn again", Family.GRADIENT, at(4, 6, 3)),
        Case("float64", Family.DTYPE, at(3, 8, 4), dtype="float64"),
        Case("no outlines", Family.EDGE, at(0, 7, 4), public=True),
        Case("one mode", Family.EDGE, at(3, 7, 1)),
        Case("no modes", Family.EDGE, at(3, 7, 0)),
        Case("every second element of a wider buffer", Family.EDGE, at(3, 7, 4), layout="strided"),
        Case("last two axes swapped in memory", Family.EDGE, at(3, 7, 4), layout="transposed"),
    ]


class Project(Exercise):
    """Codes of outlines in a given space."""

    name = "shapes.project"
    title = "Outlines to codes"
    symbol = "project"
    points = {Family.VALUE: 1.0, Family.GRADIENT: 0.5, Family.DTYPE: 0.125, Family.EDGE: 0.25, Family.PURITY: 0.125}
    diagnoses = {
        "the mean not subtracted": lambda shapes, mean, modes: shapes.flatten(1) @ modes.flatten(1).T,
        "the wrong sign": lambda shapes, mean, modes: (mean - shapes).flatten(1) @ modes.flatten(1).T,
    }

    def reference(self, shapes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
        return (shapes - mean).flatten(1) @ modes.flatten(1).T

    def oracle(self, shapes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
        codes = torch.zeros(len(shapes), len(modes), dtype=torch.float64)
        for row, shape in enumerate(shapes):
            for column, mode in enumerate(modes):
                codes[row, column] = sum((shape[axis] - mean[axis]) @ mode[axis] for axis in range(2))
        return codes

    def cases(self) -> list[Case]:
        return space_cases(codes=False)


class Reconstruct(Exercise):
    """Outlines of codes in a given space."""

    name = "shapes.reconstruct"
    title = "Codes to outlines"
    symbol = "reconstruct"
    points = {Family.VALUE: 1.0, Family.GRADIENT: 0.5, Family.DTYPE: 0.125, Family.EDGE: 0.25, Family.PURITY: 0.125}
    diagnoses = {
        "the mean not added": lambda codes, mean, modes: (codes @ modes.flatten(1)).reshape(-1, *mean.shape),
        "the wrong sign": lambda codes, mean, modes: mean - (codes @ modes.flatten(1)).reshape(-1, *mean.shape),
    }

    def reference(self, codes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
        return mean + (codes @ modes.flatten(1)).reshape(-1, *mean.shape)

    def oracle(self, codes: Tensor, mean: Tensor, modes: Tensor) -> Tensor:
        shapes = mean.expand(len(codes), *mean.shape).clone()
        for row in range(len(codes)):
            for mode in range(len(modes)):
                shapes[row] = shapes[row] + codes[row, mode] * modes[mode]
        return shapes

    def cases(self) -> list[Case]:
        return space_cases(codes=True)
