"""Ops where Triton is missing, or where its interpreter is off: one process for all of them, since starting one takes seconds."""

import json
import subprocess
import sys

import pytest

# op: its module, and a call on small inputs.
CALLS = {
    "gaussian_heatmaps": "gaussian_heatmaps(torch.zeros(1, 1, 2), (3, 5), sigma=1.0, path=path)",
    "roi_align": "roi_align(torch.zeros(1, 1, 3, 5), torch.tensor([[0.0, 1, 1, 4, 3]]), output_size=2, path=path)",
    "roi_pool": "roi_pool(torch.zeros(1, 1, 3, 5), torch.tensor([[0.0, 1, 1, 4, 3]]), output_size=2, path=path)",
}

SCRIPT = """
import json, sys
if {hidden}:
    sys.modules["triton"] = None
import torch
from importlib import import_module
said = {{}}
for name, call in {calls}.items():
    scope = {{"torch": torch, "path": "auto", name: getattr(import_module("vislab.ops." + name), name)}}
    answer = eval(call, scope)
    said[name] = [bool(answer.isfinite().all()) and answer.numel() > 0, "vislab.ops." + name + ".fused" in sys.modules]
for name, call in {calls}.items():
    scope = {{"torch": torch, "path": "fused", name: getattr(import_module("vislab.ops." + name), name)}}
    try:
        said[name].append(str(eval(call, scope).shape))
    except RuntimeError as error:
        said[name].append(str(error))
print(json.dumps(said))
"""


def said(root, hidden, **environment):
    command = [sys.executable, "-c", SCRIPT.format(hidden=hidden, calls=CALLS)]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_they_work_where_triton_is_not_installed(root):
    missing = "path 'fused' needs Triton, which is not installed here; install triton (Linux), or leave path out"
    assert said(root, hidden=True) == {name: [True, False, missing] for name in CALLS}


def test_the_kernels_refuse_a_cpu_outside_the_interpreter_and_are_not_imported_unasked(root, tmp_path):
    pytest.importorskip("triton")
    came = said(root, hidden=False, TRITON_INTERPRET="0", TRITON_CACHE_DIR=str(tmp_path))
    for name in CALLS:
        works, imported, refusal = came[name]
        assert works and not imported
        assert refusal.endswith(
            " is on the CPU, where the fused kernels run only under Triton's interpreter;"
            " set TRITON_INTERPRET=1 before Python starts, or leave path out"
        )
