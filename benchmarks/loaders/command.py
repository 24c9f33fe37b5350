"""``python -m benchmarks loaders``."""

from __future__ import annotations

import argparse

import torch

from benchmarks.loaders.measure import GateError, measure
from benchmarks.machine import add_device_option, frame
from benchmarks.publish import add_output_options, publish, refuse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what can be asked of this room."""
    add_output_options(parser)
    add_device_option(parser)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved epochs of each contender (default 5)")
    parser.add_argument("--count", type=int, default=9216, help="images in the set (default 9216, as many as the course has icons)")
    parser.add_argument("--batch-size", type=int, default=64, help="rows of a batch (default 64)")


def run(options: argparse.Namespace) -> int:
    """Measure as the command line's ``options`` say, and print."""
    device = torch.device(options.device)
    try:
        measured = measure(device, options.rounds, options.count, options.batch_size)
    except GateError as error:
        return refuse(error)
    result = {
        **frame(device, options.rounds),
        "count": options.count,
        **measured,
    }
    publish(result, "loaders", options, _table(result))
    return 0


def _table(result: dict) -> str:
    lines = [f"{result['device']}, {result['threads']} threads, torch {result['versions']['torch']}, {result['count']} images"]
    for row in result["rows"]:
        lines.append(f"{row['work']}, {row['size']}")
        for name, speed in row["samples_per_s"].items():
            ratio = row.get(f"speedup_vs_dataloader_{name}", row.get(f"speedup_vs_{name}"))
            lines.append(f"  {name:<24}{speed:>10} samples/s" + ("" if ratio is None else f"  ours is {ratio} times faster"))
    lines += [f"{name} {result[name]}" for name in ("speedup_vs_dataloader_hdf5", "speedup_vs_tensordataset")]
    return "\n".join(lines)
