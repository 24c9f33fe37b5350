"""What the visible folders hold that no notebook needs: covered, so that it can be neither read nor run."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

# What the kernel tells of the whole machine: its memory, keys, interrupts, timers, disks, and the line it was booted with.
PROC_FILES = tuple(
    f"/proc/{name}"
    for name in (
        *("buddyinfo", "cmdline", "config.gz", "consoles", "diskstats", "interrupts", "iomem", "ioports", "kallsyms", "kcore"),
        *("key-users", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats", "locks", "modules", "mtrr"),
        *("pagetypeinfo", "partitions", "sched_debug", "schedstat", "slabinfo", "softirqs", "swaps", "sysrq-trigger"),
        *("timer_list", "timer_stats", "vmallocinfo", "zoneinfo"),
    )
)
PROC_FOLDERS = tuple(f"/proc/{name}" for name in ("acpi", "asound", "bus", "driver", "fs", "irq", "scsi", "tty"))
# Sources, manuals and the notes of whoever set this machine up.
HIDDEN_FOLDERS = ("/usr/games", "/usr/lib/debug", "/usr/local/games", "/usr/local/src", "/usr/share/bug", "/usr/share/doc", "/usr/src")
_PROGRAM_FOLDERS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/libexec")
_PLUGIN_FOLDERS = ("/usr/lib", "/usr/libexec")


def mask_words(files: Iterable[str], folders: Iterable[str], needed: Iterable[Path] = ()) -> list[str]:
    """Return the bubblewrap words that cover what exists of these.

    Args:
        files: covered by a device that cannot be opened.
        folders: covered by an empty folder.
        needed: paths that must stay visible; a folder that holds one of them is left as it is.
    """
    words: list[str] = []
    for file in masked_files(files):
        # Bubblewrap binds without devices, so that not even the emptiness can be read.
        words += ["--ro-bind", "/dev/null", file]
    for folder in masked_folders(folders, needed):
        words += ["--perms", "0555", "--tmpfs", folder, "--remount-ro", folder]
    return words


def masked_files(files: Iterable[str]) -> list[str]:
    """Return the files that exist and that anybody may read or run."""
    # What root alone may read needs no mask, and every mask costs a part of a millisecond.
    return [file for file in files if os.path.exists(file) and os.stat(file).st_mode & (stat.S_IROTH | stat.S_IXOTH)]


def masked_folders(folders: Iterable[str], needed: Iterable[Path] = ()) -> list[str]:
    """Return the folders that exist and hold none of the paths that must stay visible."""
    kept = [Path(os.path.realpath(path)) for path in needed]
    return [folder for folder in folders if os.path.isdir(folder) and not any(path.is_relative_to(folder) for path in kept)]


@functools.cache
def setuid_programs() -> tuple[str, ...]:
    """Return the programs of this machine that would change their user or group; looked for once per process.

    ``no_new_privs`` and mounts without set-uid already take their power away.
    """
    return tuple(sorted({entry.path for entry in _programs() if _changes_identity(entry)}))


def _programs() -> Iterator[os.DirEntry[str]]:
    folders = [folder for folder in _PROGRAM_FOLDERS if not os.path.islink(folder)]
    for folder in _PLUGIN_FOLDERS:
        folders += [entry.path for entry in _entries(folder) if entry.is_dir(follow_symlinks=False)]
    for folder in folders:
        yield from _entries(folder)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _changes_identity(entry: os.DirEntry[str]) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & (stat.S_ISUID | stat.S_ISGID))
