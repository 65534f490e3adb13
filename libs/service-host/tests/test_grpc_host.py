import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import BytesValue
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from holdfast_testing import eventually
from service_host import client, echo
from service_host.authorisation import Policy, Rule, UndeclaredMethods
from service_host.edge import Edge
from service_host.errors import Conflict, ErrorTable, ResourceExhausted, Row, Unauthenticated
from service_host.grpc_host import GrpcHost
from service_host.settings import HostSettings
from service_host_testing import Credentials, Echoing, Lines, Serve, refused

HELLO = BytesValue(value=b"hello")


async def test_a_call_with_a_token_and_its_scope_is_answered(echoing: Echoing, credentials: Credentials) -> None:
    assert await echoing.method("Say")(HELLO, metadata=credentials()) == HELLO


async def test_a_call_without_a_token_is_refused(echoing: Echoing) -> None:
    refusal = await refused(echoing.method("Say")(HELLO))
    assert (type(refusal), refusal.reason) == (Unauthenticated, "TOKEN_MISSING")


async def test_a_token_without_the_scope_is_refused_for_every_kind_of_method(
    echoing: Echoing, credentials: Credentials
) -> None:
    weak = credentials(scopes=["other"])
    for call in (
        echoing.method("Say")(HELLO, metadata=weak),
        echoing.method("Sum")(iter([HELLO]), metadata=weak),
        echoing.method("Count")(HELLO, metadata=weak).read(),
        echoing.method("Talk")(iter([HELLO]), metadata=weak).read(),
    ):
        assert (await refused(call)).reason == "SCOPE_MISSING"


async def test_garbage_is_an_invalid_argument_and_the_connection_lives_on(
    echoing: Echoing, credentials: Credentials
) -> None:
    refusal = await refused(echoing.method("Say")(b"\xff\xff\xff\xff", metadata=credentials()))
    assert (refusal.status, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED")
    assert await echoing.method("Say")(HELLO, metadata=credentials()) == HELLO


async def test_no_bytes_make_it_answer_anything_but_ok_or_invalid(
    echoing: Echoing, credentials: Credentials, captured_logs: Lines
) -> None:
    seed = 20261123
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    say, metadata = echoing.method("Say"), credentials()

    async def code(raw: bytes) -> grpc.StatusCode:
        call = say(raw, metadata=metadata)
        found: grpc.StatusCode = await call.code()
        return found

    codes = [await code(chance.randbytes(chance.randrange(1, 60))) for _ in range(500)]
    deep = b"\x0a\xff\xff\xff\xff\x0f" * 10_000
    assert {*codes, await code(deep)} == {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT}
    assert not str(captured_logs)


async def test_garbage_within_a_stream_ends_it_as_an_invalid_argument(
    echoing: Echoing, credentials: Credentials
) -> None:
    call = echoing.method("Talk")(iter([HELLO, b"\xff\xff"]), metadata=credentials())
    assert await call.read() == HELLO
    assert (await refused(call.read())).reason == "MALFORMED"


async def test_a_message_of_ten_megabytes_is_refused_and_the_next_one_answered(
    echoing: Echoing, credentials: Credentials
) -> None:
    refusal = await refused(echoing.method("Say")(BytesValue(value=bytes(10_000_000)), metadata=credentials()))
    assert refusal.status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await echoing.method("Say")(HELLO, metadata=credentials()) == HELLO


async def test_a_handler_that_throws_a_number_shows_it_to_nobody(
    echoing: Echoing, credentials: Credentials, captured_logs: Lines
) -> None:
    number = "+49 170 1234567"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await echoing.method("Fail")(BytesValue(value=number.encode()), metadata=credentials())
    told = f"{caught.value!r} {caught.value.trailing_metadata()!r}"
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "1234567" not in told
    assert "ValueError" not in told
    (line,) = [line for line in captured_logs if line["event"] == "call_failed_unexpectedly"]
    assert "1234567" not in str(captured_logs)
    assert line["error_id"] == client.refusal(caught.value).metadata["error_id"]
    assert line["error_class"] == "ValueError"
    assert line["places"][-1].startswith("service_host.echo:")


async def test_an_exception_in_the_table_is_told_with_reason_metadata_and_retry(
    serve: Serve, credentials: Credentials
) -> None:
    row = Row(ResourceExhausted, "QUEUE_FULL", metadata=lambda _: {"limit": 7}, retry_after=timedelta(seconds=2))
    async with serve(ErrorTable({ValueError: row})) as echoing:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await echoing.method("Fail")(BytesValue(value=b"0170 1234567"), metadata=credentials())
    trailing: dict[str, bytes] = dict(caught.value.trailing_metadata())  # type: ignore[arg-type] # pairs, in truth
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(retry)
    assert (info.reason, info.domain, dict(info.metadata)) == ("QUEUE_FULL", "holdfast", {"limit": "7"})
    assert retry.retry_delay.seconds == 2


async def test_the_nearest_class_in_the_table_wins(serve: Serve, credentials: Credentials) -> None:
    rows = {Exception: Row(ResourceExhausted, "FAR"), ValueError: Row(Conflict, "NEAR")}
    async with serve(ErrorTable(rows)) as echoing:
        assert (await refused(echoing.method("Fail")(HELLO, metadata=credentials()))).reason == "NEAR"


async def test_a_call_that_asks_no_deadline_gets_one(serve: Serve, credentials: Credentials) -> None:
    async with serve(default_deadline=timedelta(milliseconds=50)) as echoing:
        refusal = await refused(echoing.method("Wait")(BytesValue(value=b"60000"), metadata=credentials()))
    assert refusal.reason == "DEADLINE_EXCEEDED"


async def test_a_call_that_asks_too_long_a_deadline_gets_the_longest(serve: Serve, credentials: Credentials) -> None:
    async with serve(maximum_deadline=timedelta(milliseconds=50)) as echoing:
        call = echoing.method("Wait")(BytesValue(value=b"60000"), metadata=credentials(), timeout=3600)
        assert (await refused(call)).reason == "DEADLINE_EXCEEDED"


async def test_a_handler_stops_when_its_caller_has_no_time_left(echoing: Echoing, credentials: Credentials) -> None:
    call = echoing.method("Wait")(BytesValue(value=b"60000"), metadata=credentials(), timeout=0.1)
    assert (await refused(call)).status is grpc.StatusCode.DEADLINE_EXCEEDED
    await eventually(lambda: echoing.host.edge.unary.count == 0)


async def test_one_callers_streams_do_not_stop_another_callers_calls(serve: Serve, credentials: Credentials) -> None:
    async with serve(streams_per_caller=64, unary_per_caller=4, streams_total=100) as echoing:
        count, hoarder = echoing.method("Count"), credentials(subject="hoarder")
        hoarded = [count(BytesValue(value=b"1"), metadata=hoarder) for _ in range(64)]
        for stream in hoarded:
            assert await stream.read() == BytesValue(value=b"1")
        assert (await refused(count(HELLO, metadata=hoarder).read())).reason == "CALLER_LIMIT"
        assert await echoing.method("Say")(HELLO, metadata=hoarder) == HELLO
        assert await echoing.method("Say")(HELLO, metadata=credentials(subject="other")) == HELLO
        assert await count(BytesValue(value=b"1"), metadata=credentials(subject="other")).read()


async def test_one_callers_crowd_is_told_when_to_return_and_others_are_served(
    serve: Serve, credentials: Credentials
) -> None:
    async with serve(unary_per_caller=2) as echoing:
        crowd = [
            asyncio.ensure_future(echoing.method("Wait")(BytesValue(value=b"60000"), metadata=credentials()))
            for _ in range(2)
        ]
        await eventually(lambda: echoing.host.edge.unary.count == 2)
        refusal = await refused(echoing.method("Say")(HELLO, metadata=credentials()))
        assert (refusal.reason, refusal.retry_after) == ("CALLER_LIMIT", timedelta(milliseconds=100))
        assert await echoing.method("Say")(HELLO, metadata=credentials(tenant="other")) == HELLO
        for call in crowd:
            call.cancel()
        await eventually(lambda: echoing.host.edge.unary.count == 0)


async def test_requests_of_a_stream_are_answered_as_they_come(echoing: Echoing, credentials: Credentials) -> None:
    async def requests() -> AsyncIterator[BytesValue]:
        for _ in range(3):
            yield HELLO

    assert [reply async for reply in echoing.method("Talk")(requests(), metadata=credentials())] == [HELLO] * 3
    assert await echoing.method("Sum")(requests(), metadata=credentials()) == BytesValue(value=b"3")


async def test_an_idle_stream_is_ended(serve: Serve, credentials: Credentials) -> None:
    async with serve(stream_idle=timedelta(seconds=1)) as echoing:
        call = echoing.method("Talk")(metadata=credentials())
        await call.write(HELLO)
        assert await call.read() == HELLO
        assert (await refused(call.read())).reason == "STREAM_IDLE"
        await eventually(lambda: echoing.host.edge.streams.count == 0)


async def test_a_reader_that_does_not_read_is_let_go(serve: Serve, credentials: Credentials) -> None:
    async with serve(stream_write=timedelta(milliseconds=100)) as echoing:
        call = echoing.method("Talk")(iter([BytesValue(value=bytes(3_000_000))] * 8), metadata=credentials())
        await eventually(lambda: echoing.host.edge.streams.count == 1)
        await eventually(lambda: echoing.host.edge.streams.count == 0)
        call.cancel()


async def test_a_stream_ends_with_its_token(echoing: Echoing, credentials: Credentials) -> None:
    brief = credentials(ttl=timedelta(seconds=1))
    call = echoing.method("Count")(BytesValue(value=b"1"), metadata=brief)
    assert await call.read()
    assert (await refused(call.read())).reason == "TOKEN_EXPIRED"


async def test_streams_are_told_to_resume_elsewhere_when_the_host_stops(serve: Serve, credentials: Credentials) -> None:
    async with serve() as echoing:
        sends = echoing.method("Count")(BytesValue(value=b"1"), metadata=credentials())
        talks = echoing.method("Talk")(metadata=credentials())
        await talks.write(HELLO)
        assert await talks.read() == HELLO
        assert await sends.read()
        stopping = asyncio.create_task(echoing.host.stop())
        assert (await refused(sends.read())).reason == "DRAINING"
        assert (await refused(talks.read())).reason == "DRAINING"
        await stopping


async def test_health_is_open_and_follows_the_host(serve: Serve) -> None:
    async with serve() as echoing:
        stub: Any = health_pb2_grpc.HealthStub(echoing.channel)
        watching = stub.Watch(health_pb2.HealthCheckRequest(service=echo.SERVICE))
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
        echoing.host.set_serving(serving=False)
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert (await refused(stub.Check(health_pb2.HealthCheckRequest(service="x")))).reason == "SERVICE_UNKNOWN"


async def test_those_who_watch_health_without_a_token_are_bounded(serve: Serve, credentials: Credentials) -> None:
    async with serve(streams_per_caller=3) as echoing:
        stub: Any = health_pb2_grpc.HealthStub(echoing.channel)
        watching = [stub.Watch(health_pb2.HealthCheckRequest(service=f"made-up-{n}")) for n in range(3)]
        for watcher in watching:
            assert await watcher.read()
        assert (await refused(stub.Watch(health_pb2.HealthCheckRequest()).read())).reason == "CALLER_LIMIT"
        assert await echoing.method("Say")(HELLO, metadata=credentials()) == HELLO


async def test_reflection_needs_a_token_and_names_the_services(echoing: Echoing, credentials: Credentials) -> None:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(echoing.channel)  # type: ignore[arg-type] # any channel
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    assert (await refused(stub.ServerReflectionInfo(iter([request])).read())).reason == "TOKEN_MISSING"
    answer = await stub.ServerReflectionInfo(iter([request]), metadata=credentials(scopes=[])).read()
    assert echo.SERVICE in [service.name for service in answer.list_services_response.service]


async def test_a_method_without_a_rule_refuses_the_start(settings: HostSettings) -> None:
    host = GrpcHost(Edge(settings, Policy({f"/{echo.SERVICE}/Say": Rule(scope="echo")})))
    host.add(echo.add_echo_to_server, echo.Echo())
    with pytest.raises(UndeclaredMethods, match="Count is served but has no rule"):
        await host.start()


async def test_a_rule_without_a_method_refuses_the_start(settings: HostSettings) -> None:
    host = GrpcHost(Edge(settings, Policy({"/holdfast.echo.v1.EchoService/Sya": Rule(scope="echo")})))
    with pytest.raises(UndeclaredMethods, match="Sya has a rule in the policy but is not served"):
        await host.start()


def test_a_handler_that_is_not_asynchronous_refuses_the_start(settings: HostSettings) -> None:
    class Blocking(echo.Echo):
        def say(self, request: BytesValue, context: object) -> BytesValue:  # type: ignore[override] # as it should not
            del context
            return request

    with pytest.raises(TypeError, match="Say must be a coroutine"):
        GrpcHost(Edge(settings, echo.POLICY)).add(echo.add_echo_to_server, Blocking())


async def test_an_unknown_method_is_unimplemented(echoing: Echoing, credentials: Credentials) -> None:
    unknown: Any = echoing.channel.unary_unary("/holdfast.echo.v1.EchoService/Nothing", None, None)
    assert (await refused(unknown(b"", metadata=credentials()))).status is grpc.StatusCode.UNIMPLEMENTED
