"""The page for students that lies beside the notebooks of a release."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.authoring.course import Course
from autograder.authoring.lesson import Lesson
from autograder.exercise.assignment import Assignment

_PAGE = """\
# {title}

{course}. {due}

Hand in {files}, with your answers in the cells that hold `YOUR CODE HERE` or `YOUR ANSWER HERE`.

| notebook | what it is about |{colab_head}
|---|---|{colab_rule}
{rows}

Every exercise cell is followed by a check. It runs a few visible cases and says what is wrong; the mark comes from other cases of the
same kind. Keep the check cells as they are, and keep `cases.h5` beside the notebooks: the checks read it.
{extra}
## On Colab

{colab}
Run the first code cell: it fetches this assignment and its helper package. Colab forgets its machine after a while, so save a copy of
the notebook to your drive (*File → Save a copy in Drive*), and download it from there when you hand it in.

## On a laptop

1. Download [{bundle_name}]({bundle}) and unpack it; it holds all you need.
2. In a terminal, in the unpacked folder `{name}`, with Python 3.11 or later:

   ```
   python -m venv .venv
   .venv/bin/pip install ./vislab-*.whl notebook
   .venv/bin/jupyter notebook
   ```

   Where `python` is not found, write `python3`. On Windows, write `.venv\\Scripts\\` for `.venv/bin/`, and the wheel's full name.

## In the lab

1. Unpack [{bundle_name}]({bundle}).
2. `conda activate vislab`, then `jupyter notebook` in the unpacked folder `{name}`. Where the environment is missing, do as on a laptop.
"""


def student_page(assignment: Assignment, lessons: Sequence[Lesson], course: Course) -> str:
    """Return the text of the release's ``README.md``."""
    on_colab = course.repository is not None
    rows = []
    for lesson in lessons:
        row = f"| [`{lesson.name}.ipynb`]({lesson.name}.ipynb) | {lesson.title} |"
        rows.append(row + (f" [open]({course.colab_link(assignment.name, lesson.name)}) |" if on_colab else ""))
    files = " and ".join(f"`{lesson.name}.ipynb`" for lesson in lessons)
    extra = ", ".join(f"`{name}`" for name in assignment.extra_files)
    return _PAGE.format(
        title=assignment.title,
        course=course.title,
        # the offset as in +01:00; strftime writes it without the colon before Python 3.12.
        due=f"Due {assignment.due:%Y-%m-%d %H:%M} (UTC{assignment.due.isoformat()[-6:]})." if assignment.due else "No due date.",
        files=files,
        colab_head=" on Colab |" if on_colab else "",
        colab_rule="---|" if on_colab else "",
        rows="\n".join(rows),
        extra=f"\nYou may hand in beside the notebooks: {extra}.\n" if extra else "",
        colab="Open a notebook by its link in the table above." if on_colab else "Upload a notebook to Colab.",
        bundle_name=f"{assignment.name}.zip",
        bundle=course.bundle_link(assignment.name),
        name=assignment.name,
    )
