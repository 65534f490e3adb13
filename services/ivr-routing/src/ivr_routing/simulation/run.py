"""One run of a scenario through the core that routes live: callers, agents and time by an agenda of instants."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heappop, heappush
from random import Random
from typing import Any, Final, TypeAlias

from contact_life import identity
from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.decide import decide
from ivr_routing.core.rules import AgentRules, QueueExit, QueueRules, QueueStep, SkillRequirement
from ivr_routing.core.state import Core
from ivr_routing.core.words import AgentState, DequeueKind, MatchingStrategy, WrapUpKind
from ivr_routing.simulation.chance import DAY_US, FOR_EVER, HOUR_US, SECOND_US, Draw, arrivals, lengths
from ivr_routing.simulation.counting import Counting
from ivr_routing.simulation.planning import Plan
from ivr_routing.simulation.scenario import AgentGroup, Scenario, SimulatedQueue
from ivr_routing.simulation.walking import Callers, Walking, callers_of

SOURCE: Final = "simulated"
TENANT: Final = "simulation"
Witness: TypeAlias = Callable[[int, tuple[e.Event, ...]], None]
"""Sees what was decided, and when (microseconds since 1970)."""
_Act: TypeAlias = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class _Draws:
    """What is drawn for contacts of one queue."""

    talk: Draw
    patience: Draw
    answer: Draw
    priority: int
    skills: tuple[SkillRequirement, ...]


@dataclass(frozen=True, slots=True)
class _Door:
    """Where contacts arrive, and what leads on from there: a queue, or a flow."""

    arrive: Iterator[int]
    queue: str
    callers: Callers | None = None


class Run:
    """A scenario under way, one run of its plan; `step` lets one thing happen."""

    def __init__(
        self,
        scenario: Scenario,
        plan: Plan,
        number: int,
        counting: Counting,
        *,
        tenant: str = TENANT,
        witness: Witness | None = None,
    ) -> None:
        self.core = Core(tenant)
        self.contacts = 0
        self._scenario = scenario
        self._counting = counting
        self._witness = witness
        self._name = f"{scenario.seed}.{number}"
        self._begins_us = round(scenario.starts.timestamp()) * SECOND_US
        self._ends_us = round((scenario.hours + plan.warm_up_hours) * HOUR_US)
        self._agenda: list[tuple[int, int, _Act, Any]] = []
        self._turn = 0
        self._now_us = 0
        self._back_us: dict[str, int] = {}
        """How long agents stay away who were made not ready or unreachable."""
        self._open_queues()
        self._staff()
        self._draws = {name: self._draws_of(name) for name in scenario.handle_time}
        self._walking = Walking(self.core, self._tell, self._after, self._now, counting.walked)
        for name in scenario.arrivals:
            self._await_arrival(self._door_of(name))

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        return min(1.0, self._now_us / self._ends_us)

    def step(self) -> bool:
        """Let the next thing happen; False when nothing is left: who waits in vain is let go by the core in the end."""
        agenda, due_us = self._agenda, self.core.next_due_us()
        if not agenda and not self._goes_on():
            self._counting.finish(self.core.agents.values(), self._now_us, self._begins_us)
            return False
        if due_us is not None and (not agenda or due_us - self._begins_us < agenda[0][0]):
            self._now_us = max(self._now_us, due_us - self._begins_us)
            self._tell(c.PassTime())
            return True
        at_us, _, act, subject = heappop(agenda)
        self._now_us = at_us
        act(subject)
        return True

    def _goes_on(self) -> bool:
        """Whether somebody still waits, or works after their last contact."""
        return bool(self.core.contacts) or any(a.state is AgentState.WRAP_UP for a in self.core.agents.values())

    # ---- the centre

    def _open_queues(self) -> None:
        for name in self._scenario.queue_names:
            self._tell(c.ConfigureQueue(name, rules_of(self._scenario.queue(name))))

    def _staff(self) -> None:
        for number, group in enumerate(self._scenario.agents):
            rules = AgentRules(group.queues, _skills(group.skills), group.groups)
            for place in range(group.count):
                name = f"{group.name or f'agents{number + 1}'}-{place + 1:04d}"
                self._tell(c.ConfigureAgent(name, rules))
                self._counting.employ(name, group.queues)
                self._back_us[name] = round(group.back_after_seconds * SECOND_US)
                self._plan_shifts(name, group)

    def _plan_shifts(self, agent: str, group: AgentGroup) -> None:
        """Sign in at once for a whole day's work; else from hour to hour, each day."""
        if group.to_hour - group.from_hour >= DAY_US // HOUR_US:
            self._tell(c.SignIn(agent, (f"sip:{agent}",), AgentState.AVAILABLE))
            return
        for day_us in range(0, self._ends_us, DAY_US):
            self._at(day_us + round(group.from_hour * HOUR_US), self._start_work, agent)
            self._at(day_us + round(group.to_hour * HOUR_US), self._stop_work, agent)

    def _start_work(self, agent: str) -> None:
        self._tell(c.SignIn(agent, (f"sip:{agent}",), AgentState.AVAILABLE))

    def _stop_work(self, agent: str) -> None:
        self._tell(c.SignOut(agent))

    def _come_back(self, agent: str) -> None:
        if self.core.agents[agent].state in _AWAY:
            self._tell(c.SetAgentState(agent, AgentState.AVAILABLE))

    def _draws_of(self, queue: str) -> _Draws:
        scenario = self._scenario
        return _Draws(
            lengths(scenario.handle_time[queue], self._dice(queue, "talk")),
            lengths(scenario.patience.get(queue), self._dice(queue, "patience")),
            lengths(scenario.answer_time.get(queue), self._dice(queue, "answer")),
            scenario.queue(queue).priority,
            _skills(scenario.queue(queue).skills),
        )

    def _door_of(self, name: str) -> _Door:
        """Return where arrivals of a name come in: a flow of that name, else a queue."""
        scenario = self._scenario
        arrive = arrivals(scenario.arrivals[name], self._dice(name, "arrivals"), self._ends_us)
        told = scenario.flows.get(name)
        if told is None:
            return _Door(arrive, name)
        return _Door(arrive, "", callers_of(name, told, scenario.queue_names, self._dice(name, "flow")))

    def _dice(self, name: str, what: str) -> Random:
        return Random(f"{self._name} {name} {what}")  # noqa: S311  # a simulation wants chance that can be repeated

    # ---- what happens

    def _await_arrival(self, door: _Door) -> None:
        at_us = next(door.arrive, None)
        if at_us is not None:
            self._at(at_us, self._arrive, door)

    def _arrive(self, door: _Door) -> None:
        self._await_arrival(door)
        self.contacts += 1
        self._counting.arrived(self._now_us)
        native_id = f"{self._name}.{self.contacts}"
        contact_id = identity.contact_id(self.core.tenant, SOURCE, native_id)
        self._tell(c.AdmitContact(contact_id, SOURCE, "", native_id))
        if door.callers is not None:
            self._walking.enter(contact_id, door.callers)
            return
        draws = self._draws[door.queue]
        self._tell(c.QueueContact(contact_id, door.queue, draws.priority, draws.skills))

    def _lose_patience(self, contact_id: str) -> None:
        contact = self.core.contacts.get(contact_id)
        if contact is not None and not contact.served:
            self._tell(c.CallerGone(contact_id))

    def _answer(self, reservation_id: str) -> None:
        held = self.core.reservations.get(reservation_id)
        if held is not None and not held.accepted:
            self._bridge(held.contact_id, held.agent, reservation_id)

    def _bridge(self, contact_id: str, agent: str, reservation_id: str) -> None:
        queue = self.core.reservations[reservation_id].queue
        talk_us = self._draws[queue].talk()
        self._counting.handled(contact_id, queue, talk_us)
        now_us = self._now_us + self._begins_us
        self._tell(c.CallBridged(contact_id, agent, reservation_id, now_us))
        self._at(self._now_us + talk_us, self._finish, contact_id)

    def _finish(self, contact_id: str) -> None:
        self._tell(c.CallerGone(contact_id))

    def _send_back(self, sent: tuple[str, str]) -> None:
        """Who came by a flow goes on in it; anybody else hangs up."""
        contact_id, reason = sent
        if self._walking.knows(contact_id):
            self._walking.send_back(contact_id, reason)
        else:
            self._finish(contact_id)

    def _now(self) -> datetime:
        return datetime.fromtimestamp((self._now_us + self._begins_us) / SECOND_US, UTC)

    def _after(self, length_us: int, act: _Act, subject: Any) -> None:
        self._at(self._now_us + length_us, act, subject)

    def _at(self, at_us: int, act: _Act, subject: Any) -> None:
        self._turn += 1
        heappush(self._agenda, (at_us, self._turn, act, subject))

    # ---- telling the core, and hearing what it decided

    def _tell(self, command: c.Command) -> None:
        now_us = self._now_us + self._begins_us
        events = decide(self.core, command, now_us)
        if self._witness is not None and events:
            self._witness(now_us, events)
        counting = self._counting
        for event in events:
            kind = type(event)
            if kind is e.AgentSpellBegan:
                since_us = event.previous_since_us - self._begins_us  # type: ignore[union-attr]  # kind says it
                counting.spell(event.agent, event.previous_state, since_us, self._now_us)  # type: ignore[union-attr]  # as above
                if event.state in _AWAY:  # type: ignore[union-attr]  # as above
                    self._after(self._back_us[event.agent], self._come_back, event.agent)  # type: ignore[union-attr]  # as above
            elif kind is e.ReservationCreated:
                counting.offered(event.contact_id, self._now_us)  # type: ignore[union-attr]  # as above
                self._plan_answer(event)  # type: ignore[arg-type]  # as above
            elif kind in _OF_VISITS:
                self._follow(event)

    def _follow(self, event: e.Event) -> None:
        match event:
            case e.QueueVisitOpened():
                self._counting.enqueued(event.contact_id, event.queue, self._now_us)
                patience_us = FOR_EVER if event.hops else self._draws[event.queue].patience()
                if patience_us != FOR_EVER:
                    self._after(patience_us, self._lose_patience, event.contact_id)
            case e.ReservationBridged():
                self._counting.dequeued(event.contact_id, self._now_us, answered=True)
            case e.QueueVisitClosed():
                left = event.kind is DequeueKind.ABANDONED
                self._counting.dequeued(event.contact_id, self._now_us, left=left)
                if event.then and not left:
                    self._after(0, self._send_back, (event.contact_id, event.kind.name.lower()))
            case e.ContactFinished():
                self._walking.forget(event.contact_id)
            case _:
                pass

    def _plan_answer(self, event: e.ReservationCreated) -> None:
        """The agent answers after a while, or at once; who would answer after the deadline lets it ring."""
        after_us = self._draws[event.queue].answer()
        if after_us > 0:
            since_us = self._now_us + self._begins_us
            self._at(self._now_us, self._tell, c.RingingBegan(event.contact_id, event.reservation_id, since_us))
        self._at(self._now_us + max(0, after_us), self._answer, event.reservation_id)


_AWAY: Final = (AgentState.NOT_READY, AgentState.UNREACHABLE)
_OF_VISITS: Final = frozenset({e.QueueVisitOpened, e.QueueVisitClosed, e.ReservationBridged, e.ContactFinished})


def rules_of(queue: SimulatedQueue) -> QueueRules:
    """Return a simulated queue's rules as the core takes them."""
    return QueueRules(
        steps=tuple(
            QueueStep(round(step.after_seconds * 1_000), _skills(step.skills), step.groups, lowered_by=step.lowered_by)
            for step in queue.steps
        ),
        strategy=MatchingStrategy[queue.strategy.upper()],
        ageing_ms=round(queue.ageing_seconds * 1_000),
        max_size=queue.max_size,
        max_wait_ms=round(queue.max_wait_seconds * 1_000),
        on_full=QueueExit(queue.overflow_to),
        on_max_wait=QueueExit(queue.overflow_to),
        ring_all_limit=queue.ring_all_limit,
        reservation_ms=round(queue.reservation_seconds * 1_000),
        wrap_up=WrapUpKind.TIMED if queue.wrap_up_seconds else WrapUpKind.NONE,
        wrap_up_ms=round(queue.wrap_up_seconds * 1_000),
        service_level_threshold_ms=round(queue.service_level_threshold_seconds * 1_000),
    )


def _skills(told: dict[str, int]) -> tuple[SkillRequirement, ...]:
    return tuple(SkillRequirement(skill, proficiency) for skill, proficiency in told.items())
