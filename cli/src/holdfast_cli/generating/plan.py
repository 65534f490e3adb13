"""What is to be generated, and how the made-up contact centre is: its queues, its people, its day. Data only.

Numbers of callers are from the ranges that Ofcom keeps for drama: nobody has them.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True)
class Plan:
    """What to generate: so many days from a first one, so many contacts on a plain working day, by a seed.

    The same plan gives the same events, byte for byte; `tenant` is part of it, since ids are made of it.
    """

    seed: int
    first_day: date
    days: int = 1
    contacts_per_day: int = 1000
    tenant: str = "demo"
    time_zone: str = "UTC"


PHONE_SOURCE: Final = "generated-pbx"
DESK_SOURCE: Final = "generated-crm"
"""The second source: an agents' desk that tells late, in an order of its own, by the first one's names of calls."""

QUEUES: Final = (("billing", 40), ("support", 35), ("sales", 15), ("cancellations", 10))
SERVICE_NUMBERS: Final = {
    "billing": "+448081570101",
    "support": "+448081570102",
    "sales": "+448081570103",
    "cancellations": "+448081570101",
}
REASONS: Final = {
    "billing": ("invoice", "refund", "payment_date"),
    "support": ("no_service", "slow_service", "how_to"),
    "sales": ("offer", "upgrade"),
    "cancellations": ("cancel", "move"),
}
DISPOSITIONS: Final = ("solved", "follow_up", "refunded", "kept", "no_action")
SHAPE: Final = (
    *(1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 5, 10, 18),
    *(38, 52, 64, 70, 72, 70, 66, 60, 54, 52, 56, 60, 64, 66, 62, 58),
    *(54, 50, 46, 42, 38, 34, 28, 22, 14, 8, 6, 5, 4, 3, 2, 1),
)
"""Weights of arrivals by half-hour from midnight."""

WEEK: Final = (118, 106, 100, 98, 102, 44, 24)
"""Contacts of a day in per cent of a plain one, from Monday."""

OPENS: Final = 8 * 3_600_000
CLOSES: Final = 20 * 3_600_000
"""When the queues are open, in milliseconds from local midnight."""

SHIFTS: Final = ((8, 16), (8, 16), (9, 17), (11, 19), (12, 20))
AGENTS_PER_THOUSAND: Final = 18
FEWEST_AGENTS: Final = 8

# Least, nine deciles and most, in seconds.
FLOW: Final = (3, 7, 10, 12, 15, 18, 22, 28, 36, 50, 95)
PATIENCE: Final = (2, 20, 45, 75, 110, 160, 230, 330, 480, 760, 1800)
TALK: Final = (4, 35, 68, 100, 132, 168, 212, 270, 355, 520, 1900)
HOLD: Final = (4, 10, 16, 22, 30, 38, 48, 62, 84, 120, 260)
WRAP_UP: Final = (3, 8, 12, 16, 20, 25, 31, 38, 48, 66, 140)
RING: Final = (1, 2, 3, 3, 4, 4, 5, 6, 7, 9, 14)
UNANSWERED_RING_MS: Final = 18_000

_RANGES: Final = (
    *("+4416329600", "+4477009000", "+4411349600", "+4411449600", "+4411549600", "+4411649600"),
    *("+4411749600", "+4411849600", "+4412149600", "+4413149600", "+4414149600", "+4416149600"),
)
CUSTOMERS: Final = 1000 * len(_RANGES)


def number_of(customer: int) -> str:
    """Return the number of a customer, one of those kept for drama."""
    return f"{_RANGES[customer // 1000][:-1]}{customer % 1000:03d}"


def reference_of(customer: int) -> str:
    """Return the tenant's own id of a customer."""
    return f"customer-{customer:05d}"
