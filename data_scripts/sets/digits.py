"""The set ``digits``: real handwriting under the distortions of the spatial-transformer paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_scripts.builder import Builder, Content, Finding, Progress, Stored

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def build(count: int, seed: int, progress: Progress) -> Content:
    """Return the content of digits.h5: for each distortion ``count`` training pictures, and a quarter as many for the test."""
    from data_scripts.digits.content import content

    return content(count, seed, progress)


def verify(stored: Stored) -> list[Finding]:
    """Look at a finished file."""
    from data_scripts.digits.verification import findings

    return findings(stored)


def picture(stored: Stored) -> Figure:
    """Draw samples of a finished file."""
    from data_scripts.digits.contact_sheet import contact_sheet

    return contact_sheet(stored)


def lesson(stored: Stored, seed: int, progress: Progress) -> dict[str, float]:
    """Train a net with a spatial transformer and one without; return their test errors."""
    from data_scripts.digits.lesson import lesson as train

    return train(stored, seed, progress)


BUILDERS = (
    Builder(
        name="digits",
        summary="Handwritten digits under the distortions R, RTS, P, E and TC48 of the spatial-transformer paper.",
        count=12_000,
        counted="training pictures of each distortion; the test set has a quarter as many",
        quick_count=200,
        sources=("data_scripts/digits", "data_scripts/sets/digits.py"),
        packages=("scikit-learn", "torch"),
        build=build,
        verify=verify,
        picture=picture,
        lesson=lesson,
    ),
)
