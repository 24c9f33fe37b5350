from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.sandbox import fonts
from autograder.sandbox.fonts import font_cache
from autograder.sandbox.interpreter import Interpreter


def test_the_list_is_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = font_cache(Interpreter.current(), tmp_path)
    ((name, content),) = first.items()
    assert name.startswith("fontlist-") and name.endswith(".json")
    assert any("DejaVu" in entry["name"] for entry in json.loads(content)["ttflist"])
    assert [path.name for path in next(tmp_path.iterdir()).iterdir()] == [name]

    monkeypatch.setattr(fonts, "_build", lambda *_: pytest.fail("it was made twice"))
    assert font_cache(Interpreter.current(), tmp_path) == first


def test_another_environment_gets_a_list_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_build", lambda interpreter, home: (home / "fontlist-1.json").write_text(str(interpreter.executable)))
    first = font_cache(Interpreter(Path("/a/python")), tmp_path)
    second = font_cache(Interpreter(Path("/b/python")), tmp_path)
    assert (first, second) == ({"fontlist-1.json": b"/a/python"}, {"fontlist-1.json": b"/b/python"})


def test_no_place_to_keep_it_costs_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file is in the way")
    monkeypatch.setattr(fonts, "_build", lambda _, home: (home / "fontlist-1.json").write_text("{}"))
    assert font_cache(Interpreter.current(), tmp_path / "cache") == {"fontlist-1.json": b"{}"}


def test_a_matplotlib_that_does_not_answer_costs_time_only(tmp_path: Path) -> None:
    assert font_cache(Interpreter(Path("/bin/false")), tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_the_cache_folder_follows_the_users_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(fonts, "_build", lambda _, home: (home / "fontlist-1.json").write_text("{}"))
    font_cache(Interpreter.current())
    assert len(list((tmp_path / "vislab").iterdir())) == 1
