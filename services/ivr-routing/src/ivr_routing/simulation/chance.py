"""Lengths and arrivals by chance. The dice come in: the same seed gives the same centre."""

import csv
import gzip
import math
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

from ivr_routing.simulation.scenario import Arrivals, Length, Recorded, ScenarioInvalid

SECOND_US: Final = 1_000_000
HOUR_US: Final = 3_600 * SECOND_US
HALF_HOUR_US: Final = HOUR_US // 2
DAY_US: Final = 24 * HOUR_US
FOR_EVER: Final = -1
"""A patience that never ends."""
Draw: TypeAlias = Callable[[], int]
"""Gives a length in microseconds."""


def lengths(length: Length | str | None, dice: Random) -> Draw:
    """Return a draw of lengths; of FOR_EVER for infinite or nothing."""
    if not isinstance(length, Length):
        return lambda: FOR_EVER
    if (mean := length.exponential_mean_seconds) is not None:
        rate = 1 / (mean * SECOND_US)
        return lambda: round(dice.expovariate(rate))
    if (constant := length.constant_seconds) is not None:
        fixed = round(constant * SECOND_US)
        return lambda: fixed
    if length.lognormal is not None:
        spread = math.log(1 + (length.lognormal.deviation_seconds / length.lognormal.mean_seconds) ** 2)
        middle = math.log(length.lognormal.mean_seconds * SECOND_US) - spread / 2
        return lambda: round(dice.lognormvariate(middle, math.sqrt(spread)))
    quantiles = length.uniform_seconds or length.quantiles_seconds or (0.0, 0.0)
    return lambda: round(_between(quantiles, dice.random()) * SECOND_US)


def _between(quantiles: tuple[float, ...], share: float) -> float:
    place = share * (len(quantiles) - 1)
    low = min(int(place), len(quantiles) - 2)
    return quantiles[low] + (place - low) * (quantiles[low + 1] - quantiles[low])


def arrivals(how: Arrivals, dice: Random, until_us: int) -> Iterator[int]:
    """Give the instants of arrivals, microseconds from the beginning, rising, before `until_us`."""
    if how.recorded is not None:
        return _recorded(how.recorded, dice, until_us)
    rates = (how.poisson_per_hour / 2,) if how.poisson_per_hour is not None else how.poisson_per_half_hour or ()
    return _poisson(rates, dice, until_us)


def _poisson(per_half_hour: tuple[float, ...], dice: Random, until_us: int) -> Iterator[int]:
    """A Poisson process whose rate may change each half-hour: unit-rate gaps are spent at the rates they meet."""
    if not any(per_half_hour):
        return
    now, slot = 0.0, 0
    left = dice.expovariate(1)
    while now < until_us:
        rate = per_half_hour[slot % len(per_half_hour)] / HALF_HOUR_US
        ends = (slot + 1) * HALF_HOUR_US
        if len(per_half_hour) == 1 or (rate and left / rate < ends - now):
            now += left / rate
            left = dice.expovariate(1)
            if now < until_us:
                yield int(now)
        else:
            left -= (ends - now) * rate
            now, slot = float(ends), slot + 1


def _recorded(recorded: Recorded, dice: Random, until_us: int) -> Iterator[int]:
    """Give each slot's calls at instants of the slot by chance; the day again and again until the end."""
    calls = day_of(recorded.file, recorded.day.isoformat())
    width = recorded.slot_minutes * 60 * SECOND_US
    for day in count():
        for slot, recorded_calls in calls:
            wanted = recorded_calls * recorded.scale
            number = int(wanted) + (dice.random() < wanted - int(wanted))
            begins = day * DAY_US + (slot - 1) * width
            for at in sorted(begins + dice.random() * width for _ in range(number)):
                if at >= until_us:
                    return
                yield int(at)
        if not calls:
            return


def day_of(file: Path, day: str) -> list[tuple[int, int]]:
    """Return slot numbers and calls of a recorded day; raise ScenarioInvalid if the file has none of it."""
    try:
        with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
            rows = [row for row in csv.reader(lines) if row and row[0] == day]
        found = [(int(row[1]), int(row[3])) for row in rows]
    except (OSError, EOFError, IndexError, UnicodeDecodeError, ValueError):
        raise ScenarioInvalid(f"{file} cannot be read as recorded arrivals: date, slot, end, calls.") from None
    if not found:
        raise ScenarioInvalid(f"{file} has no arrivals of {day}.")
    return sorted(found)
