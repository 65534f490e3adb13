"""Bytes of chance at every method: refused or answered, never a fault of ours, and the service lives."""

import asyncio
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.call_events.v1 import call_events_service_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["CallEventsService"]
UNARY = [method for method in SERVICE.methods if not method.server_streaming]
OURS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED}
TEXT = st.text(max_size=40) | st.just("a\0b") | st.just("x" * 300)


@pytest.mark.parametrize("method", UNARY, ids=[method.name for method in UNARY])
async def test_bytes_of_chance_are_never_our_fault(service: Any, method: Any) -> None:
    async with service.connect() as channel:
        call: Any = channel.unary_unary(f"/{SERVICE.full_name}/{method.name}")
        for request in (b"", b"\0", b"\xff" * 50, b"\x0a\x00" * 20, bytes(range(256))):
            answering = asyncio.ensure_future(call(request))
            await asyncio.wait({answering})
            failed = answering.exception()
            assert not isinstance(failed, grpc.aio.AioRpcError) or failed.code() not in OURS, request


@pytest.mark.parametrize("method", UNARY, ids=[method.name for method in UNARY])
def test_words_of_chance_are_never_our_fault(service: Any, method: Any) -> None:
    request_type = getattr(pb, method.input_type.name)
    fields = [field.name for field in request_type.DESCRIPTOR.fields if field.type == field.TYPE_STRING]
    with grpc.insecure_channel(service.ready["grpc"]) as channel:
        call: Any = channel.unary_unary(f"/{SERVICE.full_name}/{method.name}", None, None)
        metadata = (("authorization", f"Bearer {service.token()}"),)

        @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(words=st.lists(TEXT, min_size=len(fields), max_size=len(fields)), number=st.integers(-5, 2**31 - 1))
        def ask(words: list[str], number: int) -> None:
            request = request_type()
            for name, word in zip(fields, words, strict=True):
                field = request.DESCRIPTOR.fields_by_name[name]
                getattr(request, name).append(word) if field.is_repeated else setattr(request, name, word)
            for name in ("limit", "page_size"):
                if name in request.DESCRIPTOR.fields_by_name:
                    setattr(request, name, number)
            if "contact" in request.DESCRIPTOR.fields_by_name:
                request.contact.alias.source_id, request.contact.alias.kind = (words or ["x"])[0][:9], "a\0"
                request.contact.alias.native_id = "n"
            answer = call.future(request.SerializeToString(), metadata=metadata, timeout=20)
            assert answer.code() not in OURS

        ask()
