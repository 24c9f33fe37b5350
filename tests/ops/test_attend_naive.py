"""The reference of attend against SciPy and loops, PyTorch's own attention, closed forms and numerical differentiation."""

import math

import pytest
import torch
from attention_cases import SIZES, answers, inputs, some_places
from heatmap_cases import assert_same_answers
from scipy.special import softmax
from torch.nn import functional as F

from vislab.ops.attend.naive import attend_naive


def by_loops(queries, keys, vector, values, mask):
    """Context and weights from one loop an index and SciPy's softmax over the places that take part."""
    (batch, steps, hidden), (places, width) = queries.shape, values.shape[1:]
    context, weights = torch.zeros(batch, steps, width).double(), torch.zeros(batch, steps, places).double()
    for b in range(batch):
        taking_part = [n for n in range(places) if mask[b, n]]
        for t in range(steps):
            scores = [
                math.fsum(vector[a].item() * math.tanh(queries[b, t, a].item() + keys[b, n, a].item()) for a in range(hidden))
                for n in taking_part
            ]
            for n, weight in zip(taking_part, softmax(scores) if scores else []):
                weights[b, t, n] = weight
                context[b, t] += weight * values[b, n]
    return context, weights


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", [(1, 1, 1, 1, 1), (2, 3, 5, 7, 4), (2, 2, 9, 3, 1)], ids=str)
def test_equals_scipy_and_loops(size, masked):
    tensors = inputs(*size, dtype=torch.float64)
    mask = some_places(size[0], size[2]) if masked else torch.ones(size[0], size[2], dtype=torch.bool)
    came = attend_naive(*tensors, mask=mask if masked else None, return_weights=True)
    for have, want in zip(came, by_loops(*tensors, mask), strict=True):
        torch.testing.assert_close(have, want, rtol=1e-12, atol=1e-13)


def test_the_oracle_tells_a_query_from_a_key():
    queries, keys, vector, values = inputs(1, 5, 5, 3, 2, dtype=torch.float64)
    came = attend_naive(keys, queries, vector, values)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(came, by_loops(queries, keys, vector, values, torch.ones(1, 5))[0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_pytorchs_attention_given_the_scores(size):
    """With queries of 0 the built-in attention's scores are its additive mask alone."""
    queries, keys, vector, values = inputs(*size, dtype=torch.float64)
    scores = torch.einsum("btna,a->btn", torch.tanh(queries.unsqueeze(2) + keys.unsqueeze(1)), vector)
    scores = scores.masked_fill(~some_places(size[0], size[2])[:, None], -torch.inf)
    expected = F.scaled_dot_product_attention(torch.zeros_like(queries), torch.zeros_like(keys), values, attn_mask=scores)
    came = attend_naive(queries, keys, vector, values, some_places(size[0], size[2]))
    torch.testing.assert_close(came, expected, rtol=1e-12, atol=1e-13)


def test_two_places_are_a_sigmoid_of_the_difference():
    came = attend_naive(torch.zeros(1, 1, 1), torch.tensor([[[0.5], [-2.0]]]), torch.tensor([3.0]), torch.tensor([[[1.0], [0.0]]]))
    assert came.item() == pytest.approx(1 / (1 + math.exp(3 * (math.tanh(-2) - math.tanh(0.5)))), rel=1e-6)


def test_a_vector_of_zero_weighs_every_place_alike():
    queries, keys, vector, values = inputs(2, 3, 5, 7, 4, dtype=torch.float64)
    context, weights = attend_naive(queries, keys, 0 * vector, values, return_weights=True)
    assert (weights - 0.2).abs().max() < 1e-15
    torch.testing.assert_close(context, values.mean(1, keepdim=True).expand(2, 3, 4))


def test_the_gradient_of_the_values_is_the_weights():
    tensors = inputs(1, 1, 5, 7, 1, dtype=torch.float64)
    tensors[3].requires_grad_()
    context, weights = attend_naive(*tensors, return_weights=True)
    (gradient,) = torch.autograd.grad(context, tensors[3])
    torch.testing.assert_close(gradient[0, :, 0], weights[0, 0])


def test_the_gradient_of_the_vector_is_the_covariance_of_value_and_hidden_unit():
    queries, keys, vector, values = inputs(1, 1, 9, 3, 1, dtype=torch.float64)
    vector.requires_grad_()
    context, weights = attend_naive(queries, keys, vector, values, return_weights=True)
    (gradient,) = torch.autograd.grad(context, vector)
    hidden, weight, value = torch.tanh(queries + keys)[0], weights[0, 0, :, None], values[0]
    covariance = (weight * value * hidden).sum(0) - (weight * value).sum(0) * (weight * hidden).sum(0)
    torch.testing.assert_close(gradient, covariance.detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("masked", [False, True])
def test_first_and_second_derivatives_are_right(masked):
    tensors = [tensor.requires_grad_() for tensor in inputs(2, 2, 3, 2, 2, dtype=torch.float64)]
    mask = torch.tensor([[True, False, True], [False, False, False]]) if masked else None

    def function(*leaves):
        return attend_naive(*leaves, mask=mask, return_weights=True)

    assert torch.autograd.gradcheck(function, tensors)
    assert torch.autograd.gradgradcheck(function, tensors)


def test_a_mask_is_the_same_as_leaving_places_out():
    queries, keys, vector, values = inputs(1, 3, 8, 5, 4, dtype=torch.float64)
    mask = torch.tensor([[True, False, True, True, False, False, True, True]])
    came = answers(attend_naive, [queries, keys, vector, values], mask)
    for name in ("gradient of keys", "gradient of values"):
        assert not came[name][:, ~mask[0]].any()
        came[name] = came[name][:, mask[0]]
    assert not came["weights"][..., ~mask[0]].any()
    expected = answers(attend_naive, [queries, keys[:, mask[0]], vector, values[:, mask[0]]])
    # the cotangent of the weights differs, drawn for eight places and for five; compare what does not hang on it.
    assert_same_answers({"context": came["context"]}, {"context": expected["context"]}, 1e-12)
    torch.testing.assert_close(came["weights"][..., mask[0]], expected["weights"], rtol=1e-12, atol=0)
