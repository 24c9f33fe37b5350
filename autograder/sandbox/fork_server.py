"""The warm process inside the walls: imports what notebooks import, once, and forks a child for every run.

It is started as ``python -P -s fork_server.py CONTROL_FD MODULE…`` by ``keeper.py``, behind walls of its own. One message on the
control socket is one child; all it carries are descriptors: nothing of a submission is ever read by this process, so nothing of
one can be left in its memory for the next. The child's plan and files come through a pipe that the child alone reads.

A child is three processes, one after the other: the *leaver* enters new namespaces and ends; the *init*, pid 1 there, lays out
what is seen and then stays, without a privilege, to wait; the *newborn* gives up everything and becomes the program, in the
interpreter that is warm already. Neither reads or runs anything of a submission before it has been looked at from outside.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import struct
import sys
import types
from typing import Any, NoReturn

_HERE = os.path.dirname(os.path.abspath(__file__))
# Last, so that nothing beside this file can shadow the standard library.
sys.path.append(_HERE)
import inner  # noqa: E402
import landlock  # noqa: E402
import private_view  # noqa: E402

PR_SET_DUMPABLE, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 4, 22, 2
REPLY, PARCEL, OUT, ERR = range(4)
_FAILED = 70


def main(control_fd: int, modules: list[str]) -> None:
    """Warm up, serve, and in each newborn become its program."""
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            # An environment may lack what only some notebooks use.
            continue
    # A module of that name beside a notebook must be found there.
    sys.path.remove(_HERE)
    for name in ("inner", "landlock", "private_view"):
        del sys.modules[name]
    gc.collect()
    # What is here now is no garbage of a notebook's: a collection that looked at it would copy every page of it.
    gc.freeze()
    control = socket.socket(fileno=control_fd)
    control.send(json.dumps({"warm": not unfit(), "error": ", ".join(unfit())}).encode())
    become(serve(control))


def serve(control: socket.socket) -> list[str]:
    """Fork a child for every message until the other side is gone; returns in a newborn alone, with its command line."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 16, 4)
        if not message:
            os._exit(0)
        faults = unfit()
        child = os.fork()
        if child == 0:
            control.detach()
            return be_born(descriptors, faults)
        for descriptor in descriptors:
            os.close(descriptor)
        os.waitpid(child, 0)


def unfit() -> list[str]:
    """Name what must not be there when a child is forked; empty when all is well."""
    faults = []
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        faults.append(f"{threads} threads")
    with open("/proc/self/maps") as stream:
        # What one child writes there, the next would read.
        faults += [f"shared memory {line.split()[-1]}" for line in stream if line.split()[1][1] == "w" and line.split()[1][3] == "s"]
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        faults.append("a CUDA context")
    return faults


def be_born(descriptors: list[int], faults: list[str]) -> list[str]:
    """Go from the server's copy to a newborn that has been told to go; every other process on the way ends here."""
    reply = socket.socket(fileno=descriptors[REPLY])
    try:
        inner.close_all_but(set(descriptors))
        for source, target in zip(descriptors[PARCEL:], (0, 1, 2)):
            os.dup2(source, target)
            os.close(source)
        if faults:
            raise RuntimeError("the fork server is not fit: " + ", ".join(faults))
        outside = os.getuid()
        if outside != 0:
            # An ordinary user has no privilege to begin with, and all of them in a namespace of its own.
            private_view.leave_user_namespace(0, outside)
        private_view.leave_namespaces()
        if os.fork() != 0:
            os._exit(0)
        reply.send(b'{"init": true}')
        with open(0, "rb", closefd=False) as parcel:
            plan = inner.read_plan(parcel)
            private_view.leave_control_group_namespace()
            private_view.build(plan["view"])
            locked = os.pipe()
            newborn = os.fork()
            if newborn != 0:
                stay(newborn, plan, reply, locked)
            os.close(locked[1])
            return grow_up(plan, parcel, reply, locked[0])
    except BaseException as error:
        report = json.dumps({"ready": False, "error": f"{type(error).__name__}: {error}"}).encode()
        try:
            reply.send(report[:4000])
        except OSError:
            os.write(2, report)
        os._exit(_FAILED)


def stay(newborn: int, plan: dict[str, Any], reply: socket.socket, locked: tuple[int, int]) -> NoReturn:
    """Be pid 1, without any privilege, until the newborn ends; everything else inside ends with this process."""
    os.close(locked[0])
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if plan["uid"] is None:
        private_view.leave_user_namespace(plan["inside"], 0)
    inner.give_up_privileges(*plan["init"], ())
    with open("/proc/self/status") as status:
        restrict({}, plan["filter"])
        # Whoever has the same user must neither read nor change it.
        _prctl(PR_SET_DUMPABLE, 0)
        faults = inner.privileges_left(status.read())
    if faults:
        raise RuntimeError("pid 1 kept privileges: " + ", ".join(faults))
    os.write(locked[1], b"1")
    os.close(locked[1])
    while True:
        ended, status_word = os.wait()
        if ended == newborn:
            code = os.waitstatus_to_exitcode(status_word)
            reply.send(json.dumps({"exit": 128 - code if code < 0 else code}).encode())
            os._exit(0)


def grow_up(plan: dict[str, Any], parcel: Any, reply: socket.socket, locked: int) -> list[str]:
    """Give up every privilege, lay out the files, be looked at from outside, and wait for the word to go."""
    inner.go_first()
    if plan["uid"] is None:
        private_view.leave_user_namespace(plan["inside"], 0)
    inner.give_up_privileges(plan["uid"], plan["gid"], plan["own"])
    # It was taken with the change of user; an ordinary program may look at itself.
    _prctl(PR_SET_DUMPABLE, 1)
    os.umask(0o022)
    for path, size_bytes in plan["files"]:
        inner.place(path, parcel, size_bytes)
    inner.limit_process(plan)
    os.environ.clear()
    os.environ.update(plan["env"])
    draw_anew()
    abi = restrict(plan["rules"], plan["filter"])
    faults = inner.privileges_left(inner.read_text("/proc/self/status"))
    if faults:
        raise RuntimeError("privileges are left after they were given up: " + ", ".join(faults))
    if os.read(locked, 1) != b"1":
        raise RuntimeError("pid 1 of the namespace did not give up its privileges")
    os.close(locked)
    reply.send(json.dumps({"ready": True, "landlock": abi}).encode())
    if parcel.read() != b"go":
        # Whoever was to say it is gone, or has seen what must not be.
        raise RuntimeError("the parcel ended without the word to go")
    inner.empty_standard_input()
    reply.close()
    return plan["argv"]


def restrict(rules: dict[str, list[str]], call_filter: str) -> int:
    """Enter a Landlock domain, where there are any, and load the system-call filter, both for good; returns the ABI, or 0."""
    abi = landlock.probe_abi()
    if abi:
        landlock.restrict(rules, abi=abi)
    program = ctypes.create_string_buffer(bytes.fromhex(call_filter))
    # struct sock_fprog: the number of instructions of eight bytes, and where they are.
    header = struct.pack("HP", (len(program) - 1) // 8, ctypes.addressof(program))
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header)
    return abi


def draw_anew() -> None:
    """Replace what imports drew from the operating system: two children must not share it."""
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.seed()
    if "sympy.core.random" in sys.modules:
        # A generator of its own; Python's is drawn anew by Python itself.
        sys.modules["sympy.core.random"].rng.seed()
    if "multiprocessing.process" in sys.modules:
        sys.modules["multiprocessing.process"].current_process().authkey = os.urandom(32)


def become(argv: list[str]) -> None:
    """Run a program as ``python OPTION… FILE ARGUMENT…`` or ``python OPTION… -c CODE`` would; the options are the server's."""
    words = argv[1:]
    while words and words[0].startswith("-") and words[0] != "-c":
        words = words[1:]
    if words[0] == "-c":
        source, name, arguments = words[1], "<string>", ["-c", *words[2:]]
    else:
        source, name, arguments = inner.read_text(words[0]), words[0], words
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = __builtins__
    if name != "<string>":
        module.__file__ = name
    sys.modules["__main__"] = module
    sys.argv = arguments
    exec(compile(source, name, "exec"), module.__dict__)


def _prctl(option: int, *arguments: Any) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    words = [argument if isinstance(argument, bytes) else ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if libc.prctl(option, *words) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} failed: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
