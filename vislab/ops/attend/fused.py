"""Additive attention as Triton kernels: an online softmax forward, and a backward pass that computes the hidden layer again."""

from functools import partial

import torch
import triton
import triton.language as tl
from torch import Tensor

from vislab.ops.elementary import tanh
from vislab.ops.launch import launch, refuse_compiled_kernel_on_cpu, warps_for
from vislab.ops.precision import accumulator
from vislab.ops.tiles import load_tile, store_tile, tile_of

# pairs of a query and a key that one program holds at a time, and how much of the hidden layer and of a value it holds for them.
_PAIRS = 32
_QUERIES_MAX = 4
_HIDDEN_MAX = 128
_VALUE_MAX = 512


def attend_fused(
    queries: Tensor, keys: Tensor, vector: Tensor, values: Tensor, mask: Tensor | None, return_weights: bool
) -> Tensor | tuple[Tensor, Tensor]:
    """Compute ``attend`` by the kernels of this file; arguments as there, already checked.

    Raises:
        RuntimeError: inputs on a CPU while Triton's interpreter is off.
    """
    refuse_compiled_kernel_on_cpu("queries", queries, _context_kernel)
    context, weights, _ = _forward(queries, keys, vector, values, mask, return_weights)
    return (context, weights) if return_weights else context


def _save_for_backward(ctx, inputs, output):
    *tensors, _ = inputs
    ctx.save_for_backward(*tensors, output[2])


def _first_order(ctx, grad_context, grad_weights, grad_stats):
    # stats never leaves this file, so grad_stats holds nothing.
    return *_backward(grad_context, grad_weights, *ctx.saved_tensors), None, None


def _save_for_second_order(ctx, inputs, output):
    grad_context, grad_weights, queries, keys, vector, values, mask, _ = inputs
    ctx.save_for_backward(grad_context, grad_weights, queries, keys, vector, values)
    ctx.mask = mask


def _second_order(ctx, *upstream):
    # rare (a gradient penalty), so left to PyTorch; what depends on the inputs through stats is counted in the inputs' own gradient.
    pull_back = torch.func.vjp(partial(_gradient, ctx.mask), *ctx.saved_tensors)[1]
    return *pull_back(upstream), None, None


def _gradient(mask, grad_context, grad_weights, *inputs):
    """What the backward kernels compute, in PyTorch's own ops, so that it can be differentiated again."""
    return torch.func.vjp(partial(_composition, mask, grad_weights.shape[-1] > 0), *inputs)[1]((grad_context, grad_weights))


def _composition(mask, with_weights, *inputs):
    queries, keys, vector, values = (tensor.to(accumulator(tensor.dtype)) for tensor in inputs)
    mask = torch.ones_like(keys[..., 0], dtype=torch.bool) if mask is None else mask
    keys, values = keys.masked_fill(~mask[..., None], 0.0), values.masked_fill(~mask[..., None], 0.0)
    blank = ~mask.any(-1)[:, None, None]
    scores = (torch.tanh(queries[:, :, None] + keys[:, None]) @ vector).masked_fill(~(mask[:, None] | blank), -torch.inf)
    weights = torch.softmax(scores, dim=-1).masked_fill(blank, 0.0)
    return tuple(answer.to(inputs[0].dtype) for answer in (torch.bmm(weights, values), weights if with_weights else weights[..., :0]))


@torch.library.custom_op(
    "vislab::attend",
    mutates_args=(),
    schema="(Tensor queries, Tensor keys, Tensor vector, Tensor values, Tensor? mask, bool with_weights) -> (Tensor, Tensor, Tensor)",
)
def _forward(queries, keys, vector, values, mask, with_weights):
    context, weights, stats = _forward_outputs(queries, keys, vector, values, mask, with_weights)
    (batch, steps, hidden), (places, width) = queries.shape, values.shape[1:]
    blocks = _blocks(steps, hidden, width)
    tiles = triton.cdiv(steps, blocks["BLOCK_T"]) * triton.cdiv(width, blocks["BLOCK_D"])
    scores = torch.empty_like(weights, dtype=stats.dtype)
    launch(
        *(_context_kernel, batch * tiles, queries),
        *(queries, keys, vector, values, context, scores, stats, *_masking(mask, vector)),
        *(steps, places, hidden, width, *queries.stride(), *keys.stride(), *vector.stride(), *values.stride()),
        **_flags(queries, mask) | {"WITH_WEIGHTS": with_weights} | blocks,
    )
    if with_weights:
        # a blank row's scores are -inf and its peak is 0, so its weights are 0.
        weights.copy_(scores.sub_(stats[..., :1]).exp_().mul_(stats[..., 1:]))
    return context, weights, stats


@torch.library.custom_op(
    "vislab::attend_backward",
    mutates_args=(),
    schema="(Tensor grad_context, Tensor grad_weights, Tensor queries, Tensor keys, Tensor vector, Tensor values, Tensor? mask,"
    " Tensor stats) -> (Tensor, Tensor, Tensor, Tensor)",
)
def _backward(grad_context, grad_weights, queries, keys, vector, values, mask, stats):
    grad_queries, grad_keys, _, grad_values = _gradients(queries, keys, vector, values)
    (batch, steps, hidden), (places, width) = queries.shape, values.shape[1:]
    blocks = _blocks(steps, hidden, width)
    flags = _flags(queries, mask)
    rows_t, rows_n = batch * triton.cdiv(steps, blocks["BLOCK_T"]), batch * triton.cdiv(places, blocks["BLOCK_N"])
    tiles_a, tiles_d = triton.cdiv(hidden, blocks["BLOCK_A"]), triton.cdiv(width, blocks["BLOCK_D"])
    weights, slopes = stats.new_empty((2, batch, steps, places))
    # one row a program, summed at the end: always in the same order, where atomic additions come in any.
    grad_vector = stats.new_empty((rows_t, hidden))
    grad_context = grad_context.contiguous()
    inputs, masking = (queries, keys, vector), _masking(mask, vector)
    strides = (*queries.stride(), *keys.stride(), *vector.stride())
    launch(
        *(_slope_kernel, rows_t * triton.cdiv(places, blocks["BLOCK_N"]), queries),
        *(grad_context, grad_weights.contiguous(), *inputs, values, stats, weights, slopes, *masking),
        *(steps, places, hidden, width, *strides, *values.stride()),
        **flags | {"WITH_WEIGHTS": grad_weights.shape[-1] > 0} | blocks,
    )
    # the softmax's own gradient: a score's slope is its weight times how far its upstream lies from the row's mean.
    slopes.sub_((weights * slopes).sum(-1, keepdim=True)).mul_(weights)
    block_a, block_d = {"BLOCK_A": blocks.pop("BLOCK_A")}, {"BLOCK_D": blocks.pop("BLOCK_D")}
    launch(
        *(_query_gradient_kernel, rows_t * tiles_a, queries),
        *(slopes, *inputs, grad_queries, grad_vector, *masking, steps, places, hidden, *strides, *grad_queries.stride()),
        **flags | blocks | block_a,
    )
    launch(
        *(_key_gradient_kernel, rows_n * tiles_a, queries),
        *(slopes, *inputs, grad_keys, *masking, steps, places, hidden, *strides, *grad_keys.stride()),
        **flags | blocks | block_a,
    )
    launch(
        *(_value_gradient_kernel, rows_n * tiles_d, queries),
        *(weights, grad_context, grad_values, steps, places, width, *grad_values.stride()),
        **{"DOUBLE": flags["DOUBLE"]} | blocks | block_d,
    )
    return grad_queries, grad_keys, grad_vector.sum(0).to(vector.dtype), grad_values


def _forward_outputs(queries, keys, vector, values, mask, with_weights):
    """Allocate context ``[B, T, D]``, weights ``[B, T, N or 0]`` and, for the backward pass, each row's peak and 1 / sum ``[B, T, 2]``."""
    batch, steps = queries.shape[:2]
    places, width = values.shape[1:]
    context = queries.new_empty((batch, steps, width))
    weights = queries.new_empty((batch, steps, places if with_weights else 0))
    return context, weights, queries.new_empty((batch, steps, 2), dtype=accumulator(queries.dtype))


def _gradients(queries, keys, vector, values):
    return torch.empty_like(queries), torch.empty_like(keys), vector.new_empty(vector.shape), torch.empty_like(values)


_forward.register_fake(_forward_outputs)
_forward.register_autograd(_first_order, setup_context=_save_for_backward)
_backward.register_fake(lambda grad_context, grad_weights, queries, keys, vector, values, *rest: _gradients(queries, keys, vector, values))
_backward.register_autograd(_second_order, setup_context=_save_for_second_order)


def _blocks(steps, hidden, width):
    """Return a tile's queries, keys, hidden units and value elements: powers of two, and always as many pairs of query and key."""
    block_t = min(triton.next_power_of_2(max(steps, 1)), _QUERIES_MAX)
    block_a = min(triton.next_power_of_2(hidden), _HIDDEN_MAX)
    block_d = min(triton.next_power_of_2(width), _VALUE_MAX)
    warps = warps_for(_PAIRS * max(block_a, block_d))
    return {"BLOCK_T": block_t, "BLOCK_N": _PAIRS // block_t, "BLOCK_A": block_a, "BLOCK_D": block_d, "num_warps": warps}


def _flags(queries, mask):
    return {"DOUBLE": queries.dtype == torch.float64, "WITH_MASK": mask is not None}


def _masking(mask, unused):
    """Return what the kernels read a mask by: its bytes and two strides; without a mask a tensor that nobody reads."""
    return (unused, 0, 0) if mask is None else (mask.view(torch.uint8), *mask.stride())


@triton.jit
def _taking_part(mask_ptr, n, places, stride_n, WITH_MASK: tl.constexpr):
    # a hidden place is never loaded, so that NaN there does no harm.
    present = n < places
    if WITH_MASK:
        present = present & (tl.load(mask_ptr + n.to(tl.int64) * stride_n, mask=present, other=0) != 0)
    return present


@triton.jit
def _score_tile(
    queries_ptr, keys_ptr, vector_ptr, t, n, inside_t, present, hidden, q_t, q_a, k_n, k_a, v_a,
    DOUBLE: tl.constexpr, BLOCK_T: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_A: tl.constexpr,
):  # fmt: skip
    """Score a tile of queries against a tile of keys, ``[BLOCK_T, BLOCK_N]``; the hidden layer is summed lane by lane, then once across."""
    partial = tl.full((BLOCK_T, BLOCK_N, BLOCK_A), 0.0, tl.float64 if DOUBLE else tl.float32)
    for first in range(0, hidden, BLOCK_A):
        a = first + tl.arange(0, BLOCK_A)
        query = load_tile(queries_ptr, t, a, inside_t, a < hidden, q_t, q_a, DOUBLE)
        key = load_tile(keys_ptr, n, a, present, a < hidden, k_n, k_a, DOUBLE)
        vector = tl.load(vector_ptr + a.to(tl.int64) * v_a, mask=a < hidden, other=0.0).to(partial.dtype)
        partial += tanh(query[:, None, :] + key[None, :, :], DOUBLE) * vector[None, None, :]
    return tl.sum(partial, axis=2)


@triton.jit
def _context_kernel(
    queries_ptr, keys_ptr, vector_ptr, values_ptr, context_ptr, scores_ptr, stats_ptr, mask_ptr, m_b, m_n,
    steps, places, hidden, width,
    q_b, q_t, q_a, k_b, k_n, k_a, v_a, u_b, u_n, u_d,
    DOUBLE: tl.constexpr, WITH_MASK: tl.constexpr, WITH_WEIGHTS: tl.constexpr,
    BLOCK_T: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_A: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    """One program a block of queries (and of value elements): all keys and values pass by once, under an online softmax."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    program = tl.program_id(0).to(tl.int64)
    batch, t, d = tile_of(program, steps, width, BLOCK_T, BLOCK_D)
    inside_t = t < steps
    # every block of value elements knows the scores and the sum; the first one writes them.
    writes_t = t < tl.where(program % tl.cdiv(width, BLOCK_D) == 0, steps, 0)

    peak = tl.full((BLOCK_T,), float("-inf"), ACC)
    total = tl.full((BLOCK_T,), 0.0, ACC)
    context = tl.full((BLOCK_T, BLOCK_D), 0.0, ACC)
    for first in range(0, places, BLOCK_N):
        n = first + tl.arange(0, BLOCK_N)
        present = _taking_part(mask_ptr + batch * m_b, n, places, m_n, WITH_MASK)
        score = _score_tile(
            queries_ptr + batch * q_b, keys_ptr + batch * k_b, vector_ptr, t, n, inside_t, present, hidden, q_t, q_a, k_n, k_a, v_a,
            DOUBLE, BLOCK_T, BLOCK_N, BLOCK_A,
        )  # fmt: skip
        score = tl.where(present[None, :], score, float("-inf"))
        if WITH_WEIGHTS:
            store_tile(scores_ptr + batch * steps * places, t, n, writes_t, n < places, places, 1, score)

        new_peak = tl.maximum(peak, tl.max(score, axis=1))
        # while every place was hidden there is no peak to subtract: -inf minus -inf is NaN.
        shift = tl.where(new_peak == float("-inf"), 0.0, new_peak)
        keep = tl.exp(peak - shift)
        weight = tl.exp(score - shift[:, None])  # [BLOCK_T, BLOCK_N]
        peak = new_peak
        total = total * keep + tl.sum(weight, axis=1)
        value = load_tile(values_ptr + batch * u_b, n, d, present, d < width, u_n, u_d, DOUBLE)
        context = context * keep[:, None] + tl.sum(weight[:, :, None] * value[None, :, :], axis=1)

    # == 0, not <= or >: a NaN must stay a NaN.
    blank = total == 0
    safe = tl.where(blank, 1.0, total)
    store_tile(context_ptr + batch * steps * width, t, d, inside_t, d < width, width, 1, context / safe[:, None])
    tl.store(stats_ptr + (batch * steps + t) * 2, tl.where(blank, 0.0, peak), mask=writes_t)
    tl.store(stats_ptr + (batch * steps + t) * 2 + 1, 1.0 / safe, mask=writes_t)


@triton.jit
def _slope_kernel(
    grad_context_ptr, grad_weights_ptr, queries_ptr, keys_ptr, vector_ptr, values_ptr, stats_ptr, weights_ptr, slopes_ptr, mask_ptr,
    m_b, m_n, steps, places, hidden, width,
    q_b, q_t, q_a, k_b, k_n, k_a, v_a, u_b, u_n, u_d,
    DOUBLE: tl.constexpr, WITH_MASK: tl.constexpr, WITH_WEIGHTS: tl.constexpr,
    BLOCK_T: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_A: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    """One program a tile of pairs: its weights once more, and the upstream gradient of each weight."""
    batch, t, n = tile_of(tl.program_id(0).to(tl.int64), steps, places, BLOCK_T, BLOCK_N)
    inside_t = t < steps
    present = _taking_part(mask_ptr + batch * m_b, n, places, m_n, WITH_MASK)
    score = _score_tile(
        queries_ptr + batch * q_b, keys_ptr + batch * k_b, vector_ptr, t, n, inside_t, present, hidden, q_t, q_a, k_n, k_a, v_a,
        DOUBLE, BLOCK_T, BLOCK_N, BLOCK_A,
    )  # fmt: skip
    peak = tl.load(stats_ptr + (batch * steps + t) * 2, mask=inside_t, other=0.0)
    inverse_total = tl.load(stats_ptr + (batch * steps + t) * 2 + 1, mask=inside_t, other=0.0)
    weight = tl.exp(tl.where(present[None, :], score, float("-inf")) - peak[:, None]) * inverse_total[:, None]

    slope = tl.full((BLOCK_T, BLOCK_N), 0.0, weight.dtype)
    for first in range(0, width, BLOCK_D):
        d = first + tl.arange(0, BLOCK_D)
        grad = load_tile(grad_context_ptr + batch * steps * width, t, d, inside_t, d < width, width, 1, DOUBLE)
        value = load_tile(values_ptr + batch * u_b, n, d, present, d < width, u_n, u_d, DOUBLE)
        slope += tl.sum(grad[:, None, :] * value[None, :, :], axis=2)
    pairs = batch * steps * places
    if WITH_WEIGHTS:
        slope += load_tile(grad_weights_ptr + pairs, t, n, inside_t, present, places, 1, DOUBLE)
    store_tile(weights_ptr + pairs, t, n, inside_t, n < places, places, 1, weight)
    store_tile(slopes_ptr + pairs, t, n, inside_t, n < places, places, 1, slope)


@triton.jit
def _query_gradient_kernel(
    slopes_ptr, queries_ptr, keys_ptr, vector_ptr, grad_queries_ptr, grad_vector_ptr, mask_ptr, m_b, m_n,
    steps, places, hidden,
    q_b, q_t, q_a, k_b, k_n, k_a, v_a, g_b, g_t, g_a,
    DOUBLE: tl.constexpr, WITH_MASK: tl.constexpr, BLOCK_T: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_A: tl.constexpr,
):  # fmt: skip
    """One program a block of queries and of hidden units: sum over all keys."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    program = tl.program_id(0).to(tl.int64)
    batch, t, a = tile_of(program, steps, hidden, BLOCK_T, BLOCK_A)
    inside_t = t < steps
    query = load_tile(queries_ptr + batch * q_b, t, a, inside_t, a < hidden, q_t, q_a, DOUBLE)
    vector = tl.load(vector_ptr + a.to(tl.int64) * v_a, mask=a < hidden, other=0.0).to(ACC)

    grad_query = tl.full((BLOCK_T, BLOCK_A), 0.0, ACC)
    grad_vector = tl.full((BLOCK_T, BLOCK_A), 0.0, ACC)
    for first in range(0, places, BLOCK_N):
        n = first + tl.arange(0, BLOCK_N)
        present = _taking_part(mask_ptr + batch * m_b, n, places, m_n, WITH_MASK)
        slope = load_tile(slopes_ptr + batch * steps * places, t, n, inside_t, n < places, places, 1, DOUBLE)[:, :, None]
        key = load_tile(keys_ptr + batch * k_b, n, a, present, a < hidden, k_n, k_a, DOUBLE)
        unit = tanh(query[:, None, :] + key[None, :, :], DOUBLE)
        grad_query += tl.sum(slope * (1.0 - unit * unit), axis=1)
        grad_vector += tl.sum(slope * unit, axis=1)
    store_tile(grad_queries_ptr + batch * g_b, t, a, inside_t, a < hidden, g_t, g_a, grad_query * vector[None, :])
    tl.store(grad_vector_ptr + program // tl.cdiv(hidden, BLOCK_A) * hidden + a, tl.sum(grad_vector, axis=0), mask=a < hidden)


@triton.jit
def _key_gradient_kernel(
    slopes_ptr, queries_ptr, keys_ptr, vector_ptr, grad_keys_ptr, mask_ptr, m_b, m_n,
    steps, places, hidden,
    q_b, q_t, q_a, k_b, k_n, k_a, v_a, g_b, g_n, g_a,
    DOUBLE: tl.constexpr, WITH_MASK: tl.constexpr, BLOCK_T: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_A: tl.constexpr,
):  # fmt: skip
    """One program a block of keys and of hidden units: sum over all queries."""
    ACC: tl.constexpr = tl.float64 if DOUBLE else tl.float32
    batch, n, a = tile_of(tl.program_id(0).to(tl.int64), places, hidden, BLOCK_N, BLOCK_A)
    present = _taking_part(mask_ptr + batch * m_b, n, places, m_n, WITH_MASK)
    key = load_tile(keys_ptr + batch * k_b, n, a, present, a < hidden, k_n, k_a, DOUBLE)
    vector = tl.load(vector_ptr + a.to(tl.int64) * v_a, mask=a < hidden, other=0.0).to(ACC)

    grad_key = tl.full((BLOCK_N, BLOCK_A), 0.0, ACC)
    for first in range(0, steps, BLOCK_T):
        t = first + tl.arange(0, BLOCK_T)
        slope = load_tile(slopes_ptr + batch * steps * places, t, n, t < steps, n < places, places, 1, DOUBLE)[:, :, None]
        query = load_tile(queries_ptr + batch * q_b, t, a, t < steps, a < hidden, q_t, q_a, DOUBLE)
        unit = tanh(query[:, None, :] + key[None, :, :], DOUBLE)
        grad_key += tl.sum(slope * (1.0 - unit * unit), axis=0)
    store_tile(grad_keys_ptr + batch * g_b, n, a, n < places, a < hidden, g_n, g_a, grad_key * vector[None, :])


@triton.jit
def _value_gradient_kernel(
    weights_ptr, grad_context_ptr, grad_values_ptr, steps, places, width, g_b, g_n, g_d,
    DOUBLE: tl.constexpr, BLOCK_T: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    """One program a block of keys and of value elements: sum over all queries."""
    batch, n, d = tile_of(tl.program_id(0).to(tl.int64), places, width, BLOCK_N, BLOCK_D)
    grad_value = tl.full((BLOCK_N, BLOCK_D), 0.0, tl.float64 if DOUBLE else tl.float32)
    for first in range(0, steps, BLOCK_T):
        t = first + tl.arange(0, BLOCK_T)
        weight = load_tile(weights_ptr + batch * steps * places, t, n, t < steps, n < places, places, 1, DOUBLE)
        grad = load_tile(grad_context_ptr + batch * steps * width, t, d, t < steps, d < width, width, 1, DOUBLE)
        grad_value += tl.sum(weight[:, :, None] * grad[:, None, :], axis=0)
    store_tile(grad_values_ptr + batch * g_b, n, d, n < places, d < width, g_n, g_d, grad_value)
