"""The five service levels: there is no unnamed one.

They differ in what they divide by and in what they make of those who left soon. All five have two versions, both
readable: 1 counts w < T as many phone systems' own reports do, so that figures can be laid beside theirs; 2 counts
w ≤ T, as every comparison with a threshold does here. A visit that still waits beyond T is missed already,
whatever it will end as; service_level.answered looks at the answered alone and leaves it out.
"""

from typing import Final

from metrics.evidence.evidence import Subject, Terms
from metrics.evidence.total import total
from metrics.evidence.visit import VISIT, VisitRow
from metrics.figure.definition import Definition, Share
from metrics.figure.waiting import ABANDONED, ANSWERED, FLOW_OUTS, SHORT, WAITING, Visits, at_most, visits

_SUBJECTS: Final = frozenset({Subject.QUEUE})


def _below(row: VisitRow, limit_us: int) -> bool:
    return row.wait_us is not None and row.wait_us < limit_us


def _missed(row: VisitRow, terms: Terms) -> bool:
    began = row.enqueued_time
    return row.outcome == "waiting" and began is not None and terms.now_us - began > terms.threshold_us


ANSWERED_WITHIN: Final = visits(
    "answered_within",
    "#(A, w ≤ T)",
    "visits answered within T",
    "outcome = 'answered' and wait_us <= {threshold_us}",
    lambda row, terms: row.outcome == "answered" and at_most(row, terms.threshold_us),
)
ABANDONED_WITHIN: Final = visits(
    "abandoned_within",
    "#(B, w ≤ T)",
    "visits left within T",
    "outcome = 'abandoned' and wait_us <= {threshold_us}",
    lambda row, terms: row.outcome == "abandoned" and at_most(row, terms.threshold_us),
)
ANSWERED_BELOW: Final = visits(
    "answered_below",
    "#(A, w < T)",
    "visits answered before T",
    "outcome = 'answered' and wait_us < {threshold_us}",
    lambda row, terms: row.outcome == "answered" and _below(row, terms.threshold_us),
)
ABANDONED_BELOW: Final = visits(
    "abandoned_below",
    "#(B, w < T)",
    "visits left before T",
    "outcome = 'abandoned' and wait_us < {threshold_us}",
    lambda row, terms: row.outcome == "abandoned" and _below(row, terms.threshold_us),
)
MISSED: Final = visits(
    "waiting_missed",
    "#(W, w > T)",
    "visits that wait beyond T",
    "outcome = 'waiting' and {now_us} - enqueued_time > {threshold_us}",
    _missed,
)


def _levels(version: int, met: Visits, left_soon: Visits) -> tuple[Definition, ...]:
    """Return the five by what counts as met and as left soon."""
    suffix = f"_{version}"
    everyone = total(f"level_offered{suffix}", "visits due", ANSWERED, ABANDONED, FLOW_OUTS, MISSED)
    stayed = total(
        f"level_stayed{suffix}", "visits due but those left soon", ANSWERED, ABANDONED, MISSED, less=(left_soon,)
    )
    content = total(f"level_content{suffix}", "visits answered or left soon", met, left_soon)
    decided = total(f"level_decided{suffix}", "visits due", ANSWERED, ABANDONED, MISSED)
    patient = total(
        f"level_patient{suffix}", "visits due but short abandons", ANSWERED, ABANDONED, MISSED, less=(SHORT,)
    )
    shares = {
        "offered": Share(met, everyone),
        "answered": Share(met, ANSWERED),
        "excluding_short": Share(met, stayed),
        "short_met": Share(content, decided),
        "genesys": Share(met, patient),
    }
    return tuple(_level(name, version, share) for name, share in shares.items())


def _level(name: str, version: int, share: Share) -> Definition:
    words = f"{_side(share.part.symbol)} / {_side(share.whole.symbol)}."
    superseded = version < LATEST
    return Definition(f"service_level.{name}", version, words, VISIT, share, _SUBJECTS, WAITING, superseded=superseded)


def _side(symbol: str) -> str:
    return f"({symbol})" if " + " in symbol else symbol


LATEST: Final = 2
DEFINITIONS: Final = (
    *_levels(1, ANSWERED_BELOW, ABANDONED_BELOW),
    *_levels(2, ANSWERED_WITHIN, ABANDONED_WITHIN),
)
