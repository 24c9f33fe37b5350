"""Procrustes: the best similarity between two shapes, and the best start beside it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def stars(draw: Draw, count: int, vertices: int) -> Tensor:
    """Star-shaped simple polygons ``[count, 2, vertices]``, longer than wide and none of them centred at the origin."""
    step = torch.arange(vertices) + draw.uniform(-0.3, 0.3, count, vertices)
    angle = 2 * math.pi * step / vertices
    radius = draw.uniform(0.5, 1.5, count, vertices)
    outline = torch.stack((1.7 * radius * angle.cos(), radius * angle.sin()), dim=1)
    return outline + draw.uniform(0.2, 0.6, count, 2, 1)


def turn(angle: Tensor) -> Tensor:
    """Rotation matrices ``[..., 2, 2]``, counter-clockwise for y up."""
    return torch.stack((torch.stack((angle.cos(), -angle.sin()), dim=-1), torch.stack((angle.sin(), angle.cos()), dim=-1)), dim=-2)


def moved(draw: Draw, shapes: Tensor, noise: float = 0.2) -> Tensor:
    """The shapes after a drawn similarity each, with noise."""
    scale, angle = draw.uniform(0.5, 2.0, len(shapes), 1, 1), draw.uniform(0.4, 2.7, len(shapes))
    return scale * turn(angle) @ shapes + draw.normal(len(shapes), 2, 1) + draw.normal(*shapes.shape, std=noise)


def pairs(count: int, vertices: int, noise: float = 0.2, far: float = 0.0):
    """Case material: polygons, and the same turned, scaled and moved, with noise."""

    def material(draw: Draw) -> tuple[Tensor, Tensor]:
        source = stars(draw, count, vertices)
        return far + source, moved(draw, source, noise) - far / 2

    return material


def clouds(count: int, points: int):
    """Case material: points in space, and the same after a drawn similarity, with noise."""

    from scipy.spatial.transform import Rotation

    def material(draw: Draw) -> tuple[Tensor, Tensor]:
        source = draw.normal(count, 3, points) * torch.tensor([[2.0], [1.3], [0.8]]) + 0.3
        turned = torch.from_numpy(Rotation.random(max(count, 1), rng=draw.generator).as_matrix())[:count]
        target = draw.uniform(0.5, 2.0, count, 1, 1) * turned @ source + draw.normal(count, 3, 1)
        return source, target + draw.normal(count, 3, points, std=0.2)

    return material


def mirrored(draw: Draw) -> tuple[Tensor, Tensor]:
    """The target is the mirror image of the source, turned and moved, with little noise."""
    source = stars(draw, 3, 8)
    return source, moved(draw, source * torch.tensor([[1.0], [-1.0]]), noise=0.05)


def one_mirrored(count: int, vertices: int, noise: float):
    """Case material: polygons moved as in ``pairs``, but one of them is mirrored before."""

    def material(draw: Draw) -> tuple[Tensor, Tensor]:
        source = stars(draw, count, vertices)
        goal = source.clone()
        goal[draw.whole(0, count), 1] *= -1.0
        return source, moved(draw, goal, noise)

    return material


def on_a_line(draw: Draw) -> tuple[Tensor, Tensor]:
    """All source points lie on one line."""
    along, angle = draw.normal(3, 1, 7), draw.uniform(0.3, 1.2, 3)
    source = draw.normal(3, 2, 1) + torch.stack((angle.cos(), angle.sin()), dim=1)[..., None] * along
    return source, moved(draw, source, noise=0.2)


def round_shapes(draw: Draw) -> tuple[Tensor, Tensor]:
    """Sources that spread alike in all directions, and exact copies: both singular values are equal."""
    shapes = stars(draw, 3, 9)
    centred = shapes - shapes.mean(dim=2, keepdim=True)
    whitened = torch.linalg.solve_triangular(torch.linalg.cholesky(centred @ centred.mT / 9), centred, upper=False)
    return whitened + 0.4, moved(draw, whitened, noise=0.0)


def points_in_one_place(draw: Draw) -> tuple[Tensor, Tensor]:
    """One of three sources has no extent."""
    source, target = pairs(3, 7)(draw)
    source[1] = torch.tensor([[0.5], [-0.25]])
    return source, target


def similarity(source: Tensor, target: Tensor, *, guarded: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """Scale, rotation and translation of one pair ``[D, N]``, by the SVD of the cross-covariance."""
    middle, goal = source.mean(dim=1), target.mean(dim=1)
    x, y = source - middle[:, None], target - goal[:, None]
    if not bool(x.any()):
        return source.new_ones(()), torch.eye(len(source), dtype=source.dtype), goal - middle
    left, sizes, right = torch.linalg.svd(y @ x.T)
    signs = torch.ones_like(sizes)
    if guarded and torch.linalg.det(left @ right) < 0:
        signs[-1] = -1.0
    rotation = left @ torch.diag(signs) @ right
    scale = (signs * sizes).sum() / x.square().sum()
    return scale, rotation, goal - scale * rotation @ middle


def of_a_batch(source: Tensor, target: Tensor, **how: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The same for a batch ``[B, D, N]``."""
    found = [similarity(x, y, **how) for x, y in zip(source, target)]
    size = source.shape[1]
    if not found:
        return source.new_zeros(0), source.new_zeros(0, size, size), source.new_zeros(0, size)
    return tuple(torch.stack(part) for part in zip(*found))  # type: ignore[return-value]


def ratio_of_sizes(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The scale that makes both equally large."""
    _, rotation, _ = of_a_batch(source, target)
    middle, goal = source.mean(dim=2, keepdim=True), target.mean(dim=2, keepdim=True)
    scale = (target - goal).norm(dim=(1, 2)) / (source - middle).norm(dim=(1, 2))
    return scale, rotation, (goal - scale[:, None, None] * rotation @ middle)[..., 0]


class Procrustes(Exercise):
    """The similarity that brings one shape closest to another, without mirroring."""

    name = "shapes.procrustes"
    title = "Similarity alignment by the SVD"
    symbol = "procrustes"
    points = {
        Family.VALUE: 1.5,
        Family.GRADIENT: 0.5,
        Family.STABILITY: 1.0,
        Family.DTYPE: 0.25,
        Family.EDGE: 0.5,
        Family.PURITY: 0.25,
    }
    # a closed form in the plane and decompositions of several kinds err differently.
    tolerance_factor = 64.0
    diagnoses = {
        "a mirror image where only rotations are allowed": lambda source, target: of_a_batch(source, target, guarded=False),
        "the ratio of the sizes as the scale": ratio_of_sizes,
        "the way from the target to the source": lambda source, target: of_a_batch(target, source),
    }

    def reference(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return of_a_batch(source, target)

    def oracle(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        from scipy.spatial.transform import Rotation

        # in the plane a similarity is one complex number, by least squares; in space SciPy knows the rotation.
        answers = []
        for x, y in zip(source, target):
            middle, goal = x.mean(dim=1), y.mean(dim=1)
            x, y = x - middle[:, None], y - goal[:, None]
            size = x.square().sum()
            if len(x) == 3:
                rotation = torch.from_numpy(Rotation.align_vectors(y.T.numpy(), x.T.numpy())[0].as_matrix())
                scale = (y * (rotation @ x)).sum() / size
            elif size > 0:
                number = (torch.complex(x[0], -x[1]) * torch.complex(y[0], y[1])).sum() / size
                scale, rotation = number.abs(), turn(number.angle())
            else:
                scale, rotation = torch.tensor(1.0, dtype=torch.float64), torch.eye(2, dtype=torch.float64)
            answers.append((scale, rotation, goal - scale * rotation @ middle))
        if not answers:
            axes = source.shape[1]
            return torch.zeros(0).double(), torch.zeros(0, axes, axes).double(), torch.zeros(0, axes).double()
        return tuple(torch.stack(part) for part in zip(*answers))  # type: ignore[return-value]

    def cases(self) -> list[Case]:
        return [
            Case("three polygons", Family.VALUE, pairs(3, 7), public=True),
            Case("one polygon", Family.VALUE, pairs(1, 10), public=True),
            Case("exact copies, one of them mirrored", Family.VALUE, one_mirrored(3, 8, 0.0)),
            Case("three polygons, one of them mirrored", Family.VALUE, one_mirrored(3, 9, 0.1)),
            Case("one polygon, mirrored", Family.VALUE, one_mirrored(1, 11, 0.1)),
            Case("four polygons, one of them mirrored, much noise", Family.VALUE, one_mirrored(4, 9, 0.3)),
            Case("points in space", Family.VALUE, clouds(4, 8), public=True),
            Case("points in space, drawn again", Family.VALUE, clouds(5, 7)),
            Case("gradient", Family.GRADIENT, pairs(3, 7)),
            Case("gradient, one of them mirrored", Family.GRADIENT, one_mirrored(3, 9, 0.1)),
            Case("mirror images", Family.STABILITY, mirrored, public=True),
            Case("mirror images, drawn again", Family.STABILITY, mirrored),
            Case("points on a line", Family.STABILITY, on_a_line),
            Case("equal singular values", Family.STABILITY, round_shapes),
            Case("far from the origin", Family.STABILITY, pairs(3, 8, far=100.0)),
            Case("float64", Family.DTYPE, pairs(3, 7), dtype="float64"),
            Case("float64, one of them mirrored", Family.DTYPE, one_mirrored(4, 9, 0.1), dtype="float64"),
            Case("a source without extent", Family.EDGE, points_in_one_place, public=True),
            Case("a source without extent, drawn again", Family.EDGE, points_in_one_place),
            Case("no polygons", Family.EDGE, pairs(0, 7)),
            Case("two points", Family.EDGE, pairs(3, 2)),
            Case("every second element of a wider buffer", Family.EDGE, pairs(3, 8), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, pairs(3, 8), layout="transposed"),
        ]


def restarted(count: int, vertices: int, noise: float = 0.15, far: float = 0.0):
    """Case material: polygons, and the same turned, scaled, moved and begun elsewhere, with noise."""

    def material(draw: Draw) -> tuple[Tensor, Tensor]:
        source, target = pairs(count, vertices, noise, far)(draw)
        shift = draw.integers(0, vertices, count, 1)
        place = (torch.arange(vertices) + shift) % vertices
        return source, target.gather(2, place[:, None].expand(-1, 2, -1))

    return material


def best_start(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """One pair ``[2, N]``: every shift gets a similarity of its own, and the smallest residual wins."""
    fits = []
    for shift in range(source.shape[1]):
        rolled = source.roll(-shift, 1)
        scale, rotation, translation = similarity(rolled, target)
        fits.append(scale * rotation @ rolled + translation[:, None])
    residuals = torch.stack([(fit - target).square().sum() for fit in fits])
    shift = residuals.detach().argmin()
    return fits[int(shift)], shift


class CyclicProcrustes(Exercise):
    """The best similarity and the best start at once."""

    name = "shapes.cyclic_procrustes"
    title = "Similarity alignment with an unknown start"
    symbol = "cyclic_procrustes"
    points = {Family.VALUE: 1.5, Family.GRADIENT: 0.5, Family.STABILITY: 0.25, Family.DTYPE: 0.25, Family.EDGE: 0.5}
    tolerance_factor = 64.0

    def reference(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        found = [best_start(x, y) for x, y in zip(source, target)]
        if not found:
            return source.clone(), torch.zeros(0, dtype=torch.int64)
        return torch.stack([fit for fit, _ in found]), torch.stack([shift for _, shift in found])

    def oracle(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        # complex least squares, y = a x + b, one solve for every shift.
        fits, shifts = [], []
        for x, y in zip(source, target):
            x, y = torch.complex(*x), torch.complex(*y)
            tried = []
            for shift in range(len(x)):
                design = torch.stack((x.roll(-shift), torch.ones_like(x)), dim=1)
                tried.append(design @ (torch.linalg.pinv(design) @ y))
            residuals = torch.stack([(fit - y).abs().square().sum() for fit in tried])
            shifts.append(residuals.argmin())
            fits.append(torch.view_as_real(tried[int(shifts[-1])]).T)
        return (torch.stack(fits), torch.stack(shifts)) if fits else (source.clone(), torch.zeros(0, dtype=torch.int64))

    def cases(self) -> list[Case]:
        return [
            Case("three polygons", Family.VALUE, restarted(3, 7), public=True),
            Case("one polygon", Family.VALUE, restarted(1, 10), public=True),
            Case("three polygons, drawn again", Family.VALUE, restarted(3, 9)),
            Case("exact copies", Family.VALUE, restarted(4, 8, noise=0.0)),
            Case("many vertices", Family.VALUE, restarted(3, 23)),
            Case("gradient", Family.GRADIENT, restarted(3, 7)),
            Case("gradient, drawn again", Family.GRADIENT, restarted(3, 8)),
            Case("far from the origin", Family.STABILITY, restarted(3, 8, far=100.0), public=True),
            Case("far from the origin, drawn again", Family.STABILITY, restarted(3, 9, far=-80.0)),
            Case("float64", Family.DTYPE, restarted(3, 7), dtype="float64"),
            Case("float64, drawn again", Family.DTYPE, restarted(3, 8), dtype="float64"),
            Case("a single vertex", Family.EDGE, restarted(3, 1)),
            Case("no polygons", Family.EDGE, pairs(0, 7)),
            Case("every second element of a wider buffer", Family.EDGE, restarted(3, 8), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, restarted(3, 8), layout="transposed"),
        ]
