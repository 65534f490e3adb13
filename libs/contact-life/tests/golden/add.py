"""Add golden entries for event types that have none. Entries once committed are never changed: they are the promise.

Usage: ``python libs/contact-life/tests/golden/add.py``. Every field is filled, so that the entry holds the whole type
as it was when it was released; lives are the tables of `lives.txt`, encoded.
"""

import json
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict

from contact_life.codec import AGENT_TYPES, TYPES, encode
from contact_life.fold import fold_contact
from contact_life.identity import contact_id, event_id
from contact_life.observed import Observed
from contact_life.timeline_text import events_of

FOLDER = Path(__file__).parent
EVENTS = FOLDER / "events.jsonl"
LIVES = FOLDER / "lives.jsonl"
CONTACT = contact_id("acme", "pbx", "golden")
AT_US = 1_772_445_600_000_000


def filled(body: Any, depth: int = 0) -> Any:
    """Fill every field of a message with a value that tells it from the others."""
    for field in body.DESCRIPTOR.fields:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            getattr(body, field.name)["key"] = "value"
        elif field.message_type is not None:
            nested = getattr(body, field.name)
            filled(nested.add() if field.is_repeated else nested, depth + 1)
        else:
            setattr(body, field.name, value(field))
    return body


def value(field: Any) -> Any:
    """Return a value for a field: its name as text, its number as a number, the last word of an enumeration."""
    if field.enum_type is not None:
        return max(field.enum_type.values_by_number)
    if field.cpp_type == field.CPPTYPE_STRING:
        return field.name.encode() if field.type == field.TYPE_BYTES else field.name
    return field.name != "inferred" if field.cpp_type == field.CPPTYPE_BOOL else field.number


def state_of(part: Any) -> Any:
    """Return a state as plain JSON, without the events it came from."""
    if isinstance(part, tuple):
        return [state_of(inner) for inner in part]
    if hasattr(part, "__dataclass_fields__"):
        names = [name for name in part.__dataclass_fields__ if name not in {"events", "timeline", "unplaced", "look"}]
        return {name: state_of(getattr(part, name)) for name in names}
    return sorted(part) if isinstance(part, frozenset) else part


def event_entry(name: str) -> dict[str, Any]:
    """Return the golden entry of a type: its payload, what it decodes to, and what a contact of it alone folds to."""
    body = filled(TYPES[name]())
    _, payload = encode(body)
    entry = {"type": name, "payload": payload.hex(), "decoded": as_dict(body)}
    if name not in AGENT_TYPES:
        alone = Observed(1, event_id("pbx", "golden", name), name, AT_US, AT_US, "pbx", None, body)
        entry["folded"] = state_of(fold_contact(CONTACT, [alone]))
    return entry


def as_dict(body: Any) -> Any:
    """Return a body as plain JSON, enumerations as numbers: their words may be respelt, their numbers never."""
    return MessageToDict(body, preserving_proto_field_name=True, use_integers_for_enums=True)


def life_entry(name: str, table: str) -> dict[str, Any]:
    """Return the golden entry of a life: its events as in the log, and what they fold to."""
    told = events_of(table)
    return {"life": name, "events": [logged(event) for event in told], "folded": state_of(fold_contact(CONTACT, told))}


def logged(event: Observed) -> list[Any]:
    """Return an event as the log keeps it."""
    _, payload = encode(event.body)
    instants = [event.event_time_us, event.record_time_us]
    return [event.position, event.event_id, event.type, *instants, event.source_id, event.source_seq, payload.hex()]


def tables() -> dict[str, str]:
    """Return the tables of `lives.txt` by their titles (`== title`)."""
    parts = (FOLDER / "lives.txt").read_text().split("== ")[1:]
    return {title.strip(): rows for title, _, rows in (part.partition("\n") for part in parts)}


def known(path: Path, key: str) -> list[str]:
    """Return the names that have an entry."""
    return [json.loads(line)[key] for line in path.read_text().splitlines()] if path.exists() else []


def append(path: Path, entries: list[dict[str, Any]]) -> None:
    """Write entries to the end of a file, one a line."""
    with path.open("a") as file:
        file.writelines(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n" for entry in entries)


def main() -> None:
    """Add what is missing."""
    have = known(EVENTS, "type")
    append(EVENTS, [event_entry(name) for name in TYPES if name not in have])
    told = known(LIVES, "life")
    append(LIVES, [life_entry(name, table) for name, table in tables().items() if name not in told])


if __name__ == "__main__":
    main()
