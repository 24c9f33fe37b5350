"""The one exporter that the configuration names: which file it writes is a setting that can be typed.

``nbgrader export --exporter=…`` looks for the plug-in before nbgrader reads its configuration, which alone knows where ours lie.
"""

from __future__ import annotations

from typing import ClassVar

from nbgrader.api import Gradebook
from traitlets import Enum

from autograder.gradebook.export import CsvExport
from autograder.gradebook.lms_export import CanvasExport, MoodleExport


class Export(CsvExport):
    """Marks as nbgrader's table, or as a file that Canvas or Moodle imports."""

    forms: ClassVar[dict[str, type[CsvExport]]] = {"table": CsvExport, "canvas": CanvasExport, "moodle": MoodleExport}

    form = Enum(list(forms), "table", help="What is written: table (nbgrader's columns), canvas or moodle.").tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        """Write the file that the setting asks for."""
        self.forms[self.form](parent=self.parent, config=self.config).export(gradebook)
