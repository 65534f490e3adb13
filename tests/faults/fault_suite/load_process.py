"""The load as the suite holds it: started, commanded, watched through its history, ended."""

import json
import os
import queue
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fault_suite.history import History, Reader
from fault_suite.loading import Plan

END_SECONDS = 10.0


class LoadFailed(Exception):
    """The load ended by itself or did not answer: the suite itself is at fault."""


class LoadProcess:
    """The load, running."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        """Start it."""
        self._log = folder / "load.log"
        written = folder / "plan.json"
        written.write_text(json.dumps(asdict(plan)), encoding="utf-8")
        Path(plan.history).touch()
        self._reader = Reader(Path(plan.history))
        with self._log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fault_suite.loading", str(written)],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._one_at_a_time = threading.Lock()
        self._said: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._listen, name="load", daemon=True).start()

    @property
    def history(self) -> History:
        """What has been told and answered up to now."""
        if self._process.poll() not in (None, 0):
            raise LoadFailed(self._last_words())
        return self._reader.catch_up()

    def do(self, what: str, within: float, **how: object) -> dict[str, Any]:
        """Give a command and return what is said once it is done; blocks, and waits for the command before."""
        with self._one_at_a_time:
            return self._do(what, within, how)

    def _do(self, what: str, within: float, how: dict[str, object]) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": what, **how}).encode() + b"\n")
            self._process.stdin.flush()
            said: dict[str, Any] = json.loads(self._said.get(timeout=within) or b"{}")
        except (queue.Empty, BrokenPipeError):
            said = {}
        if not said:
            raise LoadFailed(f"{what}: {self._last_words()}")
        return said

    def end(self) -> None:
        """End it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(END_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in iter(self._process.stdout.readline, b""):
            self._said.put(line)

    def _last_words(self) -> str:
        return f"the load says: {self._log.read_text(errors='replace')[-2000:]}"
