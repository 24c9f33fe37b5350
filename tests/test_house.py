"""The house itself: what lies at the top, what the wheel holds, and that all lists of versions agree."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOP_FOLDERS = {
    "assignments",
    "source",
    "release",
    "autograder",
    "data_scripts",
    "vislab",
    "benchmarks",
    "tests",
    "docs",
    "changelog.d",
    ".github",
    ".ci",
}
TOP_FILES = {
    "README.md", "environment.yml", "pyproject.toml", "constraints.txt", "Makefile", "nbgrader_config.py",
    "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", ".gitignore", "mkdocs.yml",
}  # fmt: skip
LINES_MAX = 400
KERNEL_LINES_MAX = 350


def tracked() -> list[str]:
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=True, timeout=600)
    return done.stdout.splitlines()


def pins(text: str) -> dict[str, str]:
    return {name.lower().replace("_", "-"): version for name, version in re.findall(r"^\s*(?:- )?([A-Za-z0-9_.-]+)==([^\s]+)$", text, re.M)}


def test_the_top_level_is_the_design() -> None:
    paths = tracked()
    assert {path.split("/")[0] for path in paths if "/" in path} == TOP_FOLDERS
    assert {path for path in paths if "/" not in path} == TOP_FILES


def test_no_module_outgrows_its_room() -> None:
    long = [
        p
        for p in tracked()
        if p.endswith(".py")
        and not p.startswith("tests/")
        and "/lessons/" not in p
        and len((ROOT / p).read_text().splitlines()) > LINES_MAX
    ]
    assert long == [], f"split these: more than {LINES_MAX} lines"


def op_faults(paths: list[str], lines: dict[str, int]) -> list[str]:
    """Return what is wrong with the folders of the fused ops, as sentences."""
    names = {"__init__.py", "op.py", "naive.py", "fused.py"}
    folders: dict[str, set[str]] = {}
    for path in paths:
        parts = path.split("/")
        if parts[:2] == ["vislab", "ops"] and len(parts) > 3:
            folders.setdefault(parts[2], set()).add(parts[3])
    found = [
        f"vislab/ops/{op} holds {sorted(held)}, not {sorted(names)}" for op, held in folders.items() if "op.py" in held and held != names
    ]
    long = [path for path in paths if path.endswith("/fused.py") and lines[path] > KERNEL_LINES_MAX]
    return found + [f"{path} has {lines[path]} lines, a kernel file has at most {KERNEL_LINES_MAX}" for path in long]


def test_every_op_is_the_same_four_modules() -> None:
    paths = [path for path in tracked() if path.startswith("vislab/ops/") and path.endswith(".py")]
    assert op_faults(paths, {path: len((ROOT / path).read_text().splitlines()) for path in paths}) == []


def test_a_fifth_module_and_a_long_kernel_file_would_be_seen() -> None:
    paths = [f"vislab/ops/warp/{name}.py" for name in ("__init__", "op", "naive", "fused", "kernels")]
    told = op_faults(paths, dict.fromkeys(paths, KERNEL_LINES_MAX + 1))
    assert len(told) == 2 and "'kernels.py'" in told[0] and "fused.py has 351 lines" in told[1]


def test_every_room_is_noun_modules() -> None:
    vague = [path for path in tracked() if Path(path).stem in {"utils", "util", "helpers", "helper", "misc", "common"}]
    assert vague == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_vislab_alone(wheel: zipfile.ZipFile) -> None:
    roots = {name.split("/")[0] for name in wheel.namelist()}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"vislab"}
    packed = {name for name in wheel.namelist() if name.startswith("vislab/") and name.endswith(".py")}
    here = {path for path in tracked() if path.startswith("vislab/") and path.endswith(".py")}
    assert here <= packed, "modules are missing from the wheel"
    assert not [name for name in wheel.namelist() if "entry_points" in name]


def test_constraints_pin_everything_that_is_declared() -> None:
    pinned = pins((ROOT / "constraints.txt").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = project["dependencies"] + [line for extra in ("kernels", "instructor", "dev", "docs", "bench") for line in extras[extra]]
    for requirement in declared:
        name, minimum = re.match(r"([A-Za-z0-9_.-]+)(?:\[[^]]*\])?>=([0-9.]+)", requirement).groups()  # type: ignore[union-attr]
        version = pinned.get(name.lower().replace("_", "-"))
        assert version is not None, f"constraints.txt does not pin {name}"
        assert _numbers(version) >= _numbers(minimum), f"{name}: constraints.txt pins {version}, pyproject.toml asks for {minimum}"


def test_the_lab_environment_equals_the_constraints() -> None:
    text = (ROOT / "environment.yml").read_text()
    lab, pinned = pins(text), pins((ROOT / "constraints.txt").read_text())
    assert lab and {name: pinned.get(name) for name in lab} == lab
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in project["dependencies"] + project["optional-dependencies"]["instructor"]:
        name = re.match(r"[A-Za-z0-9_.-]+", requirement).group().lower()  # type: ignore[union-attr]
        assert name in lab, f"environment.yml lacks {name}"
    python = re.search(r"python=(\d+)\.(\d+)", text)
    assert python and (int(python[1]), int(python[2])) >= _numbers(project["requires-python"].lstrip(">="))


def test_a_wrong_pin_would_be_seen() -> None:
    assert pins("      - numpy==9.9\nrich==1.0\n# torch==3\n") == {"numpy": "9.9", "rich": "1.0"}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0]))


def test_no_path_of_a_machine_and_no_registry_is_named() -> None:
    # spelled in parts, so that this file does not name them either.
    forbidden = ["/" + "work/main", "/ro" + "ot/.", "pypi" + ".org", "python" + "hosted", "files.pyth" + "on"]
    found = []
    for path in tracked():
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path}: {word}" for word in forbidden if word in text]
    assert found == []
