"""Where results are kept, and how a room's command prints them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.machine import slug

RESULTS = Path(__file__).parent / "results"


def kept_at(result: dict[str, Any], room: str) -> Path:
    """Return the file that a result of this device is kept in."""
    return RESULTS / f"{room}_{slug(result['device'])}.json"


def add_output_options(parser: argparse.ArgumentParser, saves: str = "also write the JSON object to benchmarks/results/") -> None:
    """Add ``--json`` and ``--save``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--save", action="store_true", help=saves)


def publish(result: dict[str, Any], room: str, options: argparse.Namespace, table: str) -> None:
    """Print a result as ``options`` ask, and keep it if they ask that."""
    text = json.dumps(result, indent=2)
    if options.save:
        target = kept_at(result, room)
        target.write_text(text + "\n")
        print(f"wrote {target.relative_to(RESULTS.parents[1])}", file=sys.stderr)
    print(text if options.json else table)


def refuse(error: Exception) -> int:
    """Say which comparisons are red; returns the exit code."""
    found = error.args[0] if isinstance(error.args[0], list) else error.args
    print("a comparison is red, so no figure is printed:", *found, sep="\n  ", file=sys.stderr)
    return 1
