"""The bootstrap cell, run as it stands: on a stand-in for Colab, and elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder.authoring.bootstrap import bootstrap
from autograder.authoring.course import Course

ROOT = Path(__file__).parents[2]
COURSE = Course("Vislab", "vislab", "https://www.example.edu/vislab")
# a module that may be imported like the one of a Colab machine, and stand-ins for what reaches beyond this one.
COLAB = """
import os, subprocess, sys, types, urllib.request
sys.modules["google.colab"] = types.ModuleType("google.colab")
def urlretrieve(address):
    assert address == "https://www.example.edu/vislab/aX_mini.zip", address
    print("fetched")
    return {bundle!r}, None
def run(command, check):
    assert check and command[1:5] == ["-m", "pip", "install", "--quiet"], command
    print("installed", *[os.path.basename(name) for name in command[5:]])
    open(os.path.join({site!r}, "vislab.py"), "w").close()
urllib.request.urlretrieve, subprocess.run = urlretrieve, run
"""


def run(code: str, cwd: Path, path: Path) -> subprocess.CompletedProcess[str]:
    # -S and -E: the project's environment, which has vislab, is not to be seen.
    command = [sys.executable, "-S", "-E", "-c", f"import sys\nsys.path.insert(0, {str(path)!r})\n{code}"]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600, env={"PATH": os.environ["PATH"]})


@pytest.fixture
def colab(tmp_path):
    """A machine like Colab's: ``/content`` and the installed packages are folders of this test."""
    site, content = tmp_path / "site", tmp_path / "content"
    site.mkdir()
    content.mkdir()
    bundle = tmp_path / "bundle.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("aX_mini/cases.h5", "cases")
        archive.writestr("aX_mini/vislab-0.1.0-py3-none-any.whl", "wheel")

    def start(after: str = "", before: str = "") -> subprocess.CompletedProcess[str]:
        code = bootstrap(COURSE, "aX_mini").replace("/content", str(content))
        return run(COLAB.format(bundle=str(bundle), site=str(site)) + before + code + "\nprint(os.getcwd())" + after, content, site)

    return content, start


def test_on_colab_it_fetches_and_installs_once(colab):
    content, start = colab
    first = start()
    assert first.stdout.split("\n")[:3] == ["fetched", "installed vislab-0.1.0-py3-none-any.whl", str(content / "aX_mini")], first.stderr
    assert (content / "aX_mini" / "cases.h5").read_text() == "cases"
    # a restarted runtime: the disk stays, the working directory does not.
    again = start()
    assert again.stdout == f"{content / 'aX_mini'}\n", again.stderr


def test_on_colab_an_interrupted_download_is_repeated(colab):
    content, start = colab
    (content / ".unpacked" / "aX_mini").mkdir(parents=True)
    (content / ".unpacked" / "aX_mini" / "cases.h5").write_text("ca")
    assert start().stdout.startswith("fetched\n")
    assert (content / "aX_mini" / "cases.h5").read_text() == "cases"


def test_on_colab_a_download_that_fails_is_told_in_a_sentence(colab):
    content, start = colab
    fails = "import urllib.request\ndef gone(address): raise OSError('HTTP Error 404: Not Found')\nurllib.request.urlretrieve = gone\n"
    done = start(before=fails)
    assert done.returncode == 1 and not (content / "aX_mini").exists()
    assert "https://www.example.edu/vislab/aX_mini.zip could not be fetched (HTTP Error 404: Not Found)" in done.stderr
    assert "run this cell again" in done.stderr and "During handling" not in done.stderr
    # once the network is back, the same cell does its work.
    assert start().stdout.startswith("fetched\n")


def test_on_colab_the_same_cell_may_run_twice_in_one_session(colab):
    _, start = colab
    code = bootstrap(COURSE, "aX_mini").replace("/content", str(colab[0]))
    assert start("\n" + code).returncode == 0


def test_elsewhere_it_is_silent_when_all_is_well(tmp_path):
    (tmp_path / "vislab.py").touch()
    done = run(bootstrap(COURSE, "aX_mini"), tmp_path, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_elsewhere_it_says_how_to_install_the_wheel(tmp_path):
    (tmp_path / "vislab-0.1.0-py3-none-any.whl").touch()
    done = run(bootstrap(COURSE, "aX_mini"), tmp_path, tmp_path)
    assert done.returncode == 1
    assert "the helper package is not installed here" in done.stderr
    assert "%pip install ./vislab-0.1.0-py3-none-any.whl\n" in done.stderr
    assert "restart the kernel" in done.stderr


def test_elsewhere_it_reaches_for_no_network(tmp_path):
    blocked = "import socket\ndef refuse(*args, **kwargs): raise AssertionError('network')\nsocket.socket.connect = refuse\n"
    blocked += "socket.getaddrinfo = socket.create_connection = refuse\n"
    done = run(blocked + bootstrap(COURSE, "aX_mini"), tmp_path, tmp_path)
    assert "AssertionError" not in done.stderr
    assert "%pip install ./vislab-*.whl\n" in done.stderr


def test_it_is_short_and_plain():
    code = bootstrap(COURSE, "aX_mini")
    assert len(code.split("\n")) <= 20
    compile(code, "bootstrap", "exec")
