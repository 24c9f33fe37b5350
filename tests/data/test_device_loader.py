"""What only the loader on the device promises."""

from pathlib import Path

import pytest
import torch
from small_sets import write_icons

from vislab.data.augment import AffineJitter, Augmentation, ColourJitter, Cutout
from vislab.data.dataset import open_dataset
from vislab.data.device_loader import DeviceLoader


def test_a_byte_stays_a_byte_on_the_device(tmp_path: Path) -> None:
    icons = open_dataset(write_icons(tmp_path / "icons.h5"))
    loader = DeviceLoader(icons, 8, fields=["img", "group"], device="cpu")
    # 3,072 bytes of image, 4 of group and 8 of row number each.
    assert loader.stored_bytes() == 24 * (3072 + 4 + 8)


def test_the_file_is_not_needed_after_loading(tmp_path: Path) -> None:
    path = write_icons(tmp_path / "icons.h5")
    loader = DeviceLoader(open_dataset(path), 8, device="cpu")
    path.unlink()
    assert sum(len(batch["row"]) for batch in loader) == 24


def test_batches_pass_through_autograd_after_inference_mode(tmp_path: Path) -> None:
    loader = DeviceLoader(open_dataset(write_icons(tmp_path / "icons.h5")), 8, device="cpu", fields=["img"], normalise=([0.3], [0.7]))
    with torch.inference_mode():
        list(loader)
    weight = torch.ones(3, 1, 1, requires_grad=True)
    for batch in loader:
        (batch["img"] * weight).sum().backward()
    assert weight.grad is not None and torch.isfinite(weight.grad).all()


@pytest.mark.needs_cuda(compiled=True)
def test_on_a_gpu_no_batch_waits_for_the_host(tmp_path: Path) -> None:
    icons = open_dataset(write_icons(tmp_path / "icons.h5"))
    augmentation = Augmentation(0.5, AffineJitter(0.3), ColourJitter(0.2, 0.2, 0.2), Cutout())
    loader = DeviceLoader(icons, 8, fields=["img", "polygon"], device="cuda", augmentation=augmentation, normalise=([0.5], [0.5]))
    first = list(loader)
    torch.cuda.set_sync_debug_mode("error")
    try:
        second = list(loader)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert all(batch["img"].is_cuda for batch in first + second)
