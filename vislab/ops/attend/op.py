"""The checked public entry of additive attention, and the formulation for devices without Triton."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, overload

import torch
from torch import Tensor

from vislab.ops.attend.naive import attend_naive
from vislab.ops.path import resolve_path
from vislab.ops.precision import accumulator, check_alike, check_floating, without_autocast

_Answer = Tensor | tuple[Tensor, Tensor]


@overload
def attend(
    queries: Tensor,
    keys: Tensor,
    vector: Tensor,
    values: Tensor,
    *,
    mask: Tensor | None = ...,
    return_weights: Literal[False] = ...,
    path: str = ...,
) -> Tensor: ...
@overload
def attend(
    queries: Tensor,
    keys: Tensor,
    vector: Tensor,
    values: Tensor,
    *,
    mask: Tensor | None = ...,
    return_weights: Literal[True],
    path: str = ...,
) -> tuple[Tensor, Tensor]: ...
def attend(
    queries: Tensor,
    keys: Tensor,
    vector: Tensor,
    values: Tensor,
    *,
    mask: Tensor | None = None,
    return_weights: bool = False,
    path: str = "auto",
) -> _Answer:
    """Look at the values that go with each query: additive (Bahdanau) soft attention.

    A query scores every key, ``s = vector · tanh(query + key)``; the softmax of its scores weighs the values. Queries and keys come
    projected: ``queries = W_q q`` and ``keys = W_k k + b`` are ordinary linear layers, and keys are projected once for all steps of a
    decoder. Everything is summed in float32 (float64 for float64 inputs).

    Shapes: B batch, T queries (decoder steps), N keys (places to look at), A width of the hidden layer, D width of a value.

    Args:
        queries: projected queries, float16, bfloat16, float32 or float64, ``[B, T, A]``, any strides; B and T may be 0, A may not.
        keys: projected keys, ``[B, N, A]``, dtype and device of the queries; N may be 0.
        vector: what the hidden layer is multiplied by, ``[A]``.
        values: what is averaged, ``[B, N, D]``; D at least 1. Often the keys before their projection.
        mask: bool, ``[B, N]``, True where a place takes part. A hidden place has weight and gradient exactly 0, and its key and value
            are never looked at, so NaN there does no harm. None: every place takes part.
        return_weights: also return the weights.
        path: ``"auto"`` takes what ``path_for`` names; ``"plain"``, ``"fused"`` and ``"naive"`` force one formulation, for comparison.

    Returns:
        Context, ``[B, T, D]``, the queries' dtype. With ``return_weights`` also the weights, ``[B, T, N]``, which sum to 1 over N.
        Where the mask hides every place (or N is 0) there is nothing to look at: context, weights and all gradients are 0.

    Raises:
        TypeError: an input that is no floating tensor, differing dtypes, a mask that is not bool.
        ValueError: a rank or size that does not fit, differing devices, an unknown path.
        RuntimeError: ``path="fused"`` without Triton, or on a CPU outside Triton's interpreter.

    Convention:
        The mask says who takes part (as in ``scaled_dot_product_attention``); ``nn.MultiheadAttention``'s ``key_padding_mask`` says
        who does not: pass its complement. Scores are not divided by ``sqrt(A)``: the tanh bounds them by ``|vector|₁`` already.

    Source:
        Bahdanau, Cho, Bengio, "Neural machine translation by jointly learning to align and translate", ICLR 2015, section A.1.2;
        Xu et al., "Show, attend and tell", ICML 2015, section 4.2.

    Example:
        >>> queries, vector = torch.zeros(1, 1, 2), torch.ones(2)
        >>> keys = torch.tensor([[[0.0, 0.0], [50.0, 50.0], [9.0, 9.0]]])
        >>> values = torch.tensor([[[1.0], [0.0], [torch.nan]]])
        >>> mask = torch.tensor([[True, True, False]])
        >>> context, weights = attend(queries, keys, vector, values, mask=mask, return_weights=True)
        >>> weights.round(decimals=4)  # softmax of (0, 2)
        tensor([[[0.1192, 0.8808, 0.0000]]])
        >>> context.round(decimals=4)
        tensor([[[0.1192]]])
    """
    _check(queries, keys, vector, values, mask)
    return _FORMULATIONS[path_for(queries, path)](queries, keys, vector, values, mask, return_weights)


def path_for(queries: Tensor, path: str = "auto") -> str:
    """Name the formulation that ``attend(queries, ..., path=path)`` takes.

    Args:
        queries: the op's first input; where it lies decides, its numbers do not count.
        path: ``"auto"``, or the name of a formulation.

    Returns:
        ``"fused"``: Triton kernels that keep no ``[B, T, N, A]`` tensor. ``"plain"``: PyTorch's own ops. ``"naive"``: the reference.

    Raises:
        ValueError: an unknown path.
        RuntimeError: ``"fused"`` where Triton is not installed.
    """
    return resolve_path(path, queries, _FORMULATIONS)


def _check(queries: Tensor, keys: Tensor, vector: Tensor, values: Tensor, mask: Tensor | None) -> None:
    inputs = {"queries": queries, "keys": keys, "vector": vector, "values": values}
    ranks = {"queries": "[B, T, A]", "keys": "[B, N, A]", "vector": "[A]", "values": "[B, N, D]"}
    for name, tensor in inputs.items():
        check_floating(name, tensor)
        if tensor.ndim != ranks[name].count(",") + 1:
            raise ValueError(f"{name}.shape {tuple(tensor.shape)} must be {ranks[name]}; add or drop axes with {name}.reshape")
        check_alike(name, tensor, "queries", queries)
    batch, _, width = queries.shape
    if width == 0:
        raise ValueError(f"queries.shape {tuple(queries.shape)} has no hidden units; A must be at least 1")
    if keys.shape[0] != batch or keys.shape[2] != width:
        raise ValueError(
            f"keys.shape {tuple(keys.shape)} must be [{batch}, N, {width}] to go with queries.shape {tuple(queries.shape)};"
            " project both to the same width, and expand keys that all images share"
        )
    if vector.shape[0] != width:
        raise ValueError(f"vector.shape {tuple(vector.shape)} must be [{width}], the width of queries and keys; it weighs the hidden layer")
    places = keys.shape[1]
    if values.shape[:2] != (batch, places) or values.shape[2] == 0:
        raise ValueError(
            f"values.shape {tuple(values.shape)} must be [{batch}, {places}, D] with D at least 1, one value for each of the keys"
            f" of shape {tuple(keys.shape)}"
        )
    if mask is None:
        return
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        what = f"mask.dtype {mask.dtype}" if isinstance(mask, Tensor) else f"mask is {type(mask).__name__}; it"
        raise TypeError(f"{what} must be torch.bool, True where a place takes part; convert with mask.bool()")
    if mask.shape != (batch, places):
        raise ValueError(f"mask.shape {tuple(mask.shape)} must be [{batch}, {places}], one bool for each of the keys")
    if mask.device != queries.device:
        raise ValueError(f"mask is on {mask.device}, queries on {queries.device}; move it with mask.to(queries.device)")


def _plain(queries: Tensor, keys: Tensor, vector: Tensor, values: Tensor, mask: Tensor | None, return_weights: bool) -> _Answer:
    """The composition as the formula reads, but with ``tanh(x) = 2 sigmoid(2 x) − 1``, which takes a tenth of a tanh's time."""
    wide, answer = accumulator(queries.dtype), queries.dtype
    queries, keys, vector, values = queries.to(wide), keys.to(wide), vector.to(wide), values.to(wide)
    if mask is not None:
        hidden_places = ~mask[:, :, None]
        keys, values = keys.masked_fill(hidden_places, 0.0), values.masked_fill(hidden_places, 0.0)
    with without_autocast(queries.device):
        # in place: one [B, T, N, A] tensor lives where sum and sigmoid would make two. The −1 takes the vector's sum off every score of
        # a row, which no softmax sees, forward or backward.
        scores = ((2 * queries)[:, :, None] + (2 * keys)[:, None]).sigmoid_() @ (2 * vector)
        if mask is None:
            weights = torch.softmax(scores, dim=-1)
        else:
            # softmax over nothing but -inf is NaN, forward and backward; a blank row's scores are finite here and its weights 0 below.
            blank = ~mask.any(-1)[:, None, None]
            scores = scores.masked_fill(~(mask[:, None] | blank), -torch.inf)
            weights = torch.softmax(scores, dim=-1).masked_fill(blank, 0.0)
        context = torch.bmm(weights, values).to(answer)
    return (context, weights.to(answer)) if return_weights else context


def _fused(queries: Tensor, keys: Tensor, vector: Tensor, values: Tensor, mask: Tensor | None, return_weights: bool) -> _Answer:
    # imported here: Triton may be missing, and its interpreter can be switched on only before the import.
    from vislab.ops.attend.fused import attend_fused

    return attend_fused(queries, keys, vector, values, mask, return_weights)


_FORMULATIONS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor, Tensor | None, bool], _Answer]] = {
    "plain": _plain,
    "fused": _fused,
    "naive": attend_naive,
}
