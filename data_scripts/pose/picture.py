"""One picture: bodies before a camera over a photograph, and everything that is known about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_scripts.pose.body import CAPSULE_ENDS, CAPSULE_PAINT, CAPSULE_PART, CAPSULES, JOINT_POINTS, Build
from data_scripts.pose.paint import lambert
from data_scripts.pose.raycast import NOTHING, cast, normals, rays_of
from data_scripts.pose.skeleton import PARTS
from data_scripts.pose.view import project
from data_scripts.pose.visibility import visible

SIZE_PX = 64
# along each side of a pixel.
SAMPLES = 2
# levels between two grey values that are told apart: the noise of photographs below it would fill half of the file.
LEVEL_STEP = 4


@dataclass(frozen=True)
class Figure:
    """A body as it is drawn: ``points`` [points, 3] metres on the camera's axes, proportions, ``paints`` [paints, 3] 0 to 255."""

    points: np.ndarray
    build: Build
    paints: np.ndarray

    @property
    def ends(self) -> np.ndarray:
        """Ends of its capsules, float64 [capsules, 2, 3]."""
        return self.points[CAPSULE_ENDS]

    @property
    def joints(self) -> np.ndarray:
        """Its joints, float64 [17, 3]."""
        return self.points[JOINT_POINTS]


@dataclass(frozen=True)
class Scene:
    """What a picture shows: the camera [4], light, a ground photograph, and an object in front of everybody or None.

    ``ground`` and ``front`` are float64 [size, size, 3]; ``cover`` is the object's mask on the grid of samples, bool [S, S].
    """

    camera: np.ndarray
    toward_light: np.ndarray
    ambient: float
    ground: np.ndarray
    front: np.ndarray | None = None
    cover: np.ndarray | None = None


def sample_pixels() -> np.ndarray:
    """Return the pixel coordinate of each column of samples, float64 [S]."""
    return (np.arange(SIZE_PX * SAMPLES) + 0.5) / SAMPLES - 0.5


def render(figures: list[Figure], scene: Scene) -> dict[str, np.ndarray]:
    """Draw figures.

    Shapes: P figures.

    Args:
        figures: one or more.
        scene: everything else.

    Returns:
        ``img`` uint8 [3, 64, 64] in 64 grey levels, ``limb`` int8 [64, 64], ``person`` uint8 [64, 64], ``pose_2d`` float64 [P, 17, 2],
        ``visible`` bool [P, 17], ``box`` float64 [P, 4]: what of each figure is in the image, zeros where nothing is.
    """
    ends = np.concatenate([figure.ends for figure in figures])
    radii = np.concatenate([figure.build.radii_m for figure in figures])
    rays = rays_of(scene.camera, SIZE_PX, SAMPLES)
    buffer = cast(rays, ends, radii)
    hit, facing = normals(rays, buffer, ends, radii)
    number = buffer.capsule[hit]
    paints = np.concatenate([figure.paints[CAPSULE_PAINT] for figure in figures])
    light = lambert(facing, scene.toward_light, scene.ambient)
    ground = scene.ground.repeat(SAMPLES, 0).repeat(SAMPLES, 1)
    ground[hit] = paints[number] * light[:, None]
    owner, part = np.full(hit.shape, NOTHING), np.full(hit.shape, NOTHING)
    owner[hit], part[hit] = number // len(CAPSULES), CAPSULE_PART[number % len(CAPSULES)]
    cover = np.zeros(hit.shape, dtype=bool) if scene.cover is None else scene.cover
    if scene.front is not None:
        ground[cover] = scene.front.repeat(SAMPLES, 0).repeat(SAMPLES, 1)[cover]
    coloured = _pixels(ground).mean(2)
    in_front = np.where(cover | ~hit, 0, 1 + owner * len(PARTS) + part)
    winner = majority(_pixels(in_front))
    at_px = sample_pixels()
    pose_2d = np.stack([project(figure.joints, scene.camera) for figure in figures])
    seen = np.stack(
        [
            # another person is a stranger's part, whatever it is.
            visible(
                pose_2d[who],
                figure.joints[:, 2],
                figure.build.flesh_m,
                float(scene.camera[0]),
                at_px,
                buffer.depth,
                np.where(owner == who, part, NOTHING),
                cover,
                SIZE_PX,
            )
            for who, figure in enumerate(figures)
        ]
    )
    person = np.where(winner > 0, (winner - 1) // len(PARTS) + 1, 0).astype(np.uint8)
    return {
        "img": (np.floor(coloured.clip(0, 255) / LEVEL_STEP) * LEVEL_STEP + LEVEL_STEP // 2).astype(np.uint8).transpose(2, 0, 1),
        "limb": np.where(winner > 0, (winner - 1) % len(PARTS), NOTHING).astype(np.int8),
        "person": person,
        "pose_2d": pose_2d,
        "visible": seen,
        "box": np.stack([box_around(person == who + 1) for who in range(len(figures))]),
    }


def _pixels(samples: np.ndarray) -> np.ndarray:
    """Bring [S, S, ...] to the samples of each pixel: [size, size, samples, ...]."""
    rest = samples.shape[2:]
    cells = samples.reshape(SIZE_PX, SAMPLES, SIZE_PX, SAMPLES, *rest).swapaxes(1, 2)
    return cells.reshape(SIZE_PX, SIZE_PX, SAMPLES * SAMPLES, *rest)


def majority(values: np.ndarray) -> np.ndarray:
    """Return the most frequent of the values along the last axis; of equally frequent ones the first.

    Example:
        >>> majority(np.array([[3, 1, 1, 2], [4, 5, 4, 5]])).tolist()
        [1, 4]
    """
    votes = (values[..., :, None] == values[..., None, :]).sum(-1)
    return np.take_along_axis(values, votes.argmax(-1)[..., None], -1)[..., 0]


def box_around(mask: np.ndarray) -> np.ndarray:
    """Return x0, y0, x1, y1 of a mask in pixels from the image's outer edge; zeros where it is empty."""
    if not mask.any():
        return np.zeros(4)
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)
