"""One service as a child process: started, waited for until it serves, drained, ended.

The kernel ends a child at once when its parent dies, so that a killed ``holdfast up`` leaves nothing behind: what a
service acknowledged is in the database by then.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
LAST_LINES = 5
LONGEST_LOG = 16 * 1024 * 1024
"""Bytes of a log beyond which the next start keeps it aside as ``.old`` and begins another."""


class ChildFailed(Exception):
    """A service did not come up, or did not end well; the text carries its last words."""


@dataclass(frozen=True, slots=True)
class Program:
    """A service's program: the name people know, what ``python -m`` is told, its settings, and where its log goes."""

    name: str
    words: tuple[str, ...]
    settings: Mapping[str, str]
    log: Path

    def start(self) -> Child:
        """Start it; ``Child.wait_ready`` waits until it serves."""
        self._turn_log()
        with self.log.open("ab") as errors:
            process = subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-m", *self.words],
                env={**os.environ, **self.settings},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  one call into libc, no lock is taken
                start_new_session=True,  # Ctrl-C in a terminal is for us: we drain the children in order
            )
        return Child(self, process)

    def last_words(self) -> str:
        """Return the last lines of its log."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-LAST_LINES:])

    def _turn_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LONGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.old"))


class Child:
    """A process of a program."""

    def __init__(self, program: Program, process: subprocess.Popen[bytes]) -> None:
        self.program = program
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def name(self) -> str:
        """The name people know."""
        return self.program.name

    def alive(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def wait_ready(self, until: float) -> Mapping[str, object]:
        """Return what it says when it serves, at the latest at ``until`` (monotonic); ChildFailed if it does not."""
        said = self._first_line(until)
        if said.get("ready"):
            return said
        self.end(0)
        message = f"{self.name} did not start. Its last words ({self.program.log}):\n{self.program.last_words()}"
        raise ChildFailed(message)

    def wait_done(self, until: float) -> None:
        """Wait until a program that has an end has reached it; ChildFailed if it fails or takes too long."""
        self.end(max(0.0, until - time.monotonic()))
        if self._process.returncode != 0:
            message = f"{self.name} failed. Its last words ({self.program.log}):\n{self.program.last_words()}"
            raise ChildFailed(message)

    def drain(self) -> None:
        """Ask it to finish what is under way and end."""
        if self.alive():
            self._process.send_signal(signal.SIGTERM)

    def end(self, seconds: float) -> bool:
        """Wait for its end, at most ``seconds``, and kill it then; whether it ended by itself."""
        with self._process:  # closes the pipe, and waits
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                return False
            return True

    def _first_line(self, until: float) -> Mapping[str, object]:
        output = self._process.stdout
        assert output is not None
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            if not selector.select(max(0.0, until - time.monotonic())):
                return {}
        try:
            said = json.loads(output.readline())
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}


def _die_with(parent: int) -> Callable[[], None]:
    """Return what a child does first: promise the kernel to be killed when its parent dies, and see that it has not."""
    libc = ctypes.CDLL(None)

    def promise() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return promise
