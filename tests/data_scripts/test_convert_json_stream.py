"""Large JSON read element by element: the same as ``json.load``, however it is cut, and never whole."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from data_scripts.convert import json_stream
from data_scripts.convert.faults import SourceInvalid

HELD = {
    "info": {"a": [1, {"b": "}]"}], "c": None},
    "version": 12345,
    "empty": [],
    "annotations": [{"id": 1, "x": [1.5, -2e3]}, 'a "quoted" ] text', 7, [], {"ü": "é\u2603"}],
    "last": [True, False, None, -1.25e-3, 123456789],
}


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 64, 1 << 18])
@pytest.mark.parametrize("indent", [None, 1])
def test_however_it_is_cut_the_same_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, indent: int | None) -> None:
    monkeypatch.setattr(json_stream, "_READ_CHARS", piece)
    path = tmp_path / "held.json"
    path.write_text(json.dumps(HELD, indent=indent, ensure_ascii=False), encoding="utf-8")
    read = list(json_stream.elements(path, ["annotations", "last"]))
    assert read == [(name, number, one) for name in ("annotations", "last") for number, one in enumerate(HELD[name])]
    path.write_text(json.dumps(HELD["last"], indent=indent))
    assert list(json_stream.items(path)) == list(enumerate(HELD["last"]))


def test_no_more_than_an_element_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_READ_CHARS", 1000)
    longest = 0
    more = json_stream._Text._more

    def watched(text: json_stream._Text, size: int) -> bool:
        nonlocal longest
        answer = more(text, size)
        longest = max(longest, len(text._text))
        return answer

    monkeypatch.setattr(json_stream._Text, "_more", watched)
    path = tmp_path / "long.json"
    path.write_text(json.dumps({"images": [], "annotations": [{"id": number, "text": "x" * 80} for number in range(5000)]}))
    assert path.stat().st_size > 500_000
    assert sum(1 for _ in json_stream.elements(path, ["annotations"])) == 5000
    assert longest < 5000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "breaks off after character 0: must begin with { and hold a JSON object; the file is truncated; copy it again"),
        ("[1]", "is no JSON at character 0 ('[1]'): must begin with {"),
        ('{"a": [1, 2', "breaks off after character 11: a comma or ] must follow; the file is truncated"),
        ('{"a": [1, "tw', "is no JSON at character 10 ('\"tw'): Unterminated string starting at; the file is truncated"),
        ('{"a": [1, 2}', "is no JSON at character 11 ('}'): a comma or ] must follow"),
        ('{"a": [1 2]}', "is no JSON at character 9 ('2]}'): a comma or ] must follow"),
        ('{"a" [1]}', "is no JSON at character 5 ('[1]}'): a colon must follow the name"),
        ("{3: [1]}", "is no JSON at character 2 (': [1]}'): a name in quotes must stand here"),
        ('{"a": {"b": 1}}', "is no JSON at character 6 ('{\"b\": 1}}'): 'a' must be an array"),
        ('{"b": [1], "c": 2}', "lacks the array 'a'; it has b, c; pass the annotation file as it was published"),
        ("{}", "lacks the array 'a'; it has nothing; pass"),
        ('{"a": [' + "[" * 100_000, "values lie inside each other too deeply"),
    ],
)
def test_faults_are_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "held.json"
    path.write_text(text)
    with pytest.raises(SourceInvalid, match=re.escape(told)):
        list(json_stream.elements(path, ["a"]))


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "held.json"
    path.write_bytes(b'{"a": ["\xff\xfe"]}')
    with pytest.raises(SourceInvalid, match="is no text: invalid start byte after character 0; it must be JSON in UTF-8"):
        list(json_stream.elements(path, ["a"]))


def test_a_value_without_end_does_not_fill_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_READ_CHARS", 100)
    monkeypatch.setattr(json_stream, "ELEMENT_CHARS_MAX", 1 << 20)
    path = tmp_path / "held.json"
    path.write_text('{"a": ["' + "x" * (3 << 20))
    with pytest.raises(SourceInvalid, match="no value of up to 1 million characters ends here; copy it again"):
        list(json_stream.elements(path, ["a"]))
