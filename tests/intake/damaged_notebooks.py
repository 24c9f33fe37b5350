"""Recipes that damage a good notebook, each named for its fault, with what must come of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from intake_notebooks import (
    ALL_RIGHT,
    ANSWER_L2,
    ANSWER_SOFT,
    CHECKS,
    STUB_SOFT,
    as_bytes,
    cell_of,
    grade_id,
    index_of,
    insert_after,
    own,
    put,
    solved,
    stripped,
)

from autograder.intake.archive import REFUSED_MARK

Table = dict[str, Any]
STUBS = {name: ["stub"] for name in ALL_RIGHT}


@dataclass(frozen=True)
class Damage:
    """One recipe.

    Args:
        name: the fault.
        make: gives the file's bytes.
        status: what intake must say.
        codes: codes of all notes, in any order; None where they are not the point.
        judged: what each check must be given; None for an unreadable file, whose stub is never run.
    """

    name: str
    make: Callable[[], bytes]
    status: str
    codes: frozenset[str] | None
    judged: dict[str, list[str]] | None


DAMAGES: list[Damage] = []


def damage(status: str, codes: set[str] | None, **changed: str) -> Callable[[Callable[[Table], Any]], Callable[[Table], Any]]:
    """Register a recipe that takes a solved notebook and returns bytes, a table, or None where it changed the table in place.

    Args:
        status: expected status.
        codes: expected codes of notes.
        changed: exercise (after the dot) to what its check must be given, where that is not the right answer.
    """

    def register(recipe: Callable[[Table], Any]) -> Callable[[Table], Any]:
        def make() -> bytes:
            table = solved()
            result = recipe(table)
            result = table if result is None else result
            return result if isinstance(result, bytes) else as_bytes(result)

        given = {**ALL_RIGHT, **{f"pose.{name}": [tag] for name, tag in changed.items()}}
        DAMAGES.append(
            Damage(recipe.__name__, make, status, None if codes is None else frozenset(codes), given if status != "unreadable" else None)
        )
        return recipe

    return register


@damage("unreadable", {"unreadable"})
def empty_file(table: Table) -> bytes:
    return b""


@damage("unreadable", {"unreadable"})
def blanks_only(table: Table) -> bytes:
    return b" \n\t\0\0 "


@damage("unreadable", {"unreadable"})
def plain_text(table: Table) -> bytes:
    return b"Dear Sir or Madam, my dog ate the notebook."


@damage("unreadable", {"unreadable"})
def web_page(table: Table) -> bytes:
    return b"<!DOCTYPE html><html><body>Please log in</body></html>"


@damage("unreadable", {"unreadable"})
def zip_renamed_to_ipynb(table: Table) -> bytes:
    return b"PK\x03\x04" + b"\0" * 40


@damage("unreadable", {"unreadable"})
def refused_when_its_archive_was_unpacked(table: Table) -> bytes:
    return REFUSED_MARK + b"it is a symbolic link"


@damage("unreadable", {"unreadable"})
def random_bytes(table: Table) -> bytes:
    return bytes(range(1, 256)) * 40


@damage("unreadable", {"unreadable"})
def json_list(table: Table) -> Any:
    return table["cells"]


@damage("unreadable", {"unreadable"})
def json_number(table: Table) -> bytes:
    return b"42"


@damage("unreadable", {"unreadable"})
def json_null(table: Table) -> bytes:
    return b"null"


@damage("unreadable", {"unreadable"})
def no_cells(table: Table) -> None:
    del table["cells"]


@damage("unreadable", {"unreadable"})
def cells_are_an_object(table: Table) -> None:
    table["cells"] = {str(place): cell for place, cell in enumerate(table["cells"])}


@damage("unreadable", {"unreadable"})
def deep_json(table: Table) -> bytes:
    return as_bytes(table)[:-2] + b',"deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@damage("unreadable", {"unreadable"})
def hundred_thousand_cells(table: Table) -> None:
    table["cells"] += [own("")] * 100_000


@damage("unreadable", {"unreadable"})
def three_million_values(table: Table) -> bytes:
    return as_bytes(table)[:-2] + b',"x":[' + b"0," * 3_000_000 + b"0]}"


@damage("unreadable", {"unreadable"})
def ten_megabytes_of_source(table: Table) -> None:
    table["cells"].append(own("x = 1\n" * 2_000_000))


@damage("repaired", {"json_damaged", "check_missing", "locked_missing", "exercise_missing"}, head="stub")
def file_breaks_off(table: Table) -> bytes:
    raw = as_bytes(table)
    return raw[: raw.index(b"### A head")]


@damage("repaired", {"json_damaged"})
def merge_conflict_between_cells(table: Table) -> bytes:
    raw = as_bytes(table)
    place = raw.index(b'{\n   "cell_type": "markdown",\n   "id": "text-head"')
    return raw[:place] + b"<<<<<<< HEAD\n=======\n>>>>>>> theirs\n" + raw[place:]


@damage("repaired", {"trailing_text"})
def text_after_the_end(table: Table) -> bytes:
    return as_bytes(table) + b'\n{"more": 1}'


@damage("repaired", {"doubled_keys"})
def doubled_keys(table: Table) -> bytes:
    return as_bytes(table).replace(b'"nbformat": 4,', b'"nbformat": 3, "nbformat": 4,')


@damage("ok", set())
def byte_order_mark(table: Table) -> bytes:
    return b"\xef\xbb\xbf" + as_bytes(table)


@damage("repaired", {"encoding"})
def utf_16(table: Table) -> bytes:
    return as_bytes(table).decode().encode("utf-16")


@damage("repaired", {"encoding"})
def utf_16_without_mark(table: Table) -> bytes:
    return as_bytes(table).decode().encode("utf-16-le")


@damage("repaired", {"encoding"})
def latin_1(table: Table) -> bytes:
    insert_after(table, "demo", own("# schön, größer"))
    return as_bytes(table).decode().encode("latin-1")


@damage("repaired", {"encoding"})
def one_bad_byte_in_utf_8(table: Table) -> bytes:
    insert_after(table, "demo", own("# Größe schön übermäßig weiß X"))
    return as_bytes(table).replace("weiß X".encode(), "weiß ".encode() + b"\xff")


@damage("ok", set())
def nan_in_outputs(table: Table) -> bytes:
    cell_of(table, "demo")["outputs"] = [{"output_type": "display_data", "data": {"application/json": float("nan")}, "metadata": {}}]
    return as_bytes(table)


@damage("ok", set())
def number_of_ten_thousand_digits(table: Table) -> bytes:
    return as_bytes(table).replace(b'"execution_count": 1,', b'"execution_count": ' + b"9" * 10_000 + b",")


@damage("ok", set())
def twenty_megabytes_of_output(table: Table) -> None:
    cell_of(table, "demo")["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * (20 << 20)}]


@damage("ok", set())
def lone_surrogates_and_nul(table: Table) -> bytes:
    insert_after(table, "demo", own("s = 'MARK'"))
    return as_bytes(table).replace(b"MARK", b"\\ud800 \\u0000")


@damage("repaired", {"format_missing"})
def no_nbformat(table: Table) -> None:
    del table["nbformat"], table["nbformat_minor"]


@damage("repaired", {"format_missing"})
def nbformat_is_a_word(table: Table) -> None:
    table["nbformat"] = "four"


@damage("repaired", {"format_new"})
def nbformat_from_the_future(table: Table) -> None:
    table["nbformat"] = 7


@damage("ok", set())
def minor_from_the_future(table: Table) -> None:
    table["nbformat_minor"] = 99
    for cell in table["cells"]:
        cell["colour"] = {"of": "tomorrow"}


@damage("ok", set())
def no_metadata(table: Table) -> None:
    del table["metadata"]


@damage("ok", set())
def metadata_of_wrong_types(table: Table) -> None:
    table["metadata"] = ["python"]
    demo, title = cell_of(table, "demo"), cell_of(table, "title")
    demo["metadata"], title["metadata"] = {"nbgrader": 7}, "none"


@damage("repaired", {"cells_damaged"})
def cells_of_wrong_types(table: Table) -> None:
    table["cells"][0:0] = [None, 3, "text", ["list"]]


@damage("repaired", {"cells_damaged"})
def cell_without_source(table: Table) -> None:
    del cell_of(table, "demo")["source"]


@damage("repaired", {"cells_damaged"})
def source_is_a_number(table: Table) -> None:
    cell_of(table, "demo")["source"] = 3.5


@damage("repaired", {"cells_damaged"})
def source_list_holds_null(table: Table) -> None:
    cell_of(table, "solution-pose-soft_argmax")["source"] = [*ANSWER_SOFT.splitlines(keepends=True), None]


@damage("ok", set())
def cell_types_gone(table: Table) -> None:
    for cell in table["cells"]:
        del cell["cell_type"]


@damage("ok", set())
def cell_ids_doubled(table: Table) -> None:
    for cell in table["cells"]:
        cell["id"] = "same"


@damage("ok", set())
def cell_ids_invalid(table: Table) -> None:
    for cell in table["cells"]:
        cell["id"] = "no id! " * 20


@damage("repaired", {"language"})
def foreign_kernel(table: Table) -> None:
    table["metadata"] = {
        "kernelspec": {"name": "ir", "display_name": "R", "language": "R"},
        "language_info": {"name": "R"},
    }


@damage("ok", set())
def kernel_with_a_name_of_its_own(table: Table) -> None:
    table["metadata"]["kernelspec"] = {"name": "my-env", "display_name": "My env", "language": "python", "argv": ["rm"]}


@damage("repaired", {"check_missing"})
def check_deleted(table: Table) -> None:
    del table["cells"][index_of(table, "check-pose-soft_argmax")]


@damage("repaired", {"check_missing", "locked_missing"})
def every_locked_cell_deleted(table: Table) -> None:
    table["cells"] = [cell for cell in table["cells"] if not cell["metadata"].get("nbgrader", {}).get("locked")]


@damage("repaired", {"check_missing"})
def check_deleted_and_a_helper_after_the_answer(table: Table) -> None:
    put(table, "solution-pose-soft_argmax", "def soft_argmax(heatmaps=None):\n    return later()")
    insert_after(table, "solution-pose-soft_argmax", own("def later():\n    return 'soft'"))
    del table["cells"][index_of(table, "check-pose-soft_argmax")]


@damage("repaired", {"check_copies"})
def check_copied(table: Table) -> None:
    insert_after(table, "check-pose-soft_argmax", cell_of(table, "check-pose-soft_argmax"))


@damage("repaired", {"check_copies"}, soft_argmax="second")
def check_copied_behind_a_second_answer(table: Table) -> None:
    again = own("def soft_argmax(heatmaps=None):\n    return 'second'")
    insert_after(table, "check-pose-soft_argmax", again, cell_of(table, "check-pose-soft_argmax"))


@damage("repaired", {"check_copies"})
def check_typed_again_at_the_end(table: Table) -> None:
    table["cells"].append(own(CHECKS["pose.soft_argmax"]))


@damage("repaired", {"check_moved"})
def check_moved_to_the_top(table: Table) -> None:
    table["cells"].insert(0, table["cells"].pop(index_of(table, "check-pose-soft_argmax")))


@damage("ok", set())
def check_moved_to_the_end(table: Table) -> None:
    table["cells"].append(table["cells"].pop(index_of(table, "check-pose-soft_argmax")))


@damage("repaired", {"check_changed"})
def check_edited(table: Table) -> None:
    put(table, "check-pose-soft_argmax", 'check("pose.soft_argmax", lambda h: "cheat")')


@damage("repaired", {"check_changed"})
def check_emptied(table: Table) -> None:
    put(table, "check-pose-soft_argmax", "")


@damage("repaired", {"check_changed"})
def check_rebinds_the_function_first(table: Table) -> None:
    put(table, "check-pose-masked_l2", "import builtins\nfactor = 2\n" + CHECKS["pose.masked_l2"])


@damage("repaired", {"check_changed", "check_copies"})
def check_split_in_two(table: Table) -> None:
    put(table, "check-pose-soft_argmax", "# the check")
    insert_after(table, "check-pose-soft_argmax", own(CHECKS["pose.soft_argmax"]))


@damage("repaired", {"check_retyped"})
def check_turned_into_text(table: Table) -> None:
    cell = cell_of(table, "check-pose-soft_argmax")
    cell["cell_type"] = "markdown"
    del cell["outputs"], cell["execution_count"]


@damage("repaired", {"check_retyped"})
def check_turned_into_raw(table: Table) -> None:
    cell_of(table, "check-pose-head")["cell_type"] = "raw"


@damage("ok", set())
def check_without_metadata(table: Table) -> None:
    cell = cell_of(table, "check-pose-soft_argmax")
    cell["metadata"] = {}
    del cell["id"]


@damage("repaired", {"check_missing", "exercise_elsewhere"})
def answer_typed_into_the_check_cell(table: Table) -> None:
    put(table, "solution-pose-soft_argmax", STUB_SOFT)
    put(table, "check-pose-soft_argmax", ANSWER_SOFT + "\n\n" + CHECKS["pose.soft_argmax"])


@damage("repaired", {"exercise_missing"}, soft_argmax="stub")
def answer_deleted(table: Table) -> None:
    del table["cells"][index_of(table, "solution-pose-soft_argmax")]


@damage("repaired", {"exercise_empty"}, soft_argmax="stub")
def answer_emptied(table: Table) -> None:
    put(table, "solution-pose-soft_argmax", "\n  \n")


@damage("repaired", {"exercise_empty"}, soft_argmax="stub")
def answer_is_a_comment(table: Table) -> None:
    put(table, "solution-pose-soft_argmax", "# I ran out of time.")


@damage("ok", set())
def answer_without_metadata(table: Table) -> None:
    cell = cell_of(table, "solution-pose-soft_argmax")
    cell["metadata"] = {}
    del cell["id"]


@damage("repaired", {"exercise_retyped"})
def answer_turned_into_text(table: Table) -> None:
    cell_of(table, "solution-pose-soft_argmax")["cell_type"] = "markdown"


@damage("repaired", {"exercise_retyped"})
def answer_turned_into_raw_without_metadata(table: Table) -> None:
    cell = cell_of(table, "solution-pose-soft_argmax")
    cell.update({"cell_type": "raw", "metadata": {}})
    del cell["id"]


@damage("ok", set())
def answer_turned_into_text_and_written_anew(table: Table) -> None:
    cell = cell_of(table, "solution-pose-soft_argmax")
    cell.update({"cell_type": "markdown", "source": "def soft_argmax(h):\n    return 'old'"})
    insert_after(table, "solution-pose-soft_argmax", own(ANSWER_SOFT))


@damage("ok", set())
def answer_split_over_three_cells(table: Table) -> None:
    put(table, "solution-pose-soft_argmax", "WORD = 'soft'")
    insert_after(
        table, "solution-pose-soft_argmax", own("def helper():\n    return WORD"), own("def soft_argmax(h=None):\n    return helper()")
    )


@damage("repaired", {"exercise_elsewhere"})
def answer_below_the_untouched_stub(table: Table) -> None:
    put(table, "solution-pose-soft_argmax", STUB_SOFT)
    insert_after(table, "solution-pose-soft_argmax", own(ANSWER_SOFT))


@damage("repaired", {"exercise_elsewhere"})
def answer_above_the_untouched_stub(table: Table) -> None:
    put(table, "solution-pose-soft_argmax", STUB_SOFT)
    insert_after(table, "text-soft", own(ANSWER_SOFT))


@damage("repaired", {"exercise_elsewhere", "check_moved"})
def answer_below_the_check(table: Table) -> None:
    put(table, "solution-pose-soft_argmax", STUB_SOFT)
    insert_after(table, "check-pose-soft_argmax", own(ANSWER_SOFT))


@damage("ok", set(), soft_argmax="second")
def answer_given_twice_before_the_check(table: Table) -> None:
    insert_after(table, "solution-pose-soft_argmax", own("def soft_argmax(h=None):\n    return 'second'"))


@damage("ok", set())
def answer_given_again_after_the_check(table: Table) -> None:
    insert_after(table, "check-pose-soft_argmax", own("def soft_argmax(h=None):\n    return 'later'"))


@damage("ok", set())
def answer_cell_copied_with_its_metadata(table: Table) -> None:
    copied = json.loads(json.dumps(cell_of(table, "solution-pose-soft_argmax")))
    copied["source"] = "def soft_argmax(h=None):\n    return 'first try'"
    table["cells"].insert(index_of(table, "solution-pose-soft_argmax"), copied)


@damage("repaired", {"check_missing"})
def two_answers_merged_into_one_cell(table: Table) -> None:
    put(table, "solution-pose-soft_argmax", ANSWER_SOFT + "\n\n" + ANSWER_L2)
    for gone in ("solution-pose-masked_l2", "check-pose-masked_l2"):
        del table["cells"][index_of(table, gone)]


@damage("repaired", {"check_missing"})
def answer_and_check_merged(table: Table) -> None:
    put(table, "solution-pose-head", cell_of(table, "solution-pose-head")["source"] + "\n\n" + CHECKS["pose.head"])
    del table["cells"][index_of(table, "check-pose-head")]


@damage("repaired", {"name_missing"}, soft_argmax="error: NameError")
def answer_under_another_name(table: Table) -> None:
    put(table, "solution-pose-soft_argmax", "def softargmax(h):\n    return 'soft'")


@damage("ok", set(), soft_argmax="error: NameError")
def answer_with_a_syntax_error(table: Table) -> None:
    put(table, "solution-pose-soft_argmax", "def soft_argmax(h)\n    return 'soft'")


@damage("ok", set(), soft_argmax="error: NameError")
def answer_with_a_syntax_error_without_metadata(table: Table) -> None:
    put(table, "solution-pose-soft_argmax", "def soft_argmax(h)\n    return 'soft'")
    stripped(table)


@damage("ok", set())
def answer_is_a_lambda_without_metadata(table: Table) -> None:
    put(table, "solution-pose-soft_argmax", "soft_argmax = lambda h=None: 'soft'")
    stripped(table)


@damage("ok", set())
def answer_is_decorated_inside_an_if_without_metadata(table: Table) -> None:
    source = "import functools\nif True:\n    @functools.cache\n    def soft_argmax(h=None):\n        return 'soft'"
    put(table, "solution-pose-soft_argmax", source)
    stripped(table)


@damage("repaired", {"settings_changed"})
def ids_of_two_answers_swapped(table: Table) -> None:
    one, two = cell_of(table, "solution-pose-soft_argmax"), cell_of(table, "solution-pose-masked_l2")
    one["metadata"], two["metadata"] = two["metadata"], one["metadata"]
    one["id"], two["id"] = two["id"], one["id"]


@damage("repaired", {"settings_changed"})
def ids_of_answer_and_check_swapped(table: Table) -> None:
    one, two = cell_of(table, "solution-pose-soft_argmax"), cell_of(table, "check-pose-soft_argmax")
    one["metadata"], two["metadata"] = two["metadata"], one["metadata"]
    one["id"], two["id"] = two["id"], one["id"]


@damage("repaired", {"settings_changed"})
def ids_of_two_checks_swapped(table: Table) -> None:
    one, two = cell_of(table, "check-pose-soft_argmax"), cell_of(table, "check-pose-masked_l2")
    one["metadata"], two["metadata"] = two["metadata"], one["metadata"]
    one["id"], two["id"] = two["id"], one["id"]


@damage("repaired", {"settings_changed"})
def points_raised(table: Table) -> None:
    cell_of(table, "check-pose-soft_argmax")["metadata"]["nbgrader"]["points"] = 500


@damage("repaired", {"settings_changed"})
def grading_flags_flipped(table: Table) -> None:
    for cell in table["cells"]:
        if grade_id(cell):
            settings = cell["metadata"]["nbgrader"]
            settings.update({key: not settings[key] for key in ("grade", "solution", "locked")})


@damage("ok", set())
def settings_nested_and_odd(table: Table) -> None:
    cell_of(table, "title")["metadata"]["nbgrader"] = {"grade_id": {"x": []}, "grade": None, "schema_version": "∞"}


@damage("ok", set())
def foreign_grading_cell_without_id(table: Table) -> None:
    insert_after(table, "demo", {**own("x = 1"), "metadata": {"nbgrader": {"grade": True, "points": 100}}})


@damage("repaired", {"question_missing"})
def question_deleted(table: Table) -> None:
    del table["cells"][index_of(table, "question-pose-q_bias")]


@damage("repaired", {"question_retyped"})
def question_turned_into_code(table: Table) -> None:
    cell_of(table, "question-pose-q_bias").update({"cell_type": "code", "outputs": [], "execution_count": None})


@damage("ok", set())
def question_without_metadata(table: Table) -> None:
    cell = cell_of(table, "question-pose-q_bias")
    cell["metadata"] = {}
    del cell["id"]


@damage("repaired", {"locked_changed"})
def read_only_cell_edited(table: Table) -> None:
    put(table, "joints", "# nothing to see")


@damage("repaired", {"locked_changed"})
def plain_test_weakened(table: Table) -> None:
    put(table, "test-joints", "assert True")


@damage("repaired", {"setup_missing"})
def setup_deleted(table: Table) -> None:
    del table["cells"][index_of(table, "setup")]


@damage("repaired", {"setup_missing"})
def names_of_the_stubs_deleted(table: Table) -> None:
    del table["cells"][index_of(table, "names")]


@damage("ok", set())
def names_of_the_stubs_bound_elsewhere(table: Table) -> None:
    table["cells"][index_of(table, "names")] = own("Tensor = object")


@damage("repaired", {"setup_changed"})
def setup_lost_its_import_of_check(table: Table) -> None:
    put(table, "setup", "import math\nEXTRA = 1")


@damage("repaired", {"setup_moved"})
def setup_moved_to_the_end(table: Table) -> None:
    table["cells"].append(table["cells"].pop(index_of(table, "setup")))


@damage("repaired", None, **{name.split(".")[1]: "stub" for name in STUBS})
def notebook_of_another_assignment(table: Table) -> None:
    table["cells"] = [
        {**own("def other(x):\n    return x"), "metadata": {"nbgrader": {"grade_id": "solution-gan-other", "solution": True}}},
        {**own('check("gan.other", other)'), "metadata": {"nbgrader": {"grade_id": "check-gan-other", "grade": True, "points": 9}}},
    ]


@damage("repaired", {"outdated"})
def notebook_of_an_older_release(table: Table) -> None:
    cell = cell_of(table, "read-only")
    cell["metadata"]["nbgrader"].update({"checksum": "0" * 32})


@damage("repaired", {"outdated"})
def cell_of_an_older_release(table: Table) -> None:
    old = {**own("assert True"), "metadata": {"nbgrader": {"grade_id": "check-pose-dropped", "grade": True, "locked": True, "points": 3}}}
    insert_after(table, "check-pose-head", old)


@damage("repaired", None, **{name.split(".")[1]: "stub" for name in STUBS})
def all_cells_deleted(table: Table) -> None:
    table["cells"] = []


@damage("ok", set())
def everything_stripped(table: Table) -> None:
    stripped(table)


@damage("ok", set())
def magics_and_shell_lines(table: Table) -> None:
    insert_after(table, "setup", own("%matplotlib inline\n!pip install vislab"), own("%%writefile torch.py\nraise SystemExit"))


@damage("ok", set())
def tags_and_widgets(table: Table) -> None:
    table["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {"a": {}}}}
    for cell in table["cells"]:
        cell["metadata"]["tags"] = ["raises-exception", "skip-execution"]
        cell["metadata"]["editable"] = True
