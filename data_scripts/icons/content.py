"""The content of icons.h5: arrays, provenance, and what leads polygons back to pixels."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from data_scripts.builder import Content, Progress
from data_scripts.icons.assembly import DUPLICATE, GROUP, assemble, render_all
from data_scripts.icons.drawing import FAMILIES, PACKAGE, blocked_patterns, drawing_files
from vislab.data.layout.field import Field
from vislab.data.layout.provenance import Source

OUTLINE = Field(
    "outline", "int32", (), "1", "number of the distinct silhouette that the outline shows, -1 without an outline", -1, label=True
)


def content(folder: Path, count: int, seed: int, progress: Progress) -> Content:
    """Return the content.

    Args:
        folder: holds the folders of drawings, as of :func:`data_scripts.icons.drawing.wheel_folder`.
        count: drawings to read, spread evenly; all of them when there are fewer.
        seed: decides the splits.
        progress: shows stages.
    """
    files = list(drawing_files(folder, blocked_patterns()))
    chosen = files if count >= len(files) else [files[number * len(files) // count] for number in range(count)]
    made = render_all(chosen, progress("drawing", len(chosen)))
    step = progress("comparing", 1)
    icons = assemble(made, seed)
    step(f"{len(made)} of {len(chosen)} drawings differ")
    version = metadata.version(PACKAGE)
    present = {each.drawing.family for each in made}
    sources = [
        Source(family.folder, f"{PACKAGE} {version}", family.licence, family.attribution, f"icons of the family {family.name}")
        for family in FAMILIES
        if family in present
    ]
    return Content(
        tables={"": icons.arrays},
        sources=sources,
        attributes={"drawings_read": len(chosen), "duplicate_likeness": DUPLICATE, "group_likeness": GROUP},
        dataset_attributes={"polygon": {"mean": icons.mean.tolist(), "scale": icons.scale.tolist()}},
        conventions={"polygon": "standardised_y_up"},
        extra={"": [OUTLINE]},
    )
