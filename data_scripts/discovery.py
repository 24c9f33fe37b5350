"""Finds the builders: every module of ``data_scripts.sets`` that defines ``BUILDERS``."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from data_scripts.builder import Builder, BuildError

_SETS = Path(__file__).with_name("sets")


def builders() -> dict[str, Builder]:
    """Return the builders by name, in the order of their names.

    Raises:
        BuildError: two modules build a set of the same name, or one of them defines no builders.
    """
    found: dict[str, Builder] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules([str(_SETS)])):
        declared = getattr(importlib.import_module(f"data_scripts.sets.{module}"), "BUILDERS", ())
        if not declared:
            raise BuildError(f"data_scripts/sets/{module}.py must define BUILDERS, a tuple with one Builder at least")
        for builder in declared:
            if builder.name in found:
                raise BuildError(
                    f"data_scripts/sets/{module}.py builds {builder.name!r}, which another module builds already; rename one of them"
                )
            found[builder.name] = builder
    return dict(sorted(found.items()))
