"""What a simulation counts: per queue, and per batch, so that each figure has its interval.

A batch is a run, or a stretch of one long run.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

from ivr_routing.simulation.intervals import Sample, of_mean, of_share


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
    wait_waited_us: int = 0
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
    counted: int
    """The first so many batches are counted in the figures."""
    widened: float
    batches: list[Counts]
    waits: "array[int]" = field(default_factory=lambda: array("q"))

    def ended(self, batch: int, wait_us: int, *, answered: bool, left: bool, waited: bool) -> None:
        """Count a visit that is over: answered, left by the caller, or flowed out by rule."""
        counts = self.batches[batch]
        in_time = wait_us <= self.threshold_us
        counts.waited += waited
        counts.wait_waited_us += wait_us * waited
        if answered:
            counts.answered += 1
            counts.wait_answered_us += wait_us
            counts.answered_in_time += in_time
            if batch < self.counted:
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
        total = pooled(self.batches[: self.counted])
        ratios = {name: self._sample(*parts) for name, parts in _PARTS.items()}
        levels = {name: self._sample(*parts) for name, parts in _LEVELS.items()}
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
                **{name: self._interval(name, ratios, total.offered) for name in ratios},
                "service_level": {name: of_share(level, total.offered) for name, level in levels.items()},
            },
        }

    def _sample(self, numerator: str, denominator: str, unit: float) -> Sample:
        above = [_sum_of(batch, numerator) for batch in self.batches]
        below = [_sum_of(batch, denominator) * unit for batch in self.batches]
        return Sample(above, below, self.counted, self.widened)

    def _interval(self, name: str, ratios: dict[str, Sample], contacts: int) -> list[float] | None:
        """Return a figure's interval; waits reach to what they are if as many wait, and as long, as may."""
        if name == "aht_seconds":
            return of_mean(ratios[name], 0.0)
        if name not in _WAITS:
            return of_share(ratios[name], contacts)
        share = of_share(ratios["waited_share"], contacts)
        return of_mean(ratios[name], share[1] * self._most_waited(ratios["aht_seconds"].value or 0.0) if share else 0.0)

    def _most_waited(self, unseen: float) -> float:
        """Return seconds that who waits may wait: the mean of those who did, and two deviations of few batches'."""
        met = sum(batch.waited > 0 for batch in self.batches)
        if not met:
            return unseen
        everything = pooled(self.batches)
        return everything.wait_waited_us / everything.waited / 1e6 * float(1 + 2 / met**0.5)


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
_WAITS: Final = ("asa_seconds", "mean_wait_seconds")
_LEVELS: Final[dict[str, _Parts]] = {
    "offered": ("answered_in_time", _OFFERED, 1),
    "answered": ("answered_in_time", "answered", 1),
    "excluding_short": ("answered_in_time", "answered + abandoned + -abandoned_in_time", 1),
    "short_met": ("answered_in_time + abandoned_in_time", "answered + abandoned", 1),
    "genesys": ("answered_in_time", "answered + abandoned + -short_abandoned", 1),
}


def _sum_of(batch: Counts, terms: str) -> int:
    return sum(-getattr(batch, term[1:]) if term[0] == "-" else getattr(batch, term) for term in terms.split(" + "))


def _percentiles(waits: "array[int]") -> dict[str, float] | None:
    """Return p50, p80, p90 and max of the waits of those answered, by nearest rank, in seconds."""
    if not waits:
        return None
    ranked = sorted(waits)
    ranks = {name: ranked[max(0, -(-len(ranked) * share // 100) - 1)] / 1e6 for name, share in _SHARES}
    return {**ranks, "max": ranked[-1] / 1e6}


_SHARES: Final = (("p50", 50), ("p80", 80), ("p90", 90))
