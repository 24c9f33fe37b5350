"""A student opens a released notebook in JupyterLab, solves its exercise by typing, and has nbgrader validate it.

Stood in for: the helper package is this checkout's instead of the wheel's, which the journeys install.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from small_course import ANSWER, ASSIGNMENT, EXERCISE, NOTEBOOK, TOKEN, answer_of, jupyter_lab, student_folder

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser
CHECK = f'check("{EXERCISE}"'
DEFINITION = "def box_iou"


def body(code: str) -> str:
    """Return the body of an answer's function without its indent, which the editor puts before each line."""
    return "\n".join(line.removeprefix("    ") for line in code.split("def box_iou(first, second):\n")[1].rstrip().splitlines())


def green(table: Locator) -> bool:
    """Tell whether some edge of what is shown is green."""
    script = "part => [part, ...part.querySelectorAll('*')].map(each => getComputedStyle(each).borderLeftColor)"
    edges = [[int(number) for number in re.findall(r"\d+", colour)[:3]] for colour in table.evaluate(script)]
    return any(edge[1] > 1.5 * max(edge[0], edge[2]) for edge in edges)


class Notebook:
    """A notebook as it stands in JupyterLab, used by keys and clicks."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.goto(f"{address}lab/tree/{NOTEBOOK}.ipynb?token={TOKEN}")
        # what is typed before there is a kernel to run it is lost.
        page.get_by_text("| Idle").first.wait_for()

    def cell(self, text: str) -> Locator:
        """Return the cell whose source holds a text."""
        return self.page.locator(".jp-Notebook .jp-Cell").filter(has=self.page.locator(".cm-content", has_text=text))

    def run(self, text: str) -> Locator:
        """Run that cell, wait until it is through, and return it."""
        from playwright.sync_api import expect

        cell = self.cell(text)
        prompt = cell.locator(".jp-InputPrompt")
        before = re.sub(r"\D", "", prompt.inner_text()) or "none"
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        # "[*]" while it runs, then a number that it did not have before.
        expect(prompt).to_have_text(re.compile(rf"\[(?!{before}\])\d+\]"))
        return cell

    def shown(self) -> Locator:
        """Run the check and return what it shows."""
        return self.run(CHECK).locator(".jp-OutputArea-output").filter(has_text="visible checks passed")

    def replace(self, line: str, text: str, cell: str = DEFINITION) -> None:
        """Type a text in the place of a line and everything below it."""
        self.cell(cell).locator(".cm-line", has_text=line).click()
        for keys in ("Home", "Control+Shift+End", "Delete"):
            self.page.keyboard.press(keys)
        self.page.keyboard.type(text)

    def validated(self) -> str:
        """Press nbgrader's button and return what its dialog says."""
        self.page.get_by_role("button", name="Validate").click()
        dialog = self.page.locator(".jp-Dialog", has_text="Validation Results")
        dialog.wait_for()
        said = dialog.inner_text()
        dialog.get_by_role("button", name="Ok").click()
        dialog.wait_for(state="detached")
        return said


def test_a_notebook_is_opened_solved_by_typing_and_validated(
    released: Path, tmp_path: Path, page: Page, picture: Callable[[str], None]
) -> None:
    from playwright.sync_api import expect

    folder = student_folder(released, tmp_path / "student")
    with jupyter_lab(folder, tmp_path / "lab") as address:
        notebook = Notebook(page, address)
        notebook.run("import torch")
        # a wrong answer first: what says below that all is well can say otherwise.
        notebook.replace("YOUR CODE HERE", "return first[:, 0] * second[:, 0]")
        notebook.run(DEFINITION)
        table = notebook.shown()
        expect(table).to_contain_text(f"{EXERCISE}: 0 of 3 visible checks passed")
        assert table.locator("tr", has_text="✗").count() == 3 and table.locator("tr", has_text="✓").count() == 0
        assert not green(table)
        said = notebook.validated()
        assert "failed" in said and CHECK in said and "YOUR ANSWER HERE" in said, said

        notebook.replace("return first", body(answer_of("accepted", "column_by_column")))
        notebook.run(DEFINITION)
        table = notebook.shown()
        expect(table).to_contain_text(f"{EXERCISE}: 3 of 3 visible checks passed; hidden checks also test")
        assert table.locator("tr", has_text="✓").count() == 3 and table.locator("tr", has_text="✗").count() == 0
        assert green(table), "the table's edge is green"
        picture("jupyterlab")
        page.locator(".jp-MarkdownOutput", has_text="YOUR ANSWER HERE").dblclick()
        notebook.replace("YOUR ANSWER HERE", ANSWER, cell="YOUR ANSWER HERE")
        said = notebook.validated()
        assert "Success!" in said and "failed" not in said, said

    # validating has saved what was typed, and every check and question is still there.
    kept = nbformat.read(folder / f"{NOTEBOOK}.ipynb", as_version=4)
    before = nbformat.read(released / "release" / ASSIGNMENT / f"{NOTEBOOK}.ipynb", as_version=4)
    changed = [cell.id for cell, old in zip(kept.cells, before.cells, strict=True) if cell.source != old.source]
    assert changed == [f"{NOTEBOOK}-{part}" for part in ("exercise-boxes-box_iou", "question-boxes-q_gradient")]
