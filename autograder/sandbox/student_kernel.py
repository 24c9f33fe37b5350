"""The program that becomes the student's kernel: ipykernel, with the submission's folder where it can shadow nothing.

It is started as ``python -P -s student_kernel.py WORK_FOLDER -f CONNECTION_FILE …`` and imports nothing of this package,
because the package is not visible inside the walls.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


def main(work: str, arguments: list[str]) -> None:
    """Start the kernel.

    Args:
        work: folder of the submission's files: last on ``sys.path``, so that ``import helper`` finds a file beside the
            notebook while ``torch.py`` or ``json.py`` there shadows nothing; and the working directory, but only once
            the kernel is configured, so that no start-up code looks for its settings among the submission's files.
        arguments: command line of ipykernel.
    """
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    pipe_through(os.path.dirname(arguments[arguments.index("-f") + 1]))
    settings = Config({"IPKernelApp": {"ignore_cwd": True}, "HistoryManager": {"hist_file": ":memory:"}})
    app = IPKernelApp.instance(config=settings)
    app.initialize(arguments)
    sys.path.append(work)
    os.chdir(work)
    if app.shell is not None:
        # IPython remembered the folder it was started in; notebooks read it to find their own place.
        app.shell.user_ns["_dh"][:] = [Path(work)]
    app.start()


def pipe_through(folder: str) -> None:
    """Let what forked children print reach the notebook through a Unix socket in a folder.

    ipykernel uses TCP on loopback for it, which the walls refuse (and ZeroMQ answers that by aborting the program).
    """
    import zmq
    from ipykernel.iostream import IOPubThread
    from zmq.eventloop.zmqstream import ZMQStream

    if not (hasattr(IOPubThread, "_setup_pipe_in") and hasattr(IOPubThread, "_setup_pipe_out")):
        return
    address = f"ipc://{folder}/children-{os.getpid()}"

    def set_up_pipe_in(self: Any) -> None:
        # The children know these bytes, since they were forked; whoever else writes there does not.
        self._pipe_uuid = os.urandom(16)
        pipe = self.socket.context.socket(zmq.PULL)
        pipe.linger = 0
        pipe.bind(address)
        self._pipe_in = ZMQStream(pipe, self.io_loop)
        self._pipe_in.on_recv(self._handle_pipe_msg)

    def set_up_pipe_out(self: Any) -> tuple[Any, Any]:
        # A context does not survive a fork.
        context = zmq.Context()
        pipe = context.socket(zmq.PUSH)
        pipe.linger = 3000
        pipe.connect(address)
        return context, pipe

    IOPubThread._setup_pipe_in = set_up_pipe_in  # type: ignore[method-assign]
    IOPubThread._setup_pipe_out = set_up_pipe_out  # type: ignore[method-assign]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
