"""What was odd about a file, counted by name."""

from collections import Counter
from collections.abc import Callable
from typing import Final

KEPT_LINES: Final = 5
"""Line numbers kept for each name, so that a person can look."""


class Oddities:
    """Counts oddities by name and keeps the numbers of the first lines that show each."""

    def __init__(self, counts: Counter[str], lines: dict[str, list[int]]) -> None:
        """Count into `counts` and keep into `lines`, from nothing."""
        self.counts = counts
        self.lines = lines
        counts.clear()
        lines.clear()

    def add(self, name: str, line: int) -> None:
        """Count one."""
        self.counts[name] += 1
        kept = self.lines.setdefault(name, [])
        if len(kept) < KEPT_LINES:
            kept.append(line)

    def adder(self, line: int) -> Callable[[str], None]:
        """Return a function that counts oddities of one line by name."""
        return lambda name: self.add(name, line)
