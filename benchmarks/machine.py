"""What a result file says of the machine it was taken on."""

from __future__ import annotations

import argparse
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

_PACKAGES = ("torch", "triton", "numpy", "kornia", "torchvision")


def device_name(device: torch.device) -> str:
    """Name the processor or the GPU, as its maker does."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def slug(name: str) -> str:
    """Turn a device's name into a part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", name.lower())).strip("-")


def versions() -> dict[str, str | None]:
    """Return the versions that decide a result; None for a package that is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def add_device_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--device``: the GPU where there is one."""
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")


def frame(device: torch.device, rounds: int) -> dict[str, Any]:
    """Return what a result on a device begins with: where, with what, and how often."""
    return {"device": device_name(device), "threads": torch.get_num_threads(), "versions": versions(), "rounds": rounds}
