"""Keys, sealed values and opaque tokens: what opens what, and what never does."""

import dataclasses
import stat
from pathlib import Path

import pytest

from call_events.customer import master_key, sealing
from call_events.customer.master_key import MasterKey
from call_events.errors import CannotUnseal, WrongCursor, WrongMasterKey
from call_events.read import cursors
from call_events.read.cursors import Keyset
from event_log.model import Cursor

MASTER = MasterKey(bytes(range(32)))
ACME, OTHER = MASTER.tenant("acme"), MASTER.tenant("other")
REF = "0198c0de-0000-4000-8000-000000000001"
PLACE = Cursor("call_events-0badc0de", 3, 4_711)


def a_caller() -> sealing.CallerKey:
    wrapped = sealing.wrap(MASTER.wrapping, "acme", sealing.new_caller(REF))
    return sealing.unwrap(MASTER.wrapping, "acme", REF, wrapped)


def test_a_number_sealed_opens_with_its_customers_key() -> None:
    caller = a_caller()
    sealed = sealing.seal(caller, "acme", "+4930901820")
    assert b"4930901820" not in sealed.SerializeToString()
    assert sealing.unseal(caller, "acme", sealed) == "+4930901820"


def test_it_opens_with_no_other_key_and_for_no_other_tenant_or_caller() -> None:
    caller = a_caller()
    sealed = sealing.seal(caller, "acme", "+4930901820")
    renamed = dataclasses.replace(caller, caller_ref="0198c0de-0000-4000-8000-000000000002")
    for key, tenant in ((a_caller(), "acme"), (caller, "other"), (renamed, "acme")):
        with pytest.raises(CannotUnseal):
            sealing.unseal(key, tenant, sealed)


def test_a_wrapped_key_opens_with_no_other_master_key() -> None:
    wrapped = sealing.wrap(MASTER.wrapping, "acme", sealing.new_caller(REF))
    with pytest.raises(CannotUnseal):
        sealing.unwrap(MasterKey(bytes(32)).wrapping, "acme", REF, wrapped)


def test_tenants_have_different_macs_of_the_same_number_and_event() -> None:
    assert ACME.number_mac("+4930901820") != OTHER.number_mac("+4930901820")
    assert ACME.body_mac(b"told") != OTHER.body_mac(b"told")


def test_the_mac_of_an_event_with_a_number_depends_on_its_customers_key() -> None:
    assert len({ACME.body_mac(b"told"), ACME.body_mac(b"told", b"k" * 32), ACME.body_mac(b"told", b"l" * 32)}) == 3


def test_a_cursor_says_where_to_go_on_to_its_tenant_only() -> None:
    token = cursors.events_cursor(ACME, PLACE)
    assert cursors.read_events_cursor(ACME, token) == PLACE
    with pytest.raises(WrongCursor):
        cursors.read_events_cursor(OTHER, token)


def test_two_cursors_of_one_place_look_different() -> None:
    assert cursors.events_cursor(ACME, PLACE) != cursors.events_cursor(ACME, PLACE)


@pytest.mark.parametrize("token", ["x", "AAAA", "ä", "=" * 9, "A" * 2_000, "-" * 80])
def test_garbage_is_no_cursor(token: str) -> None:
    with pytest.raises(WrongCursor):
        cursors.read_events_cursor(ACME, token)


def test_an_altered_cursor_is_none() -> None:
    token = cursors.events_cursor(ACME, PLACE)
    altered = token[:-1] + ("A" if token[-1] != "A" else "B")
    with pytest.raises(WrongCursor):
        cursors.read_events_cursor(ACME, f"{altered[:20]}A{altered[21:]}")


def test_a_page_token_is_good_for_the_same_filters_and_use_only() -> None:
    keyset = Keyset(915_148_800_000_000, bytes(16))
    token = cursors.page_token(ACME, keyset, [("queue", "PS")])
    assert cursors.read_page_token(ACME, token, [("queue", "PS")]) == keyset
    with pytest.raises(WrongCursor):
        cursors.read_page_token(ACME, token, [("queue", "NW")])
    with pytest.raises(WrongCursor):
        cursors.read_events_cursor(ACME, token)


def test_a_key_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    master_key.create(path)
    first = master_key.read(path).fingerprint
    master_key.create(path)
    assert master_key.read(path).fingerprint == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_file_open_to_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    master_key.create(path)
    path.chmod(0o640)
    with pytest.raises(WrongMasterKey, match="chmod 600"):
        master_key.read(path)


@pytest.mark.parametrize("text", ["", "not hexadecimal", "00" * 16, "ü"])
def test_a_key_file_with_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "master.key"
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WrongMasterKey):
        master_key.read(path)
