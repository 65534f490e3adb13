"""What becomes of a flow's documents: drafted, published for ever, scheduled for service numbers, withdrawn.

A version is what a document says: the same content is the same version, and publishing an older one again is rolling
back. From its instant on a schedule leads new contacts of its numbers to a version; contacts already in a flow stay on
theirs. Of two schedules for a number the one in force is the later by its instant, at the same instant the one decided
later. So whoever wants to cancel what is to come schedules the present version for that instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from ivr_routing.flow.flow import load
from ivr_routing.flow.problem import PublishingRefused


@dataclass(frozen=True, slots=True)
class FlowDrafted:
    """A draft was kept; it replaces the one before."""

    flow: str
    content_hash: str
    document: str
    changed_by: str


@dataclass(frozen=True, slots=True)
class FlowPublished:
    """A version can be used from now on; it never changes."""

    flow: str
    version: str
    content_hash: str
    document: str
    changed_by: str


@dataclass(frozen=True, slots=True)
class FlowScheduled:
    """From an instant on, new contacts of these numbers enter this version."""

    flow: str
    version: str
    service_numbers: tuple[str, ...]
    effective_us: int
    changed_by: str


@dataclass(frozen=True, slots=True)
class FlowWithdrawn:
    """From an instant on, these numbers lead to this flow no more, nor will they by what was scheduled before."""

    flow: str
    service_numbers: tuple[str, ...]
    effective_us: int
    changed_by: str


Event = FlowDrafted | FlowPublished | FlowScheduled | FlowWithdrawn


@dataclass(frozen=True, slots=True)
class Lead:
    """Where a number leads from an instant on; `flow` and `version` are empty where it leads nowhere of its own."""

    effective_us: int
    flow: str
    version: str


@dataclass(frozen=True, slots=True)
class Published:
    """All flows of a tenant: drafts by flow, documents by flow and version, leads by service number in force order."""

    drafts: Mapping[str, FlowDrafted] = field(default_factory=dict)
    versions: Mapping[tuple[str, str], FlowPublished] = field(default_factory=dict)
    leads: Mapping[str, tuple[Lead, ...]] = field(default_factory=dict)

    def lead(self, service_number: str, at_us: int) -> Lead | None:
        """Return where a number leads at an instant; None if nowhere of its own."""
        begun = [lead for lead in self.leads.get(service_number, ()) if lead.effective_us <= at_us]
        return begun[-1] if begun and begun[-1].flow else None

    def numbers_of(self, flow: str, at_us: int) -> tuple[str, ...]:
        """Return the numbers that lead to a flow at an instant or are to lead to it later, in order."""
        return tuple(sorted(number for number in self.leads if self._leads_to(number, flow, at_us)))

    def _leads_to(self, number: str, flow: str, at_us: int) -> bool:
        now = self.lead(number, at_us)
        later = (lead for lead in self.leads[number] if lead.effective_us > at_us)
        return any(lead.flow == flow for lead in (*later, *([now] if now else [])))


def evolve(state: Published, event: Event) -> Published:
    """Return the state after an event."""
    match event:
        case FlowDrafted():
            return replace(state, drafts={**state.drafts, event.flow: event})
        case FlowPublished():
            return replace(state, versions={**state.versions, (event.flow, event.version): event})
        case FlowScheduled():
            return _led(state, event.service_numbers, Lead(event.effective_us, event.flow, event.version))
        case FlowWithdrawn():
            kept = {number: _without(state.leads.get(number, ()), event) for number in event.service_numbers}
            return replace(state, leads={**state.leads, **kept})
        case _:
            assert_never(event)


def _led(state: Published, numbers: tuple[str, ...], lead: Lead) -> Published:
    """Return the state with one more lead for numbers; of those at one instant the last one told comes last."""
    led = {number: _in_order((*state.leads.get(number, ()), lead)) for number in numbers}
    return replace(state, leads={**state.leads, **led})


def _without(leads: tuple[Lead, ...], event: FlowWithdrawn) -> tuple[Lead, ...]:
    """Return a number's leads without those to a flow from an instant on, now or to come."""
    kept = tuple(lead for lead in leads if lead.effective_us <= event.effective_us or lead.flow != event.flow)
    begun = [lead for lead in kept if lead.effective_us <= event.effective_us]
    if begun and begun[-1].flow == event.flow:
        kept = _in_order((*begun, Lead(event.effective_us, "", ""), *kept[len(begun) :]))
    return kept


def _in_order(leads: tuple[Lead, ...]) -> tuple[Lead, ...]:
    return tuple(sorted(leads, key=lambda lead: lead.effective_us))


@dataclass(frozen=True, slots=True)
class SaveDraft:
    """Keep a document under work; it may have problems, but says which flow it is of."""

    flow: str
    content_hash: str
    document: str
    changed_by: str


@dataclass(frozen=True, slots=True)
class PublishFlow:
    """Publish a document and lead numbers to it: those given, else those that it names itself.

    `effective_us` None is `now_us`.
    """

    document: str
    service_numbers: tuple[str, ...]
    effective_us: int | None
    changed_by: str
    now_us: int


@dataclass(frozen=True, slots=True)
class ScheduleFlow:
    """Lead numbers to a version that is published; an older one is rolling back."""

    flow: str
    version: str
    service_numbers: tuple[str, ...]
    effective_us: int | None
    changed_by: str
    now_us: int


@dataclass(frozen=True, slots=True)
class WithdrawFlow:
    """Lead numbers of a flow nowhere of their own any more; none named: all of the flow's."""

    flow: str
    service_numbers: tuple[str, ...]
    changed_by: str
    now_us: int


Command = SaveDraft | PublishFlow | ScheduleFlow | WithdrawFlow


def decide(state: Published, command: Command) -> tuple[Event, ...]:
    """Return what happens; nothing if it is so already. Raise FlowRefused for a document with problems, else refuse."""
    match command:
        case SaveDraft():
            return _draft(state, command)
        case PublishFlow():
            return tuple(_publish(state, command))
        case ScheduleFlow():
            if (command.flow, command.version) not in state.versions:
                raise PublishingRefused(
                    "UNKNOWN_VERSION", f"No version {command.version} of {command.flow} is published."
                )
            return tuple(_schedule(state, command))
        case WithdrawFlow():
            return _withdraw(state, command)
        case _:
            assert_never(command)


def _draft(state: Published, command: SaveDraft) -> tuple[Event, ...]:
    drafted = FlowDrafted(command.flow, command.content_hash, command.document, command.changed_by)
    kept = state.drafts.get(command.flow)
    return () if kept is not None and kept.document == command.document else (drafted,)


def _publish(state: Published, command: PublishFlow) -> Iterator[Event]:
    flow = load(command.document)
    if (flow.name, flow.version) not in state.versions:
        yield FlowPublished(flow.name, flow.version, flow.content_hash, command.document, command.changed_by)
    numbers = command.service_numbers or tuple(flow.document.service_numbers)
    yield from _schedule(
        state,
        ScheduleFlow(flow.name, flow.version, numbers, command.effective_us, command.changed_by, command.now_us),
    )


def _schedule(state: Published, command: ScheduleFlow) -> Iterator[Event]:
    """Yield the schedule for those numbers that do not lead there already."""
    effective = command.now_us if command.effective_us is None else command.effective_us
    if effective < command.now_us:
        raise PublishingRefused("EFFECTIVE_IN_THE_PAST", "A flow cannot begin in the past; leave the time out for now.")
    there = (command.flow, command.version)
    led = {number: state.lead(number, effective) for number in command.service_numbers}
    new = tuple(sorted(number for number, lead in led.items() if not lead or (lead.flow, lead.version) != there))
    if new:
        yield FlowScheduled(*there, new, effective, command.changed_by)


def _withdraw(state: Published, command: WithdrawFlow) -> tuple[Event, ...]:
    led = state.numbers_of(command.flow, command.now_us)
    numbers = tuple(number for number in led if number in (command.service_numbers or led))
    events: list[Event] = []
    if numbers:
        events.append(FlowWithdrawn(command.flow, numbers, command.now_us, command.changed_by))
    return tuple(events)
