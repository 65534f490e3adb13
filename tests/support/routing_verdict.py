"""What became of callers and agents, by routing's log alone: what must be true however often it was killed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from event_log.grpc_client import GrpcLog
from event_log.model import Event
from ivr_routing import event_codec
from ivr_routing.core import events as e
from ivr_routing.core.words import AgentState
from service_host import client

_ENDS = (
    e.ReservationRejected
    | e.ReservationExpired
    | e.ReservationRescinded
    | e.ReservationCancelled
    | e.ReservationBridged
    | e.ReservationBridgeFailed
)


@dataclass(slots=True)
class Verdict:
    """A log recounted: how often each contact and each reservation ended, and agents with two of them at once."""

    contacts: Counter[str] = field(default_factory=Counter)
    """Ends of each contact that came into care."""
    reservations: Counter[str] = field(default_factory=Counter)
    """Ends of each reservation that was made."""
    bridged: int = 0
    agents_double: int = 0
    _places: set[str] = field(default_factory=set, repr=False)
    _held: dict[str, str] = field(default_factory=dict, repr=False)
    _talking: set[str] = field(default_factory=set, repr=False)

    @property
    def callers_lost(self) -> int:
        """Contacts and reservations that have no end; who is to be called back has a place, and is not lost."""
        return self.contacts_open + self.reservations_open

    @property
    def contacts_open(self) -> int:
        """Contacts that have no end, and no place that is kept for them."""
        return sum(ends == 0 and contact not in self._places for contact, ends in self.contacts.items())

    @property
    def reservations_open(self) -> int:
        """Reservations that have no end."""
        return sum(ends == 0 for ends in self.reservations.values())

    @property
    def ended_twice(self) -> int:
        """Contacts and reservations that have several."""
        return sum(ends > 1 for ends in (*self.contacts.values(), *self.reservations.values()))

    def take(self, event: e.Event) -> None:
        """Take the next event of the log."""
        match event:
            case e.ContactAdmitted():
                self.contacts[event.contact_id] += 0
            case e.ContactFinished():
                self.contacts[event.contact_id] += 1
            case e.CallbackPlaceKept():
                self._places.add(event.contact_id)
            case e.CallbackPlaceEnded():
                self._places.discard(event.contact_id)
            case e.ReservationCreated():
                self.reservations[event.reservation_id] += 0
                self.agents_double += event.agent in self._held or event.agent in self._talking
                self._held[event.agent] = event.reservation_id
            case e.AgentSpellBegan():
                self._take_spell(event)
            case _ if isinstance(event, _ENDS) and event.reservation_id:
                self.reservations[event.reservation_id] += 1
                self.bridged += isinstance(event, e.ReservationBridged)
                self._held.pop(event.agent, None)
            case _:
                pass

    def _take_spell(self, spell: e.AgentSpellBegan) -> None:
        """One spell ends another: only what was promised beside it can be too much."""
        self._talking.discard(spell.agent)
        if spell.state is AgentState.ON_CONTACT:
            self._talking.add(spell.agent)
        if spell.contact_id:
            self.agents_double += self._held.get(spell.agent, spell.reservation_id) != spell.reservation_id


async def read(address: str, token: str) -> Verdict:
    """Read the whole log at a log's door and judge."""
    return judge(await _events(address, token))


def judge(log: Iterable[Event]) -> Verdict:
    """Judge what a log tells."""
    verdict = Verdict()
    for logged in log:
        event = event_codec.decode(logged.type, logged.payload) if logged.type in event_codec.TYPES else None
        if event is not None:
            verdict.take(event)
    return verdict


async def _events(address: str, token: str) -> list[Event]:
    async with client.connect(address, token=token) as channel:
        log = GrpcLog(channel)
        head = await log.head()
        found: list[Event] = []
        while not found or found[-1].position < head.position:
            page = await log.read(found[-1].position if found else 0)
            found += page.events
        return found
