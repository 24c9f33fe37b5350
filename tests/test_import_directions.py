"""Imports run one way only: the table of docs/architecture.md, walked over the source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FIRST_ROOMS = ("vislab", "assignments", "autograder", "data_scripts", "benchmarks", "tests")

# room -> rooms of this project that it may import, itself always included.
ALLOWED: dict[str, tuple[str, ...]] = {
    "vislab": (),
    "assignments": ("vislab", "autograder.exercise"),
    "autograder.exercise": ("vislab",),
    "autograder.judge": ("vislab", "autograder.exercise"),
    "autograder.sandbox": ("vislab",),
    "autograder.intake": ("vislab", "autograder.exercise"),
    "autograder.authoring": ("vislab", "autograder.exercise"),
    "autograder.engine": ("vislab", "autograder.exercise", "autograder.judge", "autograder.sandbox", "autograder.intake"),
    "autograder.gradebook": ("vislab", "autograder.exercise", "autograder.judge", "autograder.intake", "autograder.engine"),
    "autograder.audit": ("vislab", "autograder.exercise", "autograder.judge", "autograder.authoring", "autograder.engine"),
    "autograder.report": (
        "vislab",
        "autograder.exercise",
        "autograder.authoring",
        "autograder.engine",
        "autograder.gradebook",
        "autograder.intake",
        "autograder.audit",
    ),
    "autograder.demo": (
        "vislab",
        "autograder.exercise",
        "autograder.authoring",
        "autograder.engine",
        "autograder.gradebook",
        "autograder.intake",
        "autograder.sandbox",
    ),
    "autograder.attack": (
        "vislab",
        "autograder.exercise",
        "autograder.judge",
        "autograder.authoring",
        "autograder.engine",
        "autograder.intake",
        "autograder.sandbox",
        "autograder.gradebook",
        "autograder.demo",
    ),
    "autograder.cli": ("vislab", "autograder"),
    "autograder.__main__": ("autograder.cli",),
    "data_scripts": ("vislab.data.layout",),
}
# shared ground that only kernels and their launches stand on.
KERNEL_MODULES = {"elementary", "kernels", "launch", "sample_kernels", "source_pixel_kernels", "tiles"}


def modules(root: Path) -> dict[str, Path]:
    found = {}
    for room in ("vislab", "assignments", "autograder", "data_scripts"):
        for path in sorted((root / room).rglob("*.py")):
            # mutants, accepted answers and lessons are data for the audit and the builder, not modules of the house.
            if {"mutants", "accepted", "lessons", "demo"} & set(path.relative_to(root).parts[:3]) and room == "assignments":
                continue
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, module: str) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} line {node.lineno}: a relative import hides its direction; write the full name"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in names if name.split(".")[0] in FIRST_ROOMS]


def room_of(name: str) -> str:
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "autograder" and len(parts) > 1 else parts[0]


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def faults(root: Path) -> list[str]:
    """Return every import that runs the wrong way, as sentences."""
    found = []
    known = modules(root)
    for module, path in known.items():
        room = room_of(module)
        allowed = ALLOWED.get(room, ())
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for name in imports(path, module):
            if not any(within(name, other) for other in (room, *allowed)):
                found.append(f"{module} imports {name}: {room} may import {', '.join(allowed) or 'nothing of the other rooms'}")
            target = name if name in known else name.rpartition(".")[0]
            if target == package and path.name != "__init__.py" and name not in known:
                found.append(f"{module} imports its own package's root {package}")
            if within(name, "assignments") and room.startswith("autograder"):
                found.append(f"{module} names an assignment: {name}; assignments are discovered")
        found += _op_faults(root, module, imports(path, module))
    return found


def _op_faults(root: Path, module: str, names: list[str]) -> list[str]:
    parts = module.split(".")
    if parts[:2] != ["vislab", "ops"] or len(parts) < 3:
        return []
    op, role = parts[2], parts[-1]
    others = [name for name in names if name.startswith("vislab.ops.") and name.split(".")[2] != op]
    # what lies beside the op folders (dispatch, say, or all that samplers share) is shared ground, which knows no op.
    shared = _shared_ground(root)
    found = [f"{module} imports another op: {name}" for name in others if name.split(".")[2] not in shared]
    if role in ("naive", "source_pixels"):
        # a reference that shares code with the kernels would share their mistakes.
        found += [f"{module} imports what kernels are made of: {name}" for name in names if set(name.split(".")) & KERNEL_MODULES]
    if op in shared or len(parts) < 4:
        return found
    twins = {"naive": "fused", "fused": "naive"}
    if role in twins:
        found += [
            f"{module}: the plain reference and its kernel know nothing of each other: {name}"
            for name in names
            if within(name, f"vislab.ops.{op}.{twins[role]}")
        ]
    return found


def _shared_ground(root: Path) -> set[str]:
    ops = root / "vislab" / "ops"
    plain = {path.stem for path in ops.glob("*.py")}
    return plain | {path.parent.name for path in ops.glob("*/__init__.py") if not (path.parent / "op.py").exists()}


def circles(root: Path) -> list[list[str]]:
    """Return import circles among modules, each as the list of its members."""
    known = modules(root)
    graph = {}
    for module, path in known.items():
        targets = set()
        for name in imports(path, module):
            target = name if name in known else name.rpartition(".")[0]
            if target in known and target != module:
                targets.add(target)
        graph[module] = targets
    state: dict[str, int] = {}
    found: list[list[str]] = []

    def visit(node: str, trail: list[str]) -> None:
        state[node] = 1
        for target in sorted(graph[node]):
            if state.get(target) == 1:
                found.append([*trail[trail.index(target) :], target] if target in trail else [node, target])
            elif target not in state:
                visit(target, [*trail, target])
        state[node] = 2

    for node in graph:
        if node not in state:
            visit(node, [node])
    return found


def test_imports_run_one_way() -> None:
    assert faults(ROOT) == []


def test_no_import_circles() -> None:
    assert circles(ROOT) == []


@pytest.mark.parametrize(
    ("path", "line", "told"),
    [
        ("vislab/check/planted.py", "import autograder.exercise.case", "vislab may import nothing"),
        ("vislab/ops/warp/naive.py", "from vislab.ops.warp.fused import kernel", "know nothing of each other"),
        ("vislab/ops/warp/op.py", "from vislab.ops.other.naive import thing", "imports another op"),
        ("vislab/ops/sampling/planted.py", "from vislab.ops.warp.fused import kernel", "imports another op"),
        ("vislab/ops/warp/naive.py", "from vislab.ops.sampling.source_pixel_kernels import neighbours", "what kernels are made of"),
        ("vislab/ops/sampling/source_pixels.py", "from vislab.ops.sampling.source_pixel_kernels import tile", "what kernels are made of"),
        ("autograder/authoring/planted.py", "from autograder.judge.ledger import receipt", "autograder.authoring may import"),
        ("autograder/engine/planted.py", "import assignments.a1_pose", "names an assignment"),
        ("autograder/judge/planted.py", "from autograder.judge import records", "own package's root"),
        ("assignments/a1_pose/exercises/planted.py", "from autograder.judge.scoring import score", "assignments may import"),
        ("data_scripts/planted.py", "import torch\nfrom vislab.check.face import check", "data_scripts may import vislab.data.layout"),
    ],
)
def test_a_planted_import_is_caught(tmp_path: Path, path: str, line: str, told: str) -> None:
    planted = tmp_path / path
    planted.parent.mkdir(parents=True)
    planted.write_text(line + "\n")
    assert any(told in fault for fault in faults(tmp_path)), faults(tmp_path)


def test_a_planted_circle_is_caught(tmp_path: Path) -> None:
    room = tmp_path / "vislab"
    room.mkdir()
    (room / "one.py").write_text("import vislab.two\n")
    (room / "two.py").write_text("import vislab.one\n")
    assert circles(tmp_path) != []


def test_a_relative_import_is_refused(tmp_path: Path) -> None:
    room = tmp_path / "vislab"
    room.mkdir()
    (room / "one.py").write_text("from . import two\n")
    with pytest.raises(AssertionError, match="relative import hides"):
        faults(tmp_path)
