"""The documentation's site builds without a warning, and nothing in it leads nowhere or is loaded from elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from site_check import Page, faults
from site_hook import hook

ROOT = Path(__file__).resolve().parents[2]


def build(folder: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    yield folder


def test_every_link_and_picture_is_there_and_nothing_is_loaded(site: Path) -> None:
    assert len(list(site.rglob("*.html"))) > 40 and (site / "pictures" / "feedback.png").is_file()
    assert faults(site) == []
    assert not list(site.rglob("*.py"))


def test_every_name_on_a_face_has_its_place_in_the_api(site: Path) -> None:
    ids = set().union(*(Page(path).ids for path in (site / "api").glob("*.html")))
    for name in (
        "vislab.ops.soft_argmax.op.soft_argmax",
        "vislab.ops.window_pool.op.WINDOWS",
        "vislab.data.device_loader.DeviceLoader",
        "vislab.check.face.check",
        "vislab.show.errors.error_picture",
        "vislab.geometry.correspondence.start_invariant_distance",
        "vislab.geometry.outlines.signed_distance",
        "vislab.geometry.outlines.soft_masks",
        "vislab.geometry.pixel_coordinates.pixel_to_norm",
        "autograder.exercise.exercise.Exercise",
    ):
        assert name in ids, f"{name} is missing"
    text = (site / "api" / "vislab.ops.soft_argmax.html").read_text(encoding="utf-8")
    assert "<strong>Convention.</strong> Pixel centres are whole numbers" in text and "<strong>Shapes.</strong>" in text


def test_every_formula_is_set(site: Path) -> None:
    pages = [path.read_text(encoding="utf-8") for path in site.rglob("*.html")]
    assert not [text for text in pages if "arithmatex" in text]
    written = sum(len(re.findall(r"\$\$.+?\$\$", path.read_text(), re.DOTALL)) for path in (ROOT / "docs").rglob("*.md"))
    assert written > 20 and sum(text.count('display="block"') for text in pages) == written


def test_the_three_journeys_and_the_assignments_are_found_from_home(site: Path) -> None:
    links = set(Page(site / "index.html").links)
    assert {"student.html", "instructor.html", "ci.html", "assignments/a1_pose.html", "contributing.html", "security.html"} <= links


def test_what_is_wrong_stops_the_build(tmp_path: Path) -> None:
    for name in ("docs", "vislab", "autograder/exercise"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("mkdocs.yml", "CONTRIBUTING.md"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / "docs" / "index.md").write_text(
        "# Home\n\n[gone](gone.md), [far](../far.py), [place](ci.md#nowhere), ![none](pictures/none.png), $\\nosuchthing x$\n",
        encoding="utf-8",
    )
    (tmp_path / "docs" / "alone.md").write_text("# Nobody finds this\n", encoding="utf-8")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    for told in (
        "docs/index.md links to 'gone.md', which does not exist in the repository",
        "docs/index.md links to '../far.py', which does not exist in the repository",
        "docs/index.md links to 'pictures/none.png', which does not exist in the repository",
        "#nowhere",
        "'\\\\nosuchthing', which cannot be set",
        "alone.md",
    ):
        assert told in done.stderr, done.stderr


def test_the_checker_sees_what_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text(
        '<h1 id="a">x</h1><a href="#a">1</a><a href="#b">2</a><a href="sub/">3</a><a href="https://example.edu">4</a>'
        '<img src="gone.png"><script src="https://cdn.example.edu/x.js"></script><link rel="stylesheet" href="//fonts.example.edu/f.css">'
    )
    (tmp_path / "sub" / "index.html").write_text('<a href="../index.html#a">1</a><a href="other.html">2</a>')
    (tmp_path / "s.css").write_text(
        "@font-face { src: url('https://fonts.example.edu/f.woff2') } a { background: url(data:image/png;base64,x) }"
    )
    assert faults(tmp_path) == [
        "index.html loads https://cdn.example.edu/x.js",
        "index.html loads //fonts.example.edu/f.css",
        "index.html points to #b, a place that is not there",
        "index.html points to gone.png, which is not there",
        "sub/index.html points to other.html, which is not there",
        "s.css loads https://fonts.example.edu/f.woff2",
    ]


def test_links_lead_where_they_do_on_the_repositorys_own_pages() -> None:
    pages = {"contributing.md": "CONTRIBUTING.md", "a.md": "docs/a.md", "ops/README.md": "docs/ops/README.md", "ops/x.md": "docs/ops/x.md"}
    text = "[w](../../CONTRIBUTING.md#words) [o](../ops) [c](../../Makefile) [e](https://e.edu/x.md) `[n](no.md)` [![p](x.md)](../a.md)\n"
    text += "```\n[f](no.md)\n```\n[l](no.md)"
    made, lost = hook("outside").resolved(text, "ops/x.md", pages, ROOT)
    assert (
        made.splitlines()[0] == "[w](../contributing.md#words) [o](README.md) c [e](https://e.edu/x.md) `[n](no.md)` [![p](x.md)](../a.md)"
    )
    assert "[f](no.md)" in made and lost == ["no.md"]


@pytest.mark.parametrize(
    ("latex", "holds"),
    [
        (r"\frac{1}{T}\,p_k", "<mfrac>"),
        (r"\Big\lfloor \frac{p}{P} \Big\rceil", "⌊"),
        (r"\text{align\_corners=True}", "align_corners=True"),
        (r"\begin{cases} 1 & x \\ 2 & y \end{cases}", "<mtable"),
    ],
    ids=["fraction", "fences", "underscore", "cases"],
)
def test_a_formula_becomes_mathml(latex: str, holds: str) -> None:
    made = hook("formulas").mathml(latex, block=True)
    assert holds in made and 'display="block"' in made and "\\" not in made


def test_a_command_that_would_be_printed_as_it_stands_is_refused() -> None:
    with pytest.raises(ValueError, match=r"holds '\\\\nosuch', which cannot be set; write it in other words"):
        hook("formulas").mathml(r"\nosuch x", block=False)
