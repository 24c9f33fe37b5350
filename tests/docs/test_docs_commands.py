"""What pages tell people to type exists: make's targets, the command line's commands and options, nbgrader's subcommands."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import typer
from nbgrader.apps import NbGraderApp

from autograder.cli.app import app_for

ROOT = Path(__file__).resolve().parents[2]


def typed(page: str) -> list[str]:
    """Return the lines of blocks of commands, and the commands in running text."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    spans = re.findall(
        r"`((?:make|nbgrader|python -m autograder) [^`]+)`", re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    )
    return [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()] + spans


def faults(page: str) -> list[str]:
    """Return what cannot be typed, as sentences."""
    commands = typer.main.get_command(app_for()).commands  # type: ignore[attr-defined]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    found = []
    for line in typed(page):
        for words in re.findall(r"(?:^|&& |; |sudo )make ([a-z -]+)", line):
            found += [f"make has no target {word}" for word in words.split() if word not in targets]
        for name, rest in re.findall(r"python -m autograder ([a-z][\w-]*)([^&|;]*)", line):
            known = commands.get(name)
            options = {option for each in known.params for option in (*each.opts, *each.secondary_opts)} | {"--help"} if known else set()
            if known is None:
                found.append(f"python -m autograder has no command {name}")
            found += [
                f"{name} has no option {option}" for option in re.findall(r"(?<!\S)--[\w-]+", rest) if known and option not in options
            ]
        for name in re.findall(r"(?:^|&& |/)nbgrader ([a-z_]+)", line):
            if name not in NbGraderApp.subcommands:
                found.append(f"nbgrader has no command {name}")
    return found


def test_every_command_of_every_page_exists() -> None:
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files", "*.md"], capture_output=True, text=True, check=True, timeout=600)
    names = [path for path in done.stdout.splitlines() if not path.startswith(("changelog.d/", "tests/", "CHANGELOG"))]
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in names}
    assert sum(len(typed(text)) for text in texts.values()) > 60, "the commands were not found"
    assert {name: told for name, text in texts.items() if (told := faults(text))} == {}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("make tset", "make has no target tset"),
        ("make constraints tset", "make has no target tset"),
        ("python -m autograder grad a1_pose", "python -m autograder has no command grad"),
        ("python -m autograder grade a1_pose --workers 2 --fast  # --slow", "grade has no option --fast"),
        ("nbgrader zipcollect a1_pose", "nbgrader has no command zipcollect"),
    ],
    ids=["target", "second target", "command", "option", "nbgrader"],
)
def test_a_command_that_does_not_exist_is_told(line: str, told: str) -> None:
    assert faults(f"Type\n\n```sh\n{line}\n```\n") == [told]
    assert faults(f"Type `{line.split('  #')[0]}`.\n") == [told]
