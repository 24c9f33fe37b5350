from __future__ import annotations

from pathlib import Path

import pytest
from ordinary_user import run_as_ordinary_user

from autograder.cli.terminal import Failed, require_walls
from autograder.sandbox import demolition
from autograder.sandbox.connection import PORTS
from autograder.sandbox.faults import SandboxFault, SandboxMissing
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.minimum import require_minimum
from autograder.sandbox.sandbox import Sandbox

loud = pytest.mark.filterwarnings("ignore::autograder.sandbox.demolition.DemolitionWarning")
needs_walls = pytest.mark.needs_walls
# wall that is taken down -> what the refusal says.
BELOW = {
    "network": r"namespaces \(broken: net\)",
    "ipc": r"namespaces \(broken: ipc\)",
    "pid": r"namespaces \(broken: pid\)",
    "uid": r"no privileges \(broken: Uid=0.*, Gid=0",
    "capabilities": r"no privileges \(broken: CapInh=.*CapEff=",
    "seccomp": r"system-call filter \(broken: Seccomp=0, .*keyctl: E",
    "memory": r"allocation limit \(broken: 1 TiB at once: ok\)",
}
# what is used where it is there, and not required.
ABOVE = ("landlock", "environment", "cpu")


@needs_walls
def test_this_machine_is_not_below_the_minimum() -> None:
    require_minimum()


@needs_walls
@loud
@pytest.mark.parametrize("wall", BELOW)
def test_below_the_minimum_grading_is_refused(wall: str) -> None:
    with (
        demolition.without(wall),
        pytest.raises(SandboxMissing, match=rf"this machine is below the minimum for grading: .*{BELOW[wall]}") as told,
    ):
        require_minimum()
    assert str(told.value).endswith("; run `python -m autograder doctor` to see what it lacks")


@needs_walls
@loud
def test_what_is_not_required_is_no_reason_to_refuse() -> None:
    for wall in ABOVE:
        with demolition.without(wall):
            require_minimum()


@needs_walls
@loud
def test_the_command_line_refuses_before_anything_else() -> None:
    require_walls("--without-walls to do without")
    told = r"below the minimum for grading: system-call filter .*, or type out --without-walls to do without$"
    with demolition.without("seccomp"), pytest.raises(Failed, match=told):
        require_walls("--without-walls to do without")


@needs_walls
def test_an_ordinary_user_meets_the_minimum_too(open_home: Path) -> None:
    code = "from autograder.sandbox.minimum import require_minimum; require_minimum(); print('met')"
    done = run_as_ordinary_user(["-c", code], open_home)
    assert done.stdout == "met\n", done.stderr


@needs_walls
@loud
def test_an_ordinary_user_is_refused_below_it_too(open_home: Path) -> None:
    code = """
import sys, types
sys.modules['pytest'] = types.ModuleType('pytest')
from autograder.sandbox import demolition
from autograder.sandbox.minimum import require_minimum
for wall in ('network', 'uid', 'capabilities', 'seccomp', 'memory'):
    with demolition.without(wall):
        try: require_minimum(); print(wall, 'accepted')
        except RuntimeError as error: print(wall, type(error).__name__, 'below the minimum' in str(error))
"""
    done = run_as_ordinary_user(["-c", code], open_home)
    assert done.stdout.splitlines() == [
        f"{wall} SandboxMissing True" for wall in ("network", "uid", "capabilities", "seccomp", "memory")
    ], done


def test_walls_that_cannot_be_built_are_a_refusal_with_the_reason() -> None:
    with pytest.raises(SandboxMissing, match="No such file"):
        require_minimum(Interpreter(Path("/nowhere/python")))


@needs_walls
def test_a_bubblewrap_that_makes_no_namespaces_is_caught_before_any_student_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A bubblewrap that ignores one of its options: a stand-in that drops it from the words it is given."""
    script = f"""#!{Interpreter.current().executable}
import os, sys
if '--version' in sys.argv: os.execv('/usr/bin/bwrap', sys.argv)
descriptor = int(sys.argv[2])
words = os.read(descriptor, 1 << 20).split(b'\\0')[:-1]
copy = os.memfd_create('words', 0)
os.write(copy, b''.join(word + b'\\0' for word in words if word != b'--unshare-net')); os.lseek(copy, 0, 0)
os.execv('/usr/bin/bwrap', ['bwrap', '--args', str(copy), *sys.argv[3:]])
"""
    (tmp_path / "bwrap").write_text(script)
    (tmp_path / "bwrap").chmod(0o755)
    if not Path("/usr/bin/bwrap").exists():
        pytest.skip("bubblewrap is not where the stand-in looks")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with Sandbox({}) as sandbox, pytest.raises(SandboxFault, match="the sandbox shares this machine's net namespace; upgrade bubblewrap"):
        sandbox.launch(sandbox.argv(), {"key": b"k", "signature_scheme": "hmac-sha256", **dict.fromkeys(PORTS, 1)})
