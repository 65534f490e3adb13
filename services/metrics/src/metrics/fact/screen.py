"""Which contacts columns can fold, and which only the full rules of `contact_life` can.

A contact is *plain* if nothing in its events needs a rule that looks at single events: every part was told once, by
one source, with its ids, in order, and nothing is odd. What is not plain here is *doubtful*, and folded event by event.
Doubt costs time only; a contact taken for plain that is not would get wrong facts. So everything here errs towards
doubt, and a property test holds it against the full rules.
"""

from functools import cache
from typing import Final

import polars as pl

from contact_life.pairing import SAME_MOMENT_US
from contact_life.words import LegRole
from metrics.fact.at_once import at_once
from metrics.fact.own_id import OWN_IDS
from metrics.fact.payload_kinds import MESSAGES
from metrics.fact.telling import PATHS, ROW, TIME

DOUBT: Final = "@doubt"
INFERRED: Final = "observation.inferred"

_PLAIN_TYPES: Final = (
    *("ContactArrived", "CustomerIdentified", "ContactReasonSet", "ContactLinked", "ContactUnlinked", "ContactClosed"),
    *("FlowEntered", "NodeVisited", "InputCollected", "SelfServed", "EstimateTold", "FlowExited"),
    *("Enqueued", "StepAdvanced", "Dequeued", "Bridged", "Unbridged"),
    *("LegCreated", "LegRinging", "LegAnswered", "LegMediaLost", "LegMediaBack", "LegQuality", "LegEnded"),
    *("WrapUpStarted", "WrapUpEnded", "DispositionSet", "AnswerGiven", "NoteAdded", "SurveyAnswered"),
    *("RecordingStarted", "RecordingPaused", "RecordingResumed", "RecordingStopped"),
    *("LegHeld", "LegResumed", "ConsultStarted", "ConsultEnded"),
    *("TransferStarted", "TransferCompleted", "TransferFailed"),
    *("AssistRequested", "SupervisorIntervened", "SystemFaultReported"),
    *("AgentLoggedIn", "AgentLoggedOut", "AgentStateChanged", "AgentRingStarted", "AgentRingEnded"),
)
"""Types that columns fold, or that change no fact. All others need the full rules."""

_NAMED: Final = {
    "Enqueued": ("visit_id",),
    "Dequeued": ("visit_id",),
    "Bridged": ("assignment_id",),
    "WrapUpStarted": ("assignment_id",),
    "WrapUpEnded": ("assignment_id",),
    "DispositionSet": ("assignment_id",),
    "LegHeld": ("assignment_id", "leg_id"),
    "LegResumed": ("assignment_id", "leg_id"),
    "ConsultStarted": ("assignment_id", "leg_id"),
    "ConsultEnded": ("assignment_id", "leg_id"),
    "TransferStarted": ("transfer_id",),
    "TransferCompleted": ("transfer_id",),
    "TransferFailed": ("transfer_id",),
}
"""Events that must say which part they are about; where they do not, the rules look for it."""


def _needed() -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {name: dict.fromkeys(PATHS.get(name, ())) for name in MESSAGES}
    for name, made in MESSAGES.items():
        if "observation" in made.DESCRIPTOR.fields_by_name:
            found[name][INFERRED] = None
    for name, fields in _NAMED.items():
        found[name] |= dict.fromkeys(fields)
    for name, own in OWN_IDS.items():
        found[name] |= dict.fromkeys(own.paths)
    return {name: tuple(paths) for name, paths in found.items()}


NEEDED_PATHS: Final = _needed()
"""Payload paths that are decoded of every known type; every payload is decoded, so that a malformed one is found."""


def doubts_of_events(events: pl.DataFrame, bodies: dict[str, pl.DataFrame]) -> pl.Series:
    """Return the rows of the streams in which an event by itself needs the full rules."""
    odd = [_rows(events, _odd_envelope())]
    for name, told in bodies.items():
        marks = [told[INFERRED]] if INFERRED in told.columns else []
        marks += [told[field] == "" for field in _NAMED.get(name, ())]
        if name == "LegAnswered":
            marks.append((told["role"] == LegRole.CALLER) != (told["assignment_id"] == ""))
        if name == "Dequeued":
            marks.append(told["kind"] == 0)
        odd += [told[ROW].filter(mark) for mark in marks]
    return pl.concat([*odd, _clocks_went_back(events)]).unique()


@cache
def _odd_envelope() -> pl.Expr:
    unbelieved = pl.col(TIME) != pl.col("@event_time")
    return _any(unbelieved, ~pl.col("type").is_in(_PLAIN_TYPES), pl.col("@source_seq") <= 0)


def _clocks_went_back(events: pl.DataFrame) -> pl.Series:
    if events["@source_seq"].null_count() == events.height:
        return pl.Series(ROW, [], dtype=pl.UInt32)
    counted = events.filter(pl.col("@source_seq").is_not_null()).sort(ROW, "@source_id", "@source_seq", TIME)
    same = (pl.col(ROW) == pl.col(ROW).shift()) & (pl.col("@source_id") == pl.col("@source_id").shift())
    back = same & (pl.col(TIME) < pl.col(TIME).shift())
    return counted.filter(back)[ROW]


def doubtful_contact(contact: pl.DataFrame) -> pl.Series:
    """Return the rows of merged contacts that need the full rules, before their parts are looked at."""
    return _rows(contact, _odd_contact())


@cache
def _odd_contact() -> pl.Expr:
    touched, entered, left = pl.col("flow_touched_time"), pl.col("flow_entered_time"), pl.col("flow_exited_time")
    closed = pl.col("closed_time")
    at_once = (pl.col("last_seq") > 0) & ((touched == entered) | (left == entered))
    unentered = entered.is_null() & touched.is_not_null()
    renamed = pl.col("flow_exit").is_not_null() & (pl.col("flow_exit") != pl.col("flow").fill_null(""))
    unleft = closed.is_not_null() & entered.is_not_null() & left.is_null()
    late = closed < pl.col("last_time")
    unknown = pl.col("arrived_time").is_null() & (pl.col("least_source") != pl.col("greatest_source"))
    return _any(unentered, touched < entered, left < entered, at_once, renamed, late, unleft, unknown)


def doubtful_link(link: pl.DataFrame) -> pl.Series:
    """Return the rows of merged links that need the full rules: made and taken back at one instant."""
    return _rows(link, _any(pl.col("linked_time") == pl.col("unlinked_time")))


def doubtful_leg(leg: pl.DataFrame) -> pl.Series:
    """Return the rows of finished legs that need the full rules."""
    return _rows(leg, _odd_leg())


@cache
def _odd_leg() -> pl.Expr:
    begun = pl.min_horizontal("created_time", "ringing_time", "answered_time")
    ended = pl.col("ended_time")
    known = pl.col("role").is_in(["caller", "agent"]).fill_null(value=False)
    named = (pl.col("leg_id") == pl.col("native_id")).fill_null(value=False)
    never = pl.col("closed_time").is_not_null() & ended.is_null()
    failed = pl.col("ended_how").is_in(["media_timeout", "node_failure"])
    return _any(~known, ended < begun, ended.is_not_null() & begun.is_null() & ~named, never, failed)


def doubtful_assignment(spell: pl.DataFrame) -> pl.Series:
    """Return the rows of finished assignments that need the full rules."""
    return _rows(spell, _odd_assignment())


@cache
def _odd_assignment() -> pl.Expr:
    bridged, started, ended = pl.col("bridged_time"), pl.col("started_time"), pl.col("talk_ended_time")
    wrap_up_ended = pl.col("wrap_up_ended_time")
    last = pl.max_horizontal("bridged_time", "answered_time")
    present = bridged.is_not_null()
    unanswered = pl.col("answered_time").is_null() & pl.col("leg_begun")
    return _any(
        started.is_null(),
        pl.col("leg_role").fill_null("") != "agent",
        pl.col("caller_role").fill_null("caller") != "caller",
        pl.col("leg_agent") != pl.col("agent"),
        pl.col("ring_visit_id") != pl.col("visit_id"),
        pl.col("leg_spells") > 1,
        pl.col("leg_spell") != pl.col("assignment_id"),
        present & unanswered,
        present & pl.col("visit_id").is_null() & pl.col("has_visits"),
        present & (ended < started),
        present & (started - bridged > SAME_MOMENT_US),
        present & (last - ended > SAME_MOMENT_US),
        present & ((wrap_up_ended < ended) | (wrap_up_ended < pl.col("wrap_up_started_time"))),
        present & pl.col("closed_time").is_not_null() & pl.col("ended_time").is_null(),
        present & pl.col("unbridged_time").is_not_null() & pl.col("leg_ended_time").is_null(),
        present & pl.col("arrived_time").is_null(),
        *(present & odd for odd in _odd_holds()),
    )


def _odd_holds() -> list[pl.Expr]:
    """Return whether a hold or consult ended that had not begun before, or began before the bridge, which ends it."""
    pairs = (("held_time", "resumed_time"), ("consult_started_time", "consult_ended_time"))
    unbegun = [pl.col(begun).is_null() & pl.col(ended).is_not_null() for begun, ended in pairs]
    early = [pl.col(begun) <= pl.col("bridged_time") for begun, _ in pairs]
    return [*unbegun, *early, *(pl.col(ended) <= pl.col(begun) for begun, ended in pairs)]


def doubtful_transfer(transfer: pl.DataFrame) -> pl.Series:
    """Return the rows of merged transfers, joined with closed_time, that need the full rules."""
    return _rows(transfer, _odd_transfer())


@cache
def _odd_transfer() -> pl.Expr:
    started, completed, failed = pl.col("started_time"), pl.col("completed_time"), pl.col("failed_time")
    under_way = completed.is_null() & failed.is_null()
    return _any(
        started.is_null(),
        completed < started,
        failed < started,
        completed.is_not_null() & failed.is_not_null(),
        pl.col("closed_time").is_not_null() & under_way,
    )


def doubtful_visit(visit: pl.DataFrame) -> pl.Series:
    """Return the rows of finished visits that need the full rules."""
    return _rows(visit, _odd_visit())


@cache
def _odd_visit() -> pl.Expr:
    answered = (pl.col("told_kind") == "answered").fill_null(value=False)
    told_otherwise = pl.col("told_kind").is_not_null() & ~answered
    bridged = pl.col("bridged_time").is_not_null()
    again = pl.struct(ROW, "queue").is_duplicated()
    return _any(
        pl.col("enqueued_time").is_null(),
        pl.col("dequeued_time") < pl.col("enqueued_time"),
        pl.col("answers") > 1,
        again,
        bridged & told_otherwise,
        answered & ~bridged & pl.col("gone_time").is_not_null(),
        pl.col("closed_time").is_not_null() & pl.col("dequeued_time").is_null(),
    )


def _any(*conditions: pl.Expr) -> pl.Expr:
    return pl.any_horizontal(condition.fill_null(value=False) for condition in conditions).alias(DOUBT)


def _rows(frame: pl.DataFrame, odd: pl.Expr) -> pl.Series:
    return frame[ROW].filter(at_once(frame.lazy().select(odd))[DOUBT]) if frame.height else frame[ROW]
