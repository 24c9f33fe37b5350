"""What can go wrong before there is an answer, and the class names by which the two sides speak of it."""

from __future__ import annotations

import ast
import builtins
from typing import Any

import torch


class Sentence(Exception):
    """Stops the notebook with a sentence instead of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class CallFailed(Exception):
    """The student's code raised.

    Args:
        stage: "construct", "call", "launch", "backward" or "collect".
        original: the exception.
        observed: what was observed until then.
    """

    def __init__(self, stage: str, original: BaseException, observed: dict[str, Any]) -> None:
        super().__init__(f"{stage}: {type(original).__name__}")
        self.stage = stage
        self.original = original
        self.observed = observed


class WrongKind(TypeError):
    """What was handed in is no function, module class or kernel, whichever the exercise asks for."""


class StateDictMismatch(ValueError):
    """The module's parameters have other names or shapes than the exercise states."""


class Tripped(RuntimeError):
    """A ready solution of the exercise was called while the exercise was being checked."""


_OWN = (WrongKind, StateDictMismatch, Tripped)


def failure_class(error: BaseException) -> str:
    """Return the class name that says what happened: one of this module's, or Python's own that is nearest."""
    # Triton's interpreter wraps what a kernel raises.
    if type(error).__name__ == "InterpreterError" and error.__cause__ is not None:
        return failure_class(error.__cause__)
    if isinstance(error, NotImplementedError) or _stub_met_by_compiler(error):
        return "NotImplementedError"
    # torch reports an exhausted allocator as RuntimeError.
    if isinstance(error, torch.OutOfMemoryError) or (isinstance(error, RuntimeError) and "allocate memory" in str(error)):
        return "MemoryError"
    if type(error) in _OWN:
        return type(error).__name__
    return next(base.__name__ for base in type(error).__mro__ if vars(builtins).get(base.__name__) is base)


def builtin_exception(name: str) -> type[BaseException] | None:
    """Return Python's own exception class of that name, or None."""
    found = vars(builtins).get(name)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


def raised_as_asked(error: str, asked: str) -> bool:
    """Return whether an exception class is the one a call must raise, or a subclass of it.

    Args:
        error: as ``failure_class`` names it.
        asked: name of a built-in exception.
    """
    raised, wanted = builtin_exception(error), builtin_exception(asked)
    return raised is not None and wanted is not None and issubclass(raised, wanted)


def _stub_met_by_compiler(error: BaseException) -> bool:
    # compiled instead of interpreted, the stub's "raise NotImplementedError" is a statement that Triton does not know.
    node = getattr(error, "node", None)
    if type(error).__name__ != "UnsupportedLanguageConstruct" or not isinstance(node, ast.Raise) or node.exc is None:
        return False
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
