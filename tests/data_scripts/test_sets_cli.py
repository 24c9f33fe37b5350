"""The command line: what it prints, and its exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from data_scripts.builder import Builder
from data_scripts.cli import app as room
from data_scripts.production import read_record, record_path, set_path


@pytest.fixture
def toys(toy: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the icons of the hand-made drawings are known to commands that look builders up."""
    for module in ("make", "verify", "pictures", "lesson"):
        monkeypatch.setattr(f"data_scripts.cli.{module}.builders", lambda: {"icons": toy})


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["data_scripts", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        room.main()
    said = capsys.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else 0), said.out, said.err


def test_a_set_is_built_with_a_picture_of_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("digits", "--out", tmp_path, "--count", 12, "--seed", 3, "--json")
    code, out, err = run(monkeypatch, capsys, *words)
    assert code == 0 and err == ""
    told = json.loads(out)["sets"]["digits"]
    assert told["built"] is True and told["size_bytes"] == set_path(tmp_path, "digits").stat().st_size
    assert (tmp_path / "digits.png").stat().st_size > 10_000
    record = read_record(record_path(tmp_path, "digits"))
    assert record is not None and (record.count, record.seed) == (12, 3)
    assert json.loads(run(monkeypatch, capsys, *words)[1])["sets"]["digits"]["built"] is False


@pytest.mark.usefixtures("toys")
def test_all_verify_and_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(monkeypatch, capsys, "all", "--out", tmp_path, "--no-picture")
    assert code == 0 and "icons: built" in out
    assert "icons: unchanged" in run(monkeypatch, capsys, "all", "--out", tmp_path, "--no-picture")[1]
    assert not (tmp_path / "icons.png").exists()

    code, out, err = run(monkeypatch, capsys, "verify", "--out", tmp_path, "--json")
    told = json.loads(out)
    assert code == 0 and err == "" and told["ok"] is True and told["sets"]["icons"]["ok"] is True
    assert told["sets"]["icons"]["checks"]["leakage"]["ok"] is True and "two builds" in told["sets"]["icons"]["checks"]
    code, out, _ = run(monkeypatch, capsys, "verify", "--out", tmp_path, "--again", "none")
    assert code == 0 and "all is well" in out and "leakage" in out and "two builds" not in out and "nothing was built again" in out
    assert told["sets"]["icons"]["deterministic"] is True
    code, out, _ = run(monkeypatch, capsys, "verify", "icons", "--out", tmp_path, "--again", "full")
    assert code == 0 and "build again" in out and "what was built again is the same, byte by byte" in out

    assert run(monkeypatch, capsys, "pictures", "--out", tmp_path, "--to", tmp_path / "sheets")[0] == 0
    assert (tmp_path / "sheets" / "icons.png").stat().st_size > 10_000


@pytest.mark.usefixtures("toys")
def test_a_set_that_is_not_there_is_not_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(monkeypatch, capsys, "verify", "--out", tmp_path, "--json")
    told = json.loads(out)
    assert code == 1 and told["ok"] is False and told["sets"]["icons"]["checks"]["layout"]["ok"] is False
    assert "something is wrong" in run(monkeypatch, capsys, "verify", "--out", tmp_path)[1]


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("verify", "nothing"), 2, "error: 'nothing' must be one of the sets icons"),
        (("lesson", "icons"), 2, "error: icons has no lesson; one of"),
        (("pictures", "icons", "--out", "/nowhere"), 1, "error: /nowhere/icons.h5 is no file; build the sets with `make data`"),
    ],
)
def test_errors_are_one_line(
    words: tuple[str, ...], code: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if words[0] == "pictures":
        words = (*words, "--to", str(tmp_path))
    if words[0] == "lesson":
        (tmp_path / "icons.h5").write_text("")
        words = (*words, "--out", str(tmp_path))
    got, _, err = run(monkeypatch, capsys, *words)
    assert got == code and err.startswith(told), err


def test_a_count_out_of_range_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(monkeypatch, capsys, "digits", "--out", tmp_path, "--count", 0)
    assert code == 2 and "count 0 must be 1 or more; leave it out for the default of 12000" in err
    assert not set_path(tmp_path, "digits").exists()
