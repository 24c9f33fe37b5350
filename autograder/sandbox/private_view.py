"""Inside the walls of the fork server: what one child sees of its own, laid over what the server sees.

``fork_server.py`` imports this file from beside itself, so it uses the standard library alone. Every call here is made by
our own code, before a byte of a submission is looked at.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_MNT_DETACH = 2
# Of /proc, what root alone may write: bubblewrap shows it read-only as well.
_PROC_OF_ROOT = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus")


def leave_namespaces() -> None:
    """Get mounts, processes, IPC, network and host name of one's own; the next child is pid 1 of them.

    Raises:
        OSError: the kernel refused.
    """
    _unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS)


def leave_control_group_namespace() -> None:
    """See the control group that this process is in as the root of all; a kernel without such namespaces shows the path."""
    try:
        _unshare(CLONE_NEWCGROUP)
    except OSError:
        pass


def leave_user_namespace(inside: int, outside: int) -> None:
    """Enter a user namespace of one's own, in which this user is the only one.

    Args:
        inside: id of user and group there.
        outside: id that they have now.

    Raises:
        OSError: the kernel refused.
    """
    _unshare(CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("gid_map", f"{inside} {outside} 1"), ("uid_map", f"{inside} {outside} 1")):
        with open(f"/proc/self/{name}", "w") as target:
            target.write(text)


def build(view: dict[str, Any]) -> None:
    """Lay one child's own folders over the server's.

    Args:
        view: ``judges``: the server's folder of judges' folders; ``judge``: (name in it, where it is seen) or None;
            ``texts``: path to text of small files; ``stores``: [path, options of tmpfs]; ``places``: folders to make in
            them; ``again``: what the server shows in one of them and the child must see too; ``files`` and ``folders``
            of ``/proc`` to cover.

    Raises:
        OSError: a mount was refused.
    """
    # Nothing that is mounted here may show where it was copied from.
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    judges = view["judges"]
    if view["judge"] is not None:
        name, seen = view["judge"]
        bind(f"{judges}/{name}", seen, MS_NOEXEC)
    _mount("tmpfs", judges, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=65536")
    for number, (path, text) in enumerate(view["texts"].items()):
        with open(f"{judges}/{number}", "w") as target:
            target.write(text)
        os.chmod(f"{judges}/{number}", 0o444)
        bind(f"{judges}/{number}", path, MS_NOEXEC)
    kept = [(path, _stash(path, f"{judges}/kept-{number}")) for number, path in enumerate(view["again"])]
    for path, options in view["stores"]:
        _mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options)
    for path in view["places"]:
        os.mkdir(path, 0o700)
    for path, stash in kept:
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        _make_like(path, stash)
        bind(stash, path)
        _unmount(stash)
    _unmount(judges)
    cover(judges)
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for path in _PROC_OF_ROOT:
        if os.path.exists(path) and path not in view["folders"]:
            bind(path, path, MS_NOEXEC)
    for path in view["files"]:
        bind("/dev/null", path, MS_NOEXEC)
    for path in view["folders"]:
        cover(path)
    # A numbering of terminals of its own.
    _mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")


def _stash(path: str, stash: str) -> str:
    _make_like(stash, path)
    _mount(path, stash, None, MS_BIND)
    return stash


def _make_like(path: str, model: str) -> None:
    if os.path.isdir(model):
        os.mkdir(path, 0o755)
    else:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o444))


def bind(source: str, target: str, more: int = 0) -> None:
    """Show a file or folder at another path: read-only, without devices and set-uid programs."""
    _mount(source, target, None, MS_BIND)
    _mount(None, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | more)


def cover(path: str) -> None:
    """Lay an empty folder over one, read-only."""
    _mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "mode=0555,size=4096")


def _unshare(flags: int) -> None:
    _checked(_libc().unshare(flags), f"unshare {flags:#x}")


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, options)]
    _checked(_libc().mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]), f"mounting {kind or source} at {target}")


def _unmount(path: str) -> None:
    _checked(_libc().umount2(os.fsencode(path), _MNT_DETACH), f"unmounting {path}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what} failed: {os.strerror(ctypes.get_errno())}")
