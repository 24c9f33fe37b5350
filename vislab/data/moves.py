"""What flip and warp do to each kind of field besides the image."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vislab.data.augment import Augmentation, Draws
from vislab.data.constants import constant
from vislab.data.info import FieldInfo
from vislab.data.warp import warp_labels

_MASK_BACKGROUND = {"limb": -1}


def move_fields(
    batch: dict[str, Tensor], info: Mapping[str, FieldInfo], draws: Draws, augmentation: Augmentation, size: tuple[int, int]
) -> dict[str, Tensor]:
    """Apply flip, warp and hole to all fields but images; images follow in ``vislab.data.assembly``.

    Args:
        batch: fields of B rows, floating coordinates, whole masks.
        info: what they are.
        draws: the batch's parameters.
        augmentation: what they were drawn for.
        size: (H, W) of the image.

    Returns:
        A new dict; tensors that do not move are the same ones.
    """
    moved = dict(batch)
    for name, values in batch.items():
        role = info[name].role if name in info else "plain"
        if role == "mask":
            moved[name] = _mask(name, values, info[name], draws)
        elif role == "points":
            moved[name] = _swap(_points(values, draws, size), draws.mirrored, info[name].mirror, -2)
        elif role == "joints":
            # what is said of a joint goes where the joint goes, and stays true outside of the image.
            moved[name] = _swap(values, draws.mirrored, info[name].mirror, -1)
        elif role == "outline":
            moved[name] = _outline(values, info[name], draws, size)
        elif role == "space" and draws.mirrored is not None:
            turned = torch.cat([-values[..., :1], values[..., 1:]], -1)
            chosen = torch.where(_lead(draws.mirrored, values), turned, values)
            moved[name] = _swap(chosen, draws.mirrored, info[name].mirror, -2) if name == "pose_3d" else chosen
        elif role == "camera" and draws.mirrored is not None:
            centre = torch.where(draws.mirrored, size[1] - 1 - values[..., 2], values[..., 2])
            moved[name] = torch.cat([values[..., :2], centre[..., None], values[..., 3:]], -1)
        elif role == "box" and draws.mirrored is not None:
            turned = torch.stack([size[1] - values[..., 2], values[..., 1], size[1] - values[..., 0], values[..., 3]], -1)
            moved[name] = torch.where(_lead(draws.mirrored, values), turned, values)
    # after the joints have found their new places.
    for name in batch:
        if name in info and info[name].role == "visibility":
            moved[name] = _visibility(batch[name], moved.get("pose_2d"), info[name], draws, size)
    return moved


def mirror_images(images: Tensor, mirrored: Tensor) -> Tensor:
    """Flip the rows of ``images`` ``[B, ..., W]`` that ``mirrored`` ``[B]`` names."""
    if images.dtype == torch.uint8:
        # torch.where with a mask by row is nine times slower on a CPU than these three passes over bytes.
        every_bit = mirrored.to(torch.uint8).neg_()
        return images ^ ((images ^ images.flip(-1)) & _lead(every_bit, images))
    return torch.where(_lead(mirrored, images), images.flip(-1), images)


def swap_joints(values: Tensor, mirror: tuple[int, ...], axis: int) -> Tensor:
    """Exchange left and right along ``axis``; twice is the identity."""
    return values.index_select(axis, constant(mirror, torch.int64, values.device))


def _swap(values: Tensor, mirrored: Tensor | None, mirror: tuple[int, ...] | None, axis: int) -> Tensor:
    if mirrored is None or mirror is None:
        return values
    return torch.where(_lead(mirrored, values), swap_joints(values, mirror, axis), values)


def _points(values: Tensor, draws: Draws, size: tuple[int, int]) -> Tensor:
    """Move pixel coordinates ``[B, ..., 2]``."""
    if draws.forward is not None:
        forward = draws.forward.to(values.dtype).view(len(values), *[1] * (values.ndim - 2), 2, 3)
        return (forward[..., :2] * values[..., None, :]).sum(-1) + forward[..., 2]
    if draws.mirrored is not None:
        turned = torch.cat([size[1] - 1 - values[..., :1], values[..., 1:]], -1)
        return torch.where(_lead(draws.mirrored, values), turned, values)
    return values


def _outline(values: Tensor, info: FieldInfo, draws: Draws, size: tuple[int, int]) -> Tensor:
    """Move standardised outlines ``[B, 2, V]`` by way of pixels."""
    if draws.forward is None and draws.mirrored is None:
        return values
    assert info.mean is not None and info.scale is not None
    mean = constant(info.mean, values.dtype, values.device)
    # y points up in the outline and down in the image.
    scale = constant((info.scale[0], -info.scale[1]), values.dtype, values.device)
    pixels = _points(values.transpose(1, 2) * scale + mean, draws, size)
    moved = ((pixels - mean) / scale).transpose(1, 2)
    if draws.mirrored is not None:
        # a mirrored outline runs the other way round; from its first vertex on it is read backwards.
        backwards = torch.cat([moved[..., :1], moved[..., 1:].flip(-1)], -1)
        moved = torch.where(_lead(draws.mirrored, moved), backwards, moved)
    # zeros say that there is no outline, and go on saying so.
    return torch.where((values != 0).any(-1, keepdim=True).any(-2, keepdim=True), moved, values)


def _mask(name: str, values: Tensor, info: FieldInfo, draws: Draws) -> Tensor:
    moved = values
    background = _MASK_BACKGROUND.get(name, 0)
    if draws.mirrored is not None and info.mirror is not None:
        # index -1, the background, is its own twin: it reads the last entry.
        table = constant((*info.mirror, -1), values.dtype, values.device)
        moved = torch.where(_lead(draws.mirrored, values), table[values.long()], values)
    if draws.forward is not None:
        frames = moved.reshape(len(moved), -1, *moved.shape[-2:])
        return warp_labels(frames, draws.forward, background).view(values.shape)
    return moved if draws.mirrored is None else mirror_images(moved, draws.mirrored)


def _visibility(values: Tensor, joints: Tensor | None, info: FieldInfo, draws: Draws, size: tuple[int, int]) -> Tensor:
    seen = _swap(values, draws.mirrored, info.mirror, -1)
    if joints is None:
        return seen
    if draws.forward is not None:
        extent = constant((size[1], size[0]), joints.dtype, joints.device)
        seen = seen & ((joints >= -0.5) & (joints < extent - 0.5)).all(-1)
    if draws.hole is not None:
        hole = draws.hole.to(joints.dtype).view(len(joints), *[1] * (joints.ndim - 2), 4)
        # a pixel covers half a pixel about its centre.
        seen = seen & ~((joints >= hole[..., :2] - 0.5) & (joints < hole[..., 2:] - 0.5)).all(-1)
    return seen


def _lead(mask: Tensor, values: Tensor) -> Tensor:
    return mask.view(len(mask), *[1] * (values.ndim - 1))
