"""The one line that says how a run ended, and the exit status that follows from it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

COUNTS = ("lost", "double_counted", "phantom", "reordered", "callers_lost", "agents_double", "ended_twice", "stuck")
"""What the verdict counts; all of it must be 0."""


@dataclass(slots=True)
class Findings:
    """What the checks found wrong, in numbers; `words` names each in a sentence.

    lost: acknowledged and not in the log, or in the log and not in a feed. double_counted: a figure or fact that
    differs from the recount, or an event that stands twice. phantom: in the log though refused, or told by nobody.
    reordered: two operations of one contact, or two positions of a feed, the wrong way round. callers_lost: led by
    nothing in time, or begun without an end. agents_double: an agent with two contacts or reservations at once.
    ended_twice: a contact or a reservation with several ends. stuck: something that did not come back by itself,
    or a run that broke off.
    """

    lost: int = 0
    double_counted: int = 0
    phantom: int = 0
    reordered: int = 0
    callers_lost: int = 0
    agents_double: int = 0
    ended_twice: int = 0
    stuck: int = 0
    words: list[str] = field(default_factory=list)

    def add(self, what: str, count: int, words: str) -> None:
        """Count something that is wrong; nothing happens for a count of 0."""
        if count:
            setattr(self, what, getattr(self, what) + count)
            self.words.append(f"{what}: {count} {words}")

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not any(getattr(self, name) for name in COUNTS)


@dataclass(frozen=True, slots=True)
class Run:
    """What a run was: lengths in seconds; `recoveries` one for each fault."""

    faults: int
    kinds: int
    acknowledged: int
    max_unavailable: float
    recoveries: Sequence[float]
    seed: int


def line(run: Run, findings: Findings) -> str:
    """Return the verdict."""
    counts = f"faults={run.faults} kinds={run.kinds} acked={run.acknowledged}"
    wrong = " ".join(f"{name}={getattr(findings, name)}" for name in COUNTS)
    times = f"max_unavailable={run.max_unavailable:.1f}s p99_recovery={percentile(run.recoveries, 0.99):.1f}s"
    return f"{counts} {wrong} {times} seed={run.seed}"


def bound(faults: int) -> str:
    """Return what can be said of faults that were not tried, in one sentence (the rule of three)."""
    if not faults:
        return "No fault was tried, so nothing is known."
    return f"With none lost in {faults} faults, at most {min(1.0, 3 / faults):.2%} of such faults lose anything (95 %)."


def exit_status(findings: Findings) -> int:
    """Return 0 only if nothing is wrong."""
    return 0 if findings.clean else 1


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all do not exceed; 0 of none."""
    if not values:
        return 0.0
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]
