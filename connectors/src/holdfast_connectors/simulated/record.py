"""What became of each caller, as the phone system itself knows it: a line of JSON for each thing, as it happens.

Arrivals and ends, beside what a call's runner says of it (`call_runner`). It is told to nobody else: whoever wants to
know whether callers were lost compares it with what others say.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO

ARRIVED: Final = "arrived"
OVER: Final = "over"
"""The call is over, and all work that followed it."""


class Record:
    """Lines of a file; nothing where none was asked for. Instants are microseconds since 1970 UTC."""

    def __init__(self, file: Path | None, now_us: Callable[[], int]) -> None:
        self._file: TextIO | None = file.open("a", buffering=1, encoding="utf-8") if file else None
        self._now_us = now_us

    def of(self, contact_id: str) -> Callable[[str], None]:
        """Return what writes down what happens to a contact."""
        return lambda what: self._write(contact_id, what)

    def close(self) -> None:
        """Write no more."""
        if self._file is not None:
            self._file.close()

    def _write(self, contact_id: str, what: str) -> None:
        if self._file is not None:
            line = {"contact_id": contact_id, "what": what, "at_us": self._now_us()}
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
