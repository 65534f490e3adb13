"""Simulated callers in a flow: what they type by chance, where the walk leads. It is the walk that serves live."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from json import dumps
from random import Random
from typing import Final

from ivr_routing.core import commands as c
from ivr_routing.core.rules import SkillRequirement
from ivr_routing.core.state import Core
from ivr_routing.flow import document, walk
from ivr_routing.flow import step as flow
from ivr_routing.flow.flow import Flow, load
from ivr_routing.flow.problem import FlowRefused
from ivr_routing.loop.estimates import estimated_waits, queue_positions
from ivr_routing.simulation.chance import Draw, lengths
from ivr_routing.simulation.scenario import ScenarioInvalid, SimulatedFlow

LOOKUP_US: Final = 500_000
"""How long a simulated lookup takes."""
NOTHING_TYPED: Final = ""
QUEUED, CONTAINED, VOICEMAIL, RETURNED = "queue", "contained", "voicemail", "returned"
"""Outcomes of a flow, and why it goes on."""


@dataclass(frozen=True, slots=True)
class Callers:
    """A flow and how its callers behave."""

    name: str
    flow: Flow
    answers: Mapping[str, Mapping[str, float]]
    lookups: Mapping[str, bytes]
    answer_after: Draw
    dice: Random


@dataclass(slots=True)
class FlowTally:
    """What became of those who entered a flow: contained, voicemail, transferred, callback, or queued by queue."""

    entered: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def figures(self) -> dict[str, object]:
        """Return the counts by their names."""
        contained = self.outcomes[CONTAINED]
        rate = contained / self.entered if self.entered else None
        return {"contacts": self.entered, "containment_rate": rate, "outcomes": dict(sorted(self.outcomes.items()))}


def callers_of(name: str, told: SimulatedFlow, queues: tuple[str, ...], dice: Random) -> Callers:
    """Return a flow's callers; raise ScenarioInvalid if it cannot be used or leads to an unknown queue."""
    try:
        found = load(told.file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioInvalid(f"flows.{name}: {told.file} cannot be read ({error.strerror}).") from None
    except FlowRefused as refused:
        raise ScenarioInvalid(f"flows.{name}: {refused.problems[0].text} See `holdfast flow lint`.") from None
    nodes = found.document.nodes
    wanted = {node.queue for node in nodes.values() if isinstance(node, document.Queue | document.CallbackOffer)}
    if missing := wanted - set(queues):
        raise ScenarioInvalid(f"flows.{name} leads to {', '.join(sorted(missing))}: say its handle_time.")
    lookups = {node: dumps(answer).encode() for node, answer in told.lookups.items()}
    return Callers(name, found, told.answers, lookups, lengths(told.answer_time, dice), dice)


class Walking:
    """Walks contacts through flows for one run. What a run can do comes in."""

    def __init__(
        self,
        core: Core,
        tell: Callable[[c.Command], None],
        later: Callable[[int, Callable[[str], None], str], None],
        now: Callable[[], datetime],
        tallies: Mapping[str, FlowTally],
    ) -> None:
        """`tell` tells the core, `later` calls back after so many microseconds, `now` says the time."""
        self._core = core
        self._tell = tell
        self._later = later
        self._now = now
        self._tallies = tallies
        self._inside: dict[str, tuple[Callers, flow.Step]] = {}

    def enter(self, contact_id: str, callers: Callers) -> None:
        """Let a contact enter a flow."""
        self._tallies[callers.name].entered += 1
        step = walk.enter(callers.flow, self._context(callers), self._now())
        found = callers.flow
        self._tell(c.StartFlow(contact_id, found.name, found.version, "service_number", step.state.to_json()))
        self._take(contact_id, callers, step, ())

    def knows(self, contact_id: str) -> bool:
        """Whether a contact came by a flow."""
        return contact_id in self._inside

    def send_back(self, contact_id: str, reason: str) -> None:
        """Let a contact that its queue has sent back go on in its flow."""
        callers, before = self._inside[contact_id]
        found = callers.flow
        self._tell(c.StartFlow(contact_id, found.name, found.version, RETURNED, before.state.to_json()))
        self._go_on(contact_id, flow.CameBack(reason))

    def forget(self, contact_id: str) -> None:
        """A contact is over."""
        self._inside.pop(contact_id, None)

    def _answer(self, contact_id: str) -> None:
        """Let a contact answer what its flow asks, by chance."""
        callers, step = self._inside[contact_id]
        if isinstance(step.then, flow.Look):
            body = callers.lookups.get(step.then.node)
            given: flow.Input = flow.LookupFailed() if body is None else flow.LookupAnswered(200, body)
        else:
            typed = _drawn(callers.answers.get(step.then.node, {}), callers.dice)
            given = flow.Digits(typed) if typed else flow.NoInput()
        self._go_on(contact_id, given)

    def _go_on(self, contact_id: str, given: flow.Input) -> None:
        callers, before = self._inside[contact_id]
        step = walk.walk(callers.flow, before.state, given, self._context(callers), self._now())
        if step is not None:
            self._take(contact_id, callers, step, before.state.path)

    def _take(self, contact_id: str, callers: Callers, step: flow.Step, passed: tuple[str, ...]) -> None:
        self._inside[contact_id] = (callers, step)
        nodes = step.state.path[len(passed) :]
        self._tell(c.TakeFlowStep(contact_id, nodes, type(step.then).__name__, step.state.to_json()))
        match step.then:
            case flow.Ask():
                self._later(callers.answer_after(), self._answer, contact_id)
            case flow.Look():
                self._later(LOOKUP_US, self._answer, contact_id)
            case _:
                self._leave(contact_id, callers, step)

    def _leave(self, contact_id: str, callers: Callers, step: flow.Step) -> None:
        then = step.then
        match then:
            case flow.Enqueue() | flow.CallBack():
                self._queue(contact_id, callers, then)
            case flow.TakeMessage():
                self._finish(contact_id, callers, then, VOICEMAIL, VOICEMAIL)
            case flow.SendTo():
                self._finish(contact_id, callers, then, "transferred", "handled")
            case _:
                self._finish(contact_id, callers, then, CONTAINED, CONTAINED)

    def _queue(self, contact_id: str, callers: Callers, then: flow.Enqueue | flow.CallBack) -> None:
        back = isinstance(then, flow.CallBack)
        self._tallies[callers.name].outcomes["callback" if back else f"queue {then.queue}"] += 1
        skills = tuple(SkillRequirement(skill, least) for skill, least in then.skills.items())
        self._tell(c.FinishFlow(contact_id, then.node, "callback" if back else QUEUED, then.queue))
        self._tell(c.QueueContact(contact_id, then.queue, then.priority, skills))
        if back:
            self._tell(c.KeepPlace(contact_id, contact_id))

    def _finish(self, contact_id: str, callers: Callers, then: flow.Then, outcome: str, end: str) -> None:
        self._tallies[callers.name].outcomes[outcome] += 1
        target = then.mailbox if isinstance(then, flow.TakeMessage) else ""
        self._tell(c.FinishFlow(contact_id, then.node, outcome, target))
        self._tell(c.FinishContact(contact_id, end))

    def _context(self, callers: Callers) -> flow.Context:
        waits = estimated_waits(self._core, callers.flow.estimates)
        return flow.Context(estimated_waits=waits, queue_positions=queue_positions(self._core, waits))


def _drawn(shares: Mapping[str, float], dice: Random) -> str:
    """Draw what is typed by the shares told; what is left over types nothing."""
    left = dice.random()
    for typed, share in shares.items():
        left -= share
        if left < 0:
            return typed
    return NOTHING_TYPED
