from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sandbox_bench import Bench

from autograder.sandbox import demolition, landlock
from autograder.sandbox.enclosure import LAUNCHER
from autograder.sandbox.landlock import probe_abi

ABI = probe_abi()
needs_walls = pytest.mark.needs_walls


def needs_abi(abi: int) -> pytest.MarkDecorator:
    return pytest.mark.skipif(ABI < abi, reason=f"this kernel has Landlock ABI {ABI}, not {abi}")


ALONE = """
import json, os, socket, sys
sys.path.append(FOLDER)
import ctypes, landlock
assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0
def attempt(act):
    try: act(); return 'ok'
    except OSError as error: return type(error).__name__
def make(path): open(path, 'w').close()
def connect(family, address):
    with socket.socket(family) as s: s.connect(address)
def bind():
    with socket.socket() as s: s.bind(('127.0.0.1', 0))
if DOMAIN: landlock.restrict({'read': ['/usr', '/lib', '/lib64', OPEN], 'write': [OWN], 'list': [LISTED]}, abi=ABI, network=NETWORK)
child = os.fork()
if not child: os._exit(0)
print(json.dumps({
    'read': attempt(lambda: open(OPEN + '/file').read()), 'write': attempt(lambda: make(OPEN + '/x')),
    'own': attempt(lambda: (make(OWN + '/a'), os.rename(OWN + '/a', OWN + '/b'), os.truncate(OWN + '/b', 3), os.remove(OWN + '/b'))),
    'hidden': attempt(lambda: open(LISTED + '/file').read()), 'listed': attempt(lambda: os.listdir(LISTED)),
    'link': attempt(lambda: os.symlink('/etc', OWN + '/link')), 'fifo': attempt(lambda: os.mkfifo(OWN + '/fifo')),
    'device': attempt(lambda: os.mknod(OWN + '/null', 0o20600, os.makedev(1, 3))),
    'tcp': attempt(lambda: connect(socket.AF_INET, ('127.0.0.1', PORT))), 'bind': attempt(bind),
    'abstract': attempt(lambda: connect(socket.AF_UNIX, NAME)),
    'signal': attempt(lambda: os.kill(os.getppid(), 0)), 'child': attempt(lambda: os.kill(child, 0)),
}))
"""


def run_alone(tmp_path: Path, domain: bool, abi: int = ABI, network: bool = True) -> dict[str, str]:
    """Enter a domain outside any sandbox, so that nothing but Landlock can refuse."""
    for name in ("open", "own", "listed"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "file").write_text("content")
    for name in ("link", "fifo", "null"):
        (tmp_path / "own" / name).unlink(missing_ok=True)
    abstract = f"\0vislab-test-{os.getpid()}-{tmp_path.name}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as local:
        local.bind(abstract)
        local.listen()
        known: dict[str, Any] = {
            "FOLDER": str(Path(landlock.__file__).parent),
            "DOMAIN": domain,
            "ABI": abi,
            "NETWORK": network,
            "PORT": tcp.getsockname()[1],
            "NAME": abstract,
            **{name.upper(): str(tmp_path / name) for name in ("open", "own", "listed")},
        }
        head = "".join(f"{name} = {value!r}\n" for name, value in known.items())
        command = [sys.executable, "-I", "-S", "-c", head + ALONE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@needs_abi(1)
def test_a_domain_refuses_by_itself_what_no_rule_allows(tmp_path: Path) -> None:
    before, inside = run_alone(tmp_path, False), run_alone(tmp_path, True)
    # A device can be made by root alone, domain or not.
    assert {name for name, result in before.items() if result != "ok"} <= {"device"}
    allowed = {name for name, result in inside.items() if result == "ok"}
    later = {"tcp": 4, "bind": 4, "abstract": 6, "signal": 6}
    assert allowed == {"read", "own", "listed", "fifo", "child"} | {name for name, abi in later.items() if ABI < abi}


@needs_abi(1)
def test_an_older_kernels_domain_does_without_what_it_does_not_know(tmp_path: Path) -> None:
    for abi, more in ((1, {"tcp", "bind", "abstract", "signal"}), (3, {"tcp", "bind", "abstract", "signal"}), (5, {"abstract", "signal"})):
        if abi <= ABI:
            allowed = {name for name, result in run_alone(tmp_path, True, abi).items() if result == "ok"}
            # The first version always refuses to move a file from one folder to another; within one folder it may.
            assert allowed == {"read", "own", "listed", "fifo", "child"} | more, abi


@needs_abi(6)
def test_the_network_can_be_left_alone(tmp_path: Path) -> None:
    inside = run_alone(tmp_path, True, network=False)
    assert (inside["tcp"], inside["bind"], inside["abstract"], inside["signal"]) == ("ok", "ok", "ok", "PermissionError")


def test_a_kernel_without_landlock_is_told_as_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    class Without:
        def syscall(self, *arguments: object) -> int:
            return -1

    monkeypatch.setattr("ctypes.CDLL", lambda *arguments, **options: Without())
    assert probe_abi() == 0


@needs_abi(1)
def test_a_step_that_the_kernel_refuses_is_named() -> None:
    code = "import sys; sys.path.append(sys.argv[1]); import landlock; landlock.restrict({'read': ['/usr']}, abi=1)"
    # Without no_new_privs only root may enter a domain.
    user = 65534 if os.geteuid() == 0 else None
    # A copy that everybody may read: the folder of this project may be its owner's alone.
    with tempfile.TemporaryDirectory(prefix="vislab-test-") as folder:
        os.chmod(folder, 0o755)
        shutil.copyfile(landlock.__file__, Path(folder, "landlock.py"))
        os.chmod(Path(folder, "landlock.py"), 0o644)
        command = [sys.executable, "-I", "-S", "-c", code, folder]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=600, check=False, user=user, cwd="/", executable="/usr/bin/python3"
        )
    assert "landlock_restrict_self failed: Operation not permitted" in done.stderr


INSIDE = """
import json, os, socket
def attempt(act):
    try: act(); return 'ok'
    except OSError as error: return type(error).__name__
def abstract():
    with socket.socket(socket.AF_UNIX) as s: s.connect(NAME)
print(json.dumps({
    'comm': attempt(lambda: open('/proc/self/comm', 'w').write('x')), 'init': attempt(lambda: os.kill(1, 0)),
    'null': attempt(lambda: open('/dev/null', 'w').write('x')), 'root': attempt(lambda: os.listdir('/')),
    'work': attempt(lambda: open('x', 'w').close()), 'moved': attempt(lambda: os.rename('x', '/home/student/work/x')),
    'shared': attempt(lambda: open('/dev/shm/x', 'w').close()), 'thread': attempt(lambda: os.kill(os.getpid(), 0)),
}))
"""


@needs_walls
@needs_abi(1)
def test_every_sandbox_is_in_a_domain(bench: Bench) -> None:
    enclosure = bench.start(INSIDE)
    assert enclosure.landlock_abi == ABI
    enclosure.wait(60)
    enclosure.close()
    found = json.loads(enclosure.standard_output())
    refused = {name for name, result in found.items() if result != "ok"}
    assert refused == ({"comm", "init"} if ABI >= 6 else {"comm"})


@needs_walls
@pytest.mark.filterwarnings("ignore::autograder.sandbox.demolition.DemolitionWarning")
def test_without_it_the_other_walls_still_build(bench: Bench) -> None:
    with demolition.without("landlock"):
        enclosure = bench.start(INSIDE)
    assert enclosure.landlock_abi == 0
    enclosure.wait(60)
    enclosure.close()
    assert json.loads(enclosure.standard_output())["comm"] == "ok"


def test_the_launcher_needs_nothing_but_the_standard_library() -> None:
    assert [path.name for path in LAUNCHER] == ["inner.py", "landlock.py"]
    for path in LAUNCHER:
        assert "autograder" not in [
            line.split()[1].split(".")[0] for line in path.read_text().splitlines() if line.startswith(("from ", "import "))
        ]
