"""Made-up months in the form of the bank's archive, and the plain recount of their rows: what figures must come to.

The recount shares nothing with the product but the meaning of the columns: it adds up rows, and that is all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

DAY = 86_400
COLUMNS = (
    *("vru+line", "call_id", "customer_id", "priority", "type", "date", "vru_entry", "vru_exit", "vru_time"),
    *("q_start", "q_exit", "q_time", "outcome", "ser_start", "ser_exit", "ser_time", "server"),
)
QUEUES = {"PS": 70, "NW": 15, "NE": 7, "IN": 3, "TT": 5}
AGENTS = ("ANNA", "BEN", "CARLA", "DAVID", "ELI", "FATMA", "GIL", "HANNA", "")
HOURS = (1, 1, 0, 0, 0, 1, 2, 20, 50, 55, 60, 55, 50, 48, 52, 54, 60, 45, 35, 34, 27, 24, 22, 20)
"""Arrivals by hour of the day, in proportion."""
DAYS_OF_MONTH = 26
"""So that what ends on the day after still ends in the month."""
NO_SERVER = "NO_SERVER"


@dataclass(frozen=True, slots=True)
class Call:
    """A row. Instants are seconds from the midnight its date begins with; ``wait`` is None if it was never queued."""

    date: str
    line: str
    number: int
    customer: int
    queue: str
    entry: int
    vru: int
    wait: int | None
    outcome: str
    service: int
    server: str
    early: int

    def written(self) -> str:
        """Return it as a line of the archive."""
        left = self.entry + self.vru
        dequeued = left + (self.wait or 0)
        queue = ("0:00:00", "0:00:00") if self.wait is None else (_time(left), _time(dequeued))
        served = self.outcome == "AGENT"
        start = dequeued - self.early
        service = (_time(start), _time(start + self.service)) if served else ("0:00:00", "0:00:00")
        columns = (
            *(self.line, self.number, self.customer, self.customer % 3, self.queue, self.date),
            *(_time(self.entry), _time(left), self.vru, *queue, self.wait or 0, self.outcome),
            *(*service, self.service, self.server if served and self.server else NO_SERVER),
        )
        return "\t".join(map(str, columns))


@dataclass(slots=True)
class Counted:
    """What the rows of a queue add up to; lengths in seconds."""

    answered: int = 0
    abandoned: int = 0
    abandoned_ivr: int = 0
    short_abandoned: int = 0
    answered_within: int = 0
    wait_answered_seconds: float = 0
    wait_abandoned_seconds: float = 0
    handle_seconds: float = 0

    @property
    def offered(self) -> int:
        """Return A + B; the archive knows no flow-outs."""
        return self.answered + self.abandoned

    def figures(self) -> dict[str, float]:
        """Return them under the names of METRICS, with one service level."""
        names = ("answered", "abandoned", "abandoned_ivr", "short_abandoned", "offered")
        lengths = ("wait_answered_seconds", "wait_abandoned_seconds", "handle_seconds")
        counted = {name: float(getattr(self, name)) for name in (*names, *lengths)}
        return {**counted, "answered_within": float(self.answered_within)}


@dataclass(slots=True)
class Recount:
    """What a month's rows add up to: by queue, and by agent (contacts, handle seconds; '' for one not named)."""

    queues: dict[str, Counted] = field(default_factory=lambda: defaultdict(Counted))
    agents: dict[str, tuple[int, float]] = field(default_factory=dict)
    contacts: int = 0

    def figures(self) -> dict[str, dict[str, float]]:
        """Return the figures of each queue."""
        return {queue: counted.figures() for queue, counted in self.queues.items()}


def month(chance: Random, calls: int, number: int = 1) -> list[Call]:
    """Make up a month of 1999, in order of arrival; one call in thirty is odd in a way the archive is known for."""
    made = [_call(chance, number) for _ in range(calls)]
    numbers: Counter[str] = Counter()
    found = []
    for date, entry, line in sorted(made):
        numbers[line] += 1
        found.append(_lived(chance, date, entry, line, 30_000 + numbers[line]))
    return found


def write(path: Path, calls: Iterable[Call], *, end: str = "\r\n") -> Path:
    """Write calls as the archive has them and return the path."""
    lines = ["\t".join(COLUMNS), *(call.written() for call in calls)]
    path.write_bytes(end.join([*lines, ""]).encode())
    return path


def shuffled(chance: Random, calls: Sequence[Call]) -> list[Call]:
    """Return the same calls in another order."""
    return chance.sample(list(calls), len(calls))


def recount(calls: Iterable[Call], *, threshold: float = 20, short: float = 5) -> Recount:
    """Add up the rows."""
    found = Recount()
    for call in calls:
        if call.outcome == "PHANTOM":
            continue
        found.contacts += 1
        _add(found.queues[call.queue], call, threshold, short)
        if call.outcome == "AGENT":
            contacts, seconds = found.agents.get(call.server, (0, 0.0))
            found.agents[call.server] = (contacts + 1, seconds + call.service)
    return found


def figures_of(report: Mapping[str, object]) -> dict[str, dict[str, float]]:
    """Return the rows of a queue report (as JSON) in the form of ``Counted.figures``."""
    rows = report["rows"]
    assert isinstance(rows, list)
    names = [name for name in Counted().figures() if name != "answered_within"]
    return {
        row["queue"]: {
            **{name: float(row[name]) for name in names},
            "answered_within": round((row["service_level"]["answered"] or 0.0) * row["answered"], 6),
        }
        for row in rows
    }


def agents_of(report: Mapping[str, object]) -> dict[str, tuple[int, float]]:
    """Return the rows of an agent report (as JSON) in the form of ``Recount.agents``."""
    rows = report["rows"]
    assert isinstance(rows, list)
    return {row["agent"]: (row["contacts"], row["handle_seconds"]) for row in rows}


def _add(counted: Counted, call: Call, threshold: float, short: float) -> None:
    wait = call.wait or 0
    if call.outcome == "AGENT":
        counted.answered += 1
        counted.wait_answered_seconds += wait
        counted.handle_seconds += call.service
        counted.answered_within += wait <= threshold
    elif call.wait is None:
        counted.abandoned_ivr += 1
    else:
        counted.abandoned += 1
        counted.wait_abandoned_seconds += wait
        counted.short_abandoned += wait <= short


def _call(chance: Random, number: int) -> tuple[str, int, str]:
    day = chance.randrange(DAYS_OF_MONTH) + 1
    hour = chance.choices(range(24), HOURS)[0]
    line = f"AA01{chance.randrange(6) + 1:02d}"
    return f"99{number:02d}{day:02d}", hour * 3600 + chance.randrange(3600), line


def _lived(chance: Random, date: str, entry: int, line: str, number: int) -> Call:
    """Make up what became of a call: served at once or after a wait, or given up, in the queue or before."""
    entry = DAY - 60 if chance.random() < 0.005 else entry  # ends on the day after
    queued = chance.random() < 0.6
    served = chance.random() < (0.8 if queued else 0.92)
    outcome = "PHANTOM" if chance.random() < 0.01 else "AGENT" if served else "HANG"
    wait = max(1, round(chance.expovariate(1 / 45))) if queued else None
    service = 0 if outcome != "AGENT" or chance.random() < 0.01 else max(1, round(chance.lognormvariate(4.9, 0.8)))
    return Call(
        date=date,
        line=line,
        number=number,
        customer=chance.randrange(10**6, 10**7) if chance.random() < 0.4 else 0,
        queue=chance.choices(list(QUEUES), list(QUEUES.values()))[0],
        entry=entry,
        vru=-chance.randrange(1, 4) if chance.random() < 0.002 else chance.randrange(3, 25),
        wait=wait,
        outcome=outcome,
        service=service,
        server=chance.choice(AGENTS),
        early=int(queued and chance.random() < 0.4),
    )


def _time(seconds: int) -> str:
    minutes, second = divmod(seconds % DAY, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}"
