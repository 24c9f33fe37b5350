"""A check under the judge: answer one case after another over the judge's socket.

Nothing here is trusted: the judge recomputes everything from the bytes that this side returns, and never tells it a verdict.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from vislab.check.budget import JUDGE_VARIABLE
from vislab.check.calls import carry_out
from vislab.check.failures import CallFailed, failure_class
from vislab.check.suite import SUITE_KIND, answer_trial
from vislab.wire.frames import receive, send

PROTOCOL_VERSION = 1


def check_graded(exercise: str, answer: Any, extras: dict[str, Any]) -> str:
    """Bring ``answer`` to the judge.

    Returns:
        What to print: that the answer was recorded, or why it was not taken.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(os.environ[JUDGE_VARIABLE])
        send(sock, {"type": "check", "version": PROTOCOL_VERSION, "exercise": exercise})
        while True:
            message = receive(sock)
            if message.type == "done":
                return f"{exercise}: recorded."
            if message.type == "refused":
                return f"{exercise}: not recorded: {message.header.get('reason')}"
            if message.header["probe"] == SUITE_KIND:
                answer_trial(sock, message.header, answer)
                continue
            identity = message.header["id"]
            try:
                given = carry_out(message.header, message.tensors, answer, extras)
            except CallFailed as failure:
                send(
                    sock,
                    {
                        "type": "failure",
                        "id": identity,
                        "stage": failure.stage,
                        "error": failure_class(failure.original),
                        "observed": failure.observed,
                    },
                )
            else:
                header = {
                    "type": "answer",
                    "id": identity,
                    "outputs": given.outputs,
                    "gradients": given.gradients,
                    "observed": given.observed,
                }
                send(sock, header, given.tensors)
