"""An assignment: an agent's spell on a contact."""

from dataclasses import dataclass

from contact_life.observed import Observed


@dataclass(frozen=True, slots=True)
class Assignment:
    """An agent's spell on a contact, from their leg's answer to the end of wrap-up; instants and lengths in microseconds.

    Only a spell that was bridged with the caller is one. `agent` is empty where nobody told who it was. A length is
    None while it runs and where it cannot be told: an end was inferred, or lies before its beginning. `handle_us` is
    the sum of the three and None as soon as one of them is. `ended_time_us` is None while the spell is open.
    """

    assignment_id: str
    agent: str
    ordinal: int
    visit_id: str
    queue: str
    leg_ids: tuple[str, ...]
    started_time_us: int
    bridged_time_us: int
    talk_ended_time_us: int | None
    wrap_up_started_time_us: int | None
    ended_time_us: int | None
    talk_us: int | None
    hold_us: int | None
    wrap_up_us: int | None
    handle_us: int | None
    on_hold: bool
    inferred: bool
    mixed_clock: bool
    disposition: str
    team: str
    site: str
    supervisor: str
    endpoint: str
    source_id: str
    events: tuple[Observed, ...]
