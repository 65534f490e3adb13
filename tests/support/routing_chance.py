"""A contact centre where anything happens at any time: numbers in, commands out, for tests by chance.

Phone systems tell late, twice and never; agents change their minds; administrators change everything; time passes.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, TypeAlias

from ivr_routing.core import commands as c
from ivr_routing.core.errors import Refused
from ivr_routing.core.rules import AgentRules, QueueExit, QueueRules, QueueStep, SkillRequirement
from ivr_routing.core.words import AgentState, MatchingStrategy, WrapUpKind
from routing_testing import Centre, contact_id

Happening: TypeAlias = tuple[int, int, int]
"""What happens, and two numbers that choose whom it happens to."""

AGENTS: Final = ("ann", "bob", "cid", "dan")
QUEUES: Final = ("main", "second")
CONTACTS: Final = tuple(f"c{number}" for number in range(8))

STEPS: Final = (
    QueueStep(0, preferred_agent_only=True),
    QueueStep(5_000, (SkillRequirement("billing", 3),)),
    QueueStep(10_000, groups=("inner",)),
    QueueStep(20_000, lowered_by=2),
)
RULES: Final = (
    QueueRules(),
    QueueRules(steps=STEPS, wrap_up=WrapUpKind.TIMED, wrap_up_ms=4_000, ageing_ms=10_000),
    QueueRules(ring_all_limit=3, strategy=MatchingStrategy.LONGEST_IDLE_SINCE_CONTACT, rona_limit=2),
    QueueRules(max_size=2, on_full=QueueExit("second"), max_wait_ms=30_000, on_max_wait=QueueExit("main")),
    QueueRules(on_unstaffed=QueueExit(then="voicemail"), clear_on_close=True, wrap_up=WrapUpKind.MANDATORY),
    QueueRules(
        strategy=MatchingStrategy.MOST_SKILLED, wrap_up=WrapUpKind.OPTIONAL, wrap_up_ms=3_000, return_priority=2
    ),
)
PEOPLE: Final = (
    AgentRules(QUEUES),
    AgentRules(("main",), (SkillRequirement("billing", 5),), ("inner",)),
    AgentRules(("second",), (SkillRequirement("billing", 2), SkillRequirement("french", 4))),
    AgentRules(("main", "second"), (SkillRequirement("french", 1),), ("inner", "outer")),
)
SKILLS: Final = ((), (SkillRequirement("french", 3),), (SkillRequirement("billing", 4),))


class AnyCentre(Centre):
    """A centre that is told whatever the numbers say; refusals are part of life."""

    def __init__(self) -> None:
        super().__init__()
        self.mentioned: list[tuple[str, str, str]] = []
        """Contact, reservation and agent of every offer ever made: facts may come of any of them, at any time."""
        self.queue("main")
        self.queue("second")
        for name, rules in zip(AGENTS, PEOPLE, strict=True):
            self.tell(c.ConfigureAgent(name, rules))

    def happen(self, happening: Happening) -> None:
        """Let one thing happen."""
        what, first, second = happening
        command = HAPPENINGS[what % len(HAPPENINGS)](self, first, second)
        if command is None:
            return
        self.tell_or_not(command)
        self.mentioned.extend(
            (held.contact_id, held.reservation_id, held.agent)
            for held in self.core.reservations.values()
            if (held.contact_id, held.reservation_id, held.agent) not in self.mentioned
        )

    def tell_or_not(self, command: c.Command) -> None:
        """Tell a command that may be refused."""
        with suppress(Refused):
            self.tell(command)

    def offer(self, number: int) -> tuple[str, str, str]:
        """Return an offer, the latest most often; one of nobody where there was none."""
        return self.mentioned[-1 - number % min(6, len(self.mentioned))] if self.mentioned else (_contact(0), "", "ann")


def _contact(number: int) -> str:
    return contact_id(CONTACTS[number % len(CONTACTS)])


def _agent(number: int) -> str:
    return AGENTS[number % len(AGENTS)]


def _time(centre: AnyCentre, first: int, second: int) -> None:
    centre.wait((first % 7) * (1 + second % 7) / 2)


def _queue_contact(_: AnyCentre, first: int, second: int) -> c.Command:
    preferred = _agent(second) if second % 3 == 0 else ""
    return c.QueueContact(_contact(first), QUEUES[second % 2], second % 3, SKILLS[second % 3], preferred)


def _arrive(centre: AnyCentre, first: int, second: int) -> c.Command:
    centre.tell_or_not(c.AdmitContact(_contact(first), "pbx"))
    return _queue_contact(centre, first, second)


def _set_state(_: AnyCentre, first: int, second: int) -> c.Command:
    states = (AgentState.AVAILABLE, AgentState.AVAILABLE, AgentState.NOT_READY, AgentState.WRAP_UP)
    return c.SetAgentState(_agent(first), states[second % 4], "break")


def _ring(centre: AnyCentre, first: int, _: int) -> c.Command:
    contact, held, _agent_name = centre.offer(first)
    return c.RingingBegan(contact, held, centre.now_us)


def _accept(centre: AnyCentre, first: int, _: int) -> c.Command:
    _contact_id, held, agent = centre.offer(first)
    return c.AcceptReservation(agent, held)


def _reject(centre: AnyCentre, first: int, _: int) -> c.Command:
    _contact_id, held, agent = centre.offer(first)
    return c.RejectReservation(agent, held, "no")


def _bridged(centre: AnyCentre, first: int, second: int) -> c.Command:
    contact, held, agent = centre.offer(first)
    return c.CallBridged(contact, agent, held if second % 4 else "", centre.now_us)


def _talk_ended(centre: AnyCentre, first: int, second: int) -> c.Command:
    contact, held, agent = centre.offer(first)
    return c.TalkEnded(contact, agent, held if second % 4 else "")


def _failed(centre: AnyCentre, first: int, second: int) -> c.Command:
    contact, held, _agent_name = centre.offer(first)
    return c.OfferFailed(contact, held, "no_route") if second % 2 else c.BridgeFailed(contact, held, "no_media")


def _configure(_: AnyCentre, first: int, second: int) -> c.Command:
    if first % 2:
        return c.ConfigureAgent(_agent(second), PEOPLE[(first + second) % len(PEOPLE)])
    return c.ConfigureQueue(QUEUES[first // 2 % 2], RULES[second % len(RULES)])


def _callback(_: AnyCentre, first: int, second: int) -> c.Command:
    kept = c.KeepPlace(_contact(first), contact_id("callback"))
    return kept if second % 3 else c.EndCallback(_contact(first), "withdrawn")


def _sign_in(_: AnyCentre, first: int, second: int) -> c.Command:
    state = AgentState.AVAILABLE if second % 4 else AgentState.NOT_READY
    return c.SignIn(_agent(first), ("sip:1",), state)


HAPPENINGS: Final[Sequence[Callable[[AnyCentre, int, int], c.Command | None]]] = (
    _arrive,
    _arrive,
    _queue_contact,
    _time,
    _time,
    _sign_in,
    _sign_in,
    _set_state,
    _ring,
    _ring,
    _time,
    _accept,
    _accept,
    _bridged,
    _bridged,
    _talk_ended,
    _reject,
    _failed,
    _configure,
    _callback,
    lambda _, first, second: c.CallerGone(_contact(first), "dropped" if second % 5 == 0 else ""),
    lambda _, first, __: c.SignOut(_agent(first)),
    lambda _, first, __: c.CompleteWrapUp(_agent(first)),
    lambda _, first, __: c.LoseHeartbeat(_agent(first)),
    lambda _, first, __: c.RegainHeartbeat(_agent(first)),
    lambda _, first, second: c.SetPriority(_contact(first), second % 5),
    lambda _, first, __: c.TellEstimate(_contact(first)),
    lambda _, first, second: c.LeaveQueue(_contact(first), "voicemail" if second % 2 else "key"),
    lambda _, first, __: c.DefaultRouteFollowed(_contact(first)),
    lambda _, first, second: c.OpenQueue(QUEUES[first % 2], bool(second % 8)),
    lambda _, first, second: c.RetireQueue(QUEUES[first % 2]) if second % 10 == 0 else None,
    lambda centre, _, second: (
        c.DoubtSource("pbx", centre.now_us) if second % 3 else c.TrustSource("pbx", centre.now_us)
    ),
)
