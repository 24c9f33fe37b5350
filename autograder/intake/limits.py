"""Hard limits of what intake reads, and the errors for what goes beyond or cannot be used."""

from __future__ import annotations

from dataclasses import dataclass


class Unreadable(ValueError):
    """A file out of which no notebook can be read; the text says why, for student and instructor."""


class IntakeError(ValueError):
    """Intake was asked for something that cannot work: a fault of the course's set-up, never of a submission."""


@dataclass(frozen=True)
class NotebookLimits:
    """What one notebook may hold at most.

    Args:
        file_bytes: size of the file. An honest notebook with 20 MB of printed output must fit.
        values: JSON values in the file; each costs about 100 bytes of memory once parsed.
        depth: nesting of JSON lists and objects.
        cells: number of cells.
        source_bytes: sources of all cells together, UTF-8.
        attachment_bytes: pictures pasted into text cells, together, base64.
        syntax_bytes: a cell with a longer source is searched for definitions by its lines instead of its syntax tree.
    """

    file_bytes: int = 50 << 20
    values: int = 2_000_000
    depth: int = 100
    cells: int = 5_000
    source_bytes: int = 2 << 20
    attachment_bytes: int = 16 << 20
    syntax_bytes: int = 256 << 10


DEFAULT_NOTEBOOK = NotebookLimits()


@dataclass(frozen=True)
class FolderLimits:
    """What is looked at in one submission folder.

    Args:
        entries: files and folders, subfolders included.
        depth: levels of subfolders.
        extra_file_bytes: size of one declared extra file.
        notebook: limits of each notebook.
    """

    entries: int = 2_000
    depth: int = 4
    extra_file_bytes: int = 256 << 20
    notebook: NotebookLimits = DEFAULT_NOTEBOOK


DEFAULT_FOLDER = FolderLimits()


@dataclass(frozen=True)
class ArchiveLimits:
    """What unpacking one archive may produce.

    Args:
        total_bytes: everything that is unpacked, nested archives and refused entries included. Beyond it the archive is refused.
        member_bytes: one unpacked file. Beyond it that entry is refused.
        members: number of entries, nested archives included. Beyond it the archive is refused.
        directory_bytes: the list of entries itself, which is held in memory. Beyond it the archive is refused.
        ratio: unpacked bytes for each packed byte of one entry. Beyond it that entry is refused.
        ratio_free_bytes: files up to this size may have any ratio: twenty megabytes of one printed line pack a thousand to one.
        depth: archives inside archives; deeper ones stay files.
    """

    total_bytes: int = 16 << 30
    member_bytes: int = 512 << 20
    members: int = 100_000
    directory_bytes: int = 16 << 20
    ratio: float = 200.0
    ratio_free_bytes: int = 64 << 20
    depth: int = 3


# what one student may bring: an archive inside the class's archive gets this budget of its own.
ONE_SUBMISSION = ArchiveLimits(total_bytes=1 << 30, members=2_000, directory_bytes=1 << 20, depth=2)
CLASS_DOWNLOAD = ArchiveLimits()
