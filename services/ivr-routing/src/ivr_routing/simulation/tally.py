"""What a simulation counts: per queue, and per batch, so that each figure has its interval.

A batch is a replication, or a stretch of one long run. A ratio's interval is that of batch means: the batches'
deviations from the pooled ratio, with Student's t (Law and Kelton, Simulation Modeling and Analysis), made wider where
neighbouring batches are alike.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any, Final

FEWEST_BATCHES: Final = 5
_T: Final = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""Quantiles 0.975 of Student's t, for 1, 2 … degrees of freedom."""
_NORMAL: Final = 1.960


@dataclass(slots=True)
class Counts:
    """Counts of one queue in one batch; lengths in microseconds. Visits count where they were enqueued."""

    answered: int = 0
    abandoned: int = 0
    flowed_out: int = 0
    short_abandoned: int = 0
    abandoned_in_time: int = 0
    answered_in_time: int = 0
    waited: int = 0
    wait_answered_us: int = 0
    wait_abandoned_us: int = 0
    handle_us: int = 0
    busy_us: int = 0
    available_us: int = 0

    @property
    def offered(self) -> int:
        """Visits that came and are over."""
        return self.answered + self.abandoned + self.flowed_out


@dataclass(slots=True)
class QueueTally:
    """Counts of one queue, batch by batch, and the waits of those answered."""

    threshold_us: int
    short_us: int
    batches: list[Counts] = field(default_factory=list)
    waits: "array[int]" = field(default_factory=lambda: array("q"))

    def ended(self, batch: int, wait_us: int, *, answered: bool, left: bool, waited: bool) -> None:
        """Count a visit that is over: answered, left by the caller, or flowed out by rule."""
        counts = self.batches[batch]
        in_time = wait_us <= self.threshold_us
        counts.waited += waited
        if answered:
            counts.answered += 1
            counts.wait_answered_us += wait_us
            counts.answered_in_time += in_time
            self.waits.append(wait_us)
        elif left:
            counts.abandoned += 1
            counts.wait_abandoned_us += wait_us
            counts.abandoned_in_time += in_time
            counts.short_abandoned += wait_us <= self.short_us
        else:
            counts.flowed_out += 1

    def figures(self) -> dict[str, Any]:
        """Return the queue's figures by their names, with 95 % intervals where there are batches enough."""
        total = pooled(self.batches)
        ratios = {name: _Ratio(self.batches, *parts) for name, parts in _PARTS.items()}
        levels = {name: _Ratio(self.batches, *parts) for name, parts in _LEVELS.items()}
        return {
            "contacts": total.offered,
            "answered": total.answered,
            "abandoned": total.abandoned,
            "short_abandoned": total.short_abandoned,
            "flowed_out": total.flowed_out,
            **{name: ratio.value for name, ratio in ratios.items()},
            "wait_percentiles_seconds": _percentiles(self.waits),
            "service_level_threshold_seconds": self.threshold_us / 1e6,
            "service_level": {name: level.value for name, level in levels.items()},
            "intervals": {
                **{name: ratio.interval for name, ratio in ratios.items()},
                "service_level": {name: level.interval for name, level in levels.items()},
            },
        }


def pooled(batches: Sequence[Counts]) -> Counts:
    """Return the sums over batches."""
    return Counts(*(sum(getattr(batch, each.name) for batch in batches) for each in fields(Counts)))


_Parts = tuple[str, str, float]
_OFFERED: Final = "answered + abandoned + flowed_out"
_PARTS: Final[dict[str, _Parts]] = {
    "waited_share": ("waited", _OFFERED, 1),
    "abandon_rate": ("abandoned", "answered + abandoned", 1),
    "asa_seconds": ("wait_answered_us", "answered", 1e6),
    "mean_wait_seconds": ("wait_answered_us + wait_abandoned_us", "answered + abandoned", 1e6),
    "aht_seconds": ("handle_us", "answered", 1e6),
    "occupancy": ("busy_us", "busy_us + available_us", 1),
}
"""Figures as numerator, denominator and unit; sums of counts, a minus before what is taken away."""
_LEVELS: Final[dict[str, _Parts]] = {
    "offered": ("answered_in_time", _OFFERED, 1),
    "answered": ("answered_in_time", "answered", 1),
    "excluding_short": ("answered_in_time", "answered + abandoned + -abandoned_in_time", 1),
    "short_met": ("answered_in_time + abandoned_in_time", "answered + abandoned", 1),
    "genesys": ("answered_in_time", "answered + abandoned + -short_abandoned", 1),
}


class _Ratio:
    """A pooled ratio with the interval of its batches; none where fewer than FEWEST_BATCHES say anything."""

    def __init__(self, batches: Sequence[Counts], numerator: str, denominator: str, unit: float) -> None:
        above = [_sum_of(batch, numerator) for batch in batches]
        below = [_sum_of(batch, denominator) * unit for batch in batches]
        whole = sum(below)
        self.value = sum(above) / whole if whole else None
        most = 1.0 if unit == 1 else float("inf")
        self.interval = _interval(above, below, self.value, most)


def _sum_of(batch: Counts, terms: str) -> int:
    return sum(-getattr(batch, term[1:]) if term[0] == "-" else getattr(batch, term) for term in terms.split(" + "))


def _interval(above: Sequence[float], below: Sequence[float], value: float | None, most: float) -> list[float] | None:
    number = len(above)
    if value is None or sum(bottom > 0 for bottom in below) < FEWEST_BATCHES:
        return None
    apart = [top - value * bottom for top, bottom in zip(above, below, strict=True)]
    squares = sum(each * each for each in apart)
    alike = max(0.0, sum(one * next_one for one, next_one in pairwise(apart))) / (squares or 1.0)
    error = (squares * (1 + 2 * alike) * number / (number - 1)) ** 0.5 / sum(below)
    times = _T[number - 2] if number - 2 < len(_T) else _NORMAL
    return [max(0.0, value - times * error), min(most, value + times * error)]


def _percentiles(waits: "array[int]") -> dict[str, float] | None:
    """Return p50, p80, p90 and max of the waits of those answered, by nearest rank, in seconds."""
    if not waits:
        return None
    ranked = sorted(waits)
    ranks = {name: ranked[max(0, -(-len(ranked) * share // 100) - 1)] / 1e6 for name, share in _SHARES}
    return {**ranks, "max": ranked[-1] / 1e6}


_SHARES: Final = (("p50", 50), ("p80", 80), ("p90", 90))
