"""What the lessons of an assignment must agree on before anything is built."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence

from autograder.authoring.cell import NAMED, Cell, Role
from autograder.authoring.fault import Fault, refuse
from autograder.authoring.lesson import Lesson, read_lesson
from autograder.authoring.markers import without_markers
from autograder.exercise.assignment import Assignment
from autograder.exercise.exercise import Exercise
from autograder.exercise.suite import SuiteProbe

FIGURE_SUFFIXES = frozenset({".png", ".svg", ".jpg"})
FIGURE_LINK = re.compile(r"!\[[^\]]*\]\((figures/[^)\s]+)\)")
# rooms that a student does not have.
_PRIVATE = frozenset({"autograder", "assignments", "benchmarks", "tests", "data_scripts"})
_PAIRS = {Role.EXERCISE: Role.CHECK, Role.ANSWER: Role.TEST}


def read_lessons(assignment: Assignment) -> tuple[Lesson, ...]:
    """Read all lessons of an assignment in reading order and refuse what cannot be built.

    Raises:
        AuthoringError: lists every fault found.
    """
    folder = assignment.folder / "lessons"
    unlisted = sorted({path.stem for path in folder.glob("*.py")} - set(assignment.notebooks))
    refuse([Fault(f"lessons/{stem}.py", 0, "", "no notebook of this name in assignment.toml", "add it to notebooks") for stem in unlisted])
    lessons = tuple(read_lesson(folder / f"{stem}.py") for stem in assignment.notebooks)
    check_lessons(assignment, lessons)
    return lessons


def check_lessons(assignment: Assignment, lessons: Sequence[Lesson]) -> None:
    """Refuse lessons that contradict each other or the assignment's exercises.

    Raises:
        AuthoringError: lists every fault found.
    """
    rules: tuple[Callable[[Assignment, Sequence[Lesson]], Iterator[Fault]], ...] = (
        _names_are_unique,
        _names_are_known,
        _pairs_are_whole,
        _every_exercise_is_taught,
        _exercises_define_their_symbol,
        _checks_are_one_call,
        _tests_have_something_to_test,
        _code_is_for_students,
        _failures_are_meant,
        _figures_exist,
        _points_add_up,
    )
    refuse([fault for rule in rules for fault in rule(assignment, lessons)])


def _at(lesson: Lesson, cell: Cell, rule: str, remedy: str) -> Fault:
    return Fault(lesson.place, cell.line, cell.name or "", rule, remedy)


def _cells(lessons: Sequence[Lesson]) -> Iterator[tuple[Lesson, Cell]]:
    return ((lesson, cell) for lesson in lessons for cell in lesson.cells)


def _names_are_unique(assignment: Assignment, lessons: Sequence[Lesson]) -> Iterator[Fault]:
    seen: dict[tuple[Role, str | None], str] = {}
    for lesson, cell in _cells(lessons):
        if cell.role in NAMED:
            key = (cell.role, cell.name)
            if key in seen:
                yield _at(lesson, cell, f"{cell.role} {cell.name!r} stands twice, first at {seen[key]}", "keep one of them, or rename one")
            seen.setdefault(key, f"{lesson.place}:{cell.line}")


def _names_are_known(assignment: Assignment, lessons: Sequence[Lesson]) -> Iterator[Fault]:
    known = ", ".join(assignment.exercises)
    for lesson, cell in _cells(lessons):
        if cell.role in (Role.EXERCISE, Role.CHECK) and cell.name not in assignment.exercises:
            yield _at(lesson, cell, f"{assignment.name} has no exercise of this name", f"the names are: {known}")


def _pairs_are_whole(assignment: Assignment, lessons: Sequence[Lesson]) -> Iterator[Fault]:
    for lesson in lessons:
        lines = {(cell.role, cell.name): cell.line for cell in reversed(lesson.cells)}
        for cell in lesson.cells:
            for first, second in _PAIRS.items():
                if cell.role is first and (second, cell.name) not in lines:
                    rule = f"this {first} has no {second} in its lesson"
                    yield _at(lesson, cell, rule, f"add a cell '# %% {second}=\"{cell.name}\"' below it")
                if cell.role is second and (first, cell.name) not in lines:
                    rule = f"this {second} has no {first} in its lesson"
                    yield _at(lesson, cell, rule, f"add a cell '# %% {first}=\"{cell.name}\"' above it")
                if cell.role is second and lines.get((first, cell.name), 0) > cell.line:
                    yield _at(lesson, cell, f"this {second} stands above its {first}", "move it below")


def _every_exercise_is_taught(assignment: Assignment, lessons: Sequence[Lesson]) -> Iterator[Fault]:
    taught = {name for lesson in lessons for name in lesson.exercises}
    for name in assignment.exercises:
        if name not in taught:
            yield Fault("exercises", 0, name, "no lesson has this exercise", f"add a cell '# %% exercise=\"{name}\"' to a lesson")


def _exercises_define_their_symbol(assignment: Assignment, lessons: Sequence[Lesson]) -> Iterator[Fault]:
    for lesson, cell in _cells(lessons):
        exercise = assignment.exercises.get(cell.name or "")
        if cell.role is not Role.EXERCISE or exercise is None or cell.name is None:
            continue
        for what, source in (("solution", lesson.solution_source(cell.name)), ("stub", lesson.stub_source(cell.name))):
            try:
                tree = ast.parse(source)
            except SyntaxError as error:
                rule = f"its {what} is not plain Python: {error.msg}, line {error.lineno} of the {what}"
                yield _at(lesson, cell, rule, "give ### BEGIN SOLUTION the indentation of what it hides; magics go into cells of their own")
                break
            if exercise.symbol not in _defined(tree):
                rule = f"its {what} does not define {exercise.symbol!r}, the symbol of the exercise"
                yield _at(lesson, cell, rule, "define it in this cell, outside the solution region")
                break
            if what == "stub" and any(isinstance(node, ast.Raise) for node in tree.body):
                rule = "its stub raises as soon as the cell runs, before anything is called"
                yield _at(lesson, cell, rule, "give ### BEGIN SOLUTION the indentation of what it hides, inside the function")


def _defined(tree: ast.Module) -> set[str]:
    names = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _checks_are_one_call(assignment: Assignment, lessons: Sequence[Lesson]) -> Iterator[Fault]:
    for lesson, cell in _cells(lessons):
        exercise = assignment.exercises.get(cell.name or "")
        if cell.role is Role.CHECK and exercise is not None and not _is_the_call(cell.source, exercise):
            rule = "a check cell holds one call and nothing else: it is locked, and the hidden cases live with the judge"
            yield _at(lesson, cell, rule, f'write check("{exercise.name}", {exercise.symbol}), with extras by name where the exercise asks')


def _tests_have_something_to_test(assignment: Assignment, lessons: Sequence[Lesson]) -> Iterator[Fault]:
    for lesson, cell in _cells(lessons):
        exercise = assignment.exercises.get(cell.name or "")
        if cell.role is not Role.CHECK or exercise is None or not isinstance(exercise.probe, SuiteProbe):
            continue
        symbol = assignment.exercises[exercise.probe.of].symbol
        if f"right={symbol}" not in cell.source.replace(" ", ""):
            rule = f"at home this test is run on the student's own {symbol}, which the call does not hand in"
            yield _at(lesson, cell, rule, f'write check("{exercise.name}", {exercise.symbol}, right={symbol})')


def _is_the_call(source: str, exercise: Exercise) -> bool:
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False
    if len(body) != 1 or not isinstance(body[0], ast.Expr) or not isinstance(body[0].value, ast.Call):
        return False
    call = body[0].value
    named = isinstance(call.func, ast.Name) and call.func.id == "check" and len(call.args) == 2
    extras = all(keyword.arg and isinstance(keyword.value, (ast.Name, ast.Constant)) for keyword in call.keywords)
    if not named or not extras:
        return False
    name, answer = call.args
    return isinstance(name, ast.Constant) and name.value == exercise.name and isinstance(answer, ast.Name) and answer.id == exercise.symbol


def _code_is_for_students(assignment: Assignment, lessons: Sequence[Lesson]) -> Iterator[Fault]:
    for lesson, cell in _cells(lessons):
        if cell.is_markdown:
            continue
        try:
            tree = ast.parse(without_markers(cell.source))
        except SyntaxError as error:
            if cell.role is Role.SETUP:
                rule = f"a setup cell is plain Python, because the audit runs it outside a notebook: {error.msg}"
                yield _at(lesson, cell, rule, "move magics into a cell of their own")
            continue
        rooms = {name.split(".")[0] for node in ast.walk(tree) for name in _imported(node)} & _PRIVATE
        if rooms:
            rule = f"imports {sorted(rooms)}, which students do not have"
            yield _at(lesson, cell, rule, "import from vislab, or define what is needed here")


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def _failures_are_meant(assignment: Assignment, lessons: Sequence[Lesson]) -> Iterator[Fault]:
    for lesson, cell in _cells(lessons):
        if "raises-exception" in cell.tags and cell.role is not Role.CODE:
            rule = f"a {cell.role} cell may not be tagged raises-exception: the instructor's notebook must pass it"
            yield _at(lesson, cell, rule, "take the tag away, or show the failure in a plain code cell")


def _figures_exist(assignment: Assignment, lessons: Sequence[Lesson]) -> Iterator[Fault]:
    for lesson, cell in _cells(lessons):
        for link in FIGURE_LINK.findall(cell.source) if cell.is_markdown else ():
            path = assignment.folder / link
            if not path.is_file() or path.suffix not in FIGURE_SUFFIXES:
                rule = f"picture {link!r} is not there or no {'/'.join(sorted(FIGURE_SUFFIXES))}"
                yield _at(lesson, cell, rule, f"put it into {assignment.name}/figures")


def _points_add_up(assignment: Assignment, lessons: Sequence[Lesson]) -> Iterator[Fault]:
    exercises = sum(exercise.points_total for exercise in assignment.exercises.values() if not exercise.bonus)
    others = sum(cell.points or 0.0 for _, cell in _cells(lessons))
    if abs(exercises + others - assignment.points_total) > 1e-9:
        rule = (
            f"points_total is {assignment.points_total:g}, but core exercises give {exercises:g} and questions and tests {others:g},"
            f" together {exercises + others:g} (bonus exercises do not count)"
        )
        yield Fault("assignment.toml", 0, "", rule, f"write points_total = {exercises + others:g}, or change the points")
