"""What was once written stays readable: golden payloads of every type, and lives that fold as they did."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from contact_life.codec import TYPES, decode, encode
from contact_life.fold import fold_contact
from contact_life.identity import contact_id, event_id
from contact_life.observed import Observed

FOLDER = Path(__file__).parent / "golden"
CONTACT = contact_id("acme", "pbx", "golden")
AT_US = 1_772_445_600_000_000


def entries(name: str) -> list[Any]:
    return [json.loads(line) for line in (FOLDER / name).read_text().splitlines()]


EVENTS = entries("events.jsonl")
LIVES = entries("lives.jsonl")


def agrees(actual: Any, golden: Any) -> bool:
    """Whether a state has everything that the golden one has; fields that came later are not looked at."""
    if isinstance(golden, dict):
        return all(agrees(getattr(actual, name), told) for name, told in golden.items())
    if isinstance(golden, list):
        found = sorted(actual) if isinstance(actual, frozenset) else actual
        return len(found) == len(golden) and all(map(agrees, found, golden))
    return bool(actual == golden)


def observed(row: list[Any]) -> Observed:
    position, identifier, name, event_time_us, record_time_us, source, seq, payload = row
    body = decode(name, bytes.fromhex(payload))
    return Observed(position, identifier, name, event_time_us, record_time_us, source, seq, body)


def test_every_type_has_a_golden_payload() -> None:
    missing = set(TYPES) - {entry["type"] for entry in EVENTS}
    assert not missing, "add them: python libs/contact-life/tests/golden/add.py"


@pytest.mark.parametrize("entry", EVENTS, ids=lambda entry: entry["type"])
def test_a_payload_decodes_to_what_was_told(entry: Any) -> None:
    payload = bytes.fromhex(entry["payload"])
    body = decode(entry["type"], payload)
    assert body is not None
    assert MessageToDict(body, preserving_proto_field_name=True, use_integers_for_enums=True) == entry["decoded"]
    assert encode(body) == (entry["type"], payload)


@pytest.mark.parametrize("entry", [entry for entry in EVENTS if "folded" in entry], ids=lambda entry: entry["type"])
def test_an_event_alone_folds_as_it_did(entry: Any) -> None:
    body = decode(entry["type"], bytes.fromhex(entry["payload"]))
    identifier = event_id("pbx", "golden", entry["type"])
    alone = Observed(1, identifier, entry["type"], AT_US, AT_US, "pbx", None, body)
    assert agrees(fold_contact(CONTACT, [alone]), entry["folded"])


@pytest.mark.parametrize("entry", LIVES, ids=lambda entry: entry["life"])
def test_a_life_folds_as_it_did(entry: Any) -> None:
    told = [observed(row) for row in entry["events"]]
    assert agrees(fold_contact(CONTACT, told), entry["folded"])
