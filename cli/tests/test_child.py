"""Services as children: ready when they say so, drained when asked, gone with their parent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from holdfast_cli import up
from holdfast_cli.child import ChildFailed, Program
from holdfast_testing import eventually_blocking

READY = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print('{"ready": true, "service": "echo"}', flush=True)
time.sleep(60)
"""
FAILING = "import sys; sys.exit('the database is away')"
STUBBORN = READY.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
PARENT = """
import sys, time
from pathlib import Path
from holdfast_cli import up
from holdfast_cli.child import Program
child = Program("echo", ("echoing",), {"PYTHONPATH": sys.argv[1]}, Path(sys.argv[1]) / "echo.log").start()
child.wait_ready(time.monotonic() + 30)
print(child.pid, flush=True)
time.sleep(60)
"""


def program(folder: Path, text: str) -> Program:
    """Return a program of its own module in a folder."""
    (folder / "echoing.py").write_text(text)
    return Program("echo", ("echoing",), {"PYTHONPATH": str(folder)}, folder / "echo.log")


def soon() -> float:
    return time.monotonic() + 30


def test_a_child_is_ready_when_it_says_so_and_ends_when_asked(tmp_path: Path) -> None:
    child = program(tmp_path, READY).start()
    assert child.wait_ready(soon()) == {"ready": True, "service": "echo"}
    child.drain()
    assert child.end(30)
    assert not child.alive()


def test_a_child_that_fails_is_told_by_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match=r"echo did not start.*\n.*the database is away"):
        program(tmp_path, FAILING).start().wait_ready(soon())


def test_a_child_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    child = program(tmp_path, READY.replace('"ready"', '"busy"')).start()
    with pytest.raises(ChildFailed):
        child.wait_ready(soon())
    assert not child.alive()


def test_a_child_that_does_not_end_is_killed(tmp_path: Path) -> None:
    child = program(tmp_path, STUBBORN).start()
    child.wait_ready(soon())
    child.drain()
    assert not child.end(0.2)
    assert not child.alive()


def test_a_task_that_fails_is_told_by_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="the database is away"):
        program(tmp_path, FAILING).start().wait_done(soon())
    program(tmp_path, "pass").start().wait_done(soon())


def test_a_long_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast_cli.child.LONGEST_LOG", 10)
    (tmp_path / "echo.log").write_text("words of long ago")
    program(tmp_path, "pass").start().wait_done(soon())
    assert (tmp_path / "echo.log.old").read_text() == "words of long ago"
    assert (tmp_path / "echo.log").read_text() == ""


def test_a_child_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    program(tmp_path, STUBBORN)
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        eventually_blocking(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie")


def test_children_that_will_not_end_are_killed_when_the_time_of_all_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "DRAIN_SECONDS", 3600.0)  # each alone might take until the test is given up
    children = [program(tmp_path, STUBBORN).start() for _ in range(2)]
    for child in children:
        child.wait_ready(soon())
    up.drain(children, 0.2)
    assert not any(child.alive() for child in children)
