"""Why a contact was given to whom it was, or waits, or left: found again from the log alone. Pure.

The log up to the decision gives the core as it was; every agent of the queue is then looked at, one by one, which the
decision itself never did. That both find the same is a law (tests).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from ivr_routing.core import events as e
from ivr_routing.core.agent import Agent
from ivr_routing.core.contact import Contact, Visit
from ivr_routing.core.errors import UnknownContact
from ivr_routing.core.evolve import evolve
from ivr_routing.core.pool import Pool, Requirement, place_of, requirement_of
from ivr_routing.core.queue import Queue
from ivr_routing.core.state import Core
from ivr_routing.core.words import AgentState, ChosenBy, MatchingStrategy

Logged: TypeAlias = tuple[int, e.Event]
"""When it was decided (microseconds since 1970 UTC), and what."""

_TURNS: Final = (
    e.ReservationCreated,
    e.QueueVisitOpened,
    e.QueueVisitStepAdvanced,
    e.QueueVisitPriorityChanged,
    e.QueueVisitClosed,
    e.ReservationRejected,
    e.ReservationExpired,
    e.ReservationBridgeFailed,
)
"""Events after which a contact's lot is another one."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent who was considered. `passed_over` is a word to switch on, empty for who was chosen; rank 0: unfit."""

    agent: str
    state: AgentState
    passed_over: str
    detail: str
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with everything it was made from. `decided_by` is the place of its event in what was read."""

    contact_id: str
    decision: str
    decided_us: int
    decided_by: int
    queue: str = ""
    queue_version: int = 0
    step: int = 0
    chosen: str = ""
    next: str = ""
    candidates: tuple[Candidate, ...] = ()
    rules: tuple[str, ...] = ()
    contacts_ahead: int = 0


def explain(core: Core, log: Sequence[Logged], contact_id: str, at_us: int | None = None) -> Explanation:
    """Explain the decision on a contact in force at an instant, or the latest; UnknownContact if there is none.

    `core` stands where the log given begins (a fresh one for a whole log); it is moved on and is of no use afterwards.
    """
    until = len(log) if at_us is None else next((n for n, (when, _) in enumerate(log) if when > at_us), len(log))
    place = next((n for n in range(until - 1, -1, -1) if _is_turn(log[n][1], contact_id)), None)
    if place is None:
        raise UnknownContact("Nothing was decided on such a contact by then.")
    decided_us, event = log[place]
    reserved_or_left = isinstance(event, e.ReservationCreated | e.QueueVisitClosed)
    for when, before in log[: place if reserved_or_left else until]:
        evolve(core, before, when)
    match event:
        case e.ReservationCreated():
            return _reserved(core, event, decided_us, place)
        case e.QueueVisitClosed():
            return _left(core, event, decided_us, place)
        case _:
            now_us = decided_us if at_us is None else at_us
            return _waits(core, contact_id, now_us, Explanation(contact_id, "waits", decided_us, place))


def _is_turn(event: e.Event, contact_id: str) -> bool:
    return isinstance(event, _TURNS) and event.contact_id == contact_id


def _reserved(core: Core, event: e.ReservationCreated, decided_us: int, place: int) -> Explanation:
    contact = core.contacts[event.contact_id]
    visit = contact.visit
    assert visit is not None
    candidates = _candidates(core, contact, visit, decided_us)
    ranked = sorted((each for each in candidates if each.rank), key=lambda each: each.rank)
    following = [each.agent for each in ranked if each.agent != event.agent]
    found = Explanation(event.contact_id, "reserved", decided_us, place)
    return replace(
        _described(core, found, visit),
        chosen=event.agent,
        next=following[0] if following else "",
        candidates=candidates,
        rules=(*_rules(core, visit), _CHOOSER[event.chosen_by]),
        contacts_ahead=_ahead(core.queues[visit.queue], contact, visit),
    )


def _waits(core: Core, contact_id: str, now_us: int, found: Explanation) -> Explanation:
    contact = core.contacts.get(contact_id)
    if contact is None or contact.visit is None:
        return replace(found, decision="left")
    visit = contact.visit
    return replace(
        _described(core, found, visit),
        candidates=_candidates(core, contact, visit, now_us),
        rules=_rules(core, visit),
        contacts_ahead=_ahead(core.queues[visit.queue], contact, visit),
    )


def _left(core: Core, event: e.QueueVisitClosed, decided_us: int, place: int) -> Explanation:
    found = Explanation(event.contact_id, "left", decided_us, place)
    contact = core.contacts[event.contact_id]
    visit = contact.visit
    assert visit is not None
    onward = f", on to {event.to_queue}" if event.to_queue else f", then {event.then}" if event.then else ""
    return replace(_described(core, found, visit), rules=(f"left as {event.kind.name.lower()}{onward}",))


def _described(core: Core, found: Explanation, visit: Visit) -> Explanation:
    return replace(found, queue=visit.queue, queue_version=core.queues[visit.queue].version, step=visit.step)


def _candidates(core: Core, contact: Contact, visit: Visit, now_us: int) -> tuple[Candidate, ...]:
    """Look at every agent who serves the queue; those who fit come first, in their order."""
    rules = core.queues[visit.queue].rules
    asked = requirement_of(visit, rules, visit.step)
    pool = Pool(asked, rules.strategy)
    fit: list[Agent] = []
    unfit: list[Candidate] = []
    for name in sorted(core.serving.get(visit.queue, ())):
        agent = core.agents[name]
        why = _unfit(agent, asked, contact, now_us)
        if why is None:
            fit.append(agent)
        else:
            unfit.append(Candidate(name, agent.state, *why))
    fit.sort(key=lambda agent: (agent.agent != visit.preferred_agent, pool.rank_of(agent)))
    preferred = bool(fit) and fit[0].agent == visit.preferred_agent
    return (*_in_rank(fit, rules.strategy, now_us, preferred=preferred), *unfit)


def _in_rank(fit: Sequence[Agent], strategy: MatchingStrategy, now_us: int, *, preferred: bool) -> list[Candidate]:
    later = "LESS_SKILLED" if strategy is MatchingStrategy.MOST_SKILLED else "IDLE_SHORTER"
    later = "NOT_PREFERRED" if preferred else later
    by_contact = strategy is MatchingStrategy.LONGEST_IDLE_SINCE_CONTACT
    return [
        Candidate(
            agent.agent,
            agent.state,
            later if place else "",
            _without_contact(agent, now_us) if by_contact else f"idle for {_seconds(now_us - agent.idle_since_us)}",
            place + 1,
        )
        for place, agent in enumerate(fit)
    ]


def _without_contact(agent: Agent, now_us: int) -> str:
    since_us = agent.contact_free_since_us
    return f"without a contact for {_seconds(now_us - since_us)}" if since_us else "without a contact so far"


def _seconds(length_us: int) -> str:
    return f"{length_us / 1e6:.3f} s"


def _unfit(agent: Agent, asked: Requirement, contact: Contact, now_us: int) -> tuple[str, str] | None:
    """Return why an agent cannot be given the contact, as a word and in words; None if they can."""
    if not agent.staffed:
        return "NOT_AVAILABLE", "not signed in" if not agent.signed_in else "not reachable"
    if (why := _lacks(agent, asked)) is not None:
        return why
    if agent.state is not AgentState.AVAILABLE:
        reason = f" ({agent.reason})" if agent.reason else ""
        return "NOT_AVAILABLE", f"{agent.state.name.lower()}{reason}"
    if contact.excludes(agent.agent, now_us):
        return "EXCLUDED", _excluded(agent, contact, now_us)
    return None


def _excluded(agent: Agent, contact: Contact, now_us: int) -> str:
    again_us = contact.visit.again_us if contact.visit is not None else 0
    if again_us > now_us:
        return f"the customer was not reached; called again in {_seconds(again_us - now_us)}"
    return f"did not take it; offered again in {_seconds(contact.excluded[agent.agent] - now_us)}"


def _lacks(agent: Agent, asked: Requirement) -> tuple[str, str] | None:
    if asked.agent and asked.agent != agent.agent:
        return "NOT_PREFERRED", "the step asks for the preferred agent only"
    if asked.groups and set(asked.groups).isdisjoint(agent.rules.groups):
        return "GROUP_MISSING", f"in none of {', '.join(asked.groups)}"
    for own in asked.skills:
        has = agent.rules.proficiency(own.skill)
        if has < own.proficiency:
            return "SKILL_MISSING", f"{own.skill}: has {has}, needs {own.proficiency}"
    return None


def _rules(core: Core, visit: Visit) -> tuple[str, ...]:
    rules = core.queues[visit.queue].rules
    asked = requirement_of(visit, rules, visit.step)
    skills = ", ".join(f"{own.skill} {own.proficiency}" for own in asked.skills)
    said = [f"step {visit.step} of {rules.last_step}", f"strategy {rules.strategy.name.lower()}"]
    if skills:
        said.append(f"asks for {skills}")
    if asked.groups:
        said.append(f"asks for groups {', '.join(asked.groups)}")
    if asked.agent:
        said.append(f"asks for {asked.agent}")
    worth = f"; a point is worth {rules.ageing_ms} ms of waiting" if rules.ageing_ms else ""
    return (*said, f"priority {visit.priority}{worth}")


def _ahead(queue: Queue, contact: Contact, visit: Visit) -> int:
    """Count who stands before a contact in its queue."""
    place = place_of(visit, contact.contact_id, queue.rules)
    return sum(bisect_left(pool.waiting, place) for pool in queue.pools.values())


_CHOOSER: Final = {
    ChosenBy.CONTACT: "the contact looked for an agent",
    ChosenBy.AGENT: "an agent became available and looked for the contact that comes first over all their queues",
    ChosenBy.UNSPECIFIED: "",
}
