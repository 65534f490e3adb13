"""Two processes on one database: one decides; killed or frozen, the other goes on and nothing is lost.

One pair of processes for all: each test hands over from one to the other.
"""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
import grpc
import pytest
import pytest_asyncio

from holdfast.call_events.v1 import after_pb2, source_pb2, talk_pb2
from holdfast.ivr_routing.v1 import agent_service_pb2 as agents
from holdfast.ivr_routing.v1 import instruction_pb2
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as phone
from holdfast_testing import eventually
from routing_service import SOURCE, TENANT, Centre, Doors, Facts, Running, environment, new_uuid, steps
from service_host import client
from service_host.local_issuer import LocalIssuer

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]


@dataclass
class Pair:
    """Who leads, who stands by, and the same centre seen by the doors of either."""

    leader: Running
    standby: Running
    centre: Centre
    other: Centre

    def turned(self) -> None:
        """The one that stood by leads now."""
        self.leader, self.standby = self.standby, self.leader
        self.centre, self.other = self.other, self.centre


@pytest.fixture(scope="module")
def processes(
    database: str, facts_at: tuple[Facts, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, Running]]:
    """Two processes; the first was there first."""
    folder = tmp_path_factory.mktemp("routing")
    issuer = LocalIssuer(folder / "issuer")
    token_file = folder / "feed.token"
    token_file.write_text(issuer.mint(TENANT, "routing", scopes=("log:read",)))
    told = os.environ | environment(database, issuer, facts_at[1], token_file)
    told["HOLDFAST_IVR_ROUTING_LEASE"] = "1"
    both = Running(told, issuer), Running(dict(told), issuer)
    both[0].migrate()
    for one in both:
        one.start()
        one.environment["HOLDFAST_IVR_ROUTING_GRPC_ADDRESS"] = one.ready["grpc"]
    yield both
    for one in both:
        with suppress(ProcessLookupError):
            if one.process is not None and one.process.poll() is None:
                one.process.send_signal(signal.SIGCONT)
                one.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(processes: tuple[Running, Running], facts_at: tuple[Facts, int]) -> AsyncIterator[Pair]:
    """The pair, with its first leader."""
    async with processes[0].connect() as first, processes[1].connect() as second:
        found = Pair(*processes, Centre(Doors(first), facts_at[0]), Centre(Doors(second), facts_at[0]))
        found.other.name, found.other.queue, found.other.number = (
            found.centre.name,
            found.centre.queue,
            found.centre.number,
        )
        await eventually(lambda: _leads(found.centre))
        yield found


async def test_who_stands_by_says_so(pair: Pair) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await pair.other.call()
    assert client.refusal(refused.value).reason == "NOT_LEADING"


async def test_a_killed_leaders_callers_are_served_by_its_successor(pair: Pair, database: str) -> None:
    await pair.centre.open("ann")
    ring, waiting = await pair.centre.waiting(), await pair.centre.waiting()
    in_flow = await pair.centre.call()
    note = after_pb2.NoteAdded(text="Wants the invoice in French.")
    await pair.centre.facts.tell(waiting.contact_id, note)
    noted = (await pair.centre.facts.log.head()).position
    await eventually(lambda: _taken_in(pair, database, noted))

    pair.leader.stop(signal.SIGKILL)
    await eventually(lambda: _leads(pair.other))
    pair.turned()

    watch: Any = pair.centre.doors.phone.WatchInstructions(phone.WatchInstructionsRequest(source_id=SOURCE, node="n1"))
    assert [(await watch.read()).instruction for _ in range(3)] == [ring, waiting, in_flow.instruction]
    watch.cancel()
    agent, held = pair.centre.agent("ann"), ring.do[-1].ring.reservation_id
    await pair.centre.facts.tell(ring.contact_id, talk_pb2.Bridged(peer_leg_id="a", agent=agent, reservation_id=held))
    await eventually(lambda: _is(pair.centre, "ann", source_pb2.AGENT_STATE_ON_CONTACT))
    assert steps((await pair.centre.press(in_flow.instruction, "1")).do) == ["play", "queue_music"]
    await pair.centre.hire("ben")
    assert (await pair.centre.next_after(waiting)).do[-1].ring.agent == pair.centre.agent("ben")
    reservations: Any = pair.centre.doors.agents.WatchReservations(
        agents.WatchReservationsRequest(agent=pair.centre.agent("ben"))
    )
    assert list((await reservations.read()).offered.context.notes) == [note.text]
    reservations.cancel()


async def test_a_frozen_leader_that_wakes_decides_nothing_any_more_and_its_successor_does(pair: Pair) -> None:
    pair.standby.start()
    await pair.centre.hire("cem")
    ring = await eventually(lambda: _rings_for(pair.centre, "cem"))
    assert ring is not None
    frozen = pair.leader.process
    assert frozen is not None

    frozen.send_signal(signal.SIGSTOP)
    await eventually(lambda: _leads(pair.other))
    frozen.send_signal(signal.SIGCONT)
    held, agent = ring.do[-1].ring.reservation_id, pair.centre.agent("cem")
    reject = agents.RejectReservationRequest(reservation_id=held, agent=agent)
    await eventually(lambda: _done(pair.other.doors.agents.RejectReservation(reject, timeout=5)))

    accept = agents.AcceptReservationRequest(reservation_id=held, agent=agent)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await pair.centre.doors.agents.AcceptReservation(accept, timeout=10)
    assert client.refusal(refused.value).reason in {"NOT_LEADING", "NOT_WRITTEN"}


async def test_a_drained_process_goes_on_from_what_it_kept(pair: Pair) -> None:
    pair.turned()
    await eventually(lambda: _leads(pair.centre))
    pair.standby.stop()
    await pair.centre.hire("dan")
    waiting = await pair.centre.waiting()
    assert pair.leader.stop() == 0

    pair.leader.start()
    await eventually(lambda: _leads(pair.centre))

    watch: Any = pair.centre.doors.phone.WatchInstructions(
        phone.WatchInstructionsRequest(source_id=SOURCE, node="n1", after_number=waiting.number - 1)
    )
    assert (await watch.read()).instruction == waiting
    watch.cancel()
    assert await pair.centre.state("dan") == source_pb2.AGENT_STATE_RESERVED
    assert steps((await pair.centre.call()).instruction.do) == ["collect"]


async def _taken_in(pair: Pair, database: str, position: int) -> bool:
    """Whether whoever leads next would go on beyond a fact; the place is kept as facts come."""
    await pair.centre.facts.tell(str(new_uuid()), after_pb2.NoteAdded())
    connection = await asyncpg.connect(database)
    try:
        return bool(await connection.fetchval("select bool_or(position > $1) from ivr_routing.feed_cursor", position))
    finally:
        await connection.close()


async def _leads(centre: Centre) -> bool:
    request = phone.ListStaticPlansRequest(source_id=SOURCE)
    return await _done(centre.doors.phone.ListStaticPlans(request, timeout=5))


async def _done(call: Awaitable[object]) -> bool:
    """Whether a call was answered; on a crowded machine a leader may lose its short lease, and take it again."""
    try:
        await call
    except grpc.aio.AioRpcError:
        return False
    return True


async def _is(centre: Centre, name: str, state: int) -> bool:
    return await centre.state(name) == state


async def _rings_for(centre: Centre, name: str) -> instruction_pb2.Instruction | None:
    """What is in force for a contact that an agent is rung for."""
    watch: Any = centre.doors.phone.WatchInstructions(phone.WatchInstructionsRequest(source_id=SOURCE, node="n1"))
    try:
        while (news := await watch.read()).HasField("instruction"):
            held: instruction_pb2.Instruction = news.instruction
            if held.do[-1].ring.agent == centre.agent(name):
                return held
    finally:
        watch.cancel()
    return None
