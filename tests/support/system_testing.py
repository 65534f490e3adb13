"""The whole system as people run it: ``holdfast up`` as a process of its own, and commands against it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

HOLDFAST = str(Path(sys.executable).with_name("holdfast"))
COMMAND_SECONDS = 300
DRAIN_SECONDS = 90
"""Within which ``up`` must have ended after SIGTERM, also where other work fills the machine; 20 are promised."""


class System:
    """A running system: its ready line, its process, and commands against its folder."""

    def __init__(self, data: Path, process: "subprocess.Popen[str]", ready: Mapping[str, Any]) -> None:
        self.data = data
        self.process = process
        self.ready = ready

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return run(self.data, *words)

    def json(self, *words: str) -> Any:
        """Return what a command prints as JSON; it must succeed."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, f"holdfast {' '.join(words)}: {done.stderr}"
        return json.loads(done.stdout)

    def processes(self) -> list[psutil.Process]:
        """Return every process that the system is made of."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def terminate(self) -> int:
        """Ask it to drain and return its exit status; TimeoutExpired if that takes longer than it may."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DRAIN_SECONDS)

    def kill(self) -> None:
        """End ``up`` itself, and nothing else, the hard way."""
        self.process.kill()
        self.process.wait()


def run(data: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run ``holdfast`` with a data folder, to its end."""
    environment = {**os.environ, "HOLDFAST_DATA": str(data)}
    return subprocess.run(
        [HOLDFAST, *words], env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
    )


@contextmanager
def started(data: Path, *words: str) -> Iterator[System]:
    """Start the system on free ports and give it once it serves; whatever is left of it is ended in the end."""
    command = [HOLDFAST, "up", "--data", str(data), "--port-base", "0", "--json", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline()
            assert line, f"holdfast up did not start: {process.stderr.read()}"
            yield System(data, process, json.loads(line))
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(DRAIN_SECONDS)
