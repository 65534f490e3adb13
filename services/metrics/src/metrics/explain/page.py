"""The facts behind a figure, a page at a time, in order of the instant that credits them."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from metrics.connection import Connection
from metrics.errors import InvalidPageToken
from metrics.explain.events import MANY, Wanted
from metrics.figure.definition import Count, Definition, Largest, Length, LengthShare, Mean, Quantile, Share
from metrics.interval.interval import LATEST_US
from metrics.report.question import Question, is_name
from metrics.report.statement import bind, values_of

DEFAULT_SIZE: Final = 100
LARGEST_SIZE: Final = 1_000
_LONGEST_TOKEN: Final = 600
_SPAN: Final = """
select min(c.first_position) as first, max(c.last_position) as last
from unnest($2::text[]) as wanted(contact_id)
join metrics.contact c on c.tenant = $1 and c.contact_id = wanted.contact_id
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the credit, contact and key of its last fact."""

    credited_us: int
    contact_id: str
    fact_id: str


@dataclass(frozen=True, slots=True)
class FactRow:
    """One fact behind a figure: what it adds, in the measures' own units, and its columns."""

    contact_id: str
    fact_id: str
    credited_us: int
    numerator: int
    denominator: int
    columns: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FactPage:
    """Some facts, the place to go on from (None: these are the last), and the number of facts on all pages."""

    rows: tuple[FactRow, ...]
    after: Place | None
    count: int


async def page(
    connection: Connection, question: Question, definition: Definition, size: int, after: Place | None
) -> FactPage:
    """Return a page of the facts that take part in a figure."""
    taking_part = _taking_part(question, definition)
    values = values_of(question) | _place_values(after)
    listed = bind(_ordered(taking_part, size + 1), values)
    counted = bind(f"select count(*) from ({taking_part}) fact", values)  # noqa: S608  # our own text
    records = await connection.fetch(listed.text, *listed.values)
    count: int = await connection.fetchval(counted.text, *counted.values)
    rows = tuple(_row(record) for record in records[:size])
    last = rows[-1] if len(records) > size else None
    return FactPage(rows, Place(last.credited_us, last.contact_id, last.fact_id) if last else None, count)


async def contacts(connection: Connection, question: Question, definition: Definition, at_most: int) -> Wanted:
    """Return the contacts that have evidence of the figure's kind, one more than `at_most` where there are more."""
    source = definition.evidence.source(question.subject, question.interval.credit)
    asked = bind(
        f"select distinct contact_id from ({source}) evidence order by contact_id limit {at_most + 1}",  # noqa: S608
        values_of(question),
    )
    ids = tuple(record["contact_id"] for record in await connection.fetch(asked.text, *asked.values))
    tenant = question.scope.tenant
    span = await connection.fetchrow(_SPAN, tenant, list(ids)) if len(ids) >= MANY else None
    first, last = (span["first"] or 0, span["last"] or 0) if span else (0, 0)
    return Wanted(tenant, ids, first, last)


def token(place: Place | None, question: Question, definition: Definition) -> str:
    """Return a page token that goes on from a place; empty for none."""
    if place is None:
        return ""
    body = [place.credited_us, place.contact_id, place.fact_id, _digest(question, definition)]
    return base64.urlsafe_b64encode(json.dumps(body).encode()).decode()


def place(told: str, question: Question, definition: Definition) -> Place | None:
    """Return the place a token goes on from, None for an empty one; InvalidPageToken if it is not of this question."""
    if not told:
        return None
    try:
        credited_us, contact_id, fact_id, digest = json.loads(
            base64.b64decode(told[:_LONGEST_TOKEN], b"-_", validate=True)
        )
    except (ValueError, TypeError):
        raise InvalidPageToken from None
    if digest != _digest(question, definition) or not _is_instant(credited_us):
        raise InvalidPageToken
    if not all(isinstance(key, str) and key.isprintable() and is_name(key) for key in (contact_id, fact_id)):
        raise InvalidPageToken
    return Place(credited_us, contact_id, fact_id)


def _is_instant(told: object) -> bool:
    return isinstance(told, int) and abs(told) <= LATEST_US


def _digest(question: Question, definition: Definition) -> str:
    """Return a short digest of what is asked, thresholds included but not the instant of asking."""
    terms = question.terms
    asked = (
        definition.reference,
        question.subject,
        question.scope,
        str(question.interval),
        terms.threshold_us,
        terms.short_abandon_us,
    )
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]


def _place_values(after: Place | None) -> dict[str, Any]:
    found = after or Place(-(2**62), "", "")
    return {"credited": found.credited_us, "contact": found.contact_id, "fact": found.fact_id}


def _taking_part(question: Question, definition: Definition) -> str:
    """Return the SQL of the facts that add something, with what they add."""
    source = definition.evidence.source(question.subject, question.interval.credit)
    divisor = definition.denominator
    return f"""
    select * from (
        select evidence.*, ({definition.numerator.sql})::bigint as numerator,
               ({divisor.sql if divisor else 1})::bigint as denominator
        from ({source}) evidence
    ) measured where {_condition(definition)}
    """  # noqa: S608  # texts of this package; every value is a parameter


def _ordered(taking_part: str, limit: int) -> str:
    return f"""
    select * from ({taking_part}) fact
    where (credited, contact_id, fact_id) > ({{credited}}, {{contact}}, {{fact}})
    order by credited, contact_id, fact_id limit {limit}
    """  # noqa: S608  # texts of this package; every value is a parameter


def _condition(definition: Definition) -> str:
    match definition.formula:
        case Count():
            return "numerator <> 0"
        case Quantile() | Largest() | Length():
            return "numerator is not null"
        case Share() | Mean() | LengthShare():
            return "coalesce(numerator, 0) <> 0 or coalesce(denominator, 0) <> 0"


def _row(record: Any) -> FactRow:
    return FactRow(
        record["contact_id"],
        record["fact_id"],
        record["credited"],
        record["numerator"] or 0,
        record["denominator"] or 0,
        dict(record),
    )
