"""The student's side of checking: ``check(name, answer)``."""

from vislab.check.face import check

__all__ = ["check"]
