"""Columns that are computed from the others, over whole contacts: legs, visits and assignments joined by their ids.

Only for plain contacts (see `screen`); the rules are those of `contact_life`, shortened to what is plain. Frames here
have `@row`, the contact's number in the batch, instead of tenant and contact. Absent text is null.
"""

from functools import cache
from typing import Final

import polars as pl

from contact_life.pairing import SAME_MOMENT_US
from metrics.fact.at_once import at_once
from metrics.fact.telling import ROW

_FALSE: Final = pl.lit(value=False)
_LEG: Final = [ROW, "leg_id"]
_VISIT: Final = [ROW, "visit_id"]
_AGENT: Final = pl.coalesce("agent", "leg_agent").alias("agent")
_VISIT_ID: Final = pl.coalesce("visit_id", "ring_visit_id").alias("visit_id")
_QUEUE: Final = pl.coalesce("queue", "visit_queue").alias("queue")
_OF_LEG: Final = (
    *map(pl.col, _LEG),
    pl.col("role").alias("leg_role"),
    pl.col("agent").alias("leg_agent"),
    pl.col("assignment_id").alias("leg_spell"),
    pl.col("ended_time").alias("leg_ended_time"),
    (pl.col("created_time").is_not_null() | pl.col("ringing_time").is_not_null()).alias("leg_begun"),
    pl.col("ring_visit_id"),
)
_OF_CALLER: Final = (pl.col(ROW), pl.col("leg_id").alias("caller_leg_id"), pl.col("role").alias("caller_role"))
RUNG: Final = (pl.col("role") == "agent") & pl.col("ringing_time").is_not_null()
"""Whether a leg is one by which an agent was rung."""
_UNTIL: Final = pl.coalesce("told_dequeued_time", "gone_time").alias("until")
_RANG_FOR_IT: Final = (pl.col("ring_visit_id") == pl.col("visit_id")).fill_null(value=True)
_RANG: Final = pl.col("rang").fill_null(value=False)
_ANSWERS: Final = (
    pl.len().alias("answers"),
    pl.col("bridged_time").min(),
    pl.col("assignment_id").first(),
    pl.col("agent").first(),
)


def finished_legs(leg: pl.DataFrame, contact: pl.DataFrame) -> pl.DataFrame:
    """Return legs with the role that the arrival gives, and with their contact's native_id and closed_time."""
    joined = leg.lazy().join(contact.lazy().select(ROW, "native_id", "closed_time"), on=ROW, how="left")
    return at_once(joined.with_columns(_role(), _FALSE.alias("inferred")))


@cache
def _role() -> pl.Expr:
    native = pl.when(pl.col("leg_id") == pl.col("native_id")).then(pl.lit("caller"))
    return pl.coalesce("role", native).alias("role")


def finished_assignments(
    spell: pl.DataFrame, leg: pl.DataFrame, visit: pl.DataFrame, contact: pl.DataFrame
) -> pl.DataFrame:
    """Return assignments with their lengths, and what the screen needs of their legs and contacts."""
    joined = _with_legs(spell.lazy(), leg.lazy())
    joined = joined.with_columns(_AGENT, _VISIT_ID)
    queues = visit.lazy().select(*_VISIT, pl.col("queue").alias("visit_queue"))
    joined = joined.join(queues, on=_VISIT, how="left").with_columns(_QUEUE)
    joined = joined.join(visit.lazy().select(ROW).unique().with_columns(has_visits=True), on=ROW, how="left")
    whole = contact.lazy().select(ROW, "closed_time", "unbridged_time", "arrived_time")
    told = joined.join(whole, on=ROW, how="left").with_columns(*_instants()).with_columns(*_lengths())
    return at_once(told.with_columns(_handle()))


def _with_legs(spell: pl.LazyFrame, leg: pl.LazyFrame) -> pl.LazyFrame:
    legs, callers = leg.select(_OF_LEG), leg.select(_OF_CALLER)
    named = spell.with_columns(pl.col("leg_id", "caller_leg_id").fill_null(""))
    named = named.with_columns(pl.len().over(_LEG).alias("leg_spells"))
    return named.join(legs, on=_LEG, how="left").join(callers, on=[ROW, "caller_leg_id"], how="left")


@cache
def _instants() -> tuple[pl.Expr, ...]:
    talk_ended = pl.coalesce("leg_ended_time", "wrap_up_started_time")
    running = pl.col("wrap_up_started_time").is_not_null() & pl.col("wrap_up_ended_time").is_null()
    return (
        pl.coalesce("answered_time", "bridged_time").alias("started_time"),
        talk_ended.alias("talk_ended_time"),
        pl.when(~running).then(pl.coalesce(pl.col("wrap_up_ended_time"), talk_ended)).alias("ended_time"),
        pl.lit(value=False).alias("inferred"),
        pl.lit(value=False).alias("mixed_clock"),
    )


@cache
def _lengths() -> tuple[pl.Expr, ...]:
    busy = pl.col("talk_ended_time") - pl.col("started_time")
    hold = pl.when(busy.is_not_null()).then(_held())
    begun = pl.max_horizontal(pl.coalesce("wrap_up_started_time", "talk_ended_time"), "talk_ended_time")
    wrap_up = pl.max_horizontal(pl.col("wrap_up_ended_time") - begun, pl.lit(0))
    told = pl.col("wrap_up_started_time").is_not_null() | pl.col("wrap_up_ended_time").is_not_null()
    known = begun.is_not_null() & pl.col("wrap_up_ended_time").is_not_null()
    return (
        (busy - hold).alias("talk_us"),
        hold.alias("hold_us"),
        pl.when(~told).then(pl.lit(0, pl.Int64)).when(known).then(wrap_up).alias("wrap_up_us"),
    )


def _held() -> pl.Expr:
    """Return how much of the talk a hold and a consult cover; what both cover counts once."""
    hold, consult = (
        _within_talk("held_time", "resumed_time"),
        _within_talk("consult_started_time", "consult_ended_time"),
    )
    both = _length((pl.max_horizontal(hold[0], consult[0]), pl.min_horizontal(hold[1], consult[1])))
    told = hold[0].is_not_null() & consult[0].is_not_null()
    return _length(hold) + _length(consult) - pl.when(told).then(both).otherwise(0)


def _within_talk(begun: str, ended: str) -> tuple[pl.Expr, pl.Expr]:
    """Return the span of a hold within the talk; one that nobody ended lasts until the talk's end."""
    until = pl.min_horizontal(pl.coalesce(ended, "talk_ended_time"), "talk_ended_time")
    return pl.when(pl.col(begun).is_not_null()).then(pl.max_horizontal(begun, "started_time")), until


def _length(span: tuple[pl.Expr, pl.Expr]) -> pl.Expr:
    return pl.max_horizontal((span[1] - span[0]).fill_null(0), pl.lit(0))


@cache
def _handle() -> pl.Expr:
    handled = pl.col("talk_us") + pl.col("hold_us") + pl.col("wrap_up_us")
    return pl.when(pl.col("ended_time").is_not_null()).then(handled).alias("handle_us")


def finished_visits(visit: pl.DataFrame, spell: pl.DataFrame, leg: pl.DataFrame, contact: pl.DataFrame) -> pl.DataFrame:
    """Return visits with their ends, waits and answers; `contact` has the instant the caller left as `gone_time`."""
    answers = (
        spell.lazy()
        .filter(pl.col("bridged_time").is_not_null() & pl.col("visit_id").is_not_null())
        .group_by(_VISIT)
        .agg(_ANSWERS)
    )
    joined = (
        visit.lazy()
        .join(answers, on=_VISIT, how="left")
        .join(contact.lazy().select(ROW, "closed_time", "gone_time"), on=ROW, how="left")
    )
    ended = at_once(joined.with_columns(_dequeued()).with_columns(_waits()))
    rang = ended.lazy().join(_rang(ended, leg), on=_VISIT, how="left")
    return at_once(rang.with_columns(_RANG))


@cache
def _dequeued() -> tuple[pl.Expr, ...]:
    kind = (
        pl.when(pl.col("told_dequeued_time").is_not_null())
        .then(pl.col("told_kind"))
        .when(pl.col("bridged_time").is_not_null())
        .then(pl.lit("answered"))
    )
    return pl.coalesce("told_dequeued_time", "bridged_time").alias("dequeued_time"), kind.alias("dequeue_kind")


@cache
def _waits() -> tuple[pl.Expr, ...]:
    wait = pl.col("dequeued_time") - pl.col("enqueued_time")
    clock = pl.when(pl.col("told_dequeued_time").is_not_null()).then(pl.lit("dequeued")).otherwise(pl.lit("bridged"))
    told = pl.when(wait.is_not_null()).then(clock)
    return wait.alias("wait_us"), told.alias("wait_clock"), _FALSE.alias("inferred")


def _rang(visit: pl.DataFrame, leg: pl.DataFrame) -> pl.LazyFrame:
    """Return the visits that an agent's endpoint rang for when they ended, or rings for."""
    rung = (
        leg.lazy()
        .filter(RUNG)
        .select(ROW, "ring_visit_id", "ringing_time", "answered_time", pl.col("ended_time").alias("leg_ended_time"))
    )
    pairs = visit.lazy().select(*_VISIT, _UNTIL).join(rung, on=ROW)
    return pairs.filter(_RANG_FOR_IT & rings("until")).select(*_VISIT, pl.lit(value=True).alias("rang")).unique()


@cache
def rings(instant: str) -> pl.Expr:
    """Return whether a leg rang at an instant, or rings now where that is null."""
    until = pl.col(instant)
    answered, ended = pl.col("answered_time"), pl.col("leg_ended_time")
    now = answered.is_null() & ended.is_null()
    unanswered = (answered > until).fill_null(value=True)
    unended = (ended + SAME_MOMENT_US >= until).fill_null(value=True)
    then = (pl.col("ringing_time") <= until) & unanswered & unended
    return pl.when(until.is_null()).then(now).otherwise(then)


def with_outcomes(visit: pl.DataFrame, contact: pl.DataFrame) -> pl.DataFrame:
    """Return visits with what became of them; `contact` has the end of each contact."""
    ends = contact.lazy().select(ROW, "contact_end")
    return at_once(visit.lazy().join(ends, on=ROW, how="left").with_columns(_outcome()))


@cache
def _outcome() -> pl.Expr:
    kind, end = pl.col("dequeue_kind"), pl.col("contact_end").fill_null("")
    return (
        pl.when(pl.col("bridged_time").is_not_null() | (kind == "answered"))
        .then(pl.lit("answered"))
        .when((kind == "abandoned") | (kind.is_null() & end.str.starts_with("abandoned")))
        .then(pl.lit("abandoned"))
        .when(kind.is_null() & (end == ""))
        .then(pl.lit("waiting"))
        .when(kind.is_null() | kind.is_in(["answered_elsewhere", "removed"]))
        .then(pl.lit("elsewhere"))
        .otherwise(pl.lit("flow_out"))
        .alias("outcome")
    )
