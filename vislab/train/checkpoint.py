"""Checkpoints: one safetensors file with the run's counters as JSON in its header, whole or not there at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor, nn

from vislab.train.state import pack, unpack

SCHEMA = 1
_HEADER = "vislab.train"


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, or belongs to another run."""


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a run's state to ``path``, whose folder is made where it is missing.

    The file is written beside ``path`` and moved over it once it is complete on disk: whenever the machine stops, ``path`` holds the old
    checkpoint or the new one.

    Args:
        path: file to write.
        state: as ``pack`` takes it.

    Raises:
        TypeError: state that no checkpoint can hold, named by its place.
        OSError: a folder that cannot be written, a full disk; the old checkpoint is as it was.
    """
    tensors: dict[str, Tensor] = {}
    tree = {name: pack(value, name, tensors) for name, value in state.items()}
    header = {_HEADER: json.dumps({"schema": SCHEMA, "state": tree}, allow_nan=False)}
    content = safetensors.torch.save(tensors, metadata=header)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read what ``write_checkpoint`` wrote; tensors lie on the CPU.

    Raises:
        FileNotFoundError: no such file.
        CheckpointError: a truncated or foreign file, or one of a newer vislab.
    """
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint {path} is not there; train with checkpoint={str(path)!r} first")
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            header = (file.metadata() or {}).get(_HEADER)
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except safetensors.SafetensorError as error:
        raise CheckpointError(
            f"checkpoint {path} is no whole safetensors file ({error}); delete it and train anew, or take a copy"
        ) from error
    if header is None:
        raise CheckpointError(f"checkpoint {path} was not written by vislab.train; read plain weights with safetensors.torch.load_file")
    said = json.loads(header)
    if said["schema"] != SCHEMA:
        raise CheckpointError(f"checkpoint {path} has schema {said['schema']}; this vislab reads {SCHEMA}; update the one that is older")
    return unpack(said["state"], tensors)


def load_weights(path: str | Path, model: nn.Module) -> int:
    """Load a checkpoint's weights into a model: the best ones where ``patience`` chose them, else the last.

    Args:
        path: file that ``fit(..., checkpoint=path)`` wrote.
        model: model of the same architecture; changed in place, stays on its device.

    Returns:
        The step that the weights are from.

    Raises:
        FileNotFoundError: no such file.
        CheckpointError: a truncated or foreign file, or weights of another architecture.

    Example:
        >>> import tempfile
        >>> model = nn.Linear(1, 1)
        >>> path = Path(tempfile.mkdtemp()) / "line.safetensors"
        >>> write_checkpoint(path, {"step": 7, "model": model.state_dict(), "best": None})
        >>> load_weights(path, nn.Linear(1, 1))
        7
    """
    state = read_checkpoint(Path(path))
    best = state.get("best")
    if best is not None and best["weights"] is not None:
        fill(model, best["weights"], Path(path))
        return best["step"]
    fill(model, state["model"], Path(path))
    return state["step"]


def fill(model: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    """Load weights into a model, or name the first that does not fit before anything is changed."""
    own = {name: value for name, value in model.state_dict().items() if isinstance(value, Tensor)}
    for name in [*own, *weights]:
        ours, theirs = (tuple(side[name].shape) if name in side else "absent" for side in (own, weights))
        if ours != theirs and isinstance(weights.get(name, own.get(name)), Tensor):
            raise CheckpointError(
                f"checkpoint {path} does not fit the model: {name} is {theirs} in the file and {ours} in the model; "
                "build the model as it was built then, or start anew with resume=False"
            )
    model.load_state_dict(weights)
