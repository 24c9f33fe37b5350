"""Search what students get for what they must not get.

The secret lines of an assignment are those between the markers of its lessons, and those of its exercise modules, mutants and accepted
answers. Of these, a line is worth searching for when, with its spaces folded,

* it has at least ``LENGTH_MIN`` characters (``return x`` or a closing bracket gives nothing away), and
* it is no import, and
* it stands nowhere in the text that students are meant to read: the lessons less their marked regions, and the nets of a training step,
  whose source travels with its cases.

Any such line found anywhere in a release is a leak. The wheel is judged more mildly: an op that ``vislab`` ships on purpose may well
share a line with a solution. There one line is reported as *shared*; two that follow each other as they do in the secret are a leak.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.authoring.contents import texts_in
from autograder.authoring.fault import AuthoringError
from autograder.authoring.lesson import Lesson
from autograder.authoring.markers import released, removed_lines
from autograder.exercise.assignment import Assignment

LENGTH_MIN = 12
_SHIPPED = re.compile(r"\.whl/vislab/")
_IMPORT = re.compile(r"(import|from) \w")


@dataclass(frozen=True)
class SecretLine:
    """One line worth searching for.

    Args:
        text: the line, spaces folded.
        origin: file and line it stands in.
        follower: the next secret line below it; None where that is not worth searching for.
    """

    text: str
    origin: str
    follower: str | None = None


@dataclass(frozen=True)
class Leak:
    """A secret line in something that students get.

    Args:
        where: file, and the place in it.
        line: the secret line.
        shared: it stands alone in a module of the shipped package: worth a look, not a leak.
    """

    where: str
    line: SecretLine
    shared: bool = False

    def __str__(self) -> str:
        return f"{self.where} holds {self.line.text!r}, from {self.line.origin}"


def secret_lines(assignment: Assignment, lessons: Sequence[Lesson]) -> list[SecretLine]:
    """Return the lines of an assignment that must not reach a student."""
    shown = "\n".join(_fold(released(cell.source, cell.is_markdown)) for lesson in lessons for cell in lesson.cells)
    shown += "".join("\n" + _fold(source) for exercise in assignment.exercises.values() for source in exercise.shown_sources())
    found: list[SecretLine] = []
    for place, lines in _secrets(assignment, lessons):
        worthy = [(f"{place}:{number}", text) for number, line in lines if (text := _fold(line))]
        kept = [_is_worth_searching(text, shown) for _, text in worthy]
        for index, (origin, text) in enumerate(worthy):
            follower = worthy[index + 1][1] if index + 1 < len(worthy) and kept[index + 1] else None
            if kept[index]:
                found.append(SecretLine(text, origin, follower))
    return found


def find_leaks(paths: Iterable[Path], secrets: Sequence[SecretLine]) -> list[Leak]:
    """Search files and folders for secret lines, also inside zips, notebooks, HDF5 files and pictures.

    Returns:
        The leaks, each line once per place, in the order of the files; shared lines of the wheel among them.
    """
    starts: dict[str, list[SecretLine]] = {}
    for secret in secrets:
        starts.setdefault(secret.text[:LENGTH_MIN], []).append(secret)
    found: dict[tuple[str, str], Leak] = {}
    for path in paths:
        for where, text in texts_in(path):
            folded = _fold(text)
            for secret in _matches(folded, starts):
                run = secret.follower is not None and f"{secret.text}\n{secret.follower}" in folded
                leak = Leak(where, secret, shared=_SHIPPED.search(where) is not None and not run)
                known = found.get((where, secret.text))
                if known is None or (known.shared and not leak.shared):
                    found[where, secret.text] = leak
    return list(found.values())


def refuse_leaks(paths: Iterable[Path], assignment: Assignment, lessons: Sequence[Lesson]) -> list[Leak]:
    """Search ``paths`` and refuse any leak.

    Returns:
        The shared lines of the wheel, for a person to look at.

    Raises:
        AuthoringError: names every leak.
    """
    leaks = find_leaks(paths, secret_lines(assignment, lessons))
    if real := [leak for leak in leaks if not leak.shared]:
        raise AuthoringError(
            f"{assignment.name}: {len(real)} secret lines would reach the students; move them between markers, or out of what is shipped:\n"
            + "\n".join(str(leak) for leak in real[:20])
        )
    return leaks


def _secrets(assignment: Assignment, lessons: Sequence[Lesson]) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    for lesson in lessons:
        for cell in lesson.cells:
            if removed := removed_lines(cell.source):
                yield lesson.place, [(cell.line_of(offset), line) for offset, line in removed]
    for part in ("exercises", "mutants", "accepted"):
        for path in sorted((assignment.folder / part).rglob("*.py")):
            lines = path.read_text(encoding="utf-8").split("\n")
            yield path.relative_to(assignment.folder).as_posix(), list(enumerate(lines, 1))


def _is_worth_searching(text: str, shown: str) -> bool:
    return len(text) >= LENGTH_MIN and not _IMPORT.match(text) and text not in shown


def _fold(text: str) -> str:
    """Fold spaces and drop empty lines, so that indentation and layout hide nothing."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _matches(folded: str, starts: dict[str, list[SecretLine]]) -> Iterator[SecretLine]:
    # one pass over the text, whatever the number of secrets: their first letters are looked up at every position.
    for position in range(len(folded) - LENGTH_MIN + 1):
        for secret in starts.get(folded[position : position + LENGTH_MIN], ()):
            if folded.startswith(secret.text, position):
                yield secret
