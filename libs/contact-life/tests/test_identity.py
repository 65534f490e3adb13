"""Ids that other languages must find as well: golden vectors, and the recipe repeated with the standard library."""

import uuid

import pytest

from contact_life import identity

CONTACT = "0dc5c3b5-3c8f-5dbb-8a0b-3c3c40b2f7a1"


def test_the_namespace_is_the_url_uuid_of_its_name() -> None:
    assert str(uuid.uuid5(uuid.NAMESPACE_URL, "urn:holdfast:identity:1")) == identity.NAMESPACE


def netstrings(*fields: str) -> str:
    return "".join(f"{len(field.encode())}:{field}," for field in fields)


def repeated(namespace: str, *fields: str) -> str:
    return str(uuid.uuid5(uuid.UUID(namespace), netstrings(*fields)))


@pytest.mark.parametrize(
    ("made", "namespace", "fields"),
    [
        (identity.contact_id("t1", "pbx", "1.2"), identity.NAMESPACE, ("contact", "t1", "pbx", "1.2")),
        (identity.contact_id("t1", "מרכזיה", "é"), identity.NAMESPACE, ("contact", "t1", "מרכזיה", "é")),
        (identity.agent_id("t1", "eva"), identity.NAMESPACE, ("agent", "t1", "eva")),
        (identity.agent_stream_id("t1", "eva", 86_400_000_001), identity.NAMESPACE, ("agent_day", "t1", "eva", "1")),
        (identity.agent_stream_id("t1", "eva", -1), identity.NAMESPACE, ("agent_day", "t1", "eva", "-1")),
        (identity.source_stream_id("t1", "pbx", 0), identity.NAMESPACE, ("source_day", "t1", "pbx", "0")),
        (identity.event_id("pbx", "1.2", "Enqueued"), identity.NAMESPACE, ("event", "pbx", "1.2", "Enqueued", "")),
        (identity.queue_visit_id(CONTACT, "sales", 17), CONTACT, ("queue_visit", "sales", "17")),
        (identity.assignment_id(CONTACT, "", -17), CONTACT, ("assignment", "", "-17")),
        (identity.transfer_id(CONTACT, "eva", 17), CONTACT, ("transfer", "eva", "17")),
        (identity.agent_spell_id(CONTACT, "not_ready", 17), CONTACT, ("agent_spell", "not_ready", "17")),
        (identity.agent_ring_id(CONTACT, CONTACT, 17), CONTACT, ("agent_ring", CONTACT, "17")),
    ],
)
def test_ids_are_version_5_uuids_of_netstrings(made: str, namespace: str, fields: tuple[str, ...]) -> None:
    assert made == repeated(namespace, *fields)


def test_ids_never_change() -> None:
    contact = identity.contact_id("acme", "pbx-1", "1266833905.2")
    agent = identity.agent_id("acme", "Local/2004@from-internal/n")
    at = 1_266_833_911_000_000
    assert {
        "contact": contact,
        "visit": identity.queue_visit_id(contact, "9000", at),
        "assignment": identity.assignment_id(contact, "Local/2004@from-internal/n", at),
        "transfer": identity.transfer_id(contact, "", at),
        "agent": agent,
        "agent_stream": identity.agent_stream_id("acme", "Local/2004@from-internal/n", at),
        "source_stream": identity.source_stream_id("acme", "pbx-1", at),
        "event": identity.event_id("pbx-1", "1266833905.2", "Enqueued", "0"),
        "spell": identity.agent_spell_id(agent, "available", at),
        "ring": identity.agent_ring_id(agent, contact, at),
    } == GOLDEN


GOLDEN = {
    "contact": "7517ec34-d11c-578f-9b7e-27a43c26712e",
    "visit": "9e10762f-ee5c-50c9-84a3-9d3ccbd56c5f",
    "assignment": "59da1737-3f9c-50dc-9684-f76c1538ff42",
    "transfer": "4d3cbb2b-673a-5fb0-a70a-4b711b89a3f0",
    "agent": "229be825-a10a-5cf3-94c5-6da02b4a6dbd",
    "agent_stream": "5e560b26-03d3-5152-a337-f6264d366595",
    "source_stream": "b88749a2-2618-5feb-a362-3d5eef5ea838",
    "event": "bb40de95-f360-52a2-8af4-0f9eb92df40e",
    "spell": "b1c4bf9b-89a3-5861-8f99-d0fb2145046e",
    "ring": "59ca9c6b-ec1f-5aaa-8dbb-796d92db2b05",
}


def test_fields_cannot_run_into_each_other() -> None:
    assert identity.contact_id("t", "a,1:b", "c") != identity.contact_id("t", "a", "b,1:c")


def test_a_key_is_the_16_bytes_of_an_id_and_back() -> None:
    assert identity.key_of(CONTACT) == uuid.UUID(CONTACT).bytes
    assert identity.id_of(uuid.UUID(CONTACT).bytes) == CONTACT
    assert identity.id_of(b"") == ""


@pytest.mark.parametrize("wrong", ["", "zz", "0dc5c3b5-3c8f-5dbb-8a0b-3c3c40b2f7", CONTACT + "00"])
def test_what_is_no_id_has_no_key(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"hexadecimal|16 bytes"):
        identity.key_of(wrong)
