"""The history of a run: every operation with its attempts, one JSON document a line, and what it adds up to.

Written as things happen, so that it is whole up to the instant at which its writer dies: an operation that began and
has no answer is unknown. Instants are seconds of the machine's monotonic clock, the same for every process.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

TELL, ASK = "tell", "ask"
"""The doors: where events are told, where figures are asked for."""


class Outcome(StrEnum):
    """How an attempt ended, as its caller knows it."""

    OK = "ok"
    FAILED = "failed"
    """Certainly not applied."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of an operation at a door; `code` is the status it ended with."""

    operation: int
    door: str
    began: float
    ended: float
    outcome: Outcome
    code: str
    refused: tuple[str, ...] = ()


@dataclass(slots=True)
class Operation:
    """Events told together, told again until answered; `contact` names what they are about."""

    number: int
    client: str
    began: float
    contact: str
    events: tuple[str, ...]
    answered: bool = False
    refused: frozenset[str] = frozenset()

    @property
    def acknowledged(self) -> frozenset[str]:
        """The events that the service said it holds."""
        return frozenset(self.events) - self.refused if self.answered else frozenset()


@dataclass(slots=True)
class History:
    """What was told and answered; `attempts` in the order in which they ended."""

    operations: dict[int, Operation] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)

    def take(self, document: Mapping[str, Any]) -> None:
        """Add one line."""
        if document["line"] == "began":
            number = document["operation"]
            began = Operation(
                number, document["client"], document["at"], document["contact"], tuple(document["events"])
            )
            self.operations[number] = began
            return
        rest = {name: document[name] for name in ("operation", "door", "began", "ended", "code")}
        attempt = Attempt(**rest, outcome=Outcome(document["outcome"]), refused=tuple(document["refused"]))
        self.attempts.append(attempt)
        operation = self.operations.get(attempt.operation)
        if operation is not None and attempt.outcome is not Outcome.UNKNOWN:
            operation.answered = True
            operation.refused |= frozenset(attempt.refused)

    def chains(self) -> Iterator[list[Operation]]:
        """Yield the answered operations of each contact: each was begun when the one before it had been answered."""
        found: dict[str, list[Operation]] = {}
        for operation in self.operations.values():
            if operation.acknowledged:
                found.setdefault(operation.contact, []).append(operation)
        yield from found.values()


class Writer:
    """Writes a history; each line is handed to the system at once."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("a", buffering=1, encoding="utf-8")

    def began(self, operation: Operation) -> None:
        """Say that an operation begins, before anything of it leaves."""
        told = {"client": operation.client, "at": operation.began, "contact": operation.contact}
        self._write({"line": "began", "operation": operation.number, **told, "events": operation.events})

    def ended(self, attempt: Attempt) -> None:
        """Say how an attempt ended."""
        told = {name: getattr(attempt, name) for name in ("operation", "door", "began", "ended", "code", "refused")}
        self._write({"line": "ended", **told, "outcome": attempt.outcome.value})

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    def _write(self, document: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(document, separators=(",", ":")) + "\n")


class Reader:
    """Reads a history while it is being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_to = 0
        self.history = History()

    def catch_up(self) -> History:
        """Return the history with all that stands in the file now; a line not yet whole is left for later."""
        with self._path.open("rb") as file:
            file.seek(self._read_to)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for line in whole.splitlines():
            self.history.take(json.loads(line))
        return self.history


def longest_silence(attempts: Iterable[Attempt], door: str, until: float) -> float:
    """Return the longest time, in seconds, in which no attempt at a door was answered; from its first answer on."""
    answers = [found.ended for found in attempts if found.door == door and found.outcome is not Outcome.UNKNOWN]
    return max((later - earlier for earlier, later in zip(answers, [*answers[1:], until], strict=True)), default=until)
