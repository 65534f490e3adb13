"""95 % intervals of ratios from batches, independent or nearly: pure arithmetic.

The batches' deviations from the pooled ratio, with Student's t (Law and Kelton, Simulation Modeling and Analysis). Few
long queues make most of a mean wait: batches that met none look surer than they are. So an interval reaches as far
as it would on a logarithmic scale towards where the figure is not bounded, and at least to Wilson's for a share; it
holds what the figure's own batches say, and what all of them do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt
from typing import Final

FEWEST_BATCHES: Final = 5
_T: Final = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""Quantiles 0.975 of Student's t, for 1, 2 … degrees of freedom."""
_NORMAL: Final = 1.960
_TOGETHER: Final = 3
"""Contacts that fare alike because they come together, at least."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A ratio's parts, batch by batch; the first `counted` make the figure, `widened` is what correlation adds."""

    above: Sequence[float]
    below: Sequence[float]
    counted: int
    widened: float

    @property
    def value(self) -> float | None:
        """The figure; None of nothing."""
        return _divided(self.above[: self.counted], self.below[: self.counted])


def of_mean(sample: Sample, at_least: float) -> list[float] | None:
    """Return the interval of a mean that is not negative, which reaches to `at_least`."""
    found = _spread(sample)
    if found is None:
        return None
    value, pooled, half, error = found
    low, high = (pooled * exp(-error / pooled), pooled * exp(error / pooled)) if pooled else (0.0, 0.0)
    return [max(0.0, min(value - half, low)), max(value + half, high, at_least)]


def of_share(sample: Sample, contacts: int) -> list[float] | None:
    """Return the interval of a share that so many contacts made."""
    found = _spread(sample)
    if found is None:
        return None
    value, pooled, half, error = found
    low, high = wilson(value, contacts / _TOGETHER) if contacts else (value, value)
    rest = 1 - pooled
    up = pooled * exp(error / pooled) if pooled > 0 else 0.0
    down = 1 - rest * exp(error / rest) if rest > 0 else 1.0
    return [max(0.0, min(low, value - half, down)), min(1.0, max(high, value + half, up))]


def wilson(share: float, number: float) -> tuple[float, float]:
    """Return Wilson's interval of a share among so many."""
    squared = _NORMAL**2 / number
    middle = share + squared / 2
    half = sqrt(squared * (share * (1 - share) + squared / 4))
    return (middle - half) / (1 + squared), (middle + half) / (1 + squared)


def _spread(sample: Sample) -> tuple[float, float, float, float] | None:
    """Return the figure, the ratio of all batches, and half the interval of each; None if too few say anything."""
    value, pooled = sample.value, _divided(sample.above, sample.below)
    if value is None or pooled is None or sum(bottom > 0 for bottom in sample.below) < FEWEST_BATCHES:
        return None
    number = len(sample.below)
    squares = sum((top - pooled * bottom) ** 2 for top, bottom in zip(sample.above, sample.below, strict=True))
    variance = squares / (number - 1) * sample.widened
    times = _T[number - 2] if number - 2 < len(_T) else _NORMAL
    error = times * sqrt(variance * number) / sum(sample.below)
    return value, pooled, error * sqrt(number / sample.counted), error


def _divided(above: Sequence[float], below: Sequence[float]) -> float | None:
    whole = sum(below)
    return sum(above) / whole if whole else None
