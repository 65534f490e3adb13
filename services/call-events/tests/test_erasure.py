"""Erasing a customer, proved: afterwards nothing that is stored leads back to the number, and the facts are the same.

The proof has a database server of its own, since it looks for the traces in the server's files.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from call_events.customer import master_key
from call_events.customer.sealing import unseal, unwrap
from holdfast.call_events.v1 import arrival_pb2
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast_testing import eventually
from service_host.embedded_postgres import EmbeddedPostgres

Another = Callable[..., Any]
NUMBER, DIGITS = "+49 30 5557-7701", b"305557701"
OTHER_NUMBER = "+493055577702"


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server whose files nobody else writes to; old WAL is removed, not kept for reuse."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-erasure-"))
    folder.chmod(0o711)
    settings = {"wal_recycle": "off", "max_wal_size": "32MB", "min_wal_size": "32MB"}
    with EmbeddedPostgres(folder / "postgres", settings=settings) as server:
        yield server
    shutil.rmtree(folder, ignore_errors=True)


def files_with(folder: Path, needle: bytes) -> set[str]:
    """The files of the server that hold these bytes, by their first folder."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and needle in path.read_bytes():
            found.add(path.relative_to(folder).parts[0])
    return found


def folder_of(server: EmbeddedPostgres) -> Path:
    """Where the server keeps everything."""
    return Path(server.query("show data_directory"))


async def query(dsn: str, text: str, *values: object) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(text, *values)
    finally:
        await connection.close()


async def test_nothing_leads_back_to_an_erased_number(
    service: Any, database: str, postgres: EmbeddedPostgres, another: Another
) -> None:
    erased, kept = another(), another()
    for teller, number in ((erased, NUMBER), (kept, OTHER_NUMBER)):
        await teller.record(
            teller.event(contact_arrived={"caller": {"number": number}, "service_number": "+498001234"}),
            teller.event(leg_created={"role": "LEG_ROLE_CALLER", "endpoint": f"sip:{number}@carrier"}),
            teller.event(note_added={"observation": {"extra": {"CallerIDNum": number}}, "text": "hello"}),
            teller.event(enqueued={"queue": "support"}),
        )
    before = (await erased.contact()).contact
    (row,) = await query(database, "select * from call_events.caller where caller_ref = $1", before.caller_ref)
    (event,) = await query(
        database,
        "select payload, body_mac from call_events.events where key = $1 and type = 'ContactArrived'",
        erased.contact_id,
    )
    keys = master_key.read(Path(service.environment["HOLDFAST_CALL_EVENTS_MASTER_KEY_FILE"]))
    caller = unwrap(keys.wrapping, "acme", before.caller_ref, row["wrapped_key"])
    sealed = arrival_pb2.ContactArrived.FromString(event["payload"]).caller.sealed
    assert unseal(caller, "acme", sealed) == "+493055577701", "before, whoever has both keys can read it"

    answer = await erased.stub.EraseCustomer(pb.EraseCustomerRequest(number="0049 30 5557 7701"))
    assert answer.keys_destroyed == 1

    assert not await query(database, "select 1 from call_events.caller where caller_ref = $1", before.caller_ref)
    (audit,) = await query(database, "select * from call_events.erasure where caller_ref = $1", before.caller_ref)
    assert (audit["tenant"], audit["erased_by"], audit["keys_destroyed"]) == ("acme", "tester", 1)
    assert audit["swept_time"] is not None, "the answer waited for the sweep"
    after = await erased.contact()
    assert after.contact == before, "facts are folded without sealed values"
    assert (await kept.contact()).contact.caller_ref

    for statement in ("vacuum", "checkpoint", "select pg_switch_wal()", "checkpoint"):
        await query(database, statement)
    data = folder_of(postgres)
    for trace in (row["wrapped_key"], row["number_mac"], caller.key, DIGITS, NUMBER.encode(), b"5557-7701"):
        assert files_with(data, trace) <= set(), "no file of the server holds a trace"
    assert "base" in files_with(data, sealed.ciphertext), "the sealed value itself stays, and opens for nobody"


async def test_an_erasure_is_swept_where_nobody_has_temporary_tables_unasked(database: str, another: Another) -> None:
    revoke = "do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$"
    await query(database, revoke)
    customer = another()
    await customer.record(customer.event(contact_arrived={"caller": {"number": "+493055577709"}}))
    await customer.stub.EraseCustomer(pb.EraseCustomerRequest(number="+493055577709"))
    (audit,) = await query(database, "select swept_time from call_events.erasure order by erasure_id desc limit 1")
    assert audit["swept_time"] is not None


async def test_a_number_told_again_after_its_erasure_is_a_new_customer(another: Another) -> None:
    first, second = another(), another()
    arrival = {"caller": {"number": "+493055577703"}}
    told = first.event(contact_arrived=arrival)
    await first.record(told)
    old = (await first.contact()).contact.caller_ref
    await first.stub.EraseCustomer(pb.EraseCustomerRequest(caller_ref=old))
    await second.record(second.event(contact_arrived=arrival))
    assert (await second.contact()).contact.caller_ref not in ("", old)
    (again,) = await first.record(told)
    assert again.refused.reason == "EVENT_ID_REUSED", "the MAC of the old telling died with the key"


async def test_erasing_twice_or_somebody_unknown_erases_nothing(another: Another) -> None:
    teller = another()
    await teller.record(teller.event(contact_arrived={"caller": {"number": "+493055577704"}}))
    asked = pb.EraseCustomerRequest(number="+493055577704")
    counts = [(await teller.stub.EraseCustomer(asked)).keys_destroyed for _ in range(3)]
    assert counts == [1, 0, 0]


async def test_a_tenant_cannot_erase_anothers_customer(service: Any, another: Another) -> None:
    teller = another()
    await teller.record(teller.event(contact_arrived={"caller": {"number": "+493055577705"}}))
    async with service.connect(service.token("other")) as channel:
        theirs = CallEventsServiceStub(channel)
        assert (await theirs.EraseCustomer(pb.EraseCustomerRequest(number="+493055577705"))).keys_destroyed == 0
    assert not (await teller.stub.ResolveCaller(pb.ResolveCallerRequest(number="+493055577705"))).created


async def test_another_process_forgets_the_customer_too(service: Any, another: Another) -> None:
    second = type(service)(service.environment, service.issuer)
    second.start()
    try:
        async with second.connect() as channel:
            there = CallEventsServiceStub(channel)
            asked = pb.ResolveCallerRequest(number="+493055577706")
            known = (await there.ResolveCaller(asked)).caller_ref
            assert (await another().stub.EraseCustomer(pb.EraseCustomerRequest(number="+493055577706"))).keys_destroyed

            async def forgotten() -> bool:
                return bool((await there.ResolveCaller(asked)).caller_ref != known)

            assert await eventually(forgotten)
    finally:
        second.stop()


async def test_erasing_is_for_those_who_may(service: Any) -> None:
    async with service.connect(service.token(scopes=("events:write", "events:read"))) as channel:
        with pytest.raises(Exception, match="lacks the scope"):
            await CallEventsServiceStub(channel).EraseCustomer(pb.EraseCustomerRequest(number="+493055577707"))
