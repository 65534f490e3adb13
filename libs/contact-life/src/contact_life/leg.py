"""A leg: one signalling path to one endpoint."""

from dataclasses import dataclass

from contact_life.observed import Observed


@dataclass(frozen=True, slots=True)
class EndCause:
    """Why a leg ended, as its protocol said it."""

    protocol: str
    code: str
    text: str


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
