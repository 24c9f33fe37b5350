"""The content of digits.h5."""

from __future__ import annotations

from importlib import metadata

from data_scripts.builder import Content, Progress
from data_scripts.digits.assembly import all_tables
from data_scripts.digits.base import base_digits
from data_scripts.digits.distortion import DISTORTIONS
from vislab.data.layout.provenance import Source


def content(count: int, seed: int, progress: Progress) -> Content:
    """Return the content: ``count`` training pictures of each distortion, and a quarter as many, but one at least, for the test.

    Args:
        count: 1 or more.
        seed: decides every draw.
        progress: shows stages.
    """
    step = progress("distorting", 2 * len(DISTORTIONS))
    tables = all_tables(base_digits(), count, max(1, count // 4), seed, step)
    source = Source(
        "Optical recognition of handwritten digits",
        f"scikit-learn {metadata.version('scikit-learn')}",
        "CC-BY-4.0",
        "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository; enlarged and distorted",
        "the handwriting",
    )
    return Content(tables=tables, sources=[source], attributes={f"meaning_{how.name}": how.meaning for how in DISTORTIONS})
