"""The page shows what is known, escapes what comes from outside, loads nothing, and can do without names."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

from autograder.report.material import ClassMaterial
from autograder.report.page import render
from autograder.report.similarity import similar_pairs
from autograder.report.statistics import figures_of


def page_of(material: ClassMaterial) -> str:
    return render(material, figures_of(material), similar_pairs(material))


class Read(HTMLParser):
    """What a browser would do with a page: tags that it opens, addresses that it loads, text that it shows."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def test_everything_known_is_on_the_page(material: ClassMaterial) -> None:
    text = re.sub(r"\s+", " ", Read(page_of(material)).text)
    for told in (
        "11 submissions",
        "twice the area (4)",
        "the mutant y_up fails (4)",
        "drawn (4)",
        "the folder holds a pipe",
        "disk",
        "s1 (1)",
    ):
        assert told in text, told


def test_names_and_messages_are_text(material: ClassMaterial) -> None:
    page = page_of(material)
    read = Read(page)
    assert "script" not in read.tags and "<script>alert(1)</script>" not in page and "<script>alert(1)</script>" in read.text
    assert "<b>disk</b> full" not in page and "<b>disk</b> full" in read.text


def test_nothing_is_loaded_from_anywhere(material: ClassMaterial) -> None:
    read = Read(page_of(material))
    assert len(read.addresses) == 4 and all(address.startswith("data:image/svg+xml;base64,") for address in read.addresses)
    for address in read.addresses:
        picture = ET.fromstring(base64.b64decode(address.partition(",")[2]))
        assert not [node.tag for node in picture.iter() if node.tag.endswith(("script", "foreignObject"))]
        links = [value for node in picture.iter() for name, value in node.attrib.items() if name.endswith("href")]
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in links), links


def test_the_same_class_gives_the_same_page(material: ClassMaterial) -> None:
    assert page_of(material) == page_of(material)


def test_without_names_no_name_is_left(material: ClassMaterial) -> None:
    page = page_of(material.without_names())
    assert not [each.student for each in material.submissions if re.search(rf"\b{re.escape(each.student)}\b", Read(page).text)]
    assert "student 01" in page and "student 11" in page


def test_error_texts_do_not_tell_the_name(material: ClassMaterial) -> None:
    texts = {"refused": "submitted/refused/a9 holds a pipe", "broken": None}
    named = [replace(each, refused=texts.get(each.student, each.refused)) for each in material.submissions]
    broken = named[9].ledgers["one"]
    named[9] = replace(named[9], ledgers={"one": {**broken, "error": "intake/broken/a9: no space"}})
    text = Read(page_of(replace(material, submissions=named).without_names())).text
    assert "submitted/refused" not in text and "intake/broken" not in text and "holds a pipe" in text and "no space" in text


def test_numbers_do_not_follow_the_alphabet(material: ClassMaterial) -> None:
    many = replace(
        material,
        submissions=[replace(material.submissions[0], student=f"a{number:02d}", refused=f"nr {number:02d}") for number in range(40)],
    )
    order = [each.refused for each in many.without_names().submissions]
    assert sorted(order) == [each.refused for each in many.submissions] != order


def test_an_empty_class_has_a_page(material: ClassMaterial) -> None:
    assert "0 submissions" in re.sub(r"\s+", " ", Read(page_of(replace(material, submissions=[]))).text)
