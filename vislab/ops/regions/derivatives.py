"""How the operators of an op on regions are tied together: fake outputs, and derivatives through its backward operator."""

import torch


def tie_averages(forward, backward):
    """Give the two operators of an average over regions their fake outputs and their derivatives.

    Args:
        forward: ``(features, boxes, index, height, width, *options) -> pooled``.
        backward: ``(grad, features, boxes, index, *options, with_features, with_boxes) -> (to features, to boxes)``, an empty tensor
            where none is asked for.
    """

    def save(ctx, inputs, output):
        features, boxes, index, _, _, *ctx.options = inputs
        ctx.save_for_backward(features, boxes, index)

    def first_order(ctx, grad):
        wanted = ctx.needs_input_grad[:2]
        grads = backward(grad, *ctx.saved_tensors, *ctx.options, *wanted)
        asked = [each if want else None for each, want in zip(grads, wanted, strict=True)]
        # index, height and width have none, nor have options.
        return *asked, None, None, None, *[None] * len(ctx.options)

    def fake_gradients(grad, features, boxes, index, *options):
        *_, with_features, with_boxes = options
        grad_features = torch.empty_like(features) if with_features else features.new_empty(0)
        return grad_features, torch.empty_like(boxes) if with_boxes else boxes.new_empty(0)

    forward.register_fake(averages)
    forward.register_autograd(first_order, setup_context=save)
    backward.register_fake(fake_gradients)


def averages(features, boxes, index, height, width, *options):
    """Allocate ``[K, C, PH, PW]``."""
    return features.new_empty((boxes.shape[0], features.shape[1], height, width))


def tie_maxima(forward, backward, fake_outputs):
    """Give the two operators of a maximum over regions their fake outputs and their derivatives.

    Args:
        forward: ``(features, boxes, index, *options) -> (pooled, argmax)``, argmax int32, the pixel of its image that each maximum is,
            −1 where there is none.
        backward: ``(grad, argmax, index, images, height, width) -> to features``.
        fake_outputs: what forward allocates.
    """

    def save(ctx, inputs, output):
        features, boxes, index, *options = inputs
        ctx.save_for_backward(output[1], index, boxes)
        ctx.mark_non_differentiable(output[1])
        ctx.images, ctx.size, ctx.options = features.shape[0], features.shape[2:], len(options)

    def first_order(ctx, grad, _):
        argmax, index, boxes = ctx.saved_tensors
        grad_features = backward(grad, argmax, index, ctx.images, *ctx.size) if ctx.needs_input_grad[0] else None
        # rounding is flat.
        grad_boxes = torch.zeros_like(boxes) if ctx.needs_input_grad[1] else None
        return grad_features, grad_boxes, None, *[None] * ctx.options

    def save_for_second_order(ctx, inputs, output):
        ctx.save_for_backward(*inputs[1:3])

    def second_order(ctx, upstream):
        # the gradient is linear: it is turned around by reading where it was added.
        argmax, index = ctx.saved_tensors
        picked = upstream[index.long().clamp(min=0)].flatten(2).gather(2, argmax.flatten(2).clamp(min=0).long()).view(argmax.shape)
        return picked.masked_fill(argmax < 0, 0.0), None, None, None, None, None

    forward.register_fake(fake_outputs)
    forward.register_autograd(first_order, setup_context=save)
    backward.register_fake(lambda grad, argmax, index, images, height, width: grad.new_empty((images, grad.shape[1], height, width)))
    backward.register_autograd(second_order, setup_context=save_for_second_order)
