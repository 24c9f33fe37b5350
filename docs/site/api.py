"""The API's pages: one for each package of vislab, with every name on its face, and one for what authors of exercises use."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
# modules that are imported by their own name, without a face.
PLAIN = (
    "vislab.geometry.correspondence",
    "vislab.geometry.outlines",
    "vislab.geometry.pixel_coordinates",
    "vislab.ops.path",
    "vislab.models.catalogue",
    "vislab.check.budget",
)
AUTHORS = ("exercise", "case", "draw", "probe", "step", "behaviour", "suite", "model")


def face(init: Path) -> dict[str, str]:
    """Return what a package hands out: name to the module that defines it, in the order of ``__all__``."""
    package = ".".join(init.parent.relative_to(ROOT).parts)
    origin: dict[str, str] = {}
    for node in ast.walk(ast.parse(init.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            origin |= {alias.asname or alias.name: node.module for alias in node.names}
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            origin |= {name: f"{package}.{module}" for name, module in ast.literal_eval(node.value).items()}
    return {name: module for name, module in origin.items() if module.startswith("vislab.")}


def public(module: Path) -> list[str]:
    """Return the functions and classes of a module that have no underscore."""
    body = ast.parse(module.read_text(encoding="utf-8")).body
    return [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")]


def pages() -> dict[str, str]:
    """Return the pages: name in the site to markdown."""
    found: dict[str, str] = {}
    for init in sorted((ROOT / "vislab").rglob("__init__.py")):
        package = ".".join(init.parent.relative_to(ROOT).parts)
        if names := face(init):
            found[f"api/{package}.md"] = _page(package, init, [f"{module}.{name}" for name, module in names.items()])
    for dotted in PLAIN:
        module = ROOT.joinpath(*dotted.split(".")).with_suffix(".py")
        found[f"api/{dotted}.md"] = _page(dotted, module, [f"{dotted}.{name}" for name in public(module)])
    room = ROOT / "autograder" / "exercise"
    names = [f"autograder.exercise.{name}.{item}" for name in AUTHORS for item in public(room / f"{name}.py")]
    found["api/autograder.exercise.md"] = _page("autograder.exercise", room / "__init__.py", names)
    rows = [f"| [`{name[4:-3]}`]({name[4:]}) | {_doc(text)} |" for name, text in sorted(found.items())]
    found["api/index.md"] = (
        "# API\n\nWhat students, instructors and authors import, from the docstrings.\n\n| package | |\n|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )
    return found


def _doc(page: str) -> str:
    return page.split("\n\n")[1].replace("\n", " ")


def _page(title: str, module: Path, names: list[str]) -> str:
    doc = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return "\n\n".join([f"# `{title}`", doc, *[f"::: {name}" for name in names]]) + "\n"


def on_files(files: Files, config: Any) -> Files:
    """Add the pages."""
    for name, text in pages().items():
        files.append(File.generated(config, name, content=text))
    return files
