"""Imports into the real service: what is acknowledged, what happens when it is killed, interrupted or refuses."""

import asyncio
import gc
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast_cli.generating import generate
from holdfast_cli.generating.plan import Plan
from holdfast_cli.importing.asterisk_queue_log import import_asterisk_queue_log
from holdfast_cli.importing.bank_1999 import import_bank_1999
from holdfast_cli.importing.errors import TellingFailed, TellingRefused
from holdfast_cli.importing.resuming import Mark
from holdfast_cli.importing.sending import Sending
from holdfast_cli.importing.telling import ImportSummary, Progress
from service_host import client
from service_host.local_issuer import AUDIENCE, ISSUER, LocalIssuer

if TYPE_CHECKING:
    from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceAsyncStub

ROWS = 400
SECONDS = 30


class Service:
    """call-events as a process of its own, on one port for good, so that it can be killed and started again."""

    def __init__(self, database: str, folder: Path) -> None:
        self.issuer = LocalIssuer(folder / "issuer")
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = os.environ | {
            "HOLDFAST_DATABASE_URL": database,
            "HOLDFAST_JWKS": str(self.issuer.jwks),
            "HOLDFAST_ISSUER": ISSUER,
            "HOLDFAST_AUDIENCE": AUDIENCE,
            "HOLDFAST_CALL_EVENTS_GRPC_ADDRESS": "127.0.0.1:0",
            "HOLDFAST_CALL_EVENTS_HTTP_ADDRESS": "127.0.0.1:0",
            "HOLDFAST_CALL_EVENTS_MASTER_KEY_FILE": str(folder / "master.key"),
        }
        subprocess.run([sys.executable, "-m", "call_events", "migrate"], env=self._environment, check=True, timeout=60)

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "call_events", "serve"], env=self._environment, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline() or b"{}")
        self._environment["HOLDFAST_CALL_EVENTS_GRPC_ADDRESS"] = ready["grpc"]

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(how)
        self._process.wait(SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def address(self) -> str:
        return self._environment["HOLDFAST_CALL_EVENTS_GRPC_ADDRESS"]

    def connect(self, tenant: str, sources: tuple[str, ...] = ("*",)) -> client.ServiceChannel:
        token = self.issuer.mint(tenant, "tester", scopes=("events:write", "events:read"), sources=sources)
        return client.connect(self.address, token=token)


@pytest.fixture(scope="module")
def service(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(database, tmp_path_factory.mktemp("call-events"))
    service.start()
    yield service
    service.kill(signal.SIGTERM)


@pytest.fixture
def tenant(request: pytest.FixtureRequest) -> str:
    """A tenant of the test's own, so that it finds nothing of another one."""
    return f"tenant-{abs(hash(request.node.name))}"


@pytest.fixture
async def stub(service: Service, tenant: str) -> "AsyncIterator[CallEventsServiceAsyncStub]":
    async with service.connect(tenant) as channel:
        yield CallEventsServiceStub(channel)


@pytest.fixture
def month(tmp_path: Path) -> Path:
    """A made-up month: served and lost calls in turn."""
    return archive(tmp_path / "month.txt", range(ROWS))


def archive(path: Path, calls: Iterable[int]) -> Path:
    rows = []
    for call in calls:
        hour, minute = 8 + call // 60 % 12, call % 60
        at = f"{hour}:{minute:02d}"
        ends = f"AGENT {at}:30 {at}:55 25 RUTH" if call % 3 else "HANG 0:00:00 0:00:00 0 NO_SERVER"
        row = (
            f"AA0101 {call} {call} 1 PS 9901{1 + call % 28:02d} {at}:00 {at}:05 5 {at}:05 {at}:30 25 {ends.format(at)}"
        )
        rows.append(row.replace(" ", "\t"))
    path.write_text("\r\n".join(rows) + "\r\n")
    return path


async def all_events(stub: "CallEventsServiceAsyncStub") -> list[bytes]:
    """Everything the tenant's log holds, as told."""
    cursor, events = "", []
    while True:
        page = await stub.ReadEvents(pb.ReadEventsRequest(cursor=cursor, limit=1000))
        events += [told.contact_event.event.SerializeToString(deterministic=True) for told in page.events]
        cursor = page.cursor
        if page.at_end:
            return sorted(events)


async def test_importing_twice_shuffled_and_by_four_at_once_is_importing_once(
    stub: "CallEventsServiceAsyncStub", tenant: str, month: Path, tmp_path: Path
) -> None:
    shuffled = list(range(ROWS))
    random.Random(7).shuffle(shuffled)  # noqa: S311 - a shuffle, no secret
    other = archive(tmp_path / "shuffled.txt", shuffled)
    together = await asyncio.gather(*(import_bank_1999(month, stub, tenant=tenant) for _ in range(4)))
    events = together[0].events
    assert events > 3000
    assert sum(summary.recorded for summary in together) == events
    whole = await all_events(stub)
    assert len(whole) == events
    again = await import_bank_1999(other, stub, tenant=tenant)
    assert (again.contacts, again.events, again.recorded, again.duplicates) == (ROWS, events, 0, events)
    assert await all_events(stub) == whole


async def test_progress_is_told_and_everything_is_accounted_for(
    stub: "CallEventsServiceAsyncStub", tenant: str, month: Path
) -> None:
    seen: list[Progress] = []
    summary = await import_bank_1999(
        month, stub, tenant=tenant, sending=Sending(batch_events=50, on_progress=seen.append)
    )
    assert summary.recorded == summary.events
    assert not summary.refused
    assert summary.events_per_second > 0
    assert all(0 <= told.read <= 1 and told.events <= summary.events for told in seen)


@pytest.mark.parametrize("seed", range(3))
async def test_a_service_killed_while_events_are_told_to_it_has_each_of_them_once(
    service: Service, stub: "CallEventsServiceAsyncStub", tenant: str, month: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - when to kill, no secret
    importing = asyncio.create_task(
        import_bank_1999(month, stub, tenant=tenant, sending=Sending(batch_events=20, deadline_seconds=5))
    )
    for _ in range(2):
        await asyncio.wait([importing], timeout=chance.uniform(0.02, 0.6))
        await asyncio.to_thread(service.kill)
        await asyncio.to_thread(service.start)
    summary = await importing
    assert summary.recorded + summary.duplicates == summary.events
    whole = await all_events(stub)
    assert len(whole) == len(set(whole)) == summary.events


async def test_an_interrupted_import_goes_on_where_it_was(
    stub: "CallEventsServiceAsyncStub", tenant: str, month: Path, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    acknowledged = asyncio.Event()
    sending = Sending(batch_events=20, on_progress=lambda _: acknowledged.set(), resume_folder=marks)
    importing = asyncio.create_task(import_bank_1999(month, stub, tenant=tenant, sending=sending))
    async with asyncio.timeout(SECONDS):
        await acknowledged.wait()
    importing.cancel()
    await asyncio.wait([importing])
    assert len(list(marks.iterdir())) == 1
    summary = await import_bank_1999(month, stub, tenant=tenant, sending=sending)
    assert summary.skipped > 0
    assert summary.recorded + summary.duplicates + summary.skipped == summary.events
    assert not list(marks.iterdir())
    assert len(await all_events(stub)) == summary.events


async def test_a_mark_is_not_believed_if_the_log_no_longer_has_what_stands_before_it(
    stub: "CallEventsServiceAsyncStub", tenant: str, month: Path, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    Mark(marks, month, f"bank-1999/{tenant}/bank-1999/Asia/Jerusalem").write(ROWS // 2)
    summary = await import_bank_1999(month, stub, tenant=tenant, sending=Sending(resume_folder=marks))
    assert summary.skipped == 0
    assert summary.recorded + summary.duplicates == summary.events


@pytest.mark.parametrize("mark", [ROWS + 1, ROWS + 10, 10 * ROWS])
async def test_a_mark_beyond_the_files_end_is_not_believed(
    stub: "CallEventsServiceAsyncStub", tenant: str, month: Path, tmp_path: Path, mark: int
) -> None:
    marks = tmp_path / "marks"
    Mark(marks, month, f"bank-1999/{tenant}/bank-1999/Asia/Jerusalem").write(mark)
    await import_bank_1999(month, stub, tenant=tenant)
    summary = await import_bank_1999(month, stub, tenant=tenant, sending=Sending(resume_folder=marks))
    assert (summary.skipped, summary.duplicates) == (0, summary.events)


async def test_an_import_interrupted_again_and_again_is_whole_once_it_says_so(
    stub: "CallEventsServiceAsyncStub", tenant: str, month: Path, tmp_path: Path
) -> None:
    while (summary := await _interrupted(stub, tenant, month, tmp_path / "marks")) is None:
        pass
    assert len(await all_events(stub)) == summary.events


async def _interrupted(
    stub: "CallEventsServiceAsyncStub", tenant: str, month: Path, marks: Path
) -> ImportSummary | None:
    """Import until some more is acknowledged, then stop as Ctrl-C does; return what it came to if it was whole."""
    acknowledged = asyncio.Event()
    sending = Sending(batch_events=1, in_flight=1, on_progress=lambda _: acknowledged.set(), resume_folder=marks)
    importing = asyncio.create_task(import_bank_1999(month, stub, tenant=tenant, sending=sending))
    some = asyncio.create_task(acknowledged.wait())
    await asyncio.wait([importing, some], return_when=asyncio.FIRST_COMPLETED, timeout=SECONDS)
    for task in (importing, some):
        task.cancel()
    await asyncio.wait([importing, some])
    return None if importing.cancelled() else importing.result()


async def test_a_token_for_another_source_is_refused_and_counted_for_each_event(
    service: Service, tenant: str, month: Path
) -> None:
    async with service.connect(tenant, sources=("other",)) as channel:
        stub = CallEventsServiceStub(channel)
        summary = await import_bank_1999(month, stub, tenant=tenant)
        assert summary.recorded == 0
        assert sum(summary.refused.values()) == summary.events


async def test_without_a_good_token_nothing_is_told(service: Service, tenant: str, month: Path) -> None:
    async with client.connect(service.address, token="no.token.atall") as channel:
        with pytest.raises(TellingRefused, match="token"):
            await import_bank_1999(month, CallEventsServiceStub(channel), tenant=tenant)


async def test_patience_ends_when_nobody_answers(tenant: str, month: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with client.connect("127.0.0.1:9") as channel:
        sending = Sending(patience_seconds=0.3, deadline_seconds=0.2)
        with pytest.raises(TellingFailed, match="goes on where it was"):
            await import_bank_1999(month, CallEventsServiceStub(channel), tenant=tenant, sending=sending)
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_rings_of_a_queue_log_go_to_the_agents_streams(
    stub: "CallEventsServiceAsyncStub", tenant: str, tmp_path: Path
) -> None:
    path = tmp_path / "queue_log"
    path.write_text(
        "1700000000|1.1|sales|NONE|ENTERQUEUE||+441632960001\n"
        "1700000005|1.1|sales|SIP/1|RINGNOANSWER|5000\n"
        "1700000009|1.1|sales|SIP/2|CONNECT|9|1.2|3\n"
        "1700000019|1.1|sales|SIP/2|COMPLETEAGENT|9|10|1\n"
    )
    summary = await import_asterisk_queue_log(path, stub, tenant=tenant)
    assert (summary.contacts, summary.events, summary.recorded) == (1, 8, 8)
    assert summary.notes["NUMBER_SEALED"] == 1
    page = await stub.ReadEvents(pb.ReadEventsRequest(limit=100, categories=["agent"]))
    assert len(page.events) == 2
    again = await import_asterisk_queue_log(path, stub, tenant=tenant)
    assert (again.recorded, again.duplicates) == (0, 8)


async def test_generated_days_are_recorded_whole(stub: "CallEventsServiceAsyncStub", tenant: str) -> None:
    plan = Plan(seed=1, first_day=date(2026, 3, 2), contacts_per_day=40, tenant=tenant)
    summary = await generate.tell(plan, stub)
    assert not summary.refused
    assert summary.recorded == summary.events > 500
    assert (await generate.tell(plan, stub)).recorded == 0
