"""What is read again for figures that rest on more than each contact by itself, and what that gives."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from metrics.explain.events import Events
from metrics.explain.page import FactRow
from metrics.explain.reference import Reached, Reference
from metrics.report.question import Question


@dataclass(frozen=True, slots=True)
class Read:
    """The rows of the evidence, from events alone, and the events behind one of the facts."""

    rows: list[Any]
    behind: Callable[[FactRow], tuple[Reference, ...]]


@dataclass(frozen=True, slots=True)
class Again(ABC):
    """Streams to read again; `decided` says that the figure rests on routing's log too."""

    decided: bool

    @property
    @abstractmethod
    def streams(self) -> int:
        """Number of streams to read."""

    @abstractmethod
    async def read(self, events: Events, asked: Question, reached: Reached) -> Read:
        """Read them and find the evidence; raises TooSlow, and what the logs raise."""
