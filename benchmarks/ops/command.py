"""``python -m benchmarks ops``."""

from __future__ import annotations

import argparse

import torch

from benchmarks.machine import add_device_option, frame
from benchmarks.ops.measure import GateError, forced_path, measure
from benchmarks.ops.subject import subjects
from benchmarks.publish import add_output_options, publish, refuse
from benchmarks.timing import copy_bandwidth


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what can be asked of this room."""
    add_output_options(parser)
    parser.add_argument("--op", choices=sorted(subjects()), action="append", help="measure this op alone; may be repeated")
    add_device_option(parser)
    parser.add_argument("--path", choices=["plain", "fused"], help="measure this formulation, whatever a device takes by itself")
    parser.add_argument("--rounds", type=int, default=20, help="interleaved samples of each contender (default 20)")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out; its column is null")


def run(options: argparse.Namespace) -> int:
    """Measure as the command line's ``options`` say, and print."""
    known = subjects()
    chosen = [known[name] for name in options.op or known]
    device = torch.device(options.device)
    bandwidth = copy_bandwidth(device) if device.type == "cuda" else None
    try:
        with forced_path(options.path):
            rows = [row for subject in chosen for row in measure(subject, device, options.rounds, bandwidth, not options.no_compile)]
    except GateError as error:
        return refuse(error)
    result = {
        **frame(device, options.rounds),
        "copy_gb_per_s": None if bandwidth is None else round(bandwidth / 1e9, 1),
        "rows": rows,
    }
    publish(result, "ops", options, _table(result))
    return 0


def _table(result: dict) -> str:
    columns = ("op", "size", "pass", "path", "ours_ms", "speedup_vs_eager", "speedup_vs_compile", "bandwidth_fraction")
    lines = [columns, *(tuple("-" if row[column] is None else str(row[column]) for column in columns) for row in result["rows"])]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    head = f"{result['device']}, {result['threads']} threads, torch {result['versions']['torch']}"
    return "\n".join([head, *("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)])
