"""The names that students import, and what a builder does not have to."""

import subprocess
import sys

import pytest

import vislab.data


def test_every_name_of_the_face_is_there() -> None:
    for name in vislab.data.__all__:
        assert callable(getattr(vislab.data, name))
    with pytest.raises(AttributeError, match=r"module vislab.data has no attribute 'open'; it has open_dataset"):
        _ = vislab.data.open


def test_a_builder_needs_no_torch() -> None:
    code = "import sys, vislab.data.layout; assert 'torch' not in sys.modules, 'torch came along'"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
