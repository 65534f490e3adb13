"""What a centre of chance decided, as events of a log."""

import random
from hashlib import sha256
from uuid import UUID, uuid5

from event_log.model import Event
from ivr_routing.event_codec import encode, stream_of
from routing_chance import HAPPENINGS, AnyCentre
from routing_testing import TENANT, Centre

SOURCE = "ivr-routing"


def any_centre(seed: int, happenings: int) -> Centre:
    """Return a centre in which so many things happened."""
    chance, centre = random.Random(seed), AnyCentre()  # noqa: S311  # chance that can be repeated
    for _ in range(happenings):
        centre.now_us += 1  # no two commands of a live centre are of one instant
        centre.happen((chance.randrange(len(HAPPENINGS)), chance.randrange(1_000), chance.randrange(1_000)))
    return centre


def events_of(centre: Centre, tenant: str = TENANT) -> list[Event]:
    """Return the centre's log as that of a tenant, as a log of events would hold it from position 1 on."""
    versions: dict[object, int] = {}
    found = []
    for position, (time_us, event) in enumerate(centre.log, 1):
        stream = stream_of(tenant, event, time_us)
        versions[stream] = versions.get(stream, 0) + 1
        name, payload = encode(event)
        found.append(
            Event(
                position=position,
                tenant=tenant,
                source_id=SOURCE,
                stream=stream,
                version=versions[stream],
                event_id=uuid5(UUID(int=2), str(position)),
                body_mac=sha256(payload).digest(),
                type=name,
                event_time_us=time_us,
                record_time_us=time_us,
                payload=payload,
            )
        )
    return found
