"""``python -m benchmarks scale``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.grading.scale import measured_pace, scale_table, scale_text


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what can be asked of this room."""
    parser.add_argument("result", type=Path, help="file that grading --save wrote")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--submissions", type=int, nargs="+", default=[10_000, 1_000_000], help="default 10000 1000000")
    parser.add_argument("--machines", type=int, nargs="+", default=[1, 10, 100, 1000], help="default 1 10 100 1000")
    parser.add_argument("--processors", type=int, default=2, help="of each machine (default 2)")
    parser.add_argument("--stuck-share", type=float, default=0.0, help="share of submissions that run into a limit (default 0)")
    parser.add_argument("--stuck-s", type=float, default=300.0, help="seconds that one of those takes (default 300)")


def run(options: argparse.Namespace) -> int:
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
