"""A transfer of a contact from one hand to the next, from its events."""

from collections.abc import Sequence
from dataclasses import dataclass

from contact_life.identity import transfer_id
from contact_life.observed import Observed
from contact_life.pairing import Draft, adopt_early_ends, belongs_to, in_turn


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer; instants in microseconds. Neither completed nor failed: under way. `agent` empty: not by an agent.

    Where the start was not told, kind, agent and target are those of the completion. Of a completion and a failure
    both are kept.
    """

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

    @property
    def under_way(self) -> bool:
        """Whether it has neither completed nor failed."""
        return self.completed_time_us is None and self.failed_time_us is None


def transfers_of(contact_id: str, events: Sequence[Observed]) -> tuple[Transfer, ...]:
    """Return the transfers that events of transfers, given in canonical order, tell of, numbered from 1."""
    drafts: dict[str, Draft] = {}
    for event in events:
        _place(drafts, contact_id, event)
    found = list(drafts.values())
    if any(not draft.begins for draft in found):
        found = adopt_early_ends(found)
    found = in_turn(found) if len(found) > 1 else found
    return tuple(_finished(draft, number) for number, draft in enumerate(found, 1))


def _place(drafts: dict[str, Draft], contact_id: str, event: Observed) -> None:
    """Put an event into the transfer it begins or ends."""
    body = event.body
    agent = "" if event.type == "TransferFailed" else body.agent
    if event.type == "TransferStarted":
        _draft(drafts, contact_id, event, agent).begin(event)
        return
    told = drafts.get(body.transfer_id) if body.transfer_id else belongs_to(drafts.values(), event, agent)
    (told or _draft(drafts, contact_id, event, agent)).end(event)


def _draft(drafts: dict[str, Draft], contact_id: str, event: Observed, agent: str) -> Draft:
    """Return the draft that the event names, a new one if it is the first to name it."""
    told = event.body.transfer_id
    identifier = told or transfer_id(contact_id, agent, event.event_time_us)
    draft = drafts.get(identifier)
    if draft is None:
        draft = drafts[identifier] = Draft(identifier, agent, id_told=bool(told))
    draft.name = draft.name or agent
    return draft


def _finished(draft: Draft, ordinal: int) -> Transfer:
    """Return the transfer that a draft tells of."""
    begin = draft.begins[0] if draft.begins else None
    completed = next((event for event in draft.ends if event.type == "TransferCompleted"), None)
    failed = next((event for event in draft.ends if event.type == "TransferFailed"), None)
    bodies = [event.body for event in (begin, completed) if event is not None]
    targets = [body.target for body in bodies]
    return Transfer(
        transfer_id=draft.spell_id,
        ordinal=ordinal,
        kind=next((body.kind for body in bodies if body.kind), 0),
        reason=begin.body.reason if begin else 0,
        agent=draft.name,
        assignment_id=begin.body.assignment_id if begin else "",
        target_queue=next((target.queue for target in targets if target.queue), ""),
        target_agent=next((target.agent for target in targets if target.agent), ""),
        target_endpoint=next((target.endpoint for target in targets if target.endpoint), ""),
        target_department=next((target.department for target in targets if target.department), ""),
        started_time_us=begin.time_us if begin else None,
        completed_time_us=completed.time_us if completed else None,
        failed_time_us=failed.time_us if failed else None,
        to_contact_id=completed.body.to_contact_id if completed else "",
        events=tuple(draft.events),
    )
