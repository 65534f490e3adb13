"""A real broker of our own: one KRaft node on a JVM, a child that ends with its parent; killed and frozen at will."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from event_log.kafka import broker_child
from event_log.kafka.broker_folder import HOST, BrokerFolder
from event_log.kafka.errors import NoBroker
from event_log.kafka.jars import REMEDY
from event_log.kafka.java import command, keep_classes, known_classes
from event_log.kafka.probe import cluster_id

START_TIMEOUT = timedelta(seconds=90)
STOP_TIMEOUT = timedelta(seconds=20)
"""How long an orderly stop may take before the broker is killed."""
FORMAT_TIMEOUT = timedelta(seconds=60)
PAUSE_SECONDS = 0.1
ATTEMPTS = 3
"""Starts that may fail because another program took a port between our look and the broker's use."""
PORT_TAKEN = "Address already in use"


class LocalBroker:
    """One broker on one folder, listening on loopback; a second start continues the same data on the same port.

    All methods block. Start it from the main thread: the kernel ends the broker with the *thread* that started it.
    """

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        """Name the folder; `settings` are broker properties that win over ours."""
        self.folder = BrokerFolder(folder.absolute())
        self._settings = settings or {}
        self._ports = (0, 0)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the broker."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the broker, whatever happened."""
        self.stop()

    @property
    def bootstrap(self) -> str:
        """Where it listens, host:port."""
        return f"{HOST}:{self._ports[0]}"

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id; NoBroker if it was not started."""
        if self._process is None:
            raise NoBroker("The broker is not running: start it first.")
        return self._process.pid

    def start(self) -> None:
        """Start the broker and return once *it* answers; raise NoBroker."""
        if threading.current_thread() is not threading.main_thread():
            raise NoBroker("Start the broker from the main thread: it ends with the thread that started it.")
        for _ in range(ATTEMPTS):
            if self.running or self._launch():
                self.folder.remember_ports(self._ports)
                return
            if PORT_TAKEN not in self.folder.last_words():
                break
        raise NoBroker(f"The Kafka broker did not start; {self.folder.log} ends: {self.folder.last_words()}")

    def stop(self) -> None:
        """End the broker in order; by force if that takes too long. A frozen one is thawed first."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT.total_seconds())
            except subprocess.TimeoutExpired:
                self.kill()
            keep_classes()

    def kill(self) -> None:
        """End the broker at once, without any order."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Stop the broker's clock: it keeps its connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen broker go on."""
        os.kill(self.pid, signal.SIGCONT)

    def _launch(self) -> bool:
        """Start the process and wait until it answers (True) or has ended (False)."""
        self._ports = self.folder.choose_ports()
        self.folder.prepare(self._ports, self._settings)
        if not self.folder.formatted:
            self._format()
        logging = f"-Dlog4j2.configurationFile={self.folder.log_settings}"
        running = command("kafka.Kafka", str(self.folder.properties), settings=(logging, *known_classes()))
        with self.folder.open_log() as log:
            self._process = subprocess.Popen(  # noqa: S603  Java, and words of ours
                [sys.executable, "-I", "-S", broker_child.__file__, str(os.getpid()), *running],
                cwd=self.folder.path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in a terminal is for us: the broker ends after those who use it
            )
        deadline = time.monotonic() + START_TIMEOUT.total_seconds()
        while self.running and time.monotonic() < deadline:
            if cluster_id(self.bootstrap) == self.folder.cluster_id():
                return True
            time.sleep(PAUSE_SECONDS)
        self.kill()
        return False

    def _format(self) -> None:
        words = ("format", "-t", self.folder.cluster_id(), "-c", str(self.folder.properties))
        done = subprocess.run(  # noqa: S603  Java, and words of ours
            command("kafka.tools.StorageTool", *words),
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FORMAT_TIMEOUT.total_seconds(),
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise NoBroker(
                f"The Kafka broker's data could not be prepared ({said[-1] if said else 'no words'}); {REMEDY}."
            )
