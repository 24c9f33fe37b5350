"""Read a file of weights that somebody else wrote into a fixed architecture, or say what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from vislab.check.compare import Finding
from vislab.check.verdict import Verdict
from vislab.models.catalogue import build
from vislab.wire.limits import Limits, WireError, WireLimit
from vislab.wire.tensors import decode_tensors

HEADER_BYTES_MAX = 1 << 20
TENSORS_MAX = 4096
MEBIBYTE = 1 << 20
NAMED_MAX = 3
HOW_TO = "write it with safetensors.torch.save_file(model.state_dict(), path)"


class WeightsRefused(ValueError):
    """A file of weights that cannot be used.

    Args:
        finding: verdict and text; the text repeats nothing that the file says.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


def load_weights(content: bytes, architecture: str, init: Mapping[str, Any], size_mib_max: int) -> nn.Module:
    """Return the model with these weights, in evaluation mode.

    Args:
        content: of a safetensors file.
        architecture: a name of ``vislab.models.catalogue``.
        init: its constructor's arguments.
        size_mib_max: larger files are refused unread.

    Raises:
        WeightsRefused: no such file, or names, shapes, dtypes or values that the model cannot have.
    """
    tensors = _read(content, size_mib_max)
    model = build(architecture, init)
    own = model.state_dict()
    _fitting(tensors, own)
    model.load_state_dict(tensors, strict=True)
    return model.eval()


def too_large(size_bytes: int, size_mib_max: int) -> Finding | None:
    """Return what is wrong with a file of this size, or None."""
    if size_bytes <= size_mib_max * MEBIBYTE:
        return None
    return Finding(Verdict.OUTPUT_LIMIT, f"the file of weights has {size_bytes:,} bytes; at most {size_mib_max} MiB are taken")


def _read(content: bytes, size_mib_max: int) -> dict[str, Tensor]:
    if finding := too_large(len(content), size_mib_max):
        raise WeightsRefused(finding)
    if _pickled(content):
        _refuse(Verdict.WRONG_TYPE, f"the file holds a pickle, which is never opened; {HOW_TO}")
    if not content:
        _refuse(Verdict.WRONG_TYPE, f"the file is empty; {HOW_TO}")
    if len(content) < 8 or int.from_bytes(content[:8], "little") > len(content) - 8:
        _refuse(Verdict.WRONG_TYPE, f"the file is no whole and valid safetensors file; {HOW_TO}")
    try:
        return decode_tensors(content, Limits(header_bytes=HEADER_BYTES_MAX, body_bytes=len(content), tensors=TENSORS_MAX))
    except WireLimit:
        _refuse(Verdict.OUTPUT_LIMIT, "the file's header, its number of tensors or their axes exceed what any model here has")
    except WireError:
        _refuse(Verdict.WRONG_TYPE, f"the file is no whole and valid safetensors file; {HOW_TO}")


def _pickled(content: bytes) -> bool:
    # what torch.save writes is a zip; older files begin with a pickle's own mark. A safetensors file may begin with the same two bytes, as
    # the length of its header; but then zeros follow, and a pickle has none there.
    zipped = content.startswith(b"PK\x03\x04")
    return zipped or (content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and any(content[3:8]))


def _fitting(tensors: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> None:
    missing = [name for name in own if name not in tensors]
    foreign = len([name for name in tensors if name not in own])
    if missing or foreign:
        said = f"lacks {', '.join(missing[:NAMED_MAX])}{f' and {len(missing) - NAMED_MAX} more' if len(missing) > NAMED_MAX else ''}"
        parts = [said] if missing else []
        parts += [f"holds {foreign} tensors of names that the model does not have"] if foreign else []
        _refuse(Verdict.WRONG_TYPE, f"the file {' and '.join(parts)}; hand in the state dict of the model that the exercise names")
    for name, value in own.items():
        if tensors[name].shape != value.shape:
            _refuse(Verdict.WRONG_SHAPE, f"{name} has shape {list(tensors[name].shape)}, the model's has {list(value.shape)}")
    for name, value in own.items():
        if tensors[name].dtype != value.dtype:
            got, wanted = (str(dtype).removeprefix("torch.") for dtype in (tensors[name].dtype, value.dtype))
            _refuse(Verdict.WRONG_DTYPE, f"{name} has dtype {got}, the model's has {wanted}")
    for name in own:
        if not bool(torch.isfinite(tensors[name]).all()):
            _refuse(Verdict.NOT_FINITE, f"{name} holds NaN or infinite weights")


def _refuse(verdict: Verdict, text: str) -> NoReturn:
    raise WeightsRefused(Finding(verdict, text))
