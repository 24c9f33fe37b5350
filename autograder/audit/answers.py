"""Answers of authors' own making: mutants, accepted variants, the solution and the stub of a lesson."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class AnswerError(ValueError):
    """A file that does not define the answer it stands for."""


@dataclass(frozen=True)
class CheckCall:
    """What a check cell hands in.

    Args:
        answer: name of the variable that holds the answer.
        extras: keyword to variable name, such as ``grid`` to ``soft_argmax_grid``.
    """

    answer: str
    extras: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """One answer, by its source file.

    Args:
        name: for tables.
        path: a Python module that defines the names the check call uses. A file, since Triton reads a kernel's source from one.
    """

    name: str
    path: Path


def read_check_call(source: str) -> CheckCall:
    """Return the names that a check cell's one call uses.

    Raises:
        AnswerError: the cell is not one call ``check("name", variable, keyword=variable…)``.
    """
    tree = ast.parse(source)
    statement = tree.body[0] if len(tree.body) == 1 else None
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or len(call.args) != 2 or not isinstance(call.args[1], ast.Name):
        raise AnswerError(f'a check cell must hold one call check("name", answer), not {source!r}')
    extras = {}
    for keyword in call.keywords:
        if keyword.arg is None or not isinstance(keyword.value, ast.Name):
            raise AnswerError(f"keyword {keyword.arg!r} of a check call must name a variable: {source!r}")
        extras[keyword.arg] = keyword.value.id
    return CheckCall(call.args[1].id, extras)


def load_answer(answer: Answer, call: CheckCall) -> tuple[Any, dict[str, Any]]:
    """Import an answer's module and return what the check call hands in: the answer and its extras.

    Raises:
        AnswerError: the module lacks a name.
    """
    name = f"_vislab_answers.{answer.path.parent.name}.{answer.path.stem}"
    spec = importlib.util.spec_from_file_location(name, answer.path)
    if spec is None or spec.loader is None:
        raise AnswerError(f"{answer.path} cannot be imported as a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    missing = [needed for needed in (call.answer, *call.extras.values()) if not hasattr(module, needed)]
    if missing:
        raise AnswerError(
            f"{answer.path} does not define {', '.join(missing)}; a mutant or accepted answer defines what the check cell hands in"
        )
    return getattr(module, call.answer), {keyword: getattr(module, variable) for keyword, variable in call.extras.items()}


def answers_in(folder: Path) -> list[Answer]:
    """Return the answers in a folder of mutants or accepted variants, by name."""
    return [Answer(path.stem, path) for path in sorted(folder.glob("*.py")) if not path.name.startswith("_")]
