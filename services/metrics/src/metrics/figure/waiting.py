"""Figures of queue visits: offered, answered, left, and how long they waited.

In formulas: A answered (bridged), B left before being bridged, S of these within short_abandon, F flowed out by rule,
w the wait, T the threshold. Visits answered elsewhere or removed stand outside A, B and F.
"""

from collections.abc import Callable
from typing import Final

from metrics.evidence.evidence import Measure, Subject, Terms
from metrics.evidence.total import total
from metrics.evidence.visit import VISIT, VisitRow
from metrics.figure.definition import Count, Definition, Formula, Largest, Mean, Quantile, Share

Which = Callable[[VisitRow, Terms], bool]
Visits = Measure[VisitRow]
_QUEUE: Final = frozenset({Subject.QUEUE})


def visits(name: str, symbol: str, words: str, sql: str, which: Which) -> Visits:
    """Return the measure that counts the visits a condition holds for."""
    return Measure(name, words, f"({sql})::int", lambda row, terms: int(which(row, terms)), symbol)


def ended(outcome: str, name: str, symbol: str, words: str) -> Visits:
    """Return the measure that counts the visits of one outcome."""
    return visits(name, symbol, words, f"outcome = '{outcome}'", lambda row, _: row.outcome == outcome)


def waited(name: str, symbol: str, *outcomes: str) -> Visits:
    """Return the measure that adds up the wait of visits of some outcomes."""
    listed = ", ".join(f"'{outcome}'" for outcome in outcomes)
    sql = f"case when outcome in ({listed}) then wait_us end"
    return Measure(name, f"wait of {symbol}", sql, lambda row, _: row.wait_us if row.outcome in outcomes else None)


def at_most(row: VisitRow, limit_us: int) -> bool:
    """Whether the wait is known and within a limit."""
    return row.wait_us is not None and row.wait_us <= limit_us


def _so_far(row: VisitRow, terms: Terms) -> int | None:
    return terms.now_us - row.enqueued_time if row.outcome == "waiting" and row.enqueued_time is not None else None


ANSWERED: Final = ended("answered", "answered", "A", "visits answered")
ABANDONED: Final = ended("abandoned", "abandoned", "B", "visits left before being bridged")
FLOW_OUTS: Final = ended("flow_out", "flow_outs", "F", "visits that flowed out by rule")
ELSEWHERE: Final = ended("elsewhere", "elsewhere", "E", "visits answered in another queue or removed")
WAITING: Final = ended("waiting", "waiting", "W", "visits that still wait")
OFFERED: Final = total("offered", "visits answered, left and flowed out", ANSWERED, ABANDONED, FLOW_OUTS)
DECIDED: Final = total("decided", "visits answered and left", ANSWERED, ABANDONED)
RINGING: Final = visits(
    "abandoned_ringing",
    "#(B, ringing)",
    "visits left while an agent's endpoint rang",
    "outcome = 'abandoned' and rang",
    lambda row, _: row.outcome == "abandoned" and row.rang,
)
SHORT: Final = visits(
    "short_abandoned",
    "S",
    "visits left within short_abandon",
    "outcome = 'abandoned' and wait_us <= {short_abandon_us}",
    lambda row, terms: row.outcome == "abandoned" and at_most(row, terms.short_abandon_us),
)
MEASURED: Final = visits(
    "answered_measured",
    "A",
    "visits answered whose wait can be told",
    "outcome = 'answered' and wait_us is not null",
    lambda row, _: row.outcome == "answered" and row.wait_us is not None,
)
WAIT_ANSWERED: Final = waited("wait_answered_us", "A", "answered")
WAIT_ABANDONED: Final = waited("wait_abandoned_us", "B", "abandoned")
WAIT_ALL: Final = waited("wait_all_us", "A, B and F", "answered", "abandoned", "flow_out")
WAIT_SO_FAR: Final = Measure(
    "wait_so_far_us", "wait so far", "case when outcome = 'waiting' then {now_us} - enqueued_time end", _so_far
)


def figure(name: str, words: str, formula: Formula) -> Definition:
    """Return a figure of queue visits."""
    return Definition(name, 1, words, VISIT, formula, _QUEUE, WAITING)


COUNTS: Final = tuple(
    figure(measure.name, f"{measure.symbol}: {measure.words}.", Count(measure))
    for measure in (OFFERED, ANSWERED, ABANDONED, RINGING, SHORT, FLOW_OUTS, ELSEWHERE, WAITING)
)
RATES: Final = (
    figure(
        "abandon_rate",
        "B / (A + B). Short abandons, those ringing and those in the IVR stand apart; the contained are not abandoned.",
        Share(ABANDONED, DECIDED),
    ),
    figure("abandon_rate.short", "S / (A + B).", Share(SHORT, DECIDED)),
    figure("abandon_rate.ringing", "#(B, ringing) / (A + B).", Share(RINGING, DECIDED)),
    figure(
        "asa",
        "Σ w over A / A, of those whose wait can be told: zero waits in, ring in, IVR out.",
        Mean(WAIT_ANSWERED, MEASURED),
    ),
)
WAITS: Final = tuple(
    figure(f"wait.{name}.{point}", f"{words} of w over {whose}.", formula)
    for name, whose, measure in (
        ("answered", "A", WAIT_ANSWERED),
        ("abandoned", "B", WAIT_ABANDONED),
        ("all", "A, B and F", WAIT_ALL),
    )
    for point, words, formula in (
        ("p50", "Median", Quantile(measure, 0.5)),
        ("p80", "80th percentile", Quantile(measure, 0.8)),
        ("p90", "90th percentile", Quantile(measure, 0.9)),
        ("max", "Maximum", Largest(measure)),
    )
)
LONGEST: Final = figure("longest_waiting", "The longest wait so far of visits that still wait.", Largest(WAIT_SO_FAR))
DEFINITIONS: Final = (*COUNTS, *RATES, *WAITS, LONGEST)
