"""The set ``pose``: articulated people over photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_scripts.builder import Builder, Content, Finding, Progress, Stored

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def build(count: int, seed: int, progress: Progress) -> Content:
    """Return the content of pose.h5: of each 25 rows 19 train, 2 validate and 4 test."""
    from data_scripts.pose.content import content

    return content(count, seed, progress)


def verify(stored: Stored) -> list[Finding]:
    """Look at a finished file."""
    from data_scripts.pose.verification import findings

    return findings(stored)


def picture(stored: Stored) -> Figure:
    """Draw samples of a finished file."""
    from data_scripts.pose.contact_sheet import contact_sheet

    return contact_sheet(stored)


BUILDERS = (
    Builder(
        name="pose",
        summary="People in 17 joints, rendered over photographs: 2-D and 3-D pose, camera, visibility, map of the limbs.",
        count=5_000,
        counted="pictures; of each 25 rows 19 train, 2 validate, 4 test",
        quick_count=50,
        sources=("data_scripts/pose", "data_scripts/sets/pose.py"),
        packages=("pillow", "scikit-image", "scikit-learn"),
        build=build,
        verify=verify,
        picture=picture,
    ),
)
