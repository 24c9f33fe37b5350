"""The system-call filter: a classic BPF program that bubblewrap loads before any student code runs."""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Sequence

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
    "fanotify_mark": (301, 263),
    "open_tree_attr": (467, 467),
    "statmount": (457, 457),
    "listmount": (458, 458),
    "mbind": (237, 235),
    "set_mempolicy": (238, 237),
    "set_mempolicy_home_node": (450, 450),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "process_mrelease": (448, 448),
    "vmsplice": (278, 75),
    "remap_file_pages": (216, 234),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "sysfs": (139, None),
    "ustat": (136, None),
    "_sysctl": (156, None),
    "nfsservctl": (180, 42),
}
# Answered with ENOSYS, so that programs take their fallback: calls whose arguments a filter cannot read (clone3,
# io_uring), and memory that neither a folder's size nor a process's resident memory shows (memfd, System V and message queues).
ABSENT: dict[str, tuple[int | None, int | None]] = {
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "io_setup": (206, 0),
}
CLONE = (56, 220)
SOCKET = (41, 198)
SOCKETPAIR = (53, 199)
IOCTL = (16, 29)
PERSONALITY = (135, 92)

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
NAMESPACE_FLAGS = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
# AF_UNIX alone: the judge and the kernel's own sockets. Behind these walls there is nobody to reach by any other, and a
# network namespace does not contain them all: AF_VSOCK reaches the hypervisor.
SOCKET_FAMILIES = (1,)
# Where a test has taken the network's wall down: AF_INET, AF_INET6, AF_NETLINK besides.
INTERNET_FAMILIES = (1, 2, 10, 16)
# TIOCSTI and TIOCLINUX push characters into a terminal's input; TIOCSETD loads a line discipline, seldom used and often broken.
TERMINAL_REQUESTS = (0x5412, 0x541C, 0x5423)
# PER_LINUX, which is in force, and the question which one is. Others switch address randomisation off or make zero readable.
PERSONALITIES = (0, 0xFFFFFFFF)
X32_BIT = 0x40000000

_LOAD, _JUMP_EQUAL, _JUMP_ANY_BIT, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
ALLOW = 0x7FFF0000
_ERRNO = 0x00050000


def filter_program(machine: str | None = None, *, families: Sequence[int] = SOCKET_FAMILIES) -> bytes:
    """Assemble the filter as an array of ``struct sock_filter``.

    Args:
        machine: ``platform.machine()`` value, ``x86_64`` or ``aarch64``; None is this machine.
        families: address families of which sockets may be made.

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
    for making in (SOCKET, SOCKETPAIR):
        code += _when(making[column], 0, [*_jump_over_one(families), _refuse(errno.EAFNOSUPPORT), _allow()])
    code += _when(IOCTL[column], 1, [*_jump_over_one(TERMINAL_REQUESTS), _allow(), _refuse(errno.EPERM)])
    code += _when(PERSONALITY[column], 0, [*_jump_over_one(PERSONALITIES), _refuse(errno.EPERM), _allow()])
    code.append(_allow())
    return b"".join(struct.pack("HBBI", *line) for line in code)


def refused_calls(machine: str | None = None) -> dict[str, int]:
    """Return the numbers of the calls that are refused whatever their arguments are, by name."""
    column = _COLUMN[machine or platform.machine()]
    numbers = {name: numbers[column] for name, numbers in {**FORBIDDEN, **ABSENT}.items()}
    return {name: number for name, number in numbers.items() if number is not None}


def _when(number: int, argument: int, body: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    # Low 32 bits of the argument: both architectures are little-endian, and the kernel reads these arguments as 32-bit.
    return [(_JUMP_EQUAL, 0, len(body) + 1, number), (_LOAD, 0, 0, _ARGUMENTS + 8 * argument), *body]


def _jump_over_one(values: Sequence[int]) -> list[tuple[int, int, int, int]]:
    # Past the line after these when the accumulator is one of the values, to that line when it is none.
    return [(_JUMP_EQUAL, len(values) - i, 0, value) for i, value in enumerate(values)]


def _refuse(error: int) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, _ERRNO | error)


def _allow() -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, ALLOW)
