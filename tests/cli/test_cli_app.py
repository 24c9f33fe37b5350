"""A command waits for its own libraries alone, and errors are known by name without loading what raises them."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from autograder.cli import app as room
from autograder.cli.app import COMMANDS, FAULTY, USAGE, app_for
from autograder.cli.terminal import EXIT_FAULTY, EXIT_USAGE


def names(app: typer.Typer) -> list[str]:
    return list(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_all_commands_are_there_in_order() -> None:
    assert names(app_for()) == list(COMMANDS) == names(app_for(["--help"])) == names(app_for(["bild"]))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_there_with_what_shares_its_module(command: str) -> None:
    assert names(app_for([command, "--help"])) == [name for name, module in COMMANDS.items() if module == COMMANDS[command]]


def test_the_other_commands_are_not_loaded(root: Path) -> None:
    script = "import sys; from autograder.cli.app import app_for; app_for(['doctor']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=120, check=True)
    loaded = set(done.stdout.split())
    assert {name for name in loaded if name.startswith("autograder.cli.")} == {
        f"autograder.cli.{name}" for name in ("app", "doctor", "terminal")
    }
    assert not loaded & {"torch._dynamo", "nbgrader", "matplotlib"}


@pytest.mark.parametrize("name", sorted(USAGE | FAULTY))
def test_every_error_that_is_known_by_name_exists(name: str) -> None:
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(import_module(module), kind), Exception)


class Own(OSError):
    """A kind that is known by what it is made of."""


@pytest.mark.parametrize(
    ("error", "code"), [(Own("no room"), EXIT_FAULTY), (import_module("autograder.engine.course").CourseError("no course"), EXIT_USAGE)]
)
def test_an_error_becomes_one_sentence_and_a_code(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(room, "app_for", lambda words: fail)
    with pytest.raises(SystemExit) as stopped:
        room.main()
    assert stopped.value.code == code and capsys.readouterr().err == f"error: {error}\n"


def test_an_error_that_nobody_knows_keeps_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(room, "app_for", lambda words: fail)
    with pytest.raises(ZeroDivisionError):
        room.main()
