"""``python -m benchmarks ops|loaders|grading|scale [--json]``: measure, print, and on request keep the result."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import torch

from benchmarks.grading.parts import GATES, PARTS, measure_parts
from benchmarks.grading.scale import measured_pace, scale_table, scale_text
from benchmarks.grading.table import grading_table
from benchmarks.loaders.measure import GateError as LoaderGateError
from benchmarks.loaders.measure import measure as measure_loaders
from benchmarks.machine import device_name, slug, versions
from benchmarks.ops.measure import GateError, measure
from benchmarks.ops.subject import Subject, subjects
from benchmarks.timing import copy_bandwidth

_RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 measured, 1 a comparison is red (no figure is printed), 2 usage."""
    known = subjects()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    rooms = parser.add_subparsers(dest="room", required=True)
    ops = rooms.add_parser("ops", help="each op against PyTorch's eager composition, torch.compile of it, and other libraries")
    ops.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    ops.add_argument("--save", action="store_true", help="also write the JSON object to benchmarks/results/")
    ops.add_argument("--op", choices=sorted(known), action="append", help="measure this op alone; may be repeated")
    ops.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    ops.add_argument("--rounds", type=int, default=20, help="interleaved samples of each contender (default 20)")
    ops.add_argument("--no-compile", action="store_true", help="leave torch.compile out; its column is null")
    loaders = rooms.add_parser("loaders", help="the device and streaming loaders against torch.utils.data.DataLoader")
    loaders.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    loaders.add_argument("--save", action="store_true", help="also write the JSON object to benchmarks/results/")
    loaders.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    loaders.add_argument("--rounds", type=int, default=5, help="interleaved epochs of each contender (default 5)")
    loaders.add_argument("--count", type=int, default=9216, help="images in the set (default 9216, as many as the course has icons)")
    loaders.add_argument("--batch-size", type=int, default=64, help="rows of a batch (default 64)")
    grading = rooms.add_parser("grading", help="a class: this engine against plain nbgrader, walls, workers, growth, how kernels start")
    grading.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    grading.add_argument("--save", action="store_true", help="also write it to benchmarks/results/; with --part, into what is kept there")
    grading.add_argument("--rounds", type=int, default=3, help="how often each is run, in turns (default 3)")
    grading.add_argument("--assignment", default="a1_pose", help="whose notebooks are graded (default a1_pose)")
    grading.add_argument("--notebook", default="1_heatmaps", help="what everybody hands in (default 1_heatmaps)")
    grading.add_argument("--submissions", type=int, default=40, help="size of the class (default 40)")
    grading.add_argument("--growth", type=int, nargs="+", default=[50, 200, 1000], help="sizes of growing classes (default 50 200 1000)")
    grading.add_argument("--exercise", default="pose.norm_to_pixel", help="what growing classes hand in (default pose.norm_to_pixel)")
    grading.add_argument("--part", choices=PARTS, action="append", help="measure this part alone; may be repeated")
    scale = rooms.add_parser("scale", help="on paper, from a result of grading: how long many submissions take on many machines")
    scale.add_argument("result", type=Path, help="file that grading --save wrote")
    scale.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    scale.add_argument("--submissions", type=int, nargs="+", default=[10_000, 1_000_000], help="default 10000 1000000")
    scale.add_argument("--machines", type=int, nargs="+", default=[1, 10, 100, 1000], help="default 1 10 100 1000")
    scale.add_argument("--processors", type=int, default=2, help="of each machine (default 2)")
    scale.add_argument("--stuck-share", type=float, default=0.0, help="share of submissions that run into a limit (default 0)")
    scale.add_argument("--stuck-s", type=float, default=300.0, help="seconds that one of those takes (default 300)")
    options = parser.parse_args(arguments)
    if options.room == "scale":
        return run_scale(options)
    if options.room == "grading":
        return run_grading(options)
    if options.room == "loaders":
        return run_loaders(options)
    return run_ops([known[name] for name in options.op or known], options)


def run_ops(chosen: list[Subject], options: argparse.Namespace) -> int:
    """Measure ``chosen`` as the command line's ``options`` say, and print."""
    device = torch.device(options.device)
    bandwidth = copy_bandwidth(device) if device.type == "cuda" else None
    try:
        rows = [row for subject in chosen for row in measure(subject, device, options.rounds, bandwidth, not options.no_compile)]
    except GateError as error:
        print("a comparison is red, so no figure is printed:", *error.args[0], sep="\n  ", file=sys.stderr)
        return 1
    result = {
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "rounds": options.rounds,
        "copy_gb_per_s": None if bandwidth is None else round(bandwidth / 1e9, 1),
        "rows": rows,
    }
    _publish(result, "ops", options, _table(result))
    return 0


def run_loaders(options: argparse.Namespace) -> int:
    """Measure the loaders as the command line's ``options`` say, and print."""
    device = torch.device(options.device)
    try:
        measured = measure_loaders(device, options.rounds, options.count, options.batch_size)
    except LoaderGateError as error:
        print("a comparison is red, so no figure is printed:", *error.args[0], sep="\n  ", file=sys.stderr)
        return 1
    result = {
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "rounds": options.rounds,
        "count": options.count,
        **measured,
    }
    _publish(result, "loaders", options, _loader_table(result))
    return 0


def run_grading(options: argparse.Namespace) -> int:
    """Measure grading as the command line's ``options`` say, and print."""
    root = Path(__file__).resolve().parents[1]
    machine = {"device": device_name(torch.device("cpu")), "processors": os.cpu_count(), "versions": versions(), "rounds": options.rounds}
    frame = {**machine, "assignment": options.assignment, "notebook": options.notebook}
    try:
        kept = _kept_parts(frame, _target(frame, "grading")) if options.save and options.part else {}
        measured = measure_parts(root, options, lambda line: print(line, file=sys.stderr))
    except _KeptOtherwise as error:
        print(error, file=sys.stderr)
        return 2
    except GATES as error:
        print("a comparison is red, so no figure is printed:", *error.args, sep="\n  ", file=sys.stderr)
        return 1
    result = {**frame, **kept, **measured}
    _publish(result, "grading", options, grading_table(result))
    return 0


class _KeptOtherwise(ValueError):
    """Parts of one result that were not measured alike."""


def _kept_parts(frame: dict, path: Path) -> dict:
    """What a kept result says besides ``frame``: parts that are measured anew take their place in it.

    Raises:
        _KeptOtherwise: it was measured on another machine, or with other versions or settings.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    if differing := [name for name, value in frame.items() if kept.get(name) != value]:
        remedy = "measure all parts, or move that file away"
        raise _KeptOtherwise(f"{path.name} was kept with other {', '.join(differing)}, so a part does not go with it; {remedy}")
    return {name: value for name, value in kept.items() if name not in frame}


def run_scale(options: argparse.Namespace) -> int:
    """Play grading through on paper as the command line's ``options`` say, and print."""
    counts = (*options.submissions, *options.machines, options.processors)
    if min(counts) < 1 or not 0 <= options.stuck_share <= 1 or not options.stuck_s >= 0:
        print("submissions, machines and processors must be at least 1, --stuck-share from 0 to 1, --stuck-s at least 0", file=sys.stderr)
        return 2
    try:
        pace = measured_pace(json.loads(options.result.read_text(encoding="utf-8")), options.stuck_share, options.stuck_s)
    except (OSError, ValueError, LookupError) as error:
        print(f"{options.result}: {error}", file=sys.stderr)
        return 2
    table = scale_table(pace, options.processors, options.submissions, options.machines)
    print(json.dumps(table, indent=2) if options.json else scale_text(table))
    return 0


def _target(result: dict, room: str) -> Path:
    return _RESULTS / f"{room}_{slug(result['device'])}.json"


def _publish(result: dict, room: str, options: argparse.Namespace, table: str) -> None:
    text = json.dumps(result, indent=2)
    if options.save:
        target = _target(result, room)
        target.write_text(text + "\n")
        print(f"wrote {target.relative_to(_RESULTS.parents[1])}", file=sys.stderr)
    print(text if options.json else table)


def _loader_table(result: dict) -> str:
    lines = [f"{result['device']}, {result['threads']} threads, torch {result['versions']['torch']}, {result['count']} images"]
    for row in result["rows"]:
        lines.append(f"{row['work']}, {row['size']}")
        for name, speed in row["samples_per_s"].items():
            ratio = row.get(f"speedup_vs_dataloader_{name}", row.get(f"speedup_vs_{name}"))
            lines.append(f"  {name:<24}{speed:>10} samples/s" + ("" if ratio is None else f"  ours is {ratio} times faster"))
    lines += [f"{name} {result[name]}" for name in ("speedup_vs_dataloader_hdf5", "speedup_vs_tensordataset")]
    return "\n".join(lines)


def _table(result: dict) -> str:
    columns = ("op", "size", "pass", "path", "ours_ms", "speedup_vs_eager", "speedup_vs_compile", "bandwidth_fraction")
    lines = [columns, *(tuple("-" if row[column] is None else str(row[column]) for column in columns) for row in result["rows"])]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    head = f"{result['device']}, {result['threads']} threads, torch {result['versions']['torch']}"
    return "\n".join([head, *("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)])


if __name__ == "__main__":
    raise SystemExit(main())
