"""Additive attention: the steps of a caption decoder looking at the cells of a feature map, every cell visible."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.ops.subject import Subject
from vislab.ops.attend import attend, path_for
from vislab.ops.attend.naive import attend_naive

# the sizes below are (B, T, N, A); a value is as wide as the hidden layer, as in Show, attend and tell.


def eager(queries: Tensor, keys: Tensor, vector: Tensor, values: Tensor) -> Tensor:
    """Tanh of every query plus every key, one product with the vector, softmax, one product with the values."""
    scores = torch.tanh(queries.unsqueeze(2) + keys.unsqueeze(1)) @ vector
    return torch.softmax(scores, dim=-1) @ values


def inputs(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    batch, steps, places, hidden = shape
    sizes = (batch, steps, hidden), (batch, places, hidden), (hidden,), (batch, places, hidden)
    queries, keys, vector, values = (torch.randn(size, generator=generator).to(device) for size in sizes)
    return queries, keys, vector / hidden**0.5, values


def bytes_moved(shape: tuple[int, ...], item_bytes: int, passes: str) -> int:
    """Every input read once and the context written; backward reads them and the context's gradient, and writes theirs."""
    batch, steps, places, hidden = shape
    queries, keys, values = batch * steps * hidden, batch * places * hidden, batch * places * hidden
    context = batch * steps * hidden
    forward = queries + keys + hidden + values + context
    # backward: weights and slopes, one number a pair of query and key each, are written once and read twice besides.
    backward = forward + queries + keys + hidden + values + 6 * batch * steps * places
    return {"forward": forward, "forward+backward": forward + backward}[passes] * item_bytes


SUBJECT = Subject(
    op="attend",
    sizes={
        "cpu": ((8, 8, 49, 64), (8, 16, 64, 128), (16, 16, 196, 128)),
        "cuda": ((64, 20, 64, 256), (64, 20, 196, 512), (256, 20, 196, 512)),
    },
    inputs=inputs,
    ours=attend,
    path=lambda queries, *_: path_for(queries),
    naive=attend_naive,
    eager=eager,
    eager_name="broadcast sum, tanh, product, softmax, product",
    bytes_moved=bytes_moved,
)
