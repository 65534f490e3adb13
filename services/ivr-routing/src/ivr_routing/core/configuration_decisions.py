"""Decisions about what queues and agents are configured to be. Effective at the next decision."""

from collections.abc import Iterable
from typing import Final

from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.decision import Decision
from ivr_routing.core.errors import RulesInvalid, UnknownQueue, VersionConflict
from ivr_routing.core.rules import QueueRules, SkillRequirement
from ivr_routing.core.visits import empty, see_to_unstaffed
from ivr_routing.core.words import AgentState

BEST: Final = 5
MOST_STEPS: Final = 20
MOST_RINGING: Final = 50


def configure_queue(decision: Decision, command: c.ConfigureQueue) -> None:
    queue = decision.core.queues.get(command.queue)
    version = queue.version if queue is not None else 0
    _check_version(command.expected_version, version)
    if queue is not None and queue.rules == command.rules and not queue.retired:
        return
    check_queue(command.queue, command.rules)
    decision.emit(e.QueueConfigured(command.queue, version + 1, command.rules, command.changed_by))
    queue = decision.core.queues[command.queue]
    decision.contacts.extend(contact for contact in decision.core.contacts_in(queue) if contact.waits)


def retire_queue(decision: Decision, command: c.RetireQueue) -> None:
    queue = decision.core.queues.get(command.queue)
    if queue is None:
        raise UnknownQueue("There is no such queue.")
    if queue.retired:
        return
    decision.emit(e.QueueRetired(command.queue, queue.version + 1, command.changed_by))
    empty(decision, queue, queue.rules.on_closed)


def open_queue(decision: Decision, command: c.OpenQueue) -> None:
    queue = decision.core.queues.get(command.queue)
    if queue is None:
        raise UnknownQueue("There is no such queue.")
    if queue.open is command.open:
        return
    decision.emit(e.QueueOpennessChanged(command.queue, command.open, command.cause))
    if not command.open and queue.rules.clear_on_close:
        empty(decision, queue, queue.rules.on_closed)


def configure_agent(decision: Decision, command: c.ConfigureAgent) -> None:
    agent = decision.core.agents.get(command.agent)
    version = agent.version if agent is not None else 0
    _check_version(command.expected_version, version)
    if version and agent is not None and agent.rules == command.rules:
        return
    _check_name(command.agent)
    _check_skills(command.rules.skills)
    before = agent.rules.queues if agent is not None else ()
    decision.emit(e.AgentConfigured(command.agent, version + 1, command.rules, command.changed_by))
    see_to_unstaffed(decision, before)
    agent = decision.core.agents[command.agent]
    if agent.state is AgentState.AVAILABLE:
        decision.agents.append(agent)


def _check_version(expected: int | None, version: int) -> None:
    if expected is not None and expected != version:
        raise VersionConflict(f"It is at version {version} by now, not at {expected}: read it again.")


def check_queue(name: str, rules: QueueRules) -> None:
    """Raise RulesInvalid, in one sentence, for the first thing that cannot work."""
    _check_name(name)
    _check_steps(rules)
    least_one = (rules.reservation_ms, rules.bridge_ms, rules.reoffer_pause_ms, rules.expected_handle_ms)
    if min(*least_one, rules.rona_limit, rules.offer_failed_limit) < 1:
        raise RulesInvalid("Deadlines, pauses and limits of reservations are at least 1.")
    none_negative = (rules.ageing_ms, rules.max_size, rules.max_wait_ms, rules.min_ring_ms, rules.wrap_up_ms)
    if min(none_negative) < 0:
        raise RulesInvalid("Lengths and sizes are not negative.")
    if not 0 <= rules.ring_all_limit <= MOST_RINGING:
        raise RulesInvalid(f"At most {MOST_RINGING} agents ring at once.")


def _check_steps(rules: QueueRules) -> None:
    steps = rules.steps
    if len(steps) > MOST_STEPS:
        raise RulesInvalid(f"A queue has at most {MOST_STEPS} steps.")
    if not steps:
        return
    waited = [step.after_ms for step in steps]
    if waited[0] != 0 or waited != sorted(set(waited)):
        raise RulesInvalid("The first step begins at 0, each other one later than the one before.")
    if steps[-1].preferred_agent_only:
        raise RulesInvalid("The last step cannot ask for the preferred agent: one agent away would block the caller.")
    for step in steps:
        _check_skills(step.skills)


def _check_skills(skills: Iterable[SkillRequirement]) -> None:
    for own in skills:
        _check_name(own.skill)
        if not 1 <= own.proficiency <= BEST:
            raise RulesInvalid(f"A proficiency is 1 to {BEST}.")


def _check_name(name: str) -> None:
    if not name.strip():
        raise RulesInvalid("Queues, agents and skills have names.")
