"""A course with two notebooks, and what tests do in it."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from autograder.exercise.grade_ids import check_id, question_id, solution_id
from autograder.gradebook.run import SHIPPED_CONFIG, autograde, generate_assignment

ASSIGNMENT = "t1_tiny"
TOML = """title = "Tiny"
due = 2027-02-05T23:59:00+01:00
notebooks = ["one", "two"]
points_total = 14
[late]
penalty_per_day = 0.1
"""
PLAIN_TEST = "assert first(1) == 1\n### BEGIN HIDDEN TESTS\nassert first(4321) == 4321\n### END HIDDEN TESTS"


def _meta(grade_id: str, **values: object) -> dict:
    meta = {"grade_id": grade_id, "grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": meta | values}


def _exercise(name: str, points: float) -> list:
    symbol = name.split(".")[1]
    solution = f"def {symbol}(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"
    check = _meta(check_id(name), grade=True, locked=True, points=points)
    return [
        new_code_cell(solution, id=f"solve-{symbol}", metadata=_meta(solution_id(name), solution=True)),
        new_code_cell(f'check("{name}", {symbol})', id=f"check-{symbol}", metadata=check),
    ]


def _notebooks() -> dict[str, nbformat.NotebookNode]:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    one = [
        new_markdown_cell("# Tiny lesson", id="title"),
        *_exercise("pose.first", 5),
        *_exercise("pose.extra", 0),
        new_code_cell(PLAIN_TEST, id="plain", metadata=_meta("own-test", grade=True, locked=True, points=2)),
        new_markdown_cell("Your answer here.", id="why", metadata=_meta(question_id("pose.why"), grade=True, solution=True, points=3)),
    ]
    return {"one": new_notebook(cells=one, metadata=kernel), "two": new_notebook(cells=_exercise("pose.second", 4), metadata=kernel)}


class TinyCourse:
    """The course folder, and what tests do in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def gradebook_path(self) -> Path:
        return self.root / "gradebook.db"

    def gradebook(self) -> Gradebook:
        return Gradebook(f"sqlite:///{self.gradebook_path}", "vislab")

    def hand_in(
        self, student: str, timestamp: str | None = None, notebooks: tuple[str, ...] = ("one", "two"), answer: str | None = None
    ) -> Path:
        """Put a submission where intake would put it.

        Args:
            answer: markdown of the question's cell; None leaves it untouched.
        """
        folder = self.root / "intake" / student / ASSIGNMENT
        folder.mkdir(parents=True, exist_ok=True)
        for name in notebooks:
            notebook = nbformat.read(self.root / "release" / ASSIGNMENT / f"{name}.ipynb", as_version=4)
            for cell in notebook.cells:
                if cell.id == "why" and answer is not None:
                    cell.source = answer
                if cell.id == "plain":
                    cell.source = PLAIN_TEST
            nbformat.write(notebook, folder / f"{name}.ipynb")
        if timestamp is not None:
            (folder / "timestamp.txt").write_text(timestamp)
        return folder

    def edit(self, student: str, notebook: str, change) -> None:
        """Apply ``change(notebook)`` to a submission."""
        path = self.root / "intake" / student / ASSIGNMENT / f"{notebook}.ipynb"
        content = nbformat.read(path, as_version=4)
        change(content)
        nbformat.write(content, path)

    def autograde(self, *students: str):
        return autograde(self.root, ASSIGNMENT, list(students) or None)

    def grades(self, student: str) -> dict[str, tuple[float | None, bool]]:
        """Return grade id to (auto score, needs a grader)."""
        with self.gradebook() as gradebook:
            submission = gradebook.find_submission(ASSIGNMENT, student)
            return {grade.name: (grade.auto_score, grade.needs_manual_grade) for book in submission.notebooks for grade in book.grades}

    def autograded(self, student: str, notebook: str) -> nbformat.NotebookNode:
        return nbformat.read(self.root / "autograded" / student / ASSIGNMENT / f"{notebook}.ipynb", as_version=4)


def make_course(root: Path) -> Path:
    """Make the course in an empty folder; nbgrader generates its assignment."""
    (root / "assignments" / ASSIGNMENT).mkdir(parents=True)
    (root / "assignments" / ASSIGNMENT / "assignment.toml").write_text(TOML)
    (root / "source" / ASSIGNMENT).mkdir(parents=True)
    for name, notebook in _notebooks().items():
        nbformat.write(notebook, root / "source" / ASSIGNMENT / f"{name}.ipynb")
    (root / "nbgrader_config.py").write_text(
        "from pathlib import Path\n"
        f"load_subconfig({SHIPPED_CONFIG.name!r}, path={str(SHIPPED_CONFIG.parent)!r})\n"
        "c.CoursePart.assignments_root = str(Path(__file__).resolve().parent / 'assignments')\n"
        "c.Execute.grader = 'fake_grader.grade'\n"
    )
    generate_assignment(root, ASSIGNMENT)
    return root
