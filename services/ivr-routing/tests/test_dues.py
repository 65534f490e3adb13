"""What happens by itself: there is no more of it than there is to be awaited, however many come and go."""

import uuid
from datetime import timedelta

from event_log.memory import MemoryLog, clock_us
from event_log.model import MAX_APPEND_EVENTS, Append, Cursor, NewEvent, Stream, StreamAppend
from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.due import DueKind
from ivr_routing.core.errors import ContactOver, UnknownContact
from ivr_routing.lead.shards import Shards
from ivr_routing.lead.snapshots import Kept, Snapshots
from ivr_routing.loop.desk import written
from routing_testing import TENANT, Centre, contact_id

HOUR = 3_600
CALLERS = 2_500
AWAITED_AT_MOST = 4_096


class NothingKept(Snapshots):
    """Of a database in which nothing was kept yet."""

    def __init__(self) -> None:
        pass

    async def load(self, head: Cursor) -> Kept:
        del head
        return Kept()


def admit(centre: Centre, name: str) -> None:
    """Let a contact arrive."""
    centre.tell(c.AdmitContact(contact_id(name), "pbx", "node-1", f"leg-{name}"))


def ended(centre: Centre) -> list[tuple[int, str]]:
    """Hours after the beginning, and contacts that ended then."""
    began = centre.log[0][0]
    names = {contact_id(name): name for name in ("one", "two", "three", "four")}
    return [
        ((at_us - began) // (HOUR * 1_000_000), names[event.contact_id])
        for at_us, event in centre.log
        if isinstance(event, e.ContactFinished)
    ]


def test_a_contact_of_which_nothing_is_heard_ends_a_day_after_it_came() -> None:
    centre = Centre()
    for name in ("one", "two", "three"):
        admit(centre, name)
        centre.wait(HOUR)
    centre.hang_up("two")
    centre.wait(30 * HOUR)
    assert ended(centre) == [(3, "two"), (24, "one"), (26, "three")]
    admit(centre, "four")
    centre.wait(25 * HOUR)
    assert ended(centre)[-1] == (33 + 24, "four")


def test_one_due_awaits_the_longest_life_of_all_contacts() -> None:
    centre = Centre()
    for number in range(300):
        admit(centre, f"c{number}")
        centre.hang_up(f"c{number}")
    assert [kind for _, _, kind, _ in centre.core.dues.heap] == [DueKind.CONTACT]


def test_who_finished_is_remembered_for_an_hour_and_then_forgotten_when_others_finish() -> None:
    centre = Centre()
    for number in range(10):
        admit(centre, f"c{number}")
        centre.hang_up(f"c{number}")
    assert refused(centre, "c0") is ContactOver
    centre.wait(HOUR + 1)
    assert refused(centre, "c0") is UnknownContact
    for number in range(10, 20):
        admit(centre, f"c{number}")
        centre.hang_up(f"c{number}")
    assert list(centre.core.finished) == [contact_id(f"c{number}") for number in range(10, 20)]


def refused(centre: Centre, name: str) -> type[Exception] | None:
    """How routing refuses to say of a contact how long it will wait."""
    try:
        centre.tell(c.TellEstimate(contact_id(name)))
    except (ContactOver, UnknownContact) as refusal:
        return type(refusal)
    return None


async def test_a_process_that_stands_by_for_long_awaits_no_more_than_one_that_decides() -> None:
    centre, log = Centre(), MemoryLog()
    centre.queue(max_wait_ms=HOUR * 1_000)
    for number in range(CALLERS):
        centre.call(f"c{number}")
        centre.hang_up(f"c{number}")
        centre.call(f"c{number}-again")
        centre.hang_up(f"c{number}-again")
    events = [
        NewEvent(uuid.UUID(int=number), *_kind(event), b"", "ivr-routing")
        for number, (_, event) in enumerate(centre.log, start=1)
    ]
    for first in range(0, len(events), MAX_APPEND_EVENTS):
        stream = Stream("contact", uuid.UUID(int=first))
        await log.append(Append(TENANT, [StreamAppend(stream, events[first : first + MAX_APPEND_EVENTS])]))

    shards = Shards(log, NothingKept(), clock_us, uuid.uuid1, timedelta(seconds=60))
    await shards.follow()
    await shards.lead()

    shard = shards.known(TENANT)
    assert shard is not None
    assert len(shard.desk.core.dues.heap) <= AWAITED_AT_MOST


def _kind(event: e.Event) -> tuple[str, int, bytes]:
    name, payload = written(event)
    return name, clock_us(), payload
