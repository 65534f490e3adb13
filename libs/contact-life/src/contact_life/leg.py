"""A leg: one signalling path to one endpoint, from its events."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from contact_life.observed import Observed
from contact_life.pairing import LOOK_BACK, SAME_MOMENT_US, counting_end, is_inferred
from contact_life.words import LegRole

CALLER_SIDE: Final = frozenset({int(LegRole.CALLER), int(LegRole.CALLBACK), int(LegRole.REDIAL)})
"""Roles of the customer's own legs."""

AGENT_SIDE: Final = frozenset({int(LegRole.AGENT), int(LegRole.CONSULT_TARGET)})
"""Roles of those who can serve the contact: who is consulted may take it over."""


@dataclass(frozen=True, slots=True)
class EndCause:
    """Why a leg ended, as its protocol said it."""

    protocol: str
    code: str
    text: str


NO_CAUSE: Final = EndCause("", "", "")


@dataclass(frozen=True, slots=True)
class Leg:
    """One signalling path to one endpoint; instants in microseconds, each the first one told.

    A told end stands before an inferred one, whichever is earlier. Role and agent are the first ones told, cause and
    side of the end the last ones told, since a later record knows more.
    """

    leg_id: str
    role: int
    agent: str
    direction: int
    endpoint: str
    trunk: str
    created_time_us: int | None
    ringing_time_us: int | None
    answered_time_us: int | None
    ended_time_us: int | None
    inferred: bool
    end_cause: EndCause
    ended_how: int
    release_side: int
    events: tuple[Observed, ...]


class LegDraft:
    """A leg's events while the fold goes through them."""

    __slots__ = ("agent", "answered", "created", "end", "ends", "events", "leg_id", "ringing", "role")

    def __init__(self, leg_id: str) -> None:
        """Begin an empty draft."""
        self.leg_id = leg_id
        self.role = 0
        self.agent = ""
        self.created: Observed | None = None
        self.ringing: Observed | None = None
        self.answered: Observed | None = None
        self.end: Observed | None = None
        self.ends: list[Observed] = []
        self.events: list[Observed] = []

    def rings_at(self, time_us: int, slack_us: int) -> bool:
        """Whether its endpoint rang, unanswered, at an instant; an end up to `slack_us` before it still counts."""
        if self.ringing is None or self.ringing.time_us > time_us:
            return False
        end = self.end
        unanswered = self.answered is None or self.answered.time_us > time_us
        return unanswered and (end is None or end.time_us + slack_us >= time_us)


def leg_drafts(events: Sequence[Observed], native_id: str) -> dict[str, LegDraft]:
    """Sort leg events, given in canonical order, into legs; the leg that the arrival named is the caller's."""
    drafts: dict[str, LegDraft] = {}
    for event in events:
        leg_id = event.body.leg_id or _ended_by_name(drafts, event)
        draft = drafts.get(leg_id)
        if draft is None:
            draft = drafts[leg_id] = LegDraft(leg_id)
        draft.events.append(event)
        _note(draft, event)
    first = drafts.get(native_id)
    if first is not None and not first.role:
        first.role = int(LegRole.CALLER)
    return drafts


def _ended_by_name(drafts: dict[str, LegDraft], event: Observed) -> str:
    """Return the leg that an end without id belongs to; empty if it is of none.

    It is the agent's latest one answered before that has not ended, or that ended in the same moment.
    """
    if event.type != "LegEnded" or not event.body.agent:
        return ""
    for draft in islice(reversed(drafts.values()), LOOK_BACK):
        ended = draft.end is not None and draft.end.time_us + SAME_MOMENT_US < event.time_us
        if draft.leg_id and draft.agent == event.body.agent and draft.answered and not ended:
            return draft.leg_id
    return ""


def _note(draft: LegDraft, event: Observed) -> None:
    """Keep what the event tells first of its kind, and its role and agent where these are the first ones told."""
    body = event.body
    match event.type:
        case "LegCreated":
            draft.created = draft.created or event
        case "LegRinging":
            draft.ringing = draft.ringing or event
        case "LegAnswered":
            draft.answered = draft.answered or event
        case "LegEnded":
            draft.end = counting_end(draft.end, event)
            draft.ends.append(event)
        case "ConferenceJoined":
            pass
        case _:
            return
    draft.role = draft.role or body.role
    draft.agent = draft.agent or body.agent


def finished_legs(drafts: dict[str, LegDraft]) -> tuple[Leg, ...]:
    """Return the legs by their first instant."""
    return tuple(map(_finished, drafts.values()))


def _finished(draft: LegDraft) -> Leg:
    """Return the leg that a draft tells of."""
    end = draft.end
    bodies = [told.body for told in draft.ends if not is_inferred(told)] or [told.body for told in draft.ends]
    created = draft.created.body if draft.created else None
    return Leg(
        leg_id=draft.leg_id,
        role=draft.role,
        agent=draft.agent,
        direction=created.direction if created else 0,
        endpoint=created.endpoint if created else "",
        trunk=created.trunk if created else "",
        created_time_us=draft.created.time_us if draft.created else None,
        ringing_time_us=draft.ringing.time_us if draft.ringing else None,
        answered_time_us=draft.answered.time_us if draft.answered else None,
        ended_time_us=end.time_us if end else None,
        inferred=end is not None and is_inferred(end),
        end_cause=next((_cause(body.end_cause) for body in reversed(bodies) if body.HasField("end_cause")), NO_CAUSE),
        ended_how=next((body.ended_how for body in reversed(bodies) if body.ended_how), 0),
        release_side=next((body.release_side for body in reversed(bodies) if body.release_side), 0),
        events=tuple(draft.events),
    )


def _cause(told: EndCause) -> EndCause:
    """Return the cause as told, free of protobuf."""
    return EndCause(told.protocol, told.code, told.text)
