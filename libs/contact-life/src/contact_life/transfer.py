"""A transfer of a contact from one hand to the next."""

from dataclasses import dataclass

from contact_life.observed import Observed


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer; instants in microseconds. Neither completed nor failed: under way. `agent` empty: not by an agent."""

    transfer_id: str
    ordinal: int
    kind: int
    reason: int
    agent: str
    assignment_id: str
    target_queue: str
    target_agent: str
    target_endpoint: str
    target_department: str
    started_time_us: int | None
    completed_time_us: int | None
    failed_time_us: int | None
    to_contact_id: str
    events: tuple[Observed, ...]
