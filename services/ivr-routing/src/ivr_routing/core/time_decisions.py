"""What happens by itself when its time has come. A due that no longer matters gives nothing."""

from collections.abc import Callable
from typing import Final

from ivr_routing.core import commands as c
from ivr_routing.core.contact_changes import LONGEST_CONTACT_US, await_oldest
from ivr_routing.core.decision import Decision
from ivr_routing.core.due import DueKind
from ivr_routing.core.endings import expire, fail_bridge, finish
from ivr_routing.core.events import QueueVisitStepAdvanced
from ivr_routing.core.matching import settle
from ivr_routing.core.source_decisions import due as doubt_is_due
from ivr_routing.core.spells import release
from ivr_routing.core.visits import leave_by_rule, waited_too_long
from ivr_routing.core.words import AgentState, DequeueKind, RescindCause


def pass_time(decision: Decision, command: c.PassTime) -> None:
    """Let what is due happen, one after the other; each is settled before the next, as if each came alone."""
    core = decision.core
    for _ in range(command.at_most):
        due = core.dues.pop(decision.now_us)
        if due is None:
            break
        _HAPPENS[due[2]](decision, due[3])
        settle(decision)
        decision.agents.clear()
        decision.contacts.clear()
    core.tidy()


def _reservation(decision: Decision, reservation_id: str) -> None:
    held = decision.core.reservations.get(reservation_id)
    if held is None or held.deadline_us > decision.now_us:
        return
    if held.accepted:
        fail_bridge(decision, held, "deadline")
    else:
        expire(decision, held, "deadline")


def _step(decision: Decision, contact_id: str) -> None:
    contact = decision.core.contacts.get(contact_id)
    if contact is None or contact.visit is None:
        return
    visit = contact.visit
    rules = decision.core.queues[visit.queue].rules
    if visit.step >= rules.last_step:
        return
    if visit.opened_us + rules.step(visit.step + 1).after_ms * 1_000 > decision.now_us:
        return
    decision.emit(QueueVisitStepAdvanced(contact_id, visit.visit_id, visit.step + 1, "waited"))
    if contact.waits:
        decision.contacts.append(contact)


def _wait(decision: Decision, contact_id: str) -> None:
    contact = decision.core.contacts.get(contact_id)
    if contact is None or contact.visit is None or not contact.waits or not waited_too_long(decision, contact):
        return
    rules = decision.core.queues[contact.visit.queue].rules
    leave_by_rule(decision, contact, DequeueKind.TIMEOUT, rules.on_max_wait)


def _again(decision: Decision, contact_id: str) -> None:
    contact = decision.core.contacts.get(contact_id)
    if contact is not None and contact.waits:
        decision.contacts.append(contact)


def _spell(decision: Decision, agent_name: str) -> None:
    agent = decision.core.agents.get(agent_name)
    if agent is not None and agent.state is AgentState.WRAP_UP and 0 < agent.due_us <= decision.now_us:
        release(decision, agent, "timer")


def _contact(decision: Decision, _: str) -> None:
    """Nothing was heard of the oldest one's end: it is taken as over, so that nobody is held for it for ever."""
    oldest = next(iter(decision.core.contacts.values()), None)
    if oldest is not None and oldest.admitted_us + LONGEST_CONTACT_US <= decision.now_us:
        finish(decision, oldest, "unknown", DequeueKind.REMOVED, RescindCause.CALLER_GONE)
    await_oldest(decision.core)


_HAPPENS: Final[dict[DueKind, Callable[[Decision, str], None]]] = {
    DueKind.RESERVATION: _reservation,
    DueKind.STEP: _step,
    DueKind.WAIT: _wait,
    DueKind.AGAIN: _again,
    DueKind.SPELL: _spell,
    DueKind.CONTACT: _contact,
    DueKind.DOUBT: doubt_is_due,
}
