"""The door for services, the role that serves, and a start with the wrong key."""

import subprocess
import sys
from typing import Any

import asyncpg
import grpc
import httpx
import pytest

from call_events.settings import Settings
from holdfast.log.v1 import log_service_pb2
from holdfast.log.v1.log_service_pb2_grpc import LogServiceStub
from service_host import client


def log_door(service: Any, *scopes: str) -> client.ServiceChannel:
    return client.connect(service.ready["log"], token=service.token(scopes=scopes))


async def test_the_log_has_a_door_of_its_own_for_those_who_may_read_it(service: Any, teller: Any) -> None:
    await teller.record(teller.event(enqueued={"queue": "support"}))
    async with log_door(service, "log:read") as channel:
        page = await LogServiceStub(channel).ReadEvents(log_service_pb2.ReadEventsRequest())
        assert [event.position for event in page.events] == list(range(1, len(page.events) + 1))
        assert {event.tenant for event in page.events} == {"acme"}


@pytest.mark.parametrize("scopes", [(), ("events:read",), ("log:append",)])
async def test_nobody_else_reads_the_log(service: Any, scopes: tuple[str, ...]) -> None:
    async with log_door(service, *scopes) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await LogServiceStub(channel).GetHead(log_service_pb2.GetHeadRequest())
    assert failed.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_the_role_that_serves_can_neither_change_nor_take_out_what_is_told(service: Any, teller: Any) -> None:
    await teller.record(teller.event(enqueued={"queue": "support"}))
    settings = Settings(
        database_url=service.environment["HOLDFAST_DATABASE_URL"], master_key_file="unused", insecure_dev=True
    )
    connection = await asyncpg.connect(settings.session_url)
    try:
        assert await connection.fetchval("select current_user") == settings.role
        for statement in (
            "update events set tenant = 'other'",
            "delete from events",
            "truncate events",
            "delete from log_flush",
            "update log_flush set digest = ''",
            "update contact_alias set contact_id = gen_random_uuid()",
            "delete from erasure",
            "update master_key set fingerprint = ''",
            "alter table events disable trigger all",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


def test_with_another_master_key_the_service_does_not_start(prepared: Any, tmp_path: Any) -> None:
    other = tmp_path / "other.key"
    other.touch(0o600)
    other.write_text("00" * 32)
    environment = prepared.environment | {"HOLDFAST_CALL_EVENTS_MASTER_KEY_FILE": str(other)}
    for verb in ("serve", "migrate"):
        done = subprocess.run(
            [sys.executable, "-m", "call_events", verb], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        assert "not the one that the database was made with" in done.stderr


def test_migrating_again_changes_nothing(prepared: Any) -> None:
    prepared.migrate()


async def test_its_admin_door_says_that_it_is_ready_and_counts_without_names(service: Any, teller: Any) -> None:
    await teller.record(teller.event(contact_arrived={"caller": {"number": "+493055588801"}}))
    async with httpx.AsyncClient(base_url=f"http://{service.ready['admin']}", trust_env=False) as admin:
        assert (await admin.get("/readyz")).status_code == 200
        metrics = (await admin.get("/metrics")).text
    assert "holdfast_call_events_recorded_total" in metrics
    assert "55588801" not in metrics
    assert teller.contact_id not in metrics
