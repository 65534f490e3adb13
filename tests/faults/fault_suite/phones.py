"""The phone system as the suite holds it: a process of its own that knows what became of each caller, and says so."""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast_cli import demo_centre

SILENCE_SECONDS = 3.0
"""After which the phone system follows its static plans."""
RESOLVE_SECONDS = 1.0
"""What it may take before routing is asked at all."""
LATE_SECONDS = 6.0
"""By how much whatever is due may be late on a machine that starts processes all the while and has other work."""
DEADLINE_SECONDS = RESOLVE_SECONDS + SILENCE_SECONDS + LATE_SECONDS
"""Within which every caller gets somewhere, or is gone by themself."""
FINISH_SECONDS = 240.0
SOURCE = "phones"
SCENARIO: dict[str, Any] = {
    "source_id": SOURCE,
    "service_numbers": [demo_centre.NUMBER],
    "agents": list(demo_centre.AGENTS),
    "calls_per_minute": 120,
    "patience_seconds": 8,
    "talk_seconds": 2,
    "wrap_up_seconds": 0.3,
    "answer_seconds": 0.5,
    "typing_seconds": 0.2,
    "lost_share": 0.02,
    "twice_share": 0.05,
    "late_share": 0.05,
    "late_seconds": 1,
    "snapshot_every": "PT5S",
    "rest": "PT7S",
}
"""What is lost, late and told twice is so throughout, whatever else happens."""


@dataclass(slots=True)
class Caller:
    """A caller, by instants of the phone system (µs since 1970 UTC; 0: never)."""

    contact_id: str
    arrived_us: int = 0
    instructed_us: int = 0
    default_route_us: int = 0
    over_us: int = 0
    ends: int = 0

    def take(self, what: str, at_us: int) -> None:
        """Take a line of the record; what happened again happened when it first did."""
        name = f"{what}_us"
        setattr(self, name, getattr(self, name) or at_us)
        self.ends += what == "over"


class Witness:
    """Reads the phone system's record while it is being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_to = 0
        self._callers: dict[str, Caller] = {}

    def callers(self) -> list[Caller]:
        """Return all callers as they stand now; a line not yet whole is left for later."""
        with self._path.open("rb") as file:
            file.seek(self._read_to)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for line in map(json.loads, whole.splitlines()):
            contact = line["contact_id"]
            self._callers.setdefault(contact, Caller(contact)).take(line["what"], line["at_us"])
        return list(self._callers.values())

    def led_since(self, since_us: int) -> bool:
        """Whether routing has led a caller who came after an instant."""
        return any(caller.arrived_us >= since_us and caller.instructed_us for caller in self.callers()[::-1])


class PhoneSystem:
    """The process; `routing` and `call_events` are addresses, joined by commas."""

    def __init__(self, folder: Path, seed: int, routing: str, call_events: str, token: str) -> None:
        """Start it."""
        scenario, key, record = folder / "scenario.json", folder / "phones.token", folder / "callers.jsonl"
        scenario.write_text(json.dumps(SCENARIO | {"seed": seed}), encoding="utf-8")
        key.write_text(token, encoding="utf-8")
        record.touch()
        self.witness = Witness(record)
        command = [sys.executable, "-m", "holdfast_connectors", "simulated", "--routing", routing]
        command += ["--call-events", call_events, "--token-file", str(key)]
        command += ["--scenario", str(scenario), "--record", str(record)]
        with (folder / "phones.log").open("ab") as errors:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        assert self._process.stdout is not None
        assert json.loads(self._process.stdout.readline() or b"{}").get("ready"), "the phone system did not start"

    @property
    def alive(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def finish(self) -> bool:
        """Let no more calls arrive and the last one end; whether that came to an end in time."""
        self._process.send_signal(signal.SIGUSR1)
        try:
            return self._process.wait(FINISH_SECONDS) == 0
        except subprocess.TimeoutExpired:
            return False

    def end(self) -> None:
        """End it, whatever it does."""
        if self.alive:
            self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
