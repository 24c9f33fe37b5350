"""Public docstrings are complete: every function and class on a face of vislab says what style asks for, and the check is seen to fail."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("ops", "data", "show", "train", "geometry", "models")
SECTIONS = ("Shapes", "Args", "Returns", "Yields", "Raises", "Convention", "Randomness", "Source", "Example")
Definition = ast.FunctionDef | ast.ClassDef


def faces(root: Path) -> list[tuple[str, Path, str]]:
    """Return every name in the ``__all__`` of a package under the rooms: package, the module that defines it, name."""
    found = []
    for room in ROOMS:
        for init in sorted((root / "vislab" / room).rglob("__init__.py")):
            package = ".".join(init.parent.relative_to(root).parts)
            tree = ast.parse(init.read_text(encoding="utf-8"))
            origin = {}
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module:
                    origin |= {alias.asname or alias.name: node.module for alias in node.names}
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and getattr(node.targets[0], "id", "") == "_FACE":
                    origin |= {
                        ast.literal_eval(key): f"{package}.{ast.literal_eval(value)}"
                        for key, value in zip(node.value.keys, node.value.values)
                        if key is not None
                    }
            found += [
                (package, root.joinpath(*module.split(".")).with_suffix(".py"), name)
                for name, module in origin.items()
                if module.startswith("vislab.")
            ]
    return found


def definition(path: Path, name: str) -> Definition | None:
    """Return the function or class of that name; None for a constant or a module."""
    if not path.is_file():
        return None
    found = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, Definition) and node.name == name]
    # overloads come first.
    return found[-1] if found else None


def sections(doc: str) -> dict[str, str]:
    """Return each section's text by its heading, ``Shapes: ...`` on one line included."""
    parts = re.split(rf"^[ \t]*({'|'.join(SECTIONS)}):", doc, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def parameters(node: Definition) -> list[str]:
    """Return what a caller passes: a function's parameters, or those of a class's ``__init__`` or its dataclass fields."""
    if isinstance(node, ast.ClassDef):
        if any(ast.unparse(base).endswith("Error") for base in node.bases):
            # an exception is caught by a caller, and made by nobody else.
            return []
        made = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
        if made:
            return parameters(made[0])
        decorated = any("dataclass" in ast.unparse(item) for item in node.decorator_list)
        fields = [item.target.id for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)]
        return fields if decorated else []
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    extra = [each for each in (node.args.vararg, node.args.kwarg) if each is not None]
    return [each.arg for each in (*given, *extra) if each.arg not in ("self", "cls")]


def raised(node: Definition) -> bool:
    """Whether it raises in its own body; what its helpers raise cannot be seen here."""
    inside = ast.walk(node) if isinstance(node, ast.FunctionDef) else []
    return any(isinstance(item, ast.Raise) and item.exc is not None for item in inside)


def faults(node: Definition, where: str) -> list[str]:
    """Return what a docstring lacks, as sentences."""
    doc = ast.get_docstring(node)
    if not doc:
        return [f"{where} has no docstring"]
    found, held = [], sections(doc)
    first = doc.splitlines()[0]
    if not first.rstrip().endswith(".") or len(first.split()) < 3:
        found.append(f"{where}: the first line {first!r} is no sentence")
    order = [name for name in held if name in SECTIONS]
    if order != sorted(order, key=SECTIONS.index):
        found.append(f"{where}: the sections {order} are not in the order {list(SECTIONS)}")
    lead = doc[: doc.index(f"{order[0]}:")] if order else doc
    for name in parameters(node):
        # one or two parameters may be told of in the sentences above the sections.
        if not re.search(rf"\b{re.escape(name)}\b", held.get("Args", "")) and f"``{name}``" not in lead:
            found.append(f"{where}: Args says nothing of {name}")
    if isinstance(node, ast.FunctionDef):
        answer = ast.unparse(node.returns) if node.returns is not None else "None"
        told = {"Returns", "Yields"} & set(held) or re.match(r"(Return|Yield|Name|Say|List|Tell|Whether)\b", first)
        if answer not in ("None", "NoReturn") and not told:
            found.append(f"{where}: Returns is missing")
        if raised(node) and "Raises" not in held:
            found.append(f"{where}: Raises is missing")
        tensors = any("Tensor" in ast.unparse(each.annotation) for each in node.args.args if each.annotation is not None)
        if tensors and "Tensor" in answer and "Shapes" not in held and not re.search(r"``?\[", doc):
            found.append(f"{where}: neither Shapes nor a shape in brackets")
    return found


def test_every_public_docstring_is_complete() -> None:
    found, seen = [], set()
    for package, path, name in faces(ROOT):
        node = definition(path, name)
        if node is not None:
            seen.add(f"{package}.{name}")
            found += faults(node, f"{path.relative_to(ROOT)}: {name}")
    assert len(seen) > 40, "the faces were not found"
    assert found == []


def test_every_op_shows_an_example_and_names_its_source() -> None:
    for package, path, name in faces(ROOT):
        if package.startswith("vislab.ops.") and package.endswith("." + name):
            node = definition(path, name)
            assert node is not None
            held = sections(ast.get_docstring(node) or "")
            assert {"Shapes", "Args", "Returns", "Raises", "Convention", "Source", "Example"} <= set(held), name


PLANTED = '''
def warp(image: Tensor, shift: float) -> Tensor:
    """Move an image.

    Shapes: H height, W width.

    Args:
        image: floating, ``[H, W]``.
        shift: pixels.

    Returns:
        ``[H, W]``.

    Raises:
        ValueError: a shift that is not finite.
    """
    raise ValueError(shift)
'''


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("        shift: pixels.\n", "", "Args says nothing of shift"),
        ("    Returns:\n        ``[H, W]``.\n\n", "", "Returns is missing"),
        ("    Raises:\n        ValueError: a shift that is not finite.\n", "", "Raises is missing"),
        ("Move an image.", "warp", "the first line 'warp' is no sentence"),
        ("    Shapes: H height, W width.\n\n", "    Raises:\n        x\n\n    Shapes: H.\n\n", "are not in the order"),
        ("    Shapes: H height, W width.\n\n", "", "a shape"),
    ],
    ids=["args", "returns", "raises", "first line", "order", "shapes"],
)
def test_a_planted_docstring_is_caught(old: str, new: str, told: str) -> None:
    (whole,) = ast.parse(PLANTED).body
    assert isinstance(whole, ast.FunctionDef) and faults(whole, "planted") == []
    assert old in PLANTED
    text = PLANTED.replace(old, new)
    if told == "a shape":
        text = text.replace("``[H, W]``", "moved")
    (node,) = ast.parse(text).body
    assert isinstance(node, ast.FunctionDef)
    assert any(told in fault for fault in faults(node, "planted")), faults(node, "planted")


def test_a_missing_docstring_is_caught() -> None:
    (node,) = ast.parse("def warp(image): ...").body
    assert isinstance(node, ast.FunctionDef) and faults(node, "planted") == ["planted has no docstring"]
