"""A contact's stay in an IVR flow, from its events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contact_life.observed import Observed
from contact_life.pairing import Draft, adopt_early_ends, belongs_to, in_turn, is_inferred


@dataclass(frozen=True, slots=True)
class Flow:
    """One stay of a contact in one IVR flow; instants and lengths in microseconds.

    `nodes` is the path in the order visited, `queue` the one that the flow meant the contact for, told by its exit.
    `length_us` is None while it runs and where no length can be told: the exit was inferred, or lies before the entry.
    What was visited or served outside every flow told of is a flow without entry.
    """

    flow: str
    version: str
    queue: str
    ordinal: int
    entered_time_us: int | None
    exited_time_us: int | None
    inferred: bool
    length_us: int | None
    nodes: tuple[str, ...]
    self_served: bool
    events: tuple[Observed, ...]


_VERSIONED: Final = frozenset({"FlowEntered", "NodeVisited", "FlowExited"})
"""Types that name their flow and its version."""


def flows_of(events: Sequence[Observed]) -> tuple[Flow, ...]:
    """Return the flows that IVR events, given in canonical order, tell of, numbered from 1."""
    drafts: list[Draft] = []
    for event in events:
        _place(drafts, event)
    if any(not draft.begins for draft in drafts):
        drafts = adopt_early_ends(drafts)
    drafts = in_turn(drafts) if len(drafts) > 1 else drafts
    return tuple(_finished(draft, number) for number, draft in enumerate(drafts, 1))


def _place(drafts: list[Draft], event: Observed) -> None:
    """Put an event into the flow it begins, ends or happened in; into one without entry where none was told."""
    name = _flow_name(event)
    if event.type == "FlowEntered":
        draft = _added(drafts, name)
        draft.begin(event)
        return
    found = belongs_to(drafts, event, name)
    if event.type == "FlowExited":
        (found or _added(drafts, name)).end(event)
    else:
        (found or (drafts[-1] if drafts else _added(drafts, name))).events.append(event)


def _added(drafts: list[Draft], name: str) -> Draft:
    """Return a new draft at the end of the list."""
    draft = Draft("", name, id_told=False)
    drafts.append(draft)
    return draft


def _flow_name(event: Observed) -> str:
    """Return the flow that the event names, empty if its type names none."""
    return event.body.flow if event.type in _VERSIONED else ""


def _finished(draft: Draft, ordinal: int) -> Flow:
    """Return the flow that a draft tells of."""
    begin, end = draft.begins[0] if draft.begins else None, draft.end_told
    inferred = end is not None and is_inferred(end)
    length = None
    if begin is not None and end is not None and not inferred and end.time_us >= begin.time_us:
        length = end.time_us - begin.time_us
    versions = (event.body.version for event in draft.events if event.type in _VERSIONED)
    return Flow(
        flow=draft.name,
        version=next(filter(None, versions), ""),
        queue=next((event.body.queue for event in reversed(draft.ends) if event.body.queue), ""),
        ordinal=ordinal,
        entered_time_us=begin.time_us if begin else None,
        exited_time_us=end.time_us if end else None,
        inferred=inferred,
        length_us=length,
        nodes=tuple(event.body.node for event in draft.events if event.type == "NodeVisited"),
        self_served=any(event.type == "SelfServed" for event in draft.events),
        events=tuple(draft.events),
    )
