"""The world around the submissions: a throwaway course with things worth stealing, and listeners that nothing may reach.

Every secret thing holds a random mark (a canary) that is searched for in all that a sandbox wrote and all that a student is shown.
Fixtures name places as ``@@WORD@@``: a hostile student is assumed to know everything about the grader's machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autograder.authoring.build import build_release, build_source
from autograder.authoring.course import read_course
from autograder.engine.course import Course
from autograder.engine.secret import FILE_VARIABLE
from autograder.exercise.assignment import load_assignment

TOKEN_VARIABLE = "VISLAB_ATTACK_TOKEN"
SURVIVOR = "vislab-attack-"
OTHER_STUDENT = "zz-other-student"


@dataclass
class World:
    """One throwaway course and its surroundings; a context manager.

    Args:
        range_folder: holds ``course.toml`` and the assignment that attacks are tried on.
        place: empty folder for all of it.
    """

    range_folder: Path
    place: Path
    canaries: dict[str, bytes] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        tables = sorted(self.range_folder.glob("*/assignment.toml"))
        if len(tables) != 1:
            raise ValueError(f"{self.range_folder} holds {len(tables)} assignments; a range is exactly one")
        self.assignment = tables[0].parent.name
        self.reached: list[str] = []
        self._stack = contextlib.ExitStack()
        self._before: dict[str, str] = {}

    @property
    def root(self) -> Path:
        return self.place / "course"

    @property
    def course(self) -> Course:
        return Course(self.root, self.place / "assignments")

    @property
    def temporary(self) -> Path:
        return self.place / "tmp"

    @property
    def secret(self) -> bytes:
        return self.canaries["course secret"]

    def __enter__(self) -> Self:
        try:
            self._lay_out()
            self._open_listeners()
            self._set_environment()
            self._before = self._state()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def filled_in(self, text: bytes) -> bytes:
        """Return a text with every ``@@WORD@@`` replaced by its place."""
        for word, value in self.words.items():
            text = text.replace(f"@@{word}@@".encode(), value.encode())
        return text

    def left_behind(self) -> list[str]:
        """Return what the submissions changed outside of their sandboxes, as sentences; empty when nothing."""
        after = self._state()
        changed = [f"{name} was changed" for name in self._before if after.get(name) != self._before[name]]
        return [*changed, *(f"{name} appeared" for name in sorted(after.keys() - self._before.keys())), *self.reached]

    def _lay_out(self) -> None:
        for folder in (self.root, self.temporary, self.place / "home" / ".ssh"):
            folder.mkdir(parents=True)
        for name in ("course secret", "environment token", "other student", "private key", "reference code", "course source"):
            self.canaries[name] = secrets.token_hex(24).encode()
        shutil.copytree(self.range_folder, self.place / "assignments", dirs_exist_ok=True)
        folder = self.place / "assignments" / self.assignment
        for path in sorted((folder / "exercises").glob("*.py")):
            path.write_text(f"{path.read_text()}\nCANARY = '{self.canaries['reference code'].decode()}'\n")
        assignment = load_assignment(folder)
        course = read_course(self.place / "assignments" / "course.toml")
        build_source(assignment, course, self.root, run=False)
        build_release(assignment, course, self.root)
        (self.root / "source" / self.assignment / "instructor.txt").write_bytes(self.canaries["course source"])
        secret = self.place / "home" / "secret"
        secret.touch(mode=0o600)
        secret.write_bytes(self.secret)
        (self.place / "home" / ".ssh" / "id_ed25519").write_bytes(self.canaries["private key"])
        other = self.root / "submitted" / OTHER_STUDENT / "elsewhere"
        other.mkdir(parents=True)
        (other / "answer.txt").write_bytes(self.canaries["other student"])
        with contextlib.closing(sqlite3.connect(self.root / "gradebook.db")) as book:
            book.execute("CREATE TABLE grade (student TEXT, score REAL)")
            book.execute("INSERT INTO grade VALUES ('everybody', 0.0)")
            book.commit()
        self.words |= {
            "COURSE": str(self.root),
            "GRADEBOOK": str(self.root / "gradebook.db"),
            "SECRET_FILE": str(secret),
            "HOME": str(self.place / "home"),
            "OTHER": str(other / "answer.txt"),
            "REFERENCES": str(folder / "exercises"),
            "TEMPORARY": str(self.temporary),
            "GRADER_PID": str(os.getpid()),
            "TOKEN_VARIABLE": TOKEN_VARIABLE,
            "SURVIVOR": SURVIVOR,
        }

    def _set_environment(self) -> None:
        own = {
            TOKEN_VARIABLE: self.canaries["environment token"].decode(),
            FILE_VARIABLE: self.words["SECRET_FILE"],
            "TMPDIR": str(self.temporary),
            "HOME": self.words["HOME"],
        }
        self._stack.enter_context(_environment(own))
        # Python keeps the folder that it chose first.
        chosen, tempfile.tempdir = tempfile.tempdir, None
        self._stack.callback(lambda: setattr(tempfile, "tempdir", chosen))

    def _open_listeners(self) -> None:
        stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
        # a path short enough for a Unix socket, in the folder of the course's own temporary files.
        where: dict[str, tuple[int, int, Any]] = {
            "TCP": (socket.AF_INET, stream, ("127.0.0.1", 0)),
            "UDP": (socket.AF_INET, datagram, ("127.0.0.1", 0)),
            "ABSTRACT": (socket.AF_UNIX, stream, f"\0{SURVIVOR}{secrets.token_hex(8)}"),
            "PATH": (socket.AF_UNIX, stream, str(self.place / "listener")),
        }
        if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
            where["TCP6"] = (socket.AF_INET6, stream, ("::1", 0))
        self.words["TCP6_PORT"] = "9"
        for name, (family, kind, address) in where.items():
            sock = self._stack.enter_context(socket.socket(family, kind))
            sock.bind(address)
            if kind == stream:
                sock.listen(8)
            bound = sock.getsockname()
            self.words[f"{name}_PORT" if isinstance(bound, tuple) else name] = str(bound[1]) if isinstance(bound, tuple) else _text(bound)
            threading.Thread(target=self._listen, args=(name, sock, kind), daemon=True).start()

    def _listen(self, name: str, sock: socket.socket, kind: int) -> None:
        while True:
            try:
                if kind == socket.SOCK_STREAM:
                    sock.accept()[0].close()
                else:
                    sock.recv(4096)
            except OSError:
                return
            self.reached.append(f"the listener {name} was reached")

    def _state(self) -> dict[str, str]:
        """Return a digest of everything that no submission may change, and the names of what it could leave on this machine."""
        found: dict[str, str] = {}
        for folder in (self.root / "source", self.root / "release", self.root / "submitted" / OTHER_STUDENT, self.place / "home"):
            for path in sorted(folder.rglob("*")):
                # a cache of the grader's own (fonts, locks) is no trace of a submission.
                if path.is_file() and ".cache" not in path.parts:
                    found[str(path.relative_to(self.place))] = hashlib.sha256(path.read_bytes()).hexdigest()
        found["gradebook.db"] = hashlib.sha256((self.root / "gradebook.db").read_bytes()).hexdigest()
        for path in sorted(self.temporary.iterdir()) if self.temporary.is_dir() else ():
            found[f"temporary file {path.name}"] = "there"
        for folder in (Path("/dev/shm"), Path("/tmp"), Path("/var/tmp")):
            for path in folder.glob(f"{SURVIVOR}*") if folder.is_dir() else ():
                found[f"{path}"] = "there"
        return found


def _text(address: bytes | str) -> str:
    # an abstract address is handed out without its leading zero byte: fixtures are texts.
    return address.decode().lstrip("\0") if isinstance(address, bytes) else address.lstrip("\0")


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
