"""A contact as its events tell it: what the fold gives."""

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field

from contact_life.assignment import Assignment
from contact_life.flow import Flow
from contact_life.leg import Leg
from contact_life.observed import Observed
from contact_life.transfer import Transfer
from contact_life.visit import Visit
from contact_life.words import ContactEnd, Phase


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that cannot or should not be: the rule's name, what was found (no personal data), the events."""

    rule: str
    detail: str
    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another contact that was told and not taken back; `reason` is a ContactLinkReason."""

    to_contact_id: str
    reason: int


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact's whole state; instants in microseconds, None where not told.

    `timeline` has every event once, in canonical order, those of `voided` (event ids) too; nothing else here was made
    from a voided one. `unplaced` are holds, consults, wrap-ups and labels of no assignment. `source_id` told the
    arrival, or else the first event. `end` is OPEN and `ended_time_us` None while the caller is served; an agent's
    wrap-up may still run after them (`phase` says so). `look` finds the anomalies when the contact is made.
    """

    contact_id: str
    phase: Phase
    end: ContactEnd
    direction: int
    caller_ref: str
    customer_ref: str
    service_number: str
    native_id: str
    language: str
    resumes_contact_id: str
    reason: str
    source_id: str
    arrived_time_us: int | None
    ended_time_us: int | None
    closed_time_us: int | None
    flows: tuple[Flow, ...]
    visits: tuple[Visit, ...]
    assignments: tuple[Assignment, ...]
    legs: tuple[Leg, ...]
    transfers: tuple[Transfer, ...]
    links: tuple[Link, ...]
    timeline: tuple[Observed, ...]
    voided: frozenset[str]
    unplaced: tuple[Observed, ...]
    look: InitVar[Callable[["Contact"], tuple[Anomaly, ...]]]
    anomalies: tuple[Anomaly, ...] = field(init=False)

    def __post_init__(self, look: Callable[["Contact"], tuple[Anomaly, ...]]) -> None:
        """Find the anomalies."""
        object.__setattr__(self, "anomalies", look(self))

    @property
    def valid(self) -> tuple[Observed, ...]:
        """The events that count, in canonical order."""
        if not self.voided:
            return self.timeline
        return tuple(event for event in self.timeline if event.event_id not in self.voided)

    @property
    def closed(self) -> bool:
        """Whether a closure was told."""
        return self.closed_time_us is not None

    @property
    def linked_to(self) -> str:
        """The contact that this one was linked to last; itself if to none."""
        return self.links[-1].to_contact_id if self.links else self.contact_id
