"""The set ``icons``: drawings from a pinned wheel as bitmaps and outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_scripts.builder import Builder, Content, Finding, Progress, Stored

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# more than there are drawings, which means all of them.
ALL = 20_000


def build(count: int, seed: int, progress: Progress) -> Content:
    """Return the content of icons.h5 from ``count`` drawings spread evenly over the wheel's."""
    from data_scripts.icons.content import content
    from data_scripts.icons.drawing import wheel_folder

    return content(wheel_folder(), count, seed, progress)


def verify(stored: Stored) -> list[Finding]:
    """Look at a finished file."""
    from data_scripts.icons.verification import findings

    return findings(stored)


def picture(stored: Stored) -> Figure:
    """Draw samples of a finished file."""
    from data_scripts.icons.contact_sheet import contact_sheet

    return contact_sheet(stored)


BUILDERS = (
    Builder(
        name="icons",
        summary="Real icons: 32 x 32 bitmaps, outlines as 96-vertex polygons, names, families, pairs filled and outlined.",
        count=ALL,
        counted="drawings read, spread evenly over those of the wheel; all of them by default",
        quick_count=400,
        sources=("data_scripts/icons", "data_scripts/sets/icons.py"),
        packages=("fonttools", "matplotlib", "mkdocs-material", "scipy", "shapely"),
        build=build,
        verify=verify,
        picture=picture,
    ),
)
