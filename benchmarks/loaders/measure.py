"""Samples per second of each loader, as ratios taken in one run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

import torch

from benchmarks.loaders.contenders import HEADLINE, WORK, contenders
from benchmarks.loaders.gate import red_augmentations, red_loaders
from benchmarks.loaders.sample_set import SIDE, write_set
from benchmarks.timing import interleaved_times, median_ratio
from vislab.data.dataset import open_dataset


class GateError(AssertionError):
    """A comparison is red; ``args[0]`` lists them."""


def measure(device: torch.device, rounds: int, count: int, batch_size: int, workers: int = 2, works: tuple[str, ...] = tuple(WORK)) -> dict:
    """Gate, then measure.

    Args:
        device: where batches go.
        rounds: interleaved samples of each contender.
        count: images in the set, 32 by 32.
        batch_size: rows of a batch.
        workers: worker processes of the second ``DataLoader``.
        works: keys of ``WORK``.

    Returns:
        ``rows``, one for each kind of work, and the headline's ``speedup_vs_dataloader_hdf5`` (over the layout's own file, with the faster
        of both numbers of workers) and ``speedup_vs_tensordataset``.

    Raises:
        GateError: a comparison is red.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        layout, contiguous = write_set(Path(folder), count)
        dataset = open_dataset(layout)
        images = dataset["img"].tensor()
        for work in works:
            loaders = contenders(layout, contiguous, work, batch_size, device, workers)
            red = red_loaders(loaders, images, work) + red_augmentations(images[:256], work, device)
            if red:
                raise GateError(red)
            taken = interleaved_times({name: loader.epoch for name, loader in loaders.items()}, rounds, device)
            # seconds a sample, since not all epochs are equally long.
            times = {name: [seconds / loaders[name].count for seconds in taken[name]] for name in taken}
            rows.append(_row(work, times, batch_size))
            # worker processes end with their loader.
            del loaders
    headline = next((row for row in rows if row["work"] == HEADLINE), rows[-1])
    return {
        "speedup_vs_dataloader_hdf5": headline["speedup_vs_dataloader_hdf5"],
        "speedup_vs_tensordataset": headline["speedup_vs_tensordataset"],
        "rows": rows,
    }


def _row(work: str, times: dict[str, list[float]], batch_size: int) -> dict:
    ratios = {name: round(median_ratio(taken, times["ours"]), 2) for name, taken in times.items() if name != "ours"}
    files = {name: ratio for name, ratio in ratios.items() if name.startswith(("hdf5", "contiguous"))}
    return {
        "work": work,
        "size": f"{batch_size}x3x{SIDE}x{SIDE}",
        "samples_per_s": {name: round(1 / median(taken)) for name, taken in times.items()},
        "speedup_vs_dataloader_hdf5": min(ratio for name, ratio in files.items() if name.startswith("hdf5")),
        **{f"speedup_vs_dataloader_{name}": ratio for name, ratio in files.items()},
        "speedup_vs_tensordataset": ratios["tensordataset"],
        "stream_speedup_vs_dataloader_hdf5": round(
            min(median_ratio(times[name], times["stream"]) for name in files if name.startswith("hdf5")), 2
        ),
    }
