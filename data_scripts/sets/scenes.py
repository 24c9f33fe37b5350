"""The set ``scenes``: named, coloured icons in relation, with captions, boxes and masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_scripts.builder import Builder, Content, Finding, Progress, Stored

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def build(count: int, seed: int, progress: Progress) -> Content:
    """Return the content of scenes.h5: ``count`` training scenes, a fifth as many for the test, nine fifths as many single icons."""
    from data_scripts.icons.drawing import wheel_folder
    from data_scripts.scenes.content import content

    return content(wheel_folder(), count, seed, progress)


def verify(stored: Stored) -> list[Finding]:
    """Look at a finished file."""
    from data_scripts.scenes.verification import findings

    return findings(stored)


def picture(stored: Stored) -> Figure:
    """Draw samples of a finished file."""
    from data_scripts.scenes.contact_sheet import contact_sheet

    return contact_sheet(stored)


def lesson(stored: Stored, seed: int, progress: Progress) -> dict[str, float]:
    """Train a captioner that attends and its mean-pooled twin; return how well they write and where the first one looks."""
    from data_scripts.scenes.lesson import lesson as train

    return train(stored, seed, progress)


BUILDERS = (
    Builder(
        name="scenes",
        summary="Scenes of two to four named, coloured icons: five captions each, boxes, masks, a relation; and single icons.",
        count=5_000,
        counted="training scenes; a fifth as many for the test, nine fifths as many single icons",
        quick_count=30,
        sources=("data_scripts/icons", "data_scripts/scenes", "data_scripts/sets/scenes.py"),
        packages=("fonttools", "matplotlib", "mkdocs-material", "scipy", "shapely"),
        build=build,
        verify=verify,
        picture=picture,
        lesson=lesson,
    ),
)
