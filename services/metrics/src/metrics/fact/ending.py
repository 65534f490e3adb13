"""How plain contacts ended and when, over their finished parts; the columnar form of `contact_life.ending`."""

from functools import cache
from typing import Final

import polars as pl

from metrics.fact.at_once import at_once
from metrics.fact.finish import RUNG, rings
from metrics.fact.telling import ROW

_REFUSED: Final = {"closed": "refused_closed", "full": "refused_full"}
_FINAL: Final = ("abandoned", "closed", "full")
_CALLER_LEGS: Final = (
    pl.len().alias("caller_legs"),
    pl.col("ended_time").count().alias("ends"),
    pl.col("ended_time").max().alias("legs_ended_time"),
)
_COUNTED: Final = pl.col("caller_legs", "ends").fill_null(0)
_OF_LAST_VISIT: Final = (
    pl.col(ROW),
    pl.col("dequeue_kind").alias("last_kind"),
    pl.col("rang").alias("last_rang"),
    pl.col("enqueued_time").alias("last_enqueued_time"),
    pl.col("bridged_time").is_not_null().alias("last_bridged"),
)
_OF_VISITS: Final = (
    pl.len().alias("visits"),
    pl.col("dequeued_time").is_null().any().alias("open_visit"),
    (pl.col("dequeue_kind") == "answered").any().alias("answered_visit"),
    pl.col("dequeued_time").max().alias("last_dequeued_time"),
)
_OF_SPELLS: Final = (
    pl.len().alias("spells"),
    (pl.col("talk_ended_time").is_null() & pl.col("ended_time").is_null()).any().alias("talking"),
    pl.col("bridged_time").min(),
    pl.col("bridged_time").max().alias("last_bridged_time"),
    pl.col("started_time").max().alias("last_started_time"),
    pl.coalesce("talk_ended_time", "ended_time").max().alias("last_talk_ended_time"),
)
_TOLD: Final = (
    pl.col("open_visit", "answered_visit", "talking", "ringing_now", "transferring").fill_null(value=False),
    pl.col("visits", "spells").fill_null(0),
)


def with_gone(contact: pl.DataFrame, leg: pl.DataFrame) -> pl.DataFrame:
    """Return contacts with `gone_time`, when the caller's part ended as legs or closure tell it, and `caller_legs`."""
    callers = leg.lazy().filter(pl.col("role") == "caller").group_by(ROW).agg(_CALLER_LEGS)
    return at_once(contact.lazy().join(callers, on=ROW, how="left").with_columns(_COUNTED).with_columns(_gone()))


@cache
def _gone() -> pl.Expr:
    by_legs = (pl.col("ends") > 0) & ((pl.col("ends") == pl.col("caller_legs")) | pl.col("closed_time").is_not_null())
    return pl.when(by_legs).then(pl.col("legs_ended_time")).otherwise(pl.col("closed_time")).alias("gone_time")


def finished_contacts(
    contact: pl.DataFrame, visit: pl.DataFrame, spell: pl.DataFrame, leg: pl.DataFrame, transfer: pl.DataFrame
) -> pl.DataFrame:
    """Return plain contacts (with `gone_time`) with their ends and whatever else is not told."""
    parts = (
        _of_visits(visit.lazy()),
        _of_spells(spell.lazy()),
        _ringing(contact.lazy(), leg.lazy()),
        _under_way(transfer),
    )
    joined = contact.lazy()
    for part in parts:
        joined = joined.join(part, on=ROW, how="left")
    for then in (_TOLD, _in_flow(), _ended(), _end(), _last()):
        joined = joined.with_columns(then)
    return at_once(joined)


def _of_visits(visit: pl.LazyFrame) -> pl.LazyFrame:
    ordered = visit.sort(ROW, "enqueued_time", "visit_id").select(_OF_LAST_VISIT)
    return visit.group_by(ROW).agg(_OF_VISITS).join(ordered.group_by(ROW, maintain_order=True).last(), on=ROW)


def _of_spells(spell: pl.LazyFrame) -> pl.LazyFrame:
    return spell.filter(pl.col("bridged_time").is_not_null()).group_by(ROW).agg(_OF_SPELLS)


def _ringing(contact: pl.LazyFrame, leg: pl.LazyFrame) -> pl.LazyFrame:
    rung = leg.filter(RUNG)
    joined = rung.rename({"ended_time": "leg_ended_time"}).join(contact.select(ROW, "gone_time"), on=ROW)
    return joined.filter(rings("gone_time")).select(ROW, pl.lit(value=True).alias("ringing_now")).unique()


def _under_way(transfer: pl.DataFrame) -> pl.LazyFrame:
    open_still = pl.col("completed_time").is_null() & pl.col("failed_time").is_null()
    return transfer.lazy().filter(open_still).select(ROW, pl.lit(value=True).alias("transferring")).unique()


@cache
def _in_flow() -> pl.Expr:
    entered = pl.col("flow_entered_time")
    later = pl.max_horizontal("last_enqueued_time", "last_started_time") >= entered
    inside = entered.is_not_null() & pl.col("flow_exited_time").is_null()
    return (inside & ~later.fill_null(value=False)).alias("in_flow")


@cache
def _ended() -> pl.Expr:
    """Return whether the caller's part is over."""
    left_by_themselves = pl.col("self_served_time").is_not_null() & pl.col("flow_exited_time").is_not_null()
    final = pl.col("last_kind").is_in(_FINAL).fill_null(value=False)
    only_left_flow = pl.col("flow_exited_time").is_not_null() & (pl.col("visits") == 0) & ~pl.col("ringing_now")
    something = (pl.col("spells") > 0) | left_by_themselves | final | only_left_flow
    left = pl.any_horizontal("open_visit", "talking", "in_flow", "transferring")
    nothing_left = ~left & something
    return (pl.col("gone_time").is_not_null() | ((pl.col("caller_legs") == 0) & nothing_left)).alias("over")


@cache
def _end() -> pl.Expr:
    served = (pl.col("spells") > 0) | pl.col("answered_visit")
    left_queue = _left_queue()
    left = pl.when(left_queue == "unknown").then(pl.lit("handled")).otherwise(left_queue)
    end = (
        pl.when(served & _left_after_service())
        .then(left)
        .when(served)
        .then(pl.lit("handled"))
        .when(pl.col("visits") > 0)
        .then(left_queue)
        .when(pl.col("ringing_now"))
        .then(pl.lit("abandoned_ringing"))
        .when(pl.col("self_served_time").is_not_null())
        .then(pl.lit("contained"))
        .when(pl.col("flow_entered_time").is_not_null())
        .then(pl.lit("abandoned_ivr"))
        .otherwise(pl.lit("unknown"))
    )
    return pl.when(pl.col("over")).then(end).alias("contact_end")


def _left_after_service() -> pl.Expr:
    unanswered = (pl.col("last_kind").fill_null("") != "answered") & ~pl.col("last_bridged").fill_null(value=True)
    served_before = (pl.col("last_bridged_time") <= pl.col("last_enqueued_time")).fill_null(value=True)
    return (pl.col("visits") > 0) & unanswered & served_before


def _left_queue() -> pl.Expr:
    kind = pl.col("last_kind")
    waiting = kind.is_null() & pl.col("gone_time").is_not_null() & (pl.col("caller_legs") > 0)
    rang = pl.when(pl.col("last_rang")).then(pl.lit("abandoned_ringing")).otherwise(pl.lit("abandoned_queue"))
    aside = pl.when(pl.col("self_served_time").is_not_null()).then(pl.lit("contained")).otherwise(pl.lit("unknown"))
    return (
        pl.when((kind == "abandoned") | waiting)
        .then(rang)
        .when(kind.is_in(list(_REFUSED)))
        .then(kind.replace(_REFUSED))
        .otherwise(aside)
    )


@cache
def _last() -> tuple[pl.Expr, ...]:
    """Return when the contact ended, and what a plain one has no more to tell of."""
    source = pl.coalesce("arrival_source", "least_source").alias("source_id")
    none, regular = pl.lit(0, pl.Int64).alias("anomalies"), pl.lit(value=False).alias("irregular")
    return _ended_time().alias("ended_time"), source, none, regular


def _ended_time() -> pl.Expr:
    parts = pl.max_horizontal("last_dequeued_time", "last_talk_ended_time", "flow_exited_time")
    by_legs = pl.col("gone_time").is_not_null() & (pl.col("caller_legs") > 0)
    ended = pl.when(by_legs).then(pl.col("gone_time")).otherwise(pl.coalesce(parts, pl.col("gone_time")))
    return pl.when(pl.col("over")).then(ended)
