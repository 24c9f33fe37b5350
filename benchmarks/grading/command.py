"""``python -m benchmarks grading``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import torch

from benchmarks.grading.parts import GATES, PARTS, measure_parts
from benchmarks.grading.table import grading_table
from benchmarks.machine import device_name, versions
from benchmarks.publish import add_output_options, kept_at, publish, refuse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what can be asked of this room."""
    add_output_options(parser, "also write it to benchmarks/results/; with --part, into what is kept there")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run, in turns (default 3)")
    parser.add_argument("--assignment", default="a1_pose", help="whose notebooks are graded (default a1_pose)")
    parser.add_argument("--notebook", default="1_heatmaps", help="what everybody hands in (default 1_heatmaps)")
    parser.add_argument("--submissions", type=int, default=40, help="size of the class (default 40)")
    parser.add_argument("--growth", type=int, nargs="+", default=[50, 200, 1000], help="sizes of growing classes (default 50 200 1000)")
    parser.add_argument("--exercise", default="pose.norm_to_pixel", help="what growing classes hand in (default pose.norm_to_pixel)")
    parser.add_argument("--part", choices=PARTS, action="append", help="measure this part alone; may be repeated")


def run(options: argparse.Namespace) -> int:
    """Measure as the command line's ``options`` say, and print."""
    root = Path(__file__).resolve().parents[2]
    machine = {"device": device_name(torch.device("cpu")), "processors": os.cpu_count(), "versions": versions(), "rounds": options.rounds}
    frame = {**machine, "assignment": options.assignment, "notebook": options.notebook}
    try:
        kept = _kept_parts(frame, kept_at(frame, "grading")) if options.save and options.part else {}
        measured = measure_parts(root, options, lambda line: print(line, file=sys.stderr))
    except _KeptOtherwise as error:
        print(error, file=sys.stderr)
        return 2
    except GATES as error:
        return refuse(error)
    result = {**frame, **kept, **measured}
    publish(result, "grading", options, grading_table(result))
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
