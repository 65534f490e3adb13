"""Who served the contact: which agents' spells there were, and which events belong to which spell.

A spell begins at the answer of an agent's leg and becomes an assignment when that leg hears the caller. A leg that
only heard another agent (a consult) makes none, however long it lasted, until it is bridged with the caller itself;
then its spell counts from its leg's answer.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from contact_life.identity import assignment_id
from contact_life.leg import AGENT_SIDE, CALLER_SIDE, LegDraft
from contact_life.observed import Observed
from contact_life.pairing import LOOK_BACK, SAME_MOMENT_US
from contact_life.words import LegRole

HOLDS: Final = {"LegHeld": "hold", "LegResumed": "hold", "ConsultStarted": "consult", "ConsultEnded": "consult"}
"""Types that begin or end what counts as hold, and which of the two kinds they are of."""

BEGIN_HOLDS: Final = frozenset({"LegHeld", "ConsultStarted"})


class SpellDraft:
    """An agent's spell while the fold goes through the events.

    `callers` has the caller's leg of each bridge, None where nobody told it.
    """

    __slots__ = (
        "agent",
        "answers",
        "bridges",
        "callers",
        "disposition",
        "events",
        "holds",
        "legs",
        "spell_id",
        "unbridges",
        "wraps",
    )

    def __init__(self, spell_id: str, agent: str) -> None:
        """Begin an empty draft."""
        self.spell_id = spell_id
        self.agent = agent
        self.answers: list[Observed] = []
        self.bridges: list[Observed] = []
        self.callers: list[LegDraft | None] = []
        self.unbridges: list[Observed] = []
        self.holds: list[Observed] = []
        self.wraps: list[Observed] = []
        self.legs: dict[str, LegDraft] = {}
        self.disposition = ""
        self.events: list[Observed] = []

    def bridge(self, event: Observed, caller: LegDraft | None) -> None:
        """Take an event from which on the agent heard the caller."""
        self.bridges.append(event)
        self.callers.append(caller)
        self.events.append(event)

    @property
    def begun(self) -> Observed:
        """The event that began it: the answer of its first leg, else the first bridge."""
        return self.answers[0] if self.answers else self.bridges[0]


class Bridging:
    """Builds the spells of one contact. Answers are to be taken first, then all other events, in canonical order."""

    def __init__(self, contact_id: str, legs: dict[str, LegDraft]) -> None:
        """Begin with the contact's legs and no spell."""
        self._contact_id = contact_id
        self._legs = legs
        self._by_leg: dict[str, SpellDraft] = {}
        self._begun: list[SpellDraft] = []
        self._conferences: dict[str, list[str]] = {}
        self._heard: set[str] = set()
        self._holding: dict[tuple[str, str], SpellDraft] = {}
        self._ended_by_name = {
            end.event_id: leg_id for leg_id, leg in legs.items() for end in leg.ends if not end.body.leg_id
        }
        self.spells: dict[str, SpellDraft] = {}
        self.unplaced: list[Observed] = []

    def answered(self, event: Observed) -> None:
        """Begin a spell, or go on with one on another device, if the leg is one of those who serve."""
        body = event.body
        role = body.role or self._role(body.leg_id)
        if role not in AGENT_SIDE and (role or not (body.agent or body.assignment_id)):
            return
        spell = self._spell(body.assignment_id, body.leg_id, body.agent, event)
        spell.answers.append(event)
        spell.events.append(event)

    def bridged(self, event: Observed) -> None:
        """Make the spell of the agent's leg an assignment, if the other leg is the caller's or unknown."""
        body = event.body
        leg_id, other = self._sides(body.peer_leg_id, body.leg_id)
        told = bool(body.agent or body.assignment_id)
        if self._role(other) not in CALLER_SIDE and self._role(other) != 0:
            return
        if self._role(leg_id) not in AGENT_SIDE and self._role(leg_id) != 0 and not told:
            return
        self._bridge(self._spell(body.assignment_id, leg_id, body.agent, event), event, self._legs.get(other))

    def _bridge(self, spell: SpellDraft, event: Observed, caller: LegDraft | None) -> None:
        """Bridge a spell, and keep in turn which were bridged."""
        if not spell.bridges:
            self._begun.append(spell)
        spell.bridge(event, caller)

    def joined(self, event: Observed) -> None:
        """Take a leg that joins a conference with the caller in it as bridged with the caller."""
        body = event.body
        waiting = self._conferences.setdefault(body.conference, [])
        waiting.append(body.leg_id)
        if self._role(body.leg_id) in CALLER_SIDE:
            self._heard.add(body.conference)
        if body.conference in self._heard:
            for leg_id in waiting:
                self._joined_caller(leg_id, event)
            waiting.clear()

    def _joined_caller(self, leg_id: str, event: Observed) -> None:
        """Bridge the spell of an agent's leg in a conference, unless it hears the caller already."""
        if self._role(leg_id) not in AGENT_SIDE:
            return
        spell = self._spell("", leg_id, event.body.agent, event)
        if not spell.bridges:
            self._bridge(spell, event, None)

    def leg_ended(self, event: Observed) -> None:
        """Give the end of an agent's leg to its spell; by the agent's name where the bridge named no leg."""
        body = event.body
        leg_id = body.leg_id or self._ended_by_name.get(event.event_id, "")
        spell = self._by_leg.get(leg_id) or self.spells.get(body.assignment_id)
        if spell is None and (body.role or self._role(leg_id)) in AGENT_SIDE:
            begun = self._latest(event, body.agent)
            spell = begun if begun is not None and not begun.legs else None
        if spell is not None:
            spell.legs.setdefault(leg_id, self._legs[leg_id])
            spell.events.append(event)

    def unbridged(self, event: Observed) -> None:
        """Give the end of a bridge to its spell."""
        body = event.body
        by_leg = self._by_leg.get(body.peer_leg_id) or self._by_leg.get(body.leg_id)
        named = bool(body.peer_leg_id or body.leg_id)
        spell = self.spells.get(body.assignment_id) or by_leg or (None if named else self._latest(event, ""))
        if spell is not None:
            spell.unbridges.append(event)
            spell.events.append(event)

    def held(self, event: Observed) -> None:
        """Give a beginning or end of hold or consult to its spell; an end to the one that holds the leg."""
        mark = (HOLDS[event.type], event.body.leg_id)
        begins = event.type in BEGIN_HOLDS
        holding = None if begins or event.body.assignment_id else self._holding.get(mark)
        if holding is None:
            spell = self._named(event, "")
        else:
            spell = holding
            spell.events.append(event)
        if spell is not None:
            spell.holds.append(event)
            if begins:
                self._holding[mark] = spell
            else:
                self._holding.pop(mark, None)

    def wrapped_up(self, event: Observed) -> None:
        """Give a beginning or end of wrap-up to its spell."""
        spell = self._named(event, event.body.agent)
        if spell is not None:
            spell.wraps.append(event)

    def labelled(self, event: Observed) -> None:
        """Give an outcome's label to its spell."""
        spell = self._named(event, "")
        if spell is not None:
            spell.disposition = event.body.disposition

    def _named(self, event: Observed, agent: str) -> SpellDraft | None:
        """Return the spell that the event names, or else the latest begun before it; keep aside what has none."""
        told = event.body.assignment_id
        spell = self.spells.get(told) if told else self._latest(event, agent)
        if spell is None:
            self.unplaced.append(event)
        else:
            spell.events.append(event)
        return spell

    def _latest(self, event: Observed, agent: str) -> SpellDraft | None:
        """Return the assignment of the agent (of any, if empty) begun last before an event."""
        begun = [
            spell
            for spell in islice(reversed(self._begun), LOOK_BACK)
            if spell.begun.time_us <= event.time_us and (agent in ("", spell.agent) or not spell.agent)
        ]
        return max(begun, key=lambda spell: (spell.begun.time_us, spell.spell_id)) if begun else None

    def _spell(self, told_id: str, leg_id: str, agent: str, event: Observed) -> SpellDraft:
        """Return the spell of an id, else of a leg, else (no leg told) the agent's running one, else a new one."""
        spell = self.spells.get(told_id) if told_id else self._by_leg.get(leg_id)
        if spell is None and not told_id and not leg_id:
            spell = self._running(event, agent)
        if spell is None:
            spell_id = told_id or assignment_id(self._contact_id, agent, event.event_time_us)
            spell = self.spells.setdefault(spell_id, SpellDraft(spell_id, agent))
        leg = self._legs.get(leg_id)
        spell.agent = spell.agent or agent or (leg.agent if leg else "")
        if leg_id:
            self._by_leg.setdefault(leg_id, spell)
        if leg is not None:
            spell.legs.setdefault(leg_id, leg)
        return spell

    def _running(self, event: Observed, agent: str) -> SpellDraft | None:
        """Return the agent's spell that a bridge without legs goes on with: the last, unless its legs or work ended.

        One answered in the same moment, be it a little later, stands before all.
        """
        answered = self._answered_then(event, agent)
        if answered is not None:
            return answered
        spell = self._latest(event, agent)
        if spell is None or spell.agent != agent or spell.wraps:
            return None
        ended = spell.legs and all(leg.end and leg.end.time_us <= event.time_us for leg in spell.legs.values())
        return None if ended else spell

    def _answered_then(self, event: Observed, agent: str) -> SpellDraft | None:
        """Return the agent's spell that was answered in the moment of an event."""
        answered = (spell for spell in islice(reversed(self.spells.values()), LOOK_BACK) if spell.answers)
        near = (spell for spell in answered if abs(spell.begun.time_us - event.time_us) <= SAME_MOMENT_US)
        return next((spell for spell in near if agent and spell.agent == agent), None)

    def _role(self, leg_id: str) -> int:
        """Return the role of a leg, 0 if nobody told it."""
        leg = self._legs.get(leg_id)
        return leg.role if leg else int(LegRole.UNSPECIFIED)

    def _sides(self, peer: str, leg: str) -> tuple[str, str]:
        """Return the agent's leg and the other one of a bridge, by roles; as told where roles do not decide."""
        turned = self._role(peer) in CALLER_SIDE or (
            self._role(leg) in AGENT_SIDE and self._role(peer) not in AGENT_SIDE
        )
        return (leg, peer) if turned else (peer, leg)


def consulted(legs: dict[str, LegDraft], events: Iterable[Observed]) -> None:
    """Give the role of a consult's target to legs that were consulted and whose role nobody told."""
    for event in events:
        leg = legs.get(event.body.leg_id) if event.type == "ConsultStarted" else None
        if leg is not None and not leg.role:
            leg.role = int(LegRole.CONSULT_TARGET)


def spells_of(contact_id: str, legs: dict[str, LegDraft], events: Sequence[Observed]) -> Bridging:
    """Return the spells that leg, talk and wrap-up events, given in canonical order, tell of."""
    bridging = Bridging(contact_id, legs)
    for event in events:
        if event.type == "LegAnswered":
            bridging.answered(event)
    for event in events:
        take = _TAKES.get(event.type)
        if take is not None:
            take(bridging, event)
    return bridging


_TAKES = {
    "Bridged": Bridging.bridged,
    "ConferenceJoined": Bridging.joined,
    "LegEnded": Bridging.leg_ended,
    "Unbridged": Bridging.unbridged,
    "LegHeld": Bridging.held,
    "LegResumed": Bridging.held,
    "ConsultStarted": Bridging.held,
    "ConsultEnded": Bridging.held,
    "WrapUpStarted": Bridging.wrapped_up,
    "WrapUpEnded": Bridging.wrapped_up,
    "DispositionSet": Bridging.labelled,
}
