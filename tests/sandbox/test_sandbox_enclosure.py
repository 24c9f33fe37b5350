from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from open_files import left_open, open_files
from sandbox_bench import Bench, wait_until

from autograder.sandbox.enclosure import LAUNCHER, Enclosure
from autograder.sandbox.faults import SandboxFault, SandboxMissing
from autograder.sandbox.identity import Identity
from autograder.sandbox.inner import privileges_left
from autograder.sandbox.interpreter import COURSE_ROOT, Interpreter
from autograder.sandbox.limits import Limits
from autograder.sandbox.walls import KERNEL, Walls

pytestmark = pytest.mark.needs_walls


def commands_with(token: str) -> list[str]:
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            words = Path("/proc", name, "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if token.encode() in words:
            found.append(name)
    return found


def test_a_program_runs_as_nobody_with_nothing_left(bench: Bench) -> None:
    ended = bench.run("import os; print(os.getuid(), os.getgid(), os.getgroups()); print(open('/proc/self/status').read())")
    first, _, status = ended.out.partition("\n")
    assert ended.status == 0
    assert privileges_left(status) == []
    assert "0" not in first.split()
    assert privileges_left(Path("/proc/self/status").read_text()) != []


def test_a_killed_program_has_a_shells_status_whichever_process_was_hit(bench: Bench) -> None:
    inside = bench.start("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert (inside.wait(20), inside.returncode) == (128 + 9, 128 + 9)
    around = bench.start("import time; time.sleep(60)")
    assert around.returncode is None and around.wait(0.01) is None
    assert around.bwrap_pid is not None
    os.kill(around.bwrap_pid, signal.SIGKILL)
    assert (around.wait(20), around.returncode) == (128 + 9, 128 + 9)


def test_its_files_are_writable_copies_of_its_own(bench: Bench) -> None:
    code = """
import os, pathlib
work = pathlib.Path('/home/student/work')
print(sorted(str(p.relative_to(work)) for p in work.rglob('*')), (work / 'data/a.bin').read_bytes() == b'\\x00' * 100000)
(work / 'data/a.bin').write_bytes(b'changed'); (work / 'new').mkdir(); (work / 'new').rmdir(); os.remove(work / 'b.txt')
print({os.stat(p).st_uid == os.getuid() for p in (work, work / 'data/a.bin', '/tmp', '/run/kernel')}, os.getcwd())
"""
    content = bytes(100_000)
    ended = bench.run(code, files={"data/a.bin": content, "b.txt": b"b"})
    assert ended.out.splitlines() == ["['b.txt', 'data', 'data/a.bin'] True", "{True} /home/student"], ended.err
    assert content == bytes(100_000)


def test_the_environment_is_the_fixed_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISLAB_TEST_SECRET", "secret")
    found = bench.run("import json, os; print(json.dumps(dict(os.environ)))").json()
    assert "VISLAB_TEST_SECRET" not in found
    assert found["HOME"] == "/home/student"
    code = """
import os
for n in filter(str.isdecimal, os.listdir('/proc')):
    try: print(open(f'/proc/{n}/environ').read())
    except OSError: pass
"""
    everything = bench.run(code)
    assert "HOME=/home/student" in everything.out
    assert "VISLAB_TEST_SECRET" not in everything.out


def test_the_course_and_the_home_are_not_there(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    outside = [COURSE_ROOT / "autograder", COURSE_ROOT / "pyproject.toml", tmp_path, Path("/etc/hostname"), Path("/var"), Path("/boot")]
    existing = [str(path) for path in outside if path.exists()]
    assert len(existing) >= 4
    found = bench.run(f"import json, os; print(json.dumps([p for p in {existing!r} if os.path.lexists(p)]))").json()
    assert found == []


def test_only_the_private_places_can_be_written(bench: Bench) -> None:
    code = """
import json, os
found = []
for folder, names, _ in os.walk('/'):
    names[:] = [n for n in names if os.path.join(folder, n) not in ('/proc', '/usr', '/sys')]
    if len(folder.split('/')) > 5: names[:] = []
    try:
        os.close(os.open(os.path.join(folder, 'x'), os.O_CREAT | os.O_WRONLY)); os.unlink(os.path.join(folder, 'x')); found.append(folder)
    except OSError: pass
print(json.dumps(found))
"""
    found = bench.run(code, files={"sub/a": b""}).json()
    allowed = ("/home/student", "/dev/shm", "/run/kernel")
    assert set(allowed) <= set(found)
    assert [path for path in found if not path.startswith(allowed)] == []


def test_everything_is_gone_when_it_is_closed(bench: Bench) -> None:
    token = f"vislab-test-{secrets.token_hex(8)}"
    code = f"""
import os, sys, time
open('/dev/shm/left', 'wb').write(b'x' * 1000)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, '-I', '-c', 'import time; time.sleep(60)', '{token}'])
    os._exit(0)
time.sleep(60)
"""
    enclosure = bench.start(code)
    assert wait_until(lambda: commands_with(token))
    assert not any("left" in name for name in os.listdir("/dev/shm"))
    enclosure.close()
    assert commands_with(token) == []
    assert enclosure.returncode is not None and enclosure.returncode > 128


def test_a_daemon_does_not_outlive_the_program(bench: Bench) -> None:
    token = f"vislab-test-{secrets.token_hex(8)}"
    code = f"""
import os, sys
if os.fork() == 0:
    os.setsid()
    os.execv(sys.executable, [sys.executable, '-I', '-c', 'import time; time.sleep(60)', '{token}'])
"""
    enclosure = bench.start(code)
    assert enclosure.wait(30) == 0
    assert wait_until(lambda: not commands_with(token))


def test_it_dies_with_the_thread_that_started_it() -> None:
    token = f"vislab-test-{secrets.token_hex(8)}"
    made = []

    def start() -> None:
        interpreter = Interpreter.current()
        enclosure = Enclosure(Walls(interpreter, Identity.choose(), Limits(), programs=LAUNCHER))
        enclosure.start([str(interpreter.executable), "-I", "-c", "import time; time.sleep(60)", token], {})
        made.append(enclosure)
        assert wait_until(lambda: commands_with(token))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    try:
        assert wait_until(lambda: not commands_with(token))
    finally:
        made[0].close()


def test_it_dies_with_a_grader_that_is_killed() -> None:
    token = f"vislab-test-{secrets.token_hex(8)}"
    code = f"""
import os, signal
from sandbox_bench import Bench, wait_until
Bench().start("import os, sys; os.execv(sys.executable, [sys.executable, '-I', '-c', 'import time; time.sleep(60)', '{token}'])")
print('started', flush=True)
signal.pause()
"""
    paths = os.pathsep.join([str(COURSE_ROOT), str(Path(__file__).parent)])
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}) as grader:
        assert grader.stdout is not None and grader.stdout.readline() == b"started\n"
        assert wait_until(lambda: commands_with(token))
        grader.kill()
    assert wait_until(lambda: not commands_with(token))


def test_a_program_that_ends_at_once_is_no_fault(bench: Bench) -> None:
    assert [bench.run("").status for _ in range(10)] == [0] * 10


def test_no_descriptor_is_leaked_on_either_side(bench: Bench) -> None:
    bench.run("pass")
    before = open_files()
    ended = bench.run("import os; print(sorted(os.listdir('/proc/self/fd')))")
    assert not left_open(before)
    assert ended.out.strip() == "['0', '1', '2', '3']"


def test_a_flood_on_standard_output_is_cut_to_its_end(bench: Bench) -> None:
    ended = bench.run("import sys\nfor i in range(400): sys.stdout.write('x' * 100_000)\nprint('the end')")
    assert ended.status == 0
    assert len(ended.out) <= 64 * 1024
    assert ended.out.endswith("the end\n")


def test_exit_status_and_signals_are_told_like_a_shell(bench: Bench) -> None:
    assert bench.run("raise SystemExit(3)").status == 3
    assert bench.run("import os; os.kill(os.getpid(), 11)").status == 128 + 11


def test_the_sockets_folder_is_reached_through_a_descriptor(bench: Bench) -> None:
    enclosure = bench.start("import socket, time; s = socket.socket(socket.AF_UNIX); s.bind('/run/kernel/x'); time.sleep(60)")
    folder = enclosure.folder(KERNEL)
    assert wait_until(lambda: os.listdir(folder) == ["x"])


def start_refused(walls: Walls) -> str:
    enclosure = Enclosure(walls)
    try:
        with pytest.raises(SandboxFault) as caught:
            enclosure.start([str(walls.interpreter.executable), "-c", "pass"], {})
    finally:
        enclosure.close()
    assert "the sandbox could not be started: " in str(caught.value)
    return str(caught.value)


def test_what_went_wrong_is_told(tmp_path: Path) -> None:
    interpreter = Interpreter.current()
    walls = Walls(interpreter, Identity.choose(), Limits(), programs=LAUNCHER)
    before = open_files()
    without_launcher = start_refused(replace(walls, programs=()))
    assert "inner.py" in without_launcher and "run `python -m autograder doctor`" in without_launcher
    assert re.search(r"Can't find source path .*nowhere", start_refused(replace(walls, judge_dir=tmp_path / "nowhere")))
    assert "No such file" in start_refused(replace(walls, interpreter=Interpreter(Path("/nowhere/python"))))
    assert not left_open(before)


def test_more_files_than_the_folder_holds_are_a_fault_that_says_so(bench: Bench) -> None:
    with pytest.raises(SandboxFault, match="No space left on device"):
        bench.start("pass", Limits(files_mib=1), files={"big": bytes(2 << 20)})


def test_a_missing_bubblewrap_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxMissing, match="apt-get install bubblewrap"):
        Enclosure(Walls(Interpreter.current(), Identity.choose(), Limits(), programs=LAUNCHER)).start(["/bin/true"], {})


def test_a_bubblewrap_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\n[ $1 = --version ] && echo bubblewrap 0.11.0 && exit\nexec sleep 60\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("autograder.sandbox.enclosure.START_S", 0.5)
    refused = start_refused(Walls(Interpreter.current(), Identity.choose(), Limits(), programs=LAUNCHER))
    assert "it ended without a word" in refused


def test_an_interpreter_behind_a_link_from_elsewhere_runs(bench: Bench, tmp_path: Path) -> None:
    link = tmp_path / "python"
    link.symlink_to(Interpreter.current().executable)
    interpreter = Interpreter.at(link, Interpreter.current().prefixes)
    enclosure = Enclosure(Walls(interpreter, Identity.choose(), Limits(), programs=LAUNCHER))
    bench.started.append(enclosure)
    enclosure.start([str(link), "-I", "-S", "-c", "import json; print('ran')"], {})
    assert enclosure.wait(30) == 0, enclosure.standard_error()
    enclosure.close()
    assert enclosure.standard_output() == "ran\n"


def test_an_environment_of_one_user_alone_is_told(tmp_path: Path) -> None:
    if Identity.choose().namespaced:
        pytest.skip("an ordinary user's sandbox is that same user")
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_bytes(Interpreter.current().executable.resolve().read_bytes())
    python.chmod(0o755)
    (tmp_path / "env").chmod(0o700)
    current = Interpreter.current()
    walls = Walls(Interpreter(current.executable, (*current.prefixes, tmp_path / "env")), Identity.choose(), Limits(), programs=LAUNCHER)
    enclosure = Enclosure(walls)
    with pytest.raises(SandboxFault, match=rf"{python} cannot be run by uid \d+; the environment belongs to one user alone: run `chmod"):
        enclosure.start([str(python), "-c", "pass"], {})
    enclosure.close()
