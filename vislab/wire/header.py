"""JSON that came from the other side, read strictly: one meaning only, and no numbers that JSON does not have."""

from __future__ import annotations

import json
import math
from typing import Any

from vislab.wire.limits import WireError


def parse_object(raw: bytes, what: str) -> dict[str, Any]:
    """Parse a JSON object.

    Args:
        raw: UTF-8 text.
        what: names it in errors.

    Raises:
        WireError: no UTF-8, no JSON, no object, a name twice, NaN or an infinity, nesting beyond Python's own limit.
    """
    try:
        value = json.loads(
            raw.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_refuse_duplicate_names
        )
    # a number of thousands of digits is a ValueError, a tower of brackets a RecursionError.
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, _Refused) else type(error).__name__
        raise WireError(f"{what} is not JSON: {reason}") from error
    if not isinstance(value, dict):
        raise WireError(f"{what} must be a JSON object")
    return value


class _Refused(ValueError):
    pass


def _refuse_constant(name: str) -> float:
    raise _Refused(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Refused("a number is too large")
    return number


def _refuse_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # two readers may keep different ones of two equal names: what was checked must be what is used.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("a name occurs twice")
    return found
