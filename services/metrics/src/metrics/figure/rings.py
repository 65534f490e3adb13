"""Figures of rings: what was offered to agents and what they made of it, as the phone system tells it.

RONA is a ring that nobody answered though it rang at least min_ring and the visit was not over. A ring too short or of
unknown length is a failed offer, charged to nobody; a lost race, or a caller who left, never counts.
"""

from collections.abc import Callable
from typing import Final

from metrics.evidence.evidence import Measure, Subject, Terms
from metrics.evidence.ring import RING, RingRow
from metrics.evidence.total import total
from metrics.figure.definition import Count, Definition, Share

_BOTH: Final = frozenset({Subject.QUEUE, Subject.AGENT})
Rings = Measure[RingRow]


def _rings(name: str, words: str, sql: str, which: Callable[[RingRow, Terms], bool]) -> Rings:
    return Measure(name, words, f"coalesce({sql}, false)::int", lambda row, terms: int(which(row, terms)), words)


def _heard(row: RingRow, terms: Terms) -> bool:
    return row.ring_us is not None and row.ring_us >= terms.min_ring_us


ACCEPTED: Final = _rings("rings_accepted", "accepted", "outcome = 'answered'", lambda row, _: row.outcome == "answered")
REJECTED: Final = _rings("rings_rejected", "rejected", "outcome = 'rejected'", lambda row, _: row.outcome == "rejected")
RONA: Final = _rings(
    "rona",
    "expired while ringing ≥ min_ring",
    "outcome = 'no_answer' and not over and ring_us >= {min_ring_us}",
    lambda row, terms: row.outcome == "no_answer" and not row.over and _heard(row, terms),
)
OFFER_FAILED: Final = _rings(
    "offer_failed",
    "did not ring, or not long enough",
    "outcome = 'failed' or (outcome = 'no_answer' and not over and coalesce(ring_us < {min_ring_us}, true))",
    lambda row, terms: (
        row.outcome == "failed" or (row.outcome == "no_answer" and not row.over and not _heard(row, terms))
    ),
)
OFFERS: Final = total("offers_judged", "accepted, rejected and RONA", ACCEPTED, REJECTED, RONA)
DEFINITIONS: Final = (
    Definition("rona_rate", 1, "RONA / (accepted + rejected + RONA).", RING, Share(RONA, OFFERS), _BOTH),
    Definition("rona", 1, "Rings that nobody answered, heard for at least 8 s.", RING, Count(RONA), _BOTH),
    Definition("offer_failed", 1, "Offers that did not ring long enough; nobody's.", RING, Count(OFFER_FAILED), _BOTH),
)
