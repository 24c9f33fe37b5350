"""Call an implementation once on inputs that came over the wire."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch

from vislab.check.crossing import Uncrossable, pack, unpack_call
from vislab.check.failures import builtin_exception, failure_class
from vislab.check.suite import SENT_BYTES_MAX
from vislab.wire.frames import Message
from vislab.wire.limits import WireError


def perform(implementation: Callable[..., Any], header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Message:
    """Return what a call gives, as a frame: ``returned`` with its value, ``raised`` with a built-in exception's name, or ``malformed``.

    An exception's text stays here: it could tell which implementation raised it.
    """
    try:
        # copies: an implementation that works in place changes nothing of what a later call sees.
        args, kwargs = unpack_call(header, {name: tensor.clone() for name, tensor in tensors.items()})
    except WireError:
        return Message({"type": "malformed"})
    try:
        with warnings.catch_warnings(), torch.enable_grad():
            warnings.simplefilter("ignore")
            result = implementation(*args, **kwargs)
        sent: dict[str, torch.Tensor] = {}
        value = pack(result, "out", sent)
    except Uncrossable:
        return Message({"type": "raised", "error": "TypeError"})
    except BaseException as error:
        name = failure_class(error)
        known = builtin_exception(name)
        if name == "MemoryError":
            return Message({"type": "raised", "error": name, "limit": "memory"})
        return Message({"type": "raised", "error": name if known is not None and issubclass(known, Exception) else "RuntimeError"})
    if sum(tensor.numel() * tensor.element_size() for tensor in sent.values()) > SENT_BYTES_MAX:
        return Message({"type": "raised", "error": "MemoryError", "limit": "output"})
    return Message({"type": "returned", "value": value}, sent)
