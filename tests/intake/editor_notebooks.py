"""The same solved notebook as different editors save it."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any

from intake_notebooks import as_bytes, own, solved

Table = dict[str, Any]
EDITORS: dict[str, Callable[[], bytes]] = {}


def editor(change: Callable[[Table], Table | bytes | None]) -> Callable[[Table], Table | bytes | None]:
    def make() -> bytes:
        table = solved()
        result = change(table)
        result = table if result is None else result
        return result if isinstance(result, bytes) else as_bytes(result)

    EDITORS[change.__name__] = make
    return change


def _as_lists(table: Table) -> None:
    for cell in table["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)


def _random_id(cell: Table, length: int) -> str:
    return hashlib.sha256(json.dumps(cell).encode()).hexdigest()[:length]


@editor
def jupyterlab_4(table: Table) -> None:
    _as_lists(table)
    for cell in table["cells"]:
        cell["metadata"].update({"editable": True, "slideshow": {"slide_type": ""}, "tags": []})
    table["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2, "version_minor": 0}}


@editor
def notebook_6(table: Table) -> None:
    _as_lists(table)
    table["nbformat_minor"] = 4
    table["metadata"].update({"toc": {"base_numbering": 1}, "varInspector": {"window_display": False}})
    for cell in table["cells"]:
        del cell["id"]
    table["cells"].append(own(""))


@editor
def colab(table: Table) -> None:
    _as_lists(table)
    table["nbformat_minor"] = 0
    table["metadata"] = {
        "colab": {"provenance": [], "toc_visible": True, "gpuType": "T4"},
        "accelerator": "GPU",
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
    }
    for cell in table["cells"]:
        cell["metadata"]["id"] = cell.pop("id")
        cell["metadata"]["outputId"] = "7b0c1a2d-1111-2222-3333-444455556666"
        cell["metadata"]["colab"] = {"base_uri": "https://localhost:8080/"}
    table["cells"].append({**own(""), "metadata": {"id": "q1W2e3R4t5Y6"}})


@editor
def colab_with_new_ids_and_no_grading_metadata(table: Table) -> None:
    colab(table)
    for cell in table["cells"]:
        cell["metadata"] = {"id": _random_id(cell, 12)}


@editor
def vs_code(table: Table) -> None:
    table["metadata"] = {
        "kernelspec": {"display_name": ".venv", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "version": "3.13.0", "codemirror_mode": {"name": "ipython", "version": 3}},
    }
    for cell in table["cells"]:
        cell["metadata"]["vscode"] = {"languageId": "python"}
        cell["source"] = cell["source"].replace("\n", "\r\n")
    _as_lists(table)


@editor
def vs_code_with_new_ids(table: Table) -> None:
    vs_code(table)
    for cell in table["cells"]:
        cell["id"] = _random_id(cell, 8)


def _minor(minor: int) -> Callable[[Table], None]:
    def change(table: Table) -> None:
        table["nbformat_minor"] = minor
        for cell in table["cells"] if minor < 5 else ():
            del cell["id"]

    change.__name__ = f"nbformat_4_{minor}"
    return change


for each in range(6):
    editor(_minor(each))


@editor
def nbformat_3(table: Table) -> Table:
    cells = []
    for cell in table["cells"]:
        old = {"cell_type": cell["cell_type"], "metadata": copy.deepcopy(cell["metadata"])}
        if cell["cell_type"] == "code":
            outputs = [{"output_type": "pyout", "prompt_number": 1, "text": ["1"]}]
            old.update({"input": cell["source"].splitlines(keepends=True), "language": "python", "collapsed": False, "outputs": outputs})
        elif cell["source"].startswith("#"):
            level, _, text = cell["source"].partition(" ")
            old.update({"cell_type": "heading", "level": len(level), "source": [text]})
        else:
            old["source"] = cell["source"]
        cells.append(old)
    return {"metadata": {"name": "pose"}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells[:7]}, {"cells": cells[7:]}]}
