"""Ids that several tellers must agree on without asking each other.

Every id here is a version 5 UUID (RFC 9562: SHA-1 over namespace and name). So that any language can repeat it, the
name is a sequence of netstrings: each field as UTF-8, written as its length in bytes in decimal, a colon, the bytes and
a comma. `("contact", "t1", "pbx", "1.2")` is the 29 bytes `7:contact,2:t1,3:pbx,3:1.2,`. Instants are decimal
microseconds since 1970 UTC, a minus sign in front of those before. Fields are taken as told: no case folding, no
trimming, no Unicode normalisation. An id is written in lower case with hyphens; `key_of` gives its 16 bytes.

| id                | namespace   | fields of the name                                                          |
|-------------------|-------------|-----------------------------------------------------------------------------|
| NAMESPACE         | URL of RFC  | the bare bytes `urn:holdfast:identity:1`, not a netstring                   |
| contact           | NAMESPACE   | `contact`, tenant, source, native id of the first leg                       |
| agent             | NAMESPACE   | `agent`, tenant, agent                                                      |
| agent's stream    | NAMESPACE   | `agent_day`, tenant, agent, UTC day as days since 1970                      |
| source's stream   | NAMESPACE   | `source_day`, tenant, source, UTC day as days since 1970                    |
| event             | NAMESPACE   | `event`, source, native id, kind, native revision (empty if none)           |
| queue visit       | contact id  | `queue_visit`, queue, start event time                                      |
| assignment        | contact id  | `assignment`, agent (empty if unknown), start event time                    |
| transfer          | contact id  | `transfer`, transferor (empty if none), start event time                    |
| agent's spell     | agent id    | `agent_spell`, state's word in lower case, start event time                 |
| agent's ring      | agent id    | `agent_ring`, contact id, start event time                                  |
| routing's visit   | contact id  | `routed_visit`, number within the contact                                   |
| reservation       | visit id    | `reservation`, number within the visit                                      |
| configuration     | NAMESPACE   | `configuration`, tenant, kind of object, its name                           |
| customer's answer | NAMESPACE   | `survey_answer`, survey, question, assignment (empty: the whole contact)    |

The start is the event time as told, never the clipped one: two readers with other clocks must find the same id.
"""

import hashlib
from typing import Final

_URL_NAMESPACE: Final = bytes.fromhex("6ba7b8119dad11d180b400c04fd430c8")
DAY_US: Final = 86_400_000_000


def _uuid5(namespace: bytes, name: bytes) -> str:
    """Return the version 5 UUID of a name within a namespace of 16 bytes."""
    digits = hashlib.sha1(namespace + name, usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def _name(*fields: str) -> bytes:
    """Return the fields as netstrings, one after the other."""
    encoded = [field.encode() for field in fields]
    return b"".join(b"%d:%b," % (len(field), field) for field in encoded)


def key_of(identifier: str) -> bytes:
    """Return the 16 bytes of an id, as the log keys its streams; raise ValueError if it is not a UUID."""
    key = bytes.fromhex(identifier.replace("-", ""))
    if len(key) != 16:  # noqa: PLR2004 - the length of a UUID
        msg = "an id has 16 bytes"
        raise ValueError(msg)
    return key


def id_of(key: bytes) -> str:
    """Return the written id of 16 bytes, the reverse of `key_of`; empty for no bytes."""
    digits = key.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}" if key else ""


def canonical_id(told: str) -> str:
    """Return an id as it is written here, however its teller wrote it; what is no UUID is only put in lower case."""
    digits = told.lower().replace("-", "")
    if len(digits) != 32:  # noqa: PLR2004 - the digits of a UUID
        return told.lower()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


NAMESPACE: Final = _uuid5(_URL_NAMESPACE, b"urn:holdfast:identity:1")
_NAMESPACE_KEY: Final = key_of(NAMESPACE)


def contact_id(tenant: str, source_id: str, native_id: str) -> str:
    """Return the id of the contact whose first leg the source calls `native_id`; it is also the stream's key."""
    return _uuid5(_NAMESPACE_KEY, _name("contact", tenant, source_id, native_id))


def agent_id(tenant: str, agent: str) -> str:
    """Return the id of an agent, the namespace of their spells and rings."""
    return _uuid5(_NAMESPACE_KEY, _name("agent", tenant, agent))


def agent_stream_id(tenant: str, agent: str, event_time_us: int) -> str:
    """Return the stream of an agent's UTC day; cut so, because a stream holds 10,000 events at most."""
    return _uuid5(_NAMESPACE_KEY, _name("agent_day", tenant, agent, str(event_time_us // DAY_US)))


def source_stream_id(tenant: str, source_id: str, event_time_us: int) -> str:
    """Return the stream of what a source tells of itself on a UTC day."""
    return _uuid5(_NAMESPACE_KEY, _name("source_day", tenant, source_id, str(event_time_us // DAY_US)))


def event_id(source_id: str, native_id: str, kind: str, native_revision: str = "") -> str:
    """Return the id of an event of a source without ids: sent again it is the same, enriched it is another one.

    `kind` is the event's type (`Enqueued`); two events of one type and native id need different revisions.
    """
    return _uuid5(_NAMESPACE_KEY, _name("event", source_id, native_id, kind, native_revision))


def queue_visit_id(contact: str, queue: str, start_event_time_us: int) -> str:
    """Return the id of a queue visit whose teller gave none."""
    return _uuid5(key_of(contact), _name("queue_visit", queue, str(start_event_time_us)))


def assignment_id(contact: str, agent: str, start_event_time_us: int) -> str:
    """Return the id of an agent's spell on a contact whose teller gave none."""
    return _uuid5(key_of(contact), _name("assignment", agent, str(start_event_time_us)))


def transfer_id(contact: str, transferor: str, start_event_time_us: int) -> str:
    """Return the id of a transfer whose teller gave none."""
    return _uuid5(key_of(contact), _name("transfer", transferor, str(start_event_time_us)))


def agent_spell_id(agent: str, state_word: str, start_event_time_us: int) -> str:
    """Return the id of an agent's spell in a state; `agent` is what `agent_id` gave."""
    return _uuid5(key_of(agent), _name("agent_spell", state_word, str(start_event_time_us)))


def agent_ring_id(agent: str, contact: str, start_event_time_us: int) -> str:
    """Return the id of a ring of an agent's endpoint; `agent` is what `agent_id` gave."""
    return _uuid5(key_of(agent), _name("agent_ring", contact, str(start_event_time_us)))


def routed_visit_id(contact: str, number: int) -> str:
    """Return the id of a queue visit that routing decides: the contact's so-and-so-many-th, from 1."""
    return _uuid5(key_of(contact), _name("routed_visit", str(number)))


def reservation_id(visit: str, number: int) -> str:
    """Return the id of a reservation that routing makes: the visit's so-and-so-many-th, from 1."""
    return _uuid5(key_of(visit), _name("reservation", str(number)))


def configuration_id(tenant: str, kind: str, name: str) -> str:
    """Return the stream of a configuration object of routing: a queue, an agent's rules, a flow, hours, a skill."""
    return _uuid5(_NAMESPACE_KEY, _name("configuration", tenant, kind, name))


def survey_answer_id(survey: str, question: str, assignment: str) -> str:
    """Return the id, within its contact, of a customer's answer; told again it is the same, and the last one counts."""
    return _uuid5(_NAMESPACE_KEY, _name("survey_answer", survey, question, assignment))
