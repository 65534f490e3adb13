"""What is wrong with a flow document: one problem with its place and its remedy, and the errors of this package.

FlowError
├── FlowRefused       the author: the document does not stand; `problems` names every place, with the remedy
├── WrongState        us, or whoever kept the state: it belongs to another flow or version, or cannot be read
└── PublishingRefused the author: what was asked of a flow's versions cannot be; `reason` is a word for programs
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that keeps a flow from being published.

    `line` counts from 1, 0 where there is no text. `node` is empty for what concerns the whole document. `code` is for
    programs, `text` says what is wrong, `remedy` what to do about it.
    """

    line: int
    node: str
    code: str
    text: str
    remedy: str

    def as_json(self) -> dict[str, object]:
        """Return the problem as a JSON object."""
        return asdict(self)


class FlowError(Exception):
    """Root of everything this package raises on purpose."""


class FlowRefused(FlowError):
    """A document with problems; all of them at once, in the order of their lines."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        super().__init__(f"{len(problems)} problem(s), the first in line {first.line}: {first.text}")
        self.problems = problems


class WrongState(FlowError):
    """A state does not belong to the flow it was given with, or is none."""


class PublishingRefused(FlowError):
    """A version cannot be published, scheduled or withdrawn as asked."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
