"""A program of ours alone behind walls, with a socket to this side: for what must be run and is not trusted, but is no notebook."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from autograder.sandbox.enclosure import LAUNCHER, Enclosure
from autograder.sandbox.home import judge_socket, vislab_folder
from autograder.sandbox.identity import Identity
from autograder.sandbox.interpreter import Interpreter, places_to_hide
from autograder.sandbox.limits import Limits
from autograder.sandbox.walls import PROGRAMS, WORK, Walls


class Alone:
    """Run ``python PROGRAM FILE…`` behind the walls that a submission gets; a context manager that leaves nothing behind.

    Args:
        program: a Python file that imports ``vislab`` and the standard library alone; told where the socket is by ``VISLAB_JUDGE``.
        files: name to content; their paths are the program's arguments, in this order.
        folder: holds a listening ``judge.sock`` and nothing else.
        limits: what it may use.

    Raises:
        SandboxMissing, SandboxFault: (on entering) see ``Enclosure.start``.
    """

    def __init__(self, program: Path, files: Mapping[str, bytes], folder: Path, limits: Limits) -> None:
        self._program = program
        self._files = {f"{WORK}/{name}": content for name, content in files.items()}
        self._folder = folder
        self._interpreter = Interpreter.current()
        self._interpreter.refuse_exposure(places_to_hide())
        self._identity = Identity.choose()
        walls = Walls(
            interpreter=self._interpreter,
            identity=self._identity,
            limits=limits,
            package=vislab_folder(),
            judge_dir=folder,
            programs=(*LAUNCHER, program),
        )
        self._enclosure = Enclosure(walls)

    def __enter__(self) -> Alone:
        socket = judge_socket(self._folder)
        if not self._identity.namespaced:
            # to its own user and not to everybody, as with a notebook's judge.
            for path in (socket, self._folder):
                os.chown(path, self._identity.uid, self._identity.gid)
        command = [str(self._interpreter.executable), "-P", "-s", f"{PROGRAMS}/{self._program.name}", *self._files]
        self._enclosure.start(command, self._files)
        return self

    def __exit__(self, *exc: object) -> None:
        self._enclosure.close()

    def poll(self) -> int | None:
        """Return the program's exit status; None while it runs."""
        return self._enclosure.returncode

    @property
    def standard_error(self) -> str:
        """Return the end of what it wrote to its standard error."""
        return self._enclosure.standard_error()
