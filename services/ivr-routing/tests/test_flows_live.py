"""Flows in the running service: lookups with sensitive input, estimates, and callers who leave in between."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import pytest

from holdfast.call_events.v1 import leg_pb2
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast.ivr_routing.v1 import administration_service_pb2 as administration
from holdfast.ivr_routing.v1 import flow_pb2, instruction_pb2
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as phone
from holdfast_testing import eventually
from routing_service import Centre, Facts, steps

pytestmark = pytest.mark.asyncio(loop_scope="module")

PIN: Final = "80218021"
FLOW: Final = """
format: holdfast-flow/1
flow: f-{name}
language: en
start: pin
otherwise: wait
service_numbers: ["{number}"]
attributes: {{balance: {{type: string, default: ""}}}}
nodes:
  pin:
    {{type: collect, say: PIN?, input: pin, sensitive: true, max_digits: 8, attempts: 1, next: look, otherwise: wait}}
  look:
    type: lookup
    method: POST
    url: "http://127.0.0.1:{port}/{path}"
    timeout_ms: {timeout_ms}
    send: {{pin: input.pin, number: service_number}}
    store: {{balance: account.balance}}
    next: tell
    otherwise: wait
  tell: {{type: play, say: "You have {{attributes.balance}}.", self_served: balance, next: bye}}
  bye: {{type: hang_up, reason: self_served}}
  wait: {{type: queue, queue: {queue}, say: "About {{estimated_wait_minutes.{field}}} minutes."}}
"""


@asynccontextmanager
async def a_bank(answer: bytes) -> AsyncIterator[tuple[int, list[dict[str, Any]]]]:
    """Serve one answer by HTTP; give the port and what was asked."""
    asked: list[dict[str, Any]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        asked.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(answer) + answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def publish(centre: Centre, port: int, *, path: str = "balance", timeout_ms: int = 5_000) -> None:
    await centre.open()
    names = {"name": centre.name, "number": centre.number, "queue": centre.queue, "port": port, "path": path}
    text = FLOW.format(**names, timeout_ms=timeout_ms, field=centre.queue.replace("-", "_"))
    told = await centre.doors.administration.PublishFlow(administration.PublishFlowRequest(document=text))
    assert not told.problems, told.problems


async def payloads(database: str) -> dict[int, bytes]:
    """Return what stands in routing's log, by position."""
    connection = await asyncpg.connect(database)
    try:
        rows = await connection.fetch("select position, payload from ivr_routing.events order by position")
    finally:
        await connection.close()
    return {row["position"]: row["payload"] for row in rows}


async def steps_of(database: str, contact_id: str) -> list[flow_pb2.FlowStepTaken]:
    """Return the steps of a contact's walk as the log has them."""
    connection = await asyncpg.connect(database)
    try:
        query = "select payload from ivr_routing.events where type = 'FlowStepTaken' order by position"
        steps_taken = [flow_pb2.FlowStepTaken.FromString(row["payload"]) for row in await connection.fetch(query)]
    finally:
        await connection.close()
    return [step for step in steps_taken if step.contact_id == contact_id]


def kind_of(fact: bytes) -> str | None:
    """Return which fact of call-events it is."""
    return ContactEvent.FromString(fact).WhichOneof("body")


async def type_pin(centre: Centre, asked: instruction_pb2.Instruction) -> instruction_pb2.Instruction:
    """Type the PIN; return what comes when the lookup is through."""
    request = phone.ReportInputRequest(
        contact_id=asked.contact_id,
        input_id=secrets.token_hex(16),
        instruction_id=asked.instruction_id,
        node="pin",
        digits=PIN,
    )
    looking = (await centre.doors.phone.ReportInput(request)).instruction
    if steps(looking.do) != ["park"]:
        return looking  # the lookup was over at once
    wanted = phone.NextInstructionRequest(contact_id=asked.contact_id, after_number=looking.number)
    wanted.wait.FromSeconds(10)
    answer: phone.NextInstructionResponse = await centre.doors.phone.NextInstruction(wanted)
    return answer.instruction


async def test_sensitive_input_reaches_the_lookup_and_is_in_no_event(centre: Centre, database: str) -> None:
    async with a_bank(b'{"account": {"balance": "12 euros"}}') as (port, asked):
        await publish(centre, port)
        started = await centre.call()
        assert started.instruction.do[0].collect.sensitive
        last = await type_pin(centre, started.instruction)
    assert asked == [{"pin": PIN, "number": centre.number}]
    assert steps(last.do) == ["play", "hang_up"]
    assert last.do[0].play.prompts[0].text == "You have 12 euros."
    written = await payloads(database)
    assert PIN.encode() not in b"".join(written.values())
    told = [kind for step in await steps_of(database, started.contact_id) for kind in map(kind_of, step.told)]
    assert told[:4] == ["flow_entered", "node_visited", "node_visited", "node_visited"]
    assert told[4:] == ["self_served", "node_visited", "flow_exited"]


async def test_a_lookup_without_usable_answer_leads_on(centre: Centre) -> None:
    async with a_bank(b"nothing of use") as (port, _):
        await publish(centre, port)
        started = await centre.call()
        last = await type_pin(centre, started.instruction)
    assert "queue_music" in steps(last.do)


async def test_a_lookup_that_hangs_leads_on_in_time(centre: Centre) -> None:
    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(says_nothing, "127.0.0.1", 0) as server:
        await publish(centre, server.sockets[0].getsockname()[1], timeout_ms=200)
        started = await centre.call()
        last = await type_pin(centre, started.instruction)
    assert "queue_music" in steps(last.do)


async def test_an_address_that_cannot_be_asked_at_all_leads_on_too(centre: Centre) -> None:
    await publish(centre, 9, path=r"\x01")
    started = await centre.call()
    last = await type_pin(centre, started.instruction)
    assert "queue_music" in steps(last.do)


async def test_a_caller_who_hangs_up_in_the_flow_has_left_it(centre: Centre, facts: Facts, database: str) -> None:
    async with a_bank(b"") as (port, _):
        await publish(centre, port)
        started = await centre.call()
    ended = leg_pb2.LegEnded(leg_id="c", role=leg_pb2.LEG_ROLE_CALLER)
    await facts.tell(started.contact_id, ended)

    async def has_left() -> bool:
        told = [fact for step in await steps_of(database, started.contact_id) for fact in step.told]
        return kind_of(told[-1]) == "flow_exited"

    await eventually(has_left)
