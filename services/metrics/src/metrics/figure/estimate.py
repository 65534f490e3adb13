"""How far a figure may be from what more observations would show: 95 % intervals; no I/O.

Wilson's score interval for proportions (Wilson 1927; Newcombe, Statistics in Medicine 17, 1998, method 3: it never
leaves [0, 1] and holds for few observations); the normal interval of a mean, mean ± z·s/√n with the sample's s.
"""

import math
from dataclasses import dataclass

Z_95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Span:
    """A 95 % interval, in the unit of its figure."""

    low: float
    high: float


def wilson(successes: float, n: float) -> Span | None:
    """Return Wilson's 95 % interval of successes / n; None where nothing was observed."""
    if n <= 0:
        return None
    share = successes / n
    squared = Z_95 * Z_95
    centre = share + squared / (2 * n)
    reach = Z_95 * math.sqrt((share * (1 - share) + squared / (4 * n)) / n)
    scale = 1 + squared / n
    low = 0.0 if successes <= 0 else (centre - reach) / scale
    high = 1.0 if successes >= n else (centre + reach) / scale
    return Span(low, high)


def normal(total: float, squares: float, n: float) -> Span | None:
    """Return the 95 % interval of the mean total / n, given the sum of squares; None below two observations."""
    if n < 2:  # noqa: PLR2004  # one observation says nothing of its spread
        return None
    mean = total / n
    variance = max(0.0, (squares - n * mean * mean) / (n - 1))
    reach = Z_95 * math.sqrt(variance / n)
    return Span(mean - reach, mean + reach)
