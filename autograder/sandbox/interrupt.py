"""An interrupt for a kernel from any thread, without touching the sockets of the client that drives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import zmq
from jupyter_client.session import Session

_LINGER_MS = 1000
_REPLY_BYTES_MAX = 1 << 16


def request_interrupt(info: Mapping[str, Any]) -> None:
    """Send one ``interrupt_request`` on a connection of its own; returns without waiting for the kernel's answer.

    Args:
        info: jupyter's connection info with an ``ip`` that leads to the kernel from here.
    """
    key = info["key"]
    session = Session(key=key if isinstance(key, bytes) else key.encode(), signature_scheme=info["signature_scheme"])
    with zmq.Context() as context, context.socket(zmq.DEALER) as control:
        control.linger = _LINGER_MS
        control.maxmsgsize = _REPLY_BYTES_MAX
        control.connect(f"ipc://{info['ip']}-{info['control_port']}")
        session.send(control, session.msg("interrupt_request", content={}))
