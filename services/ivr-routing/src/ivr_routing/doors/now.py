"""What goes on at a desk now: queues, available agents, who waits, who talks for long. Pure; no order by merit."""

from collections import defaultdict

from holdfast.call_events.v1 import source_pb2
from holdfast.ivr_routing.v1 import overview_service_pb2 as pb
from ivr_routing.core.contact import Contact, Visit
from ivr_routing.core.words import AgentState
from ivr_routing.loop.desk import Desk


def queues(desk: Desk, now_us: int) -> list[pb.QueueNow]:
    """Every queue, in order of name."""
    waits: dict[str, list[int]] = defaultdict(list)
    for _, visit in _waiting(desk):
        waits[visit.queue].append(now_us - visit.waiting_since_us)
    return [
        pb.QueueNow(
            queue=name,
            open=queue.open and not queue.retired,
            waiting=len(waits[name]),
            longest_wait_ms=max(waits[name], default=0) // 1_000,
            available=sum(desk.core.agents[agent].state is AgentState.AVAILABLE for agent in queue.members),
            signed_in=len(queue.members),
        )
        for name, queue in sorted(desk.core.queues.items())
    ]


def available_agents(desk: Desk, queue: str) -> list[pb.AvailableAgent]:
    """Agents who may be given a contact, in order of name."""
    found = []
    for name, agent in sorted(desk.core.agents.items()):
        if agent.state is AgentState.AVAILABLE and (not queue or queue in agent.rules.queues):
            one = pb.AvailableAgent(agent=name, state=source_pb2.AGENT_STATE_AVAILABLE, queues=agent.rules.queues)
            one.since.FromMicroseconds(agent.since_us)
            found.append(one)
    return found


def waiting_contacts(desk: Desk, queue: str) -> list[pb.WaitingContact]:
    """Contacts that wait, the longest wait first."""
    found = []
    for contact, visit in sorted(_waiting(desk), key=lambda one: one[1].waiting_since_us):
        if queue in ("", visit.queue):
            one = pb.WaitingContact(
                contact_id=contact.contact_id,
                queue=visit.queue,
                priority=visit.priority,
                step=visit.step,
                offered=bool(contact.reservations),
            )
            one.waiting_since.FromMicroseconds(visit.waiting_since_us)
            found.append(one)
    return found


def long_contacts(desk: Desk, longer_than_us: int, now_us: int) -> list[pb.LongContact]:
    """Contacts with an agent for longer than so long, the longest first; names only where help was asked for."""
    talking = [call for call in desk.calls.values() if call.bridged_us and now_us - call.bridged_us > longer_than_us]
    found = []
    for call in sorted(talking, key=lambda one: one.bridged_us):
        talks = desk.core.contacts[call.contact_id].agents
        named = call.named if call.named in talks else ""
        one = pb.LongContact(contact_id=call.contact_id, queue=call.queue, waits_for=call.waits_for, agent=named)
        one.bridged_since.FromMicroseconds(call.bridged_us)
        found.append(one)
    return found


def _waiting(desk: Desk) -> list[tuple[Contact, Visit]]:
    return [(contact, contact.visit) for contact in desk.core.contacts.values() if contact.visit is not None]
