"""Where a plug-in runs: the course folder and the assignments, as nbgrader's configuration gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List, Unicode
from traitlets.config import Configurable


class QuietPreprocessor(NbGraderPreprocessor):
    """Base of the preprocessors for pages: takes the one setting that nbconvert's HTML exporter hands to all of them without a warning."""

    display_data_priority = List(NbGraderPreprocessor.display_data_priority.default_value).tag(config=True)


class CoursePart(Configurable):
    """Base of the plug-ins that need the course."""

    assignments_root = Unicode("", help="The folder that holds the assignments, each with its assignment.toml.").tag(config=True)
    # the type checker needs to be told what traitlets adds.
    parent: Any

    @property
    def course_root(self) -> Path:
        """The course folder: that of the converter this plug-in belongs to."""
        owner = self.parent
        while owner is not None:
            coursedir = getattr(owner, "coursedir", None)
            if coursedir is not None and coursedir.root:
                return Path(coursedir.root).resolve()
            owner = getattr(owner, "parent", None)
        # nbgrader's converters work inside the course folder.
        return Path.cwd()

    @property
    def assignments_folder(self) -> Path:
        """The assignments: as configured, otherwise ``assignments`` in the course folder."""
        return Path(self.assignments_root) if self.assignments_root else self.course_root / "assignments"
