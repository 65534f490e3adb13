"""Spells of an agent in a state, as a phone system tells them.

An agent can be in several queues' states at once (signed in per queue, paused in one), so states run in lanes: one for
each queue named, and one for all of them (the empty name). Each lane is in one state at a time. Signing in makes the
lane available until another state is told (`assumed`); signing out ends the lane, and without a queue every lane.
Figures take the union of the lanes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from contact_life.identity import agent_spell_id
from contact_life.observed import EARLIEST_TIME_US, Observed
from contact_life.order import in_order, voided_ids
from contact_life.words import AgentState, word


@dataclass(frozen=True, slots=True)
class AgentSpell:
    """An agent's stay in one state; instants and lengths in microseconds, an end of None while it lasts.

    `state` is an AgentState; signed in is every state but OFFLINE. `queue` is empty where the state is for all of the
    agent's queues. `assumed` says that nobody told the state: who signs in is available until another state is told.
    `length_us` is None while it lasts and where its end was inferred.
    """

    spell_id: str
    agent: str
    queue: str
    state: int
    reason: str
    started_time_us: int
    ended_time_us: int | None
    length_us: int | None
    inferred: bool
    assumed: bool
    contact_id: str
    source_id: str
    events: tuple[Observed, ...]


class _Running:
    """A spell that lasts."""

    __slots__ = ("assumed", "contact_id", "events", "reason", "since", "spell_id", "state")

    def __init__(self, spell_id: str, state: int, since: int, event: Observed) -> None:
        """Begin a spell in a state at an instant, by an event."""
        self.spell_id = spell_id
        self.state = state
        self.since = since
        self.events = [event]
        self.assumed = event.type == "AgentLoggedIn"
        told = event.type == "AgentStateChanged"
        self.reason = event.body.reason if told and event.body.state == state else ""
        self.contact_id = event.body.contact_id if told and event.body.state == state else ""


def agent_spells(agent: str, events: Iterable[Observed]) -> tuple[AgentSpell, ...]:
    """Return the spells that an agent's events (of any number of days' streams) tell of, by their start.

    `agent` is what `identity.agent_id` gave. Order and number of tellings do not matter.
    """
    ordered = in_order(events)
    voided = voided_ids(ordered, "AgentEventVoided")
    lanes = _Lanes(agent)
    for event in ordered:
        take = _TAKES.get(event.type)
        if take is not None and event.body is not None and event.event_id not in voided:
            take(lanes, event)
    return lanes.finished()


class _Lanes:
    """The states of one agent, lane by lane, while the fold goes through their events."""

    def __init__(self, agent: str) -> None:
        """Begin with no lane."""
        self._agent = agent
        self._running: dict[str, _Running] = {}
        self._ended_us: dict[str, int] = {}
        self._signed_in_again: dict[str, Observed] = {}
        self._done: list[AgentSpell] = []

    def logged_in(self, event: Observed) -> None:
        """Make the lane available, unless it is in a state already."""
        queue = event.body.queue
        if queue in self._running:
            self._signed_in_again[queue] = event
        else:
            self._running[queue] = self._new(AgentState.AVAILABLE, event.time_us, event)

    def logged_out(self, event: Observed) -> None:
        """End the lane, or all lanes; who signs in again at the same instant begins anew."""
        queues = [event.body.queue] if event.body.queue else list(self._running)
        for queue in queues:
            self._end(queue, event.time_us, event)
            again = self._signed_in_again.get(queue)
            if again is not None and again.time_us == event.time_us:
                self._running[queue] = self._new(AgentState.AVAILABLE, again.time_us, again)

    def changed(self, event: Observed) -> None:
        """End the lane's spell and begin the next, unless it tells the running one again."""
        body = event.body
        self._told_late(event)
        running = self._running.get(body.queue)
        if running is not None and self._same(running, event):
            running.events.append(event)
            return
        self._end(body.queue, event.time_us, event)
        if body.state == AgentState.OFFLINE and not body.queue:
            for queue in list(self._running):
                self._end(queue, event.time_us, event)
        self._running[body.queue] = self._new(body.state, event.time_us, event, body.spell_id)

    def _told_late(self, event: Observed) -> None:
        """Begin the state that the change ends where its own beginning was not told and the change says when it was."""
        body = event.body
        if not body.previous_state or not body.HasField("previous_since"):
            return
        since = max(body.previous_since.ToMicroseconds(), self._ended_us.get(body.queue, EARLIEST_TIME_US))
        running = self._running.get(body.queue)
        missed = running is None or (running.state != body.previous_state and running.since < since)
        if missed and since < event.time_us:
            self._end(body.queue, since, event)
            self._running[body.queue] = self._new(body.previous_state, since, event)

    @staticmethod
    def _same(running: _Running, event: Observed) -> bool:
        """Whether a change tells the running state again."""
        body = event.body
        if body.spell_id and not running.assumed:
            return bool(body.spell_id == running.spell_id)
        return bool(body.state == running.state and body.reason == running.reason and not running.assumed)

    def _new(self, state: int, since: int, event: Observed, told_id: str = "") -> _Running:
        """Return a spell that begins."""
        told = since == event.time_us
        start = event.event_time_us if told else since
        spell_id = told_id or agent_spell_id(self._agent, word(AgentState, state), start)
        return _Running(spell_id, int(state), since, event)

    def _end(self, queue: str, until: int | None, event: Observed | None) -> None:
        """End the lane's spell, if there is one; `until` None: it lasts."""
        spell = self._running.pop(queue, None)
        if spell is None:
            return
        if until is not None:
            self._ended_us[queue] = until
        inferred = event is not None and bool(event.body.observation.inferred)
        events = [*spell.events, event] if event is not None and event is not spell.events[-1] else spell.events
        self._done.append(
            AgentSpell(
                spell_id=spell.spell_id,
                agent=events[0].body.agent,
                queue=queue,
                state=spell.state,
                reason=spell.reason,
                started_time_us=spell.since,
                ended_time_us=until,
                length_us=None if until is None or inferred else until - spell.since,
                inferred=inferred,
                assumed=spell.assumed,
                contact_id=spell.contact_id,
                source_id=events[0].source_id,
                events=tuple(events),
            )
        )

    def finished(self) -> tuple[AgentSpell, ...]:
        """Return all spells, those that last too."""
        for queue in list(self._running):
            self._end(queue, None, None)
        return tuple(sorted(self._done, key=_in_turn))


def _in_turn(spell: AgentSpell) -> tuple[int, str, bool, int, str]:
    """Return the place of a spell: by start, within a lane those of no length first."""
    lasts = spell.ended_time_us is None
    return spell.started_time_us, spell.queue, lasts, spell.ended_time_us or 0, spell.spell_id


_TAKES: Final = {
    "AgentLoggedIn": _Lanes.logged_in,
    "AgentLoggedOut": _Lanes.logged_out,
    "AgentStateChanged": _Lanes.changed,
}
