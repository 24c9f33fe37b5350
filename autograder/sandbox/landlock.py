"""A Landlock domain: what the mount view allows, said a second time by another mechanism of the kernel, which needs no namespace.

``inner.py`` imports this file from beside itself inside the walls, so it too uses the standard library alone. Landlock
came into the kernel piece by piece; what this kernel does not know is left out:

===  ==========================================================================
ABI  what it brought
===  ==========================================================================
1    who may read, write, execute, make and remove files, below which folders
2    moving a file between folders
3    truncating
4    TCP: binding and connecting
5    ioctl on devices
6    signals and abstract Unix sockets end at the domain
===  ==========================================================================

Source: https://docs.kernel.org/userspace-api/landlock.html (the numbers below are the kernel's interface).
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable, Mapping

# The same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_SCOPE_ABSTRACT_SOCKET, _SCOPE_SIGNAL = 1, 2
_TCP_BIND, _TCP_CONNECT = 1, 2

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = (1 << bit for bit in range(6, 13))
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15

# ABI -> every right on files that it can refuse.
_HANDLED = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

# What a rule may say of a folder (or a file) and all below it.
RIGHTS = {
    "list": READ_DIR,
    "read": EXECUTE | READ_FILE | READ_DIR,
    # No devices and no symbolic links: the grader follows paths of the kernel's socket folder.
    "write": EXECUTE | WRITE_FILE | READ_FILE | READ_DIR | REMOVE_DIR | REMOVE_FILE
    | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | REFER | TRUNCATE,
    "device": WRITE_FILE | READ_FILE | READ_DIR | TRUNCATE | IOCTL_DEV,
    "everything": (1 << 16) - 1,
}  # fmt: skip


def probe_abi() -> int:
    """Return the highest Landlock ABI of this kernel; 0: it has none, or it is switched off."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, libc.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG))


def restrict(rules: Mapping[str, Iterable[str]], *, abi: int, network: bool = True) -> None:
    """Enter a domain for good, with every program to come; ``no_new_privs`` must be set.

    Args:
        rules: name out of ``RIGHTS`` to paths; a path that does not exist gives no right.
        abi: what ``probe_abi`` returned, at least 1.
        network: False: leave TCP and abstract sockets alone.

    Raises:
        OSError: the kernel refused a step; the message names it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    handled = _HANDLED[min(abi, max(_HANDLED))]
    tcp = _TCP_BIND | _TCP_CONNECT if abi >= 4 and network else 0
    scoped = _SCOPE_SIGNAL | (_SCOPE_ABSTRACT_SOCKET if network else 0) if abi >= 6 else 0
    attributes = struct.pack("QQQ", handled, tcp, scoped)
    # An older kernel refuses a structure that is longer than its own.
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = _checked(libc.syscall(_CREATE_RULESET, attributes[:size], size, 0), "landlock_create_ruleset")
    try:
        for kind, paths in rules.items():
            for path in paths:
                _allow(libc, ruleset, path, RIGHTS[kind] & handled)
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _OF_FILES
        # The kernel's structure is packed: twelve bytes.
        beneath = struct.pack("=Qi", rights, descriptor)
        _checked(libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, beneath, 0), f"landlock_add_rule for {path}")
    finally:
        os.close(descriptor)


def _checked(result: int, call: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{call} failed: {os.strerror(ctypes.get_errno())}")
    return result
