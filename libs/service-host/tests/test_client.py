import asyncio
import contextlib
import threading
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.wrappers_pb2 import BytesValue

from service_host import client, echo
from service_host.errors import (
    AlreadyExists,
    Conflict,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    TooLarge,
    trailers,
)
from service_host.local_issuer import LocalIssuer
from service_host_testing import Echoing, echo_method, refused

HELLO = BytesValue(value=b"hello")


async def test_the_token_goes_with_every_call_of_every_kind(echoing: Echoing, issuer: LocalIssuer) -> None:
    token = issuer.mint("acme", "tester", scopes=[echo.SCOPE])
    async with client.connect(echoing.host.address, token=token) as channel:
        assert await echo_method(channel, "Say")(HELLO) == HELLO
        assert await echo_method(channel, "Count")(BytesValue(value=b"1")).read() == BytesValue(value=b"1")
        assert await echo_method(channel, "Sum")(iter([HELLO])) == BytesValue(value=b"1")
        assert await echo_method(channel, "Talk")(iter([HELLO])).read() == HELLO


async def test_a_token_that_is_a_function_is_asked_for_each_call(echoing: Echoing, issuer: LocalIssuer) -> None:
    scopes = iter([["other"], [echo.SCOPE]])
    async with client.connect(
        echoing.host.address, token=lambda: issuer.mint("a", "b", scopes=next(scopes))
    ) as channel:
        assert (await refused(echo_method(channel, "Say")(HELLO))).reason == "SCOPE_MISSING"
        assert await echo_method(channel, "Say")(HELLO) == HELLO


async def test_a_server_that_takes_its_time_to_welcome_us_is_waited_for(echoing: Echoing, issuer: LocalIssuer) -> None:
    host, _, port = (echoing.host.address or "").rpartition(":")

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.get_running_loop().run_in_executor(None, threading.Event().wait, 0.5)
        there, on = await asyncio.open_connection(host, port)
        with contextlib.closing(writer), contextlib.closing(on):
            await asyncio.gather(_passed_on(reader, on), _passed_on(there, writer))

    async with await asyncio.start_server(late, "127.0.0.1", 0) as door:
        address = "{}:{}".format(*door.sockets[0].getsockname())
        async with client.connect(address, token=issuer.mint("acme", "tester", scopes=[echo.SCOPE])) as channel:
            assert await echo_method(channel, "Say")(HELLO) == HELLO


async def _passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


async def test_a_call_that_says_no_deadline_has_one(echoing: Echoing, issuer: LocalIssuer) -> None:
    token = issuer.mint("acme", "tester", scopes=[echo.SCOPE])
    async with client.connect(echoing.host.address, token=token, deadline=timedelta(milliseconds=100)) as channel:
        refusal = await refused(echo_method(channel, "Wait")(BytesValue(value=b"60000")))
    assert refusal.status is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("kind", [InvalidArgument, NotFound, AlreadyExists, Conflict, ResourceExhausted])
async def test_what_is_refused_there_is_the_same_refusal_here(
    kind: type[InvalidArgument | NotFound | AlreadyExists | Conflict | ResourceExhausted],
) -> None:
    raised = kind("REASON", "A sentence.", retry_after=timedelta(seconds=1.5), version=7)
    pairs = grpc.aio.Metadata(*trailers(raised))
    received = client.refusal(grpc.aio.AioRpcError(raised.status, grpc.aio.Metadata(), pairs, "A sentence.", ""))
    assert (type(received), received.reason, received.message) == (kind, "REASON", "A sentence.")
    assert (received.metadata, received.retry_after) == ({"version": "7"}, timedelta(seconds=1.5))


async def test_a_refusal_of_the_transport_is_one_too() -> None:
    async with client.connect("127.0.0.1:1") as channel:
        refusal = await refused(echo_method(channel, "Say")(HELLO))
    assert (refusal.status, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
    assert not isinstance(refusal, TooLarge)


async def test_beyond_loopback_a_channel_is_encrypted_unless_told_otherwise(echoing: Echoing) -> None:
    port = echoing.host.address.rpartition(":")[2]
    async with client.connect(f"0.0.0.0:{port}", token="x") as channel:
        assert (await refused(echo_method(channel, "Say")(HELLO))).reason == "UNAVAILABLE"
    async with client.connect(f"0.0.0.0:{port}", token="x", plaintext=True) as channel:
        assert (await refused(echo_method(channel, "Say")(HELLO))).reason == "TOKEN_INVALID"


class Flaky:
    """A server on a real port that answers UNAVAILABLE a few times first."""

    def __init__(self, failures: int) -> None:
        self.asked = 0
        self._failures = failures

    async def answer(self, request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        self.asked += 1
        if self.asked <= self._failures:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        return request


def described() -> ServiceDescriptor:
    """A service with a method that may be repeated and one that may not."""
    file = descriptor_pb2.FileDescriptorProto(name="flaky.proto", package="flaky")
    file.message_type.add(name="Request")
    service = file.service.add(name="Flaky")
    for name, level in (("Get", "NO_SIDE_EFFECTS"), ("Put", "IDEMPOTENT"), ("Do", "IDEMPOTENCY_UNKNOWN")):
        method = service.method.add(name=name, input_type=".flaky.Request", output_type=".flaky.Request")
        method.options.idempotency_level = level  # type: ignore[assignment] # a name will do
    return descriptor_pool.DescriptorPool().AddSerializedFile(file.SerializeToString()).services_by_name["Flaky"]


@pytest.mark.parametrize(("method", "asked"), [("Get", 3), ("Put", 3), ("Do", 1)])
async def test_only_what_may_be_repeated_is(method: str, asked: int) -> None:
    flaky, server = Flaky(failures=2), grpc.aio.server()
    handlers: dict[str, Any] = {
        name: grpc.unary_unary_rpc_method_handler(flaky.answer) for name in ("Get", "Put", "Do")
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("flaky.Flaky", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with client.connect(f"127.0.0.1:{port}", services=[described()]) as channel:
            with contextlib.suppress(grpc.aio.AioRpcError):
                await channel.unary_unary(f"/flaky.Flaky/{method}")(b"x")
    finally:
        await server.stop(None)
    assert flaky.asked == asked


async def test_many_calls_at_once_are_each_their_own(echoing: Echoing, issuer: LocalIssuer) -> None:
    token = issuer.mint("acme", "tester", scopes=[echo.SCOPE])
    async with client.connect(echoing.host.address, token=token) as channel:
        said = [BytesValue(value=b"%d" % number) for number in range(200)]
        assert await asyncio.gather(*(echo_method(channel, "Say")(one) for one in said)) == said
