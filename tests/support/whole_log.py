"""A log read whole through the door for services, and what must be true of it whatever happened meanwhile."""

import asyncio
from collections.abc import Iterable

import grpc
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.log.v1 import log_service_pb2 as pb
from holdfast.log.v1.log_service_pb2_grpc import LogServiceStub
from holdfast_testing import eventually
from service_host import client

READ_SECONDS = 60.0
IDENTITY = ["tenant", "category", "key", "event_id"]
COLUMNS = ["position", "version", "type", *IDENTITY]


def read(address: str, token: str) -> pa.Table:
    """Read every event up to the head: position, version, type, tenant, category, key, event_id."""
    return asyncio.run(_read(address, token))


def head(address: str, token: str) -> int:
    """Return the last position."""
    return asyncio.run(_head(address, token))


def assert_whole(log: pa.Table) -> None:
    """Assert that positions are dense from 1, no event stands twice, and every stream's versions are dense from 1."""
    count = log.num_rows
    assert log["position"].to_pylist() == list(range(1, count + 1)), "positions are not dense"
    assert len(identities(log)) == count, "an event stands twice"
    streams = log.group_by(["tenant", "category", "key"]).aggregate([("version", "max"), ("version", "count")])
    assert pc.all(pc.equal(streams["version_max"], streams["version_count"])).as_py() in (True, None), "versions jump"


def identities(log: pa.Table) -> set[tuple[object, ...]]:
    """Return what each event is known by."""
    return set(_rows(log, IDENTITY))


def _rows(log: pa.Table, columns: list[str]) -> Iterable[tuple[object, ...]]:
    return zip(*(log[name].to_pylist() for name in columns), strict=True)


async def _read(address: str, token: str) -> pa.Table:
    async with client.connect(address, token=token) as channel:
        found: list[pa.Table] = await eventually(lambda: _pages(channel))
    return pa.concat_tables(found)


async def _pages(channel: grpc.aio.Channel) -> list[pa.Table]:
    """Return all pages, one without rows of an empty log; a log whose store was killed a moment ago is asked again."""
    pages = LogServiceStub(channel).ReadPackedEvents(pb.ReadPackedEventsRequest(columns=COLUMNS), timeout=READ_SECONDS)
    try:
        found = [pa.ipc.open_stream(page.arrow_ipc).read_all() async for page in pages if page.count]
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            raise AssertionError(error.details()) from error
        raise
    return found or [pa.table({name: [] for name in COLUMNS})]


async def _head(address: str, token: str) -> int:
    async with client.connect(address, token=token) as channel:
        return int((await LogServiceStub(channel).GetHead(pb.GetHeadRequest())).head.position)
