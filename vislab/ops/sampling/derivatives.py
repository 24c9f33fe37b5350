"""How the operators of a sampling op are tied together: fake outputs, first derivatives by its kernels, second ones by PyTorch."""

import warnings
from functools import partial

import torch

from vislab.ops.sampling.arguments import PADDINGS


def tie(forward, backward, tensors, output_size, sample):
    """Give the two operators of a sampling op their fake outputs and their derivatives.

    Args:
        forward: operator ``(image, *constants, second, *sizes, padding, align_corners) -> output``; its gradients go to the image and to
            the second tensor, a theta or a grid or a spline.
        backward: operator ``(upstream, *tensors, padding, align_corners, with_image, with_second) -> (to image, to second)``, an
            empty tensor where none is asked for.
        tensors: how many tensors the forward operator takes.
        output_size: ``(*forward's inputs) -> (H_out, W_out)``.
        sample: what the forward operator computes, in PyTorch's own ops and the dtype that sums are kept in:
            ``(*tensors, size, padding name, align_corners)``.
    """

    def save(ctx, inputs, output):
        ctx.inputs = len(inputs)
        ctx.options = inputs[-2:]
        ctx.save_for_backward(*inputs[:tensors])

    def first_order(ctx, upstream):
        wanted = ctx.needs_input_grad[0], ctx.needs_input_grad[tensors - 1]
        to_image, to_second = backward(upstream, *ctx.saved_tensors, *ctx.options, *wanted)
        grads = [None] * ctx.inputs
        grads[0] = to_image if wanted[0] else None
        grads[tensors - 1] = to_second if wanted[1] else None
        return tuple(grads)

    def save_for_second_order(ctx, inputs, output):
        upstream, image, *ctx.constants, second = inputs[: tensors + 1]
        ctx.options = inputs[tensors + 1 :]
        ctx.save_for_backward(upstream, image, second)

    def second_order(ctx, *upstream):
        # rare (a gradient penalty), so left to PyTorch.
        wanted = ctx.options[2:]
        pull_back = torch.func.vjp(partial(_gradients, sample, ctx.constants, *ctx.options), *ctx.saved_tensors)[1]
        to_upstream, to_image, to_second = pull_back(tuple(grad for grad, asked in zip(upstream, wanted, strict=True) if asked))
        return to_upstream, to_image, *[None] * len(ctx.constants), to_second, *[None] * len(ctx.options)

    forward.register_fake(lambda image, *rest: image.new_empty((*image.shape[:2], *output_size(image, *rest))))
    forward.register_autograd(first_order, setup_context=save)
    backward.register_fake(lambda upstream, image, *rest: _fake_gradients(image, rest[tensors - 2], *rest[-2:]))
    backward.register_autograd(second_order, setup_context=save_for_second_order)


def image_gradient(image, wide, wanted):
    """Return what a backward kernel adds the image's gradient up in, and its four strides; an empty tensor where none is wanted.

    A half-precision image's gradient is added up in float32, ``wide``, and rounded once.
    """
    if wanted:
        grad = torch.zeros_like(image, dtype=wide)
        return grad, grad.stride()
    return image.new_empty(0, dtype=wide), (0, 0, 0, 0)


def alert_not_deterministic(op, tensor):
    """Keep the promise of ``torch.use_deterministic_algorithms`` where atomic additions would break it; warn under ``warn_only``.

    Raises:
        RuntimeError: on a GPU, under ``torch.use_deterministic_algorithms(True)`` without ``warn_only``.
    """
    # an interpreter adds one after the other.
    if not tensor.is_cuda or not torch.are_deterministic_algorithms_enabled():
        return
    complaint = f"{op} adds the image's gradient up in no fixed order on a GPU; detach the image, or take path='naive'"
    if not torch.is_deterministic_algorithms_warn_only_enabled():
        raise RuntimeError(f"{complaint}: torch.use_deterministic_algorithms(True) forbids it unless warn_only=True")
    warnings.warn(complaint, stacklevel=2)


def _gradients(sample, constants, padding, align_corners, with_image, with_second, upstream, image, second):
    """What the backward operator computes, in PyTorch's own ops, so that it can be differentiated again."""
    name = {number: name for name, number in PADDINGS.items()}[padding]
    made = torch.func.vjp(lambda image, second: sample(image, *constants, second, upstream.shape[2:], name, align_corners), image, second)
    grads = made[1](upstream.to(made[0].dtype))
    return tuple(grad for grad, asked in zip(grads, (with_image, with_second), strict=True) if asked)


def _fake_gradients(image, second, with_image, with_second):
    to_image = torch.empty_like(image) if with_image else image.new_empty(0)
    return to_image, second.new_empty(second.shape if with_second else 0)
