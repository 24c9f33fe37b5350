"""The program that runs a submitted model, alone behind walls: ``python model_program.py WEIGHTS``.

It imports ``vislab`` and nothing else of ours: the rest of the grader is not visible where it runs.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import torch

from vislab.check.model import ModelRun
from vislab.wire.frames import receive, send
from vislab.wire.limits import WireClosed


def main(path: str, address: str) -> None:
    """Answer the judge's cases until it closes the connection."""
    torch.set_num_threads(1)
    run = ModelRun(Path(path).read_bytes())
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(address)
        while True:
            try:
                message = receive(sock)
            except WireClosed:
                return
            reply = run.answer(message.header, message.tensors)
            send(sock, reply.header, reply.tensors)


if __name__ == "__main__":
    main(sys.argv[1], os.environ["VISLAB_JUDGE"])
