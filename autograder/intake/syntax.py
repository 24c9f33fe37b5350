"""What a cell's source defines and calls, read from its syntax tree. Nothing is executed."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.intake.limits import DEFAULT_NOTEBOOK

# cell magics whose body is Python; the body of any other one is text for another program.
_PYTHON_MAGICS = frozenset({"time", "capture", "prun"})
_CELL_MAGIC = re.compile(r"\s*%%(\w+)[^\n]*\n?")
_LINE_MAGIC = re.compile(r"^([ \t]*)(?:[%!?][^\n]*|[\w.]+[ \t]*=[ \t]*[%!][^\n]*|[\w.]+\?{1,2}[ \t]*)$", re.MULTILINE)
_DEFINITION = re.compile(r"^(?:async[ \t]+def|def|class)[ \t]+(\w+)|^(\w+)[ \t]*=(?!=)", re.MULTILINE)


@dataclass(frozen=True)
class Facts:
    """What is known of one cell's source.

    Args:
        defined: names bound by ``def``, ``async def``, ``class`` or an assignment, at the top level or inside top-level ``if``, ``try``,
            ``with``, ``for`` and ``while``.
        bound: ``defined`` and the names that imports bind.
        checks: exercise names of a cell that consists of calls ``check("name", …)``; empty where it holds anything else.
        only_imports: every statement is an import.
        is_python: the source is valid Python once magics are taken out; otherwise the names were found line by line.
    """

    defined: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()
    checks: frozenset[str] = frozenset()
    only_imports: bool = False
    is_python: bool = True


def facts_of(source: str, syntax_bytes: int = DEFAULT_NOTEBOOK.syntax_bytes) -> Facts:
    """Read the facts of one code cell.

    Args:
        source: text with ``\\n`` line ends.
        syntax_bytes: a longer source is searched line by line.
    """
    body = _python_of(source)
    tree = _parsed(body) if len(body) <= syntax_bytes else None
    if tree is None:
        names = frozenset(match.group(1) or match.group(2) for match in _DEFINITION.finditer(body))
        return Facts(defined=names, bound=names, is_python=False)
    defined, imported = set[str](), set[str]()
    for statement in _top_level(tree):
        defined.update(_defined(statement))
        imported.update(_imported(statement))
    statements = [statement for statement in tree.body if not _is_text(statement)]
    checks = [_checked(each.value) if isinstance(each, ast.Expr) else None for each in statements]
    return Facts(
        defined=frozenset(defined),
        bound=frozenset(defined | imported),
        checks=frozenset() if None in checks else frozenset(name for name in checks if name is not None),
        only_imports=bool(statements) and all(isinstance(each, (ast.Import, ast.ImportFrom)) for each in statements),
    )


def names_read(source: str) -> frozenset[str]:
    """Return every name that a source reads; empty where it is not Python."""
    tree = _parsed(_python_of(source))
    nodes = ast.walk(tree) if tree is not None else ()
    return frozenset(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))


def normalised(source: str) -> str:
    """Return a source without the blanks that editors add or strip: line ends and empty lines around it."""
    return "\n".join(line.rstrip() for line in source.split("\n")).strip("\n")


def is_blank(source: str) -> bool:
    """Say whether a cell holds nothing but blanks."""
    return not source.strip()


def is_comment(source: str) -> bool:
    """Say whether a code cell holds nothing but blanks and comments."""
    return all(not line.strip() or line.lstrip().startswith("#") for line in source.split("\n"))


def _python_of(source: str) -> str:
    magic = _CELL_MAGIC.match(source)
    if magic is None:
        return source
    return source[magic.end() :] if magic.group(1) in _PYTHON_MAGICS else ""


def _parsed(body: str) -> ast.Module | None:
    for text in (body, _LINE_MAGIC.sub(r"\1pass", body)):
        try:
            with warnings.catch_warnings():
                # an invalid escape in a student's string is none of the instructor's business.
                warnings.simplefilter("ignore")
                return ast.parse(text)
        # ValueError: NUL; MemoryError and RecursionError: nested too deeply for the parser or for the tree.
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
    return None


def _top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements that run when the cell runs, in order, without entering functions and classes."""
    pending: list[ast.stmt] = list(reversed(tree.body))
    while pending:
        statement = pending.pop()
        yield statement
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        inner: list[ast.stmt] = []
        for field_name in ("body", "orelse", "finalbody"):
            inner.extend(part for part in getattr(statement, field_name, ()) if isinstance(part, ast.stmt))
        for handler in [*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())]:
            inner.extend(handler.body)
        pending.extend(reversed(inner))


def _defined(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield statement.name
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _names(target)
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        yield from _names(statement.target)
    elif isinstance(statement, (ast.For, ast.AsyncFor)):
        yield from _names(statement.target)
    elif isinstance(statement, (ast.With, ast.AsyncWith)):
        for item in statement.items:
            if item.optional_vars is not None:
                yield from _names(item.optional_vars)
    elif isinstance(statement, ast.Expr):
        # (soft_argmax := make())
        for node in ast.walk(statement.value):
            if isinstance(node, ast.NamedExpr):
                yield from _names(node.target)


def _imported(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0]


def _names(target: ast.expr) -> Iterator[str]:
    pending = [target]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, (ast.Tuple, ast.List)):
            pending.extend(node.elts)
        elif isinstance(node, ast.Starred):
            pending.append(node.value)


def _checked(node: ast.AST) -> str | None:
    """Return NAME of a call ``check("NAME", …)`` or ``something.check("NAME", …)``."""
    if not isinstance(node, ast.Call) or not node.args:
        return None
    called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else None
    first = node.args[0]
    return first.value if called == "check" and isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    )
