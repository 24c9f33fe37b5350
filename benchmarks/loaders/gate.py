"""The correctness gate: no figure is printed while a comparison is red."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from benchmarks.loaders.contenders import WORK, Contender
from benchmarks.loaders.plain import MEAN, STD, RowDraw, prepare_batch, prepare_row, theta_of
from vislab.data.assembly import assemble, make_recipe
from vislab.data.augment import Augmentation
from vislab.data.info import FieldInfo

# normalised intensities reach 3; float32 steps in another order differ by some 1e-6. A resampled pixel adds its coordinate's rounding.
_TOLERANCE, _TOLERANCE_RESAMPLED = 1e-5, 1e-3


def red_loaders(loaders: Mapping[str, Contender], images: Tensor, work: str) -> list[str]:
    """Whether each loader brings as many rows as it says, none twice, and, without augmentation, its very image.

    Args:
        loaders: name to contender.
        images: the whole set, as stored; a row's group number is its row number.
        work: key of ``WORK``.

    Returns:
        One line for each comparison that failed.
    """
    red = []
    for name, loader in loaders.items():
        batches = list(loader.batches())
        came = torch.cat([group for _, group in batches]).cpu()
        distinct = set(came.tolist())
        if len(came) != loader.count or len(distinct) != loader.count or not distinct <= set(range(len(images))):
            red.append(f"{work}: {name}: {len(came)} rows came, {len(distinct)} of them distinct; expected {loader.count} of {len(images)}")
            continue
        values = torch.cat([image for image, _ in batches]).cpu()
        if WORK[work] is None:
            expected = (images[came].double() / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
            error = (values.double() - expected).abs().max().item()
            # written so that NaN is red.
            if not error <= _TOLERANCE:
                red.append(f"{work}: {name}: images are off by {error:.3g}, allowed {_TOLERANCE:g}")
        elif not bool(torch.isfinite(values).all()):
            red.append(f"{work}: {name}: images hold numbers that are not finite")
    return red


def red_augmentations(images: Tensor, work: str, device: torch.device) -> list[str]:
    """Whether our pass, the plain batch and the plain rows give the same images for the same draws."""
    augmentation = WORK[work]
    if augmentation is None:
        return []
    shape = images.shape
    info = {"img": FieldInfo("img", "uint8", tuple(shape[1:]), "intensity 0-255", "RGB")}
    recipe = make_recipe(info, (MEAN, STD), torch.float32, augmentation)
    images = images.to(device)
    ours = assemble({"img": images}, recipe, torch.Generator(device).manual_seed(0))["img"]
    draws = augmentation.draw(len(images), (shape[2], shape[3]), torch.Generator(device).manual_seed(0), device)
    plain = prepare_batch(images, draws, augmentation)
    rows = torch.stack(
        [prepare_row(image.cpu(), row_draw(augmentation, draws, row, shape), augmentation) for row, image in enumerate(images)]
    )
    allowed = _TOLERANCE if augmentation.affine is None else _TOLERANCE_RESAMPLED
    red = []
    for name, other in (("plain batch", plain.cpu()), ("plain rows", rows)):
        error = (ours.cpu().double() - other.double()).abs().max().item()
        if not error <= allowed:
            red.append(f"{work}: ours and the {name} are apart by {error:.3g}, allowed {allowed:g}")
    return red


def row_draw(augmentation: Augmentation, draws, row: int, shape: torch.Size) -> RowDraw:
    """One row of a batch's draws, as the plain row's preparation takes it."""
    theta = None
    if draws.forward is not None:
        first, second = theta_of(draws.forward[row : row + 1], shape[2], shape[3])[0].tolist()
        theta = (tuple(first), tuple(second))
    x0, y0, x1, y1 = (int(side) for side in draws.hole[row].tolist()) if draws.hole is not None else (0, 0, 0, 0)
    colour = None if draws.colour is None else tuple(draws.colour[row].tolist())
    mirrored = draws.mirrored is not None and bool(draws.mirrored[row])
    return RowDraw(mirrored, theta, colour, (x0, y0, x1, y1) if x1 > x0 else None)
