"""Queue visits: entering, relaxing, leaving by rule. Called within decisions only."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from contact_life import identity
from ivr_routing.core.contact import Contact
from ivr_routing.core.decision import Decision
from ivr_routing.core.events import QueueVisitClosed, QueueVisitOpened, QueueVisitStepAdvanced
from ivr_routing.core.queue import Queue
from ivr_routing.core.rules import QueueExit, SkillRequirement
from ivr_routing.core.words import DequeueKind

MOST_HOPS: Final = 5
"""Visits by rule in a row: overflow in a circle ends here, and the flow decides."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How a contact is to enter a queue."""

    queue: str
    priority: int
    skills: tuple[SkillRequirement, ...]
    preferred_agent: str
    waiting_since_us: int
    hops: int
    cause: str
    callback_id: str = ""


def enter(decision: Decision, contact: Contact, entry: Entry) -> None:
    """Begin a visit; a queue that is closed, full or unstaffed lets go at once, as its rules say."""
    queue = decision.core.queues[entry.queue]
    refusal = _refusal(queue)
    visit_id = identity.routed_visit_id(contact.contact_id, contact.visits + 1)
    decision.emit(
        QueueVisitOpened(
            contact.contact_id,
            visit_id,
            entry.queue,
            entry.priority,
            entry.skills,
            entry.preferred_agent,
            entry.waiting_since_us,
            queue.version,
            entry.hops,
            entry.cause,
            entry.callback_id,
        )
    )
    if refusal is not None:
        leave_by_rule(decision, contact, *refusal)
        return
    decision.contacts.append(contact)


def _refusal(queue: Queue) -> tuple[DequeueKind, QueueExit] | None:
    rules = queue.rules
    if not queue.open or queue.retired:
        return DequeueKind.CLOSED, rules.on_closed
    if rules.on_unstaffed is not None and not queue.members:
        return DequeueKind.CLOSED, rules.on_unstaffed
    if rules.max_size and queue.size >= rules.max_size:
        return DequeueKind.FULL, rules.on_full
    return None


def skip_unstaffed(decision: Decision, contact: Contact) -> None:
    """Pass steps that nobody who is signed in fits: the preferred agent gone must not block."""
    core, visit = decision.core, contact.visit
    assert visit is not None
    last = core.queues[visit.queue].rules.last_step
    while visit.step < last and not core.pool_of(contact).members:
        decision.emit(QueueVisitStepAdvanced(contact.contact_id, visit.visit_id, visit.step + 1, "unstaffed"))


def leave_by_rule(decision: Decision, contact: Contact, kind: DequeueKind, way_out: QueueExit) -> None:
    """End a visit by a rule of its queue: on to another queue with the time waited, or back to the flow."""
    visit = contact.visit
    assert visit is not None
    target = decision.core.queues.get(way_out.to_queue)
    goes_on = target is not None and not target.retired and visit.hops < MOST_HOPS
    if goes_on and kind in (DequeueKind.FULL, DequeueKind.TIMEOUT):
        kind = DequeueKind.OVERFLOW
    to_queue = way_out.to_queue if goes_on else ""
    then = "" if goes_on else way_out.then or "flow"
    decision.emit(QueueVisitClosed(contact.contact_id, visit.visit_id, visit.queue, kind, to_queue, then))
    if goes_on:
        entry = Entry(
            to_queue,
            visit.priority,
            visit.skills,
            visit.preferred_agent,
            visit.waiting_since_us,
            visit.hops + 1,
            kind.name.lower(),
            visit.callback_id,
        )
        enter(decision, contact, entry)


def waited_too_long(decision: Decision, contact: Contact) -> bool:
    """Whether a visit has reached its queue's longest wait; a place kept for a callback has none."""
    visit = contact.visit
    assert visit is not None
    if visit.callback_id:
        return False
    longest_ms = decision.core.queues[visit.queue].rules.max_wait_ms
    return bool(longest_ms) and decision.now_us >= visit.opened_us + longest_ms * 1_000


def waits_again(decision: Decision, contact: Contact) -> None:
    """A contact was offered and not taken: it waits where it stood, unless its time is up meanwhile."""
    visit = contact.visit
    if visit is None or contact.reservations:
        return
    queue = decision.core.queues[visit.queue]
    cleared = queue.retired or (queue.rules.clear_on_close and not queue.open)
    if waited_too_long(decision, contact):
        leave_by_rule(decision, contact, DequeueKind.TIMEOUT, queue.rules.on_max_wait)
    elif cleared and not visit.callback_id:
        leave_by_rule(decision, contact, DequeueKind.CLOSED, queue.rules.on_closed)
    else:
        decision.contacts.append(contact)


def see_to_unstaffed(decision: Decision, queues: Iterable[str]) -> None:
    """See to callers whose queue, or step, has lost its last agent: one who served these queues left, or has others."""
    for name in queues:
        queue = decision.core.queues.get(name)
        if queue is None or not queue.size:
            continue
        if not queue.members and queue.rules.on_unstaffed is not None:
            empty(decision, queue, queue.rules.on_unstaffed)
        elif queue.rules.last_step > 1:
            left = [place for pool in queue.pools.values() if not pool.members for place in pool.waiting]
            decision.contacts.extend(decision.core.contacts[contact_id] for _, _, _, contact_id in left)


def empty(decision: Decision, queue: Queue, way_out: QueueExit) -> None:
    """Let everybody go who waits in a queue; who is being offered stays until that is over, and so do callbacks."""
    for contact in decision.core.contacts_in(queue):
        if contact.waits and contact.visit is not None and not contact.visit.callback_id:
            leave_by_rule(decision, contact, DequeueKind.CLOSED, way_out)
