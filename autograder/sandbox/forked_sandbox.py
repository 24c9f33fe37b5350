"""A sandbox whose kernels are forked from the warm server of this process."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from autograder.sandbox.enclosure import Enclosure
from autograder.sandbox.faults import SandboxFault
from autograder.sandbox.forked import ForkedEnclosure
from autograder.sandbox.keeper import warm_server
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.walls import Walls

log = logging.getLogger(__name__)

# More are no accident: the rest of this process's runs are fresh from the start.
FAULTS_MAX = 3
_faults: list[str] = []


class ForkedSandbox(Sandbox):
    """``Sandbox``, with kernels that are ready in a fraction of the time.

    Args:
        strict: True: a kernel that cannot be forked is a ``SandboxFault``. False: it is started fresh, with one warning.
    """

    def __init__(self, *arguments: Any, strict: bool = False, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._strict = strict
        self._start = "fresh"

    @property
    def start(self) -> str:
        """Return how the last kernel was started."""
        return self._start

    def _enclose(self, walls: Walls, argv: Sequence[str], files: Mapping[str, bytes]) -> Enclosure:
        try:
            self._enclosure = enclosure = ForkedEnclosure(walls, warm_server(self._interpreter, self._data))
            enclosure.start(argv, files)
            self._start = "forked"
            return enclosure
        except SandboxFault as fault:
            if self._strict:
                raise
            if not _faults:
                log.warning("kernels are started fresh, which is slower: %s", fault)
            _faults.append(str(fault))
        self._start = "fresh"
        return super()._enclose(walls, argv, files)


def too_many_faults() -> bool:
    """Tell whether forking has failed so often in this process that it is not tried any more."""
    return len(_faults) >= FAULTS_MAX
