"""What became of callers and agents, by routing's log alone: what must be true however often it was killed."""

from collections import Counter
from dataclasses import dataclass

from event_log.grpc_client import GrpcLog
from event_log.model import Event
from ivr_routing import event_codec
from ivr_routing.core import events as e
from service_host import client

_ENDS = (
    e.ReservationRejected
    | e.ReservationExpired
    | e.ReservationRescinded
    | e.ReservationCancelled
    | e.ReservationBridged
    | e.ReservationBridgeFailed
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Contacts that came into care, those that have no end, ends told twice, agents with two contacts at once."""

    contacts: int
    bridged: int
    callers_lost: int
    ended_twice: int
    agents_double: int


async def read(address: str, token: str) -> Verdict:
    """Read the whole log at a log's door and judge."""
    return judge(await _events(address, token))


def judge(log: list[Event]) -> Verdict:
    """Judge what a log tells."""
    contacts: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    open_for: dict[str, str] = {}
    bridged = doubled = 0
    for logged in log:
        event = event_codec.decode(logged.type, logged.payload) if logged.type in event_codec.TYPES else None
        match event:
            case e.ContactAdmitted():
                contacts[event.contact_id] += 0
            case e.ContactFinished():
                contacts[event.contact_id] += 1
            case e.ReservationCreated():
                doubled += event.agent in open_for
                open_for[event.agent] = event.reservation_id
            case e.AgentSpellBegan() if event.contact_id:
                doubled += open_for.get(event.agent, event.reservation_id) != event.reservation_id
            case _ if isinstance(event, _ENDS) and event.reservation_id:
                ends[event.reservation_id] += 1
                bridged += isinstance(event, e.ReservationBridged)
                open_for.pop(event.agent, None)
            case _:
                pass
    lost = sum(count == 0 for count in contacts.values())
    twice = sum(count > 1 for count in (*contacts.values(), *ends.values()))
    return Verdict(len(contacts), bridged, lost, twice, doubled)


async def _events(address: str, token: str) -> list[Event]:
    async with client.connect(address, token=token) as channel:
        log = GrpcLog(channel)
        head = await log.head()
        found: list[Event] = []
        while not found or found[-1].position < head.position:
            page = await log.read(found[-1].position if found else 0)
            found += page.events
        return found
