"""``python -m benchmarks ops|loaders|grading|scale [--json]``: measure, print, and on request keep the result."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

# a room's own libraries are loaded when it is asked for: a machine with a GPU may have vislab alone.
ROOMS = {
    "ops": ("benchmarks.ops.command", "each op against PyTorch's eager composition, torch.compile of it, and other libraries"),
    "loaders": ("benchmarks.loaders.command", "the device and streaming loaders against torch.utils.data.DataLoader"),
    "grading": ("benchmarks.grading.command", "a class: this engine against plain nbgrader, walls, workers, growth, how kernels start"),
    "scale": ("benchmarks.grading.scale_command", "on paper, from a result of grading: how long many submissions take on many machines"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 measured, 1 a comparison is red (no figure is printed), 2 usage."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    rooms = parser.add_subparsers(dest="room", required=True)
    for name, (_, text) in ROOMS.items():
        rooms.add_parser(name, help=text, add_help=False)
    room = parser.parse_known_args(arguments)[0].room
    module, text = ROOMS[room]
    command = import_module(module)
    own = argparse.ArgumentParser(prog=f"python -m benchmarks {room}", description=text)
    command.add_options(own)
    # the room is the first word that is no option of the program's own, and it has none but --help.
    return command.run(own.parse_args(arguments[arguments.index(room) + 1 :]))


if __name__ == "__main__":
    raise SystemExit(main())
