"""Submitted weights: a net that finds 17 joints in pictures that no student has seen."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import torch

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.hidden_data import data_folder, hidden_file
from autograder.exercise.model import ModelProbe
from vislab.check.verdict import Family
from vislab.data import open_dataset

TRAIN, TEST = 0, 2
# whoever turns further away from the camera shows a right hand where others show a left one.
YAW_MOST_RAD = float(np.radians(75.0))
PUBLIC, HIDDEN = 6, 200


@functools.lru_cache(maxsize=4)
def facing_people(path: Path, stamp: int, split: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures ``[N, 3, 64, 64]`` uint8, joints and visibility of those who face the camera, of one split of a file."""
    people = open_dataset(path)
    rows = np.flatnonzero((people["split"].numpy() == split) & (np.abs(people["yaw"].numpy()) <= YAW_MOST_RAD))
    if len(rows) < HIDDEN:
        raise ValueError(f"{path} has {len(rows)} people who face the camera; at least {HIDDEN} are needed: build it with more, by --count")
    return people["img"][rows], people["pose_2d"][rows], people["visible"][rows]


def some_of(path: Path, split: int, count: int, draw: Draw) -> Inputs:
    """Case material: pictures in [0, 1], the pixels of their joints, and which are visible."""
    known = facing_people(path, path.stat().st_mtime_ns, split)
    rows = draw.generator.choice(len(known[0]), count, replace=False)
    img, joints, visible = (torch.from_numpy(values[rows]) for values in known)
    # rounded to float32 here: the case sends exactly what students' own loader gives.
    return Inputs((img.to(torch.float32) / 255, joints, visible))


def pictures_of_training(draw: Draw) -> Inputs:
    """A few pictures that students have: whoever reads them wrong finds out at home."""
    return some_of(data_folder(Path(__file__).parents[1]) / "pose.h5", TRAIN, PUBLIC, draw)


def hidden_pictures(draw: Draw) -> Inputs:
    """Pictures out of the instructor's file, other ones for every submission."""
    return some_of(hidden_file("pose_hidden.h5", Path(__file__)), TEST, HIDDEN, draw)


class PoseNet(Exercise):
    """Weights of a heat-map net, marked by the share of visible joints that it finds within four pixels."""

    name = "pose.net"
    title = "A pose net of your own"
    symbol = "pose_net_file"
    points = {Family.VALUE: 3.0, Family.BEHAVIOUR: 3.0}
    bonus = True
    probe = ModelProbe(
        file="pose_net.safetensors",
        architecture="heatmap_net",
        init={"joints": 17, "width": 32, "blocks": 6, "stride": 4},
        metric="keypoints_within",
        options={"radius_px": 4.0, "stride": 4},
        simple=0.5,
        strong=0.75,
        size_mib=2,
    )

    def cases(self) -> list[Case]:
        return [
            *(Case(f"training pictures {number}", Family.VALUE, pictures_of_training, public=True) for number in range(1, 4)),
            Case("hidden pictures, simple bar", Family.VALUE, hidden_pictures),
            Case("other hidden pictures, simple bar", Family.VALUE, hidden_pictures),
            Case("hidden pictures, strong bar", Family.BEHAVIOUR, hidden_pictures),
            Case("other hidden pictures, strong bar", Family.BEHAVIOUR, hidden_pictures),
        ]
