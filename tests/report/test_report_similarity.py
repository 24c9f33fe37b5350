"""Copies are found though every name was changed; honest answers, stubs and the release's own code are not."""

from __future__ import annotations

from dataclasses import replace

from report_class import LOOP, RENAMED, ROLLED, STUB

from autograder.report.material import ClassMaterial, Submission
from autograder.report.similarity import similar_pairs


def test_a_copy_with_other_names_is_found_and_another_way_is_not(material: ClassMaterial) -> None:
    assert RENAMED != LOOP and "total" not in RENAMED
    (pair,) = similar_pairs(material)
    assert (pair.first, pair.second, pair.exercises) == ("s0", "s2", ("shape.area",)) and pair.share > 0.95


def test_what_was_released_is_nobodys_copy(material: ClassMaterial) -> None:
    asked = [replace(material.exercises[0], stub=LOOP), material.exercises[1]]
    added = "\n\ndef mine(a, b):\n    return [value ** 3 - 2 * value for value in range(a, b) if value % 7]\n"
    kept = [Submission(name, {}, {"shape.area": LOOP + (added if name == "x" else ROLLED)}) for name in "xy"]
    assert similar_pairs(replace(material, exercises=asked, submissions=kept)) == []


def test_untouched_stubs_are_not_compared(material: ClassMaterial) -> None:
    same = [Submission(name, {}, {"shape.area": STUB}) for name in "xyz"]
    assert similar_pairs(replace(material, submissions=same)) == []


def test_the_order_of_students_does_not_matter(material: ClassMaterial) -> None:
    backwards = similar_pairs(replace(material, submissions=list(reversed(material.submissions))))
    assert [{pair.first, pair.second} for pair in backwards] == [{"s0", "s2"}]


def test_code_that_no_tokenizer_understands_is_compared_all_the_same(material: ClassMaterial) -> None:
    odd = "\n".join(f"if {letter} ((( {number} ** [ ä == 'unended" for number, letter in enumerate("abcdefghijk"))
    pairs = similar_pairs(replace(material, submissions=[Submission(name, {}, {"shape.area": odd}) for name in "xy"]))
    assert [(pair.first, pair.second) for pair in pairs] == [("x", "y")]
