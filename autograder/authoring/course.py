"""The course's own settings: ``assignments/course.toml``."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from autograder.authoring.fault import AuthoringError

DEFAULT_ADDRESS = "https://github.com/vislab-course/vislab"
BRANCH = "main"
_COURSE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_GITHUB_PATH = re.compile(r"/([A-Za-z0-9-]+)/([A-Za-z0-9._-]+)")


@dataclass(frozen=True)
class Course:
    """What all assignments share.

    Args:
        title: for people.
        course_id: nbgrader's course id.
        address: where students find the course: the one setting from which all links are made. On GitHub it is a
            repository that holds ``release/`` and publishes each bundle as an asset of its latest release;
            elsewhere a folder that holds the bundles.
    """

    title: str
    course_id: str
    address: str = DEFAULT_ADDRESS

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise AuthoringError("course title is empty; set title in assignments/course.toml")
        if not _COURSE_ID.fullmatch(self.course_id):
            raise AuthoringError(f"course_id {self.course_id!r} must be letters, digits, '-' and '_', such as 'vislab'")
        parts = urlsplit(self.address)
        if parts.scheme not in ("https", "http") or not parts.netloc:
            raise AuthoringError(f"address {self.address!r} must be a full web address, such as {DEFAULT_ADDRESS!r}")
        if parts.query or parts.fragment or self.address.endswith("/"):
            raise AuthoringError(f"address {self.address!r} must end without slash, query or fragment, such as {DEFAULT_ADDRESS!r}")
        if parts.netloc == "github.com" and not _GITHUB_PATH.fullmatch(parts.path):
            raise AuthoringError(f"address {self.address!r} is on GitHub and must name one repository, such as {DEFAULT_ADDRESS!r}")

    @property
    def repository(self) -> str | None:
        """``organisation/repository`` of a course on GitHub; None elsewhere."""
        parts = urlsplit(self.address)
        return parts.path[1:] if parts.netloc == "github.com" else None

    def bundle_link(self, assignment: str) -> str:
        """Address of the zip that ``make bundle`` writes, as the course publishes it."""
        folder = f"{self.address}/releases/latest/download" if self.repository else self.address
        return f"{folder}/{quote(assignment)}.zip"

    def release_link(self, assignment: str, file: str) -> str | None:
        """Address of one file of the release; None where the address is not a repository."""
        return f"{self.address}/blob/{BRANCH}/release/{quote(assignment)}/{quote(file)}" if self.repository else None

    def colab_link(self, assignment: str, notebook: str) -> str | None:
        """Address that opens a release notebook on Colab; None off GitHub, whose files alone Colab opens by address."""
        if self.repository is None:
            return None
        return (
            f"https://colab.research.google.com/github/{self.repository}/blob/{BRANCH}/release/{quote(assignment)}/{quote(notebook)}.ipynb"
        )


def read_course(path: Path) -> Course:
    """Read ``course.toml``.

    Raises:
        AuthoringError: no such file, not TOML, an unknown or missing key, an address no link can be made of.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AuthoringError(f"{path} is missing; write one with title, course_id and address") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AuthoringError(f"{path} is not valid TOML: {error}") from error
    known = ("title", "course_id", "address")
    if unknown := sorted(set(table) - set(known)):
        raise AuthoringError(f"{path}: unknown keys {unknown}; the known ones are {list(known)}")
    for key in ("title", "course_id"):
        if key not in table:
            raise AuthoringError(f"{path}: key {key!r} is missing; add it")
    for key, value in table.items():
        if not isinstance(value, str):
            raise AuthoringError(f"{path}: {key} {value!r} must be a string in quotes")
    try:
        return Course(**table)
    except AuthoringError as error:
        raise AuthoringError(f"{path}: {error}") from None
