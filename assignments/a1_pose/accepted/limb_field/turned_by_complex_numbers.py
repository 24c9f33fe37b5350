"""Turns the picture until the limb lies along the real axis; directions are complex numbers."""

import torch
from torch import Tensor


def limb_field(joints: Tensor, visible: Tensor, limbs: Tensor, height: int, width: int, half_width: float) -> Tensor:
    places = torch.complex(joints[..., 0].contiguous(), joints[..., 1].contiguous())
    pixel = torch.arange(width).to(joints.dtype) + 1j * torch.arange(height).to(joints.dtype)[:, None]
    answers = []
    for first, last in limbs.tolist():
        total, count = torch.zeros_like(pixel), torch.zeros(height, width, dtype=joints.dtype)
        for person, seen in zip(places, visible):
            length = (person[last] - person[first]).abs() if seen[first] and seen[last] else 0
            if length > 0:
                unit = (person[last] - person[first]) / length
                turned = (pixel - person[first]) * unit.conj()
                on = (turned.real >= 0) & (turned.real <= length) & (turned.imag.abs() <= half_width)
                total, count = total + on * unit, count + on
        mean = total / count.clamp(min=1)
        answers.append(torch.stack((mean.real, mean.imag)))
    return torch.stack(answers)
