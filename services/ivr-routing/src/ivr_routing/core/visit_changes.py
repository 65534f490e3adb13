"""What events of queue visits, and of the queues themselves, change in a core. Nothing is judged here."""

from ivr_routing.core import events as e
from ivr_routing.core.contact import Contact, Visit
from ivr_routing.core.due import DueKind
from ivr_routing.core.queue import Queue
from ivr_routing.core.state import Core


def visit_opened(core: Core, event: e.QueueVisitOpened, now_us: int) -> None:
    contact = core.contacts[event.contact_id]
    queue = core.queues[event.queue]
    dues = core.dues
    dues.turn += 1
    contact.visits += 1
    contact.visit = Visit(
        event.visit_id,
        event.queue,
        event.priority,
        event.skills,
        event.preferred_agent,
        event.waiting_since_us,
        now_us,
        dues.turn,
        event.hops,
        1,
        event.callback_id,
    )
    queue.size += 1
    queue.busy_since_us = queue.busy_since_us or now_us
    core.place(contact)
    await_dues(core, contact)


def await_dues(core: Core, contact: Contact) -> None:
    """Note when the next step and the longest wait of a contact's visit are due."""
    visit = contact.visit
    assert visit is not None
    rules = core.queues[visit.queue].rules
    if visit.step < rules.last_step:
        core.dues.add(visit.opened_us + rules.step(visit.step + 1).after_ms * 1_000, DueKind.STEP, contact.contact_id)
    if rules.max_wait_ms:
        core.dues.add(visit.opened_us + rules.max_wait_ms * 1_000, DueKind.WAIT, contact.contact_id)


def step_advanced(core: Core, event: e.QueueVisitStepAdvanced, _: int) -> None:
    contact = core.contacts[event.contact_id]
    visit = contact.visit
    assert visit is not None
    if contact.waits:
        core.displace(contact)
    visit.step = event.step
    if contact.waits:
        core.place(contact)
    await_dues(core, contact)


def priority_changed(core: Core, event: e.QueueVisitPriorityChanged, _: int) -> None:
    contact = core.contacts[event.contact_id]
    visit = contact.visit
    assert visit is not None
    if contact.waits:
        core.displace(contact)
    visit.priority = event.priority
    if contact.waits:
        core.place(contact)


def visit_closed(core: Core, event: e.QueueVisitClosed, _: int) -> None:
    leave(core, core.contacts[event.contact_id])


def leave(core: Core, contact: Contact) -> None:
    visit = contact.visit
    assert visit is not None
    queue = core.queues[visit.queue]
    if contact.waits:
        core.displace(contact)
    contact.visit = None
    queue.size -= 1
    if not queue.size:
        queue.busy_since_us = 0


def place_kept(core: Core, event: e.CallbackPlaceKept, _: int) -> None:
    visit = core.contacts[event.contact_id].visit
    assert visit is not None
    visit.callback_id = event.callback_id
    _pause(core, event.contact_id, visit, event.again_us)


def attempt_failed(core: Core, event: e.CallbackAttemptFailed, _: int) -> None:
    visit = core.contacts[event.contact_id].visit
    assert visit is not None
    visit.attempts = event.attempt
    _pause(core, event.contact_id, visit, event.again_us)


def _pause(core: Core, contact_id: str, visit: Visit, until_us: int) -> None:
    visit.again_us = until_us
    if until_us:
        core.dues.add(until_us, DueKind.AGAIN, contact_id)


def place_ended(core: Core, event: e.CallbackPlaceEnded, _: int) -> None:
    visit = core.contacts[event.contact_id].visit
    if visit is not None:
        visit.callback_id = ""


def queue_configured(core: Core, event: e.QueueConfigured, _: int) -> None:
    queue = core.queues.get(event.queue)
    if queue is None:
        queue = core.queues[event.queue] = Queue(event.queue, event.version, event.rules)
    queue.version, queue.rules, queue.retired = event.version, event.rules, False
    core.index_queue(queue)
    for contact in core.contacts_in(queue):
        await_dues(core, contact)


def queue_retired(core: Core, event: e.QueueRetired, _: int) -> None:
    queue = core.queues[event.queue]
    queue.version, queue.retired = event.version, True


def openness_changed(core: Core, event: e.QueueOpennessChanged, _: int) -> None:
    core.queues[event.queue].open = event.open
