"""The system-call filter: a classic BPF program that bubblewrap loads before any student code runs."""

from __future__ import annotations

import errno
import platform
import struct

from autograder.sandbox.faults import SandboxMissing

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN = {"x86_64": 0, "aarch64": 1}

# name -> (x86_64 number, aarch64 number); None where the architecture has no such call.
# Answered with EPERM: reaching into other processes, changing namespaces or mounts, kernel facilities with a history of
# holes that no notebook needs. Symbolic links are refused because the host follows paths of the kernel's socket folder.
FORBIDDEN: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "setns": (308, 268),
    "unshare": (272, 97),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    "syslog": (103, 116),
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "symlink": (88, None),
    "symlinkat": (266, 36),
}
# Answered with ENOSYS, so that programs take their fallback: calls whose arguments a filter cannot read (clone3,
# io_uring), and memory that neither a folder's size nor a process's resident memory shows (memfd, System V segments).
ABSENT: dict[str, tuple[int | None, int | None]] = {
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
}
CLONE = (56, 220)
SOCKET = (41, 198)
IOCTL = (16, 29)

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
NAMESPACE_FLAGS = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
# AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. A network namespace does not contain the others: AF_VSOCK reaches the hypervisor.
SOCKET_FAMILIES = (1, 2, 10, 16)
# TIOCSTI and TIOCLINUX push characters into a terminal's input.
TERMINAL_INJECTION = (0x5412, 0x541C)
X32_BIT = 0x40000000

_LOAD, _JUMP_EQUAL, _JUMP_ANY_BIT, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
ALLOW = 0x7FFF0000
_ERRNO = 0x00050000


def filter_program(machine: str | None = None) -> bytes:
    """Assemble the filter as an array of ``struct sock_filter``.

    Args:
        machine: ``platform.machine()`` value, ``x86_64`` or ``aarch64``; None is this machine.

    Raises:
        SandboxMissing: an architecture whose call numbers are not known here.
    """
    machine = machine or platform.machine()
    if machine not in AUDIT_ARCH:
        raise SandboxMissing(f"machine {machine!r} must be one of {', '.join(AUDIT_ARCH)}; grade on such a machine")
    column = _COLUMN[machine]
    code: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _ARCH),
        # A 32-bit or foreign entry point numbers its calls differently: all of it is refused.
        (_JUMP_EQUAL, 1, 0, AUDIT_ARCH[machine]),
        _refuse(errno.ENOSYS),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        code += [(_JUMP_AT_LEAST, 0, 1, X32_BIT), _refuse(errno.ENOSYS)]
    for calls, error in ((FORBIDDEN, errno.EPERM), (ABSENT, errno.ENOSYS)):
        for numbers in calls.values():
            number = numbers[column]
            if number is not None:
                code += [(_JUMP_EQUAL, 0, 1, number), _refuse(error)]
    code += _when(CLONE[column], 0, [(_JUMP_ANY_BIT, 0, 1, NAMESPACE_FLAGS), _refuse(errno.EPERM), _allow()])
    families = [(_JUMP_EQUAL, len(SOCKET_FAMILIES) - i, 0, family) for i, family in enumerate(SOCKET_FAMILIES)]
    code += _when(SOCKET[column], 0, [*families, _refuse(errno.EAFNOSUPPORT), _allow()])
    requests = [(_JUMP_EQUAL, len(TERMINAL_INJECTION) - i, 0, request) for i, request in enumerate(TERMINAL_INJECTION)]
    code += _when(IOCTL[column], 1, [*requests, _allow(), _refuse(errno.EPERM)])
    code.append(_allow())
    return b"".join(struct.pack("HBBI", *line) for line in code)


def _when(number: int, argument: int, body: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    # Low 32 bits of the argument: both architectures are little-endian, and the kernel reads these arguments as 32-bit.
    return [(_JUMP_EQUAL, 0, len(body) + 1, number), (_LOAD, 0, 0, _ARGUMENTS + 8 * argument), *body]


def _refuse(error: int) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, _ERRNO | error)


def _allow() -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, ALLOW)
