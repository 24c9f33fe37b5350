"""The student's side of checking: ``check(name, answer)`` and ``progress()``."""

from vislab.check.face import check
from vislab.check.standing import progress

__all__ = ["check", "progress"]
