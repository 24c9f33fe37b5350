"""The course secret: outside the repository, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
import stat
import subprocess
from pathlib import Path

FILE_VARIABLE = "VISLAB_SECRET_FILE"
BYTES_MIN = 32
_DEFAULTS = frozenset({b"secret", b"changeme", b"change-me", b"default", b"vislab", b"demo", b"test", b"password"})


class SecretError(ValueError):
    """The course secret is missing or unfit."""


def secret_path() -> Path:
    """Return where the secret lies: ``VISLAB_SECRET_FILE``, or ``$XDG_CONFIG_HOME/vislab/secret``."""
    if os.environ.get(FILE_VARIABLE):
        return Path(os.environ[FILE_VARIABLE])
    config = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(config) / "vislab" / "secret"


def read_secret(path: Path | None = None) -> bytes:
    """Return the course secret.

    Raises:
        SecretError: missing, too short, a default, readable by others, or tracked by git; the message names the remedy.
    """
    path = path or secret_path()
    try:
        mode = path.stat().st_mode
        content = path.read_bytes().strip()
    except OSError as error:
        raise SecretError(
            f"course secret {path}: {error.strerror}; make one with 'python -m autograder doctor --make-secret' and keep a copy:"
            " without it no mark can be recomputed"
        ) from error
    if not stat.S_ISREG(mode):
        raise SecretError(f"course secret {path} is no regular file; put the secret into a file of its own")
    if mode & 0o077:
        raise SecretError(f"course secret {path} has mode {stat.S_IMODE(mode):04o}; it must be 0600: chmod 600 {path}")
    if content.lower() in _DEFAULTS or len(set(content)) < 8:
        raise SecretError(f"course secret {path} is a default or trivial value; make one with 'python -m autograder doctor --make-secret'")
    if len(content) < BYTES_MIN:
        raise SecretError(f"course secret {path} has {len(content)} bytes; at least {BYTES_MIN} are needed")
    if _tracked(path):
        raise SecretError(f"course secret {path} is tracked by git; remove it from the repository's history and make a new one")
    return content


def make_secret(path: Path | None = None) -> Path:
    """Write a new random secret, mode 0600; never replace an existing one.

    Raises:
        SecretError: there is one already.
    """
    path = path or secret_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SecretError(
            f"course secret {path} exists; it is kept, since every mark depends on it. Move it away to make a new one"
        ) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
    return path


def _tracked(path: Path) -> bool:
    # the file that a link leads to may lie in a repository although the link does not.
    return any(_listed_by_git(each) for each in dict.fromkeys((path, path.resolve())))


def _listed_by_git(path: Path) -> bool:
    # git says nothing about a repository of another user's, unless it is told that this is safe: here it only lists.
    command = ["git", "-c", "safe.directory=*", "-C", str(path.parent), "ls-files", "--error-unmatch", "--", path.name]
    try:
        done = subprocess.run(command, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
