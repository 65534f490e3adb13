"""PhoneSystemService over gRPC: what a phone system asks becomes a request of its tenant's shard."""
# ruff: noqa: N802  # methods are named as the proto names them

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from contact_life import identity
from holdfast.ivr_routing.v1 import instruction_pb2
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as pb
from holdfast.ivr_routing.v1 import phone_system_service_pb2_grpc as stubs
from ivr_routing import telemetry
from ivr_routing.core import commands as c
from ivr_routing.doors.static_plans import plans
from ivr_routing.errors import NoSuchContact
from ivr_routing.flow import step as flow
from ivr_routing.lead.leading import Leading
from ivr_routing.lead.shard import Shard, node_topic
from ivr_routing.loop.requests import Acknowledge, DefaultRoute, Report, Start
from service_host import call
from service_host.errors import InvalidArgument

LONGEST_WAIT: Final = timedelta(seconds=20)
MOST_CHARACTERS: Final = 200
MOST_ATTRIBUTES: Final = 50
MOST_DIGITS: Final = 64


class PhoneSystemApi(stubs.PhoneSystemServiceServicer):
    """See phone_system_service.proto for what each method promises."""

    def __init__(self, leading: Leading, silence: timedelta) -> None:
        self._leading = leading
        self._silence = silence

    async def StartContact(self, request: pb.StartContactRequest, _context: Any) -> Any:
        """A contact arrived."""
        shard = await self._shard(request.source_id)
        admit = _admit(shard.tenant, request)
        await shard.do(Start(admit), actor=call.caller().subject)
        return pb.StartContactResponse(contact_id=admit.contact_id, instruction=await shard.in_force(admit.contact_id))

    async def ReportInput(self, request: pb.ReportInputRequest, _context: Any) -> Any:
        """The caller did something."""
        shard = await self._of_contact(request.contact_id)
        given = _given(request)
        await shard.do(Report(request.contact_id, request.instruction_id, given))
        return pb.ReportInputResponse(instruction=await shard.in_force(request.contact_id))

    async def NextInstruction(self, request: pb.NextInstructionRequest, _context: Any) -> Any:
        """Wait for a contact's next instruction."""
        shard = await self._of_contact(request.contact_id)
        wait = min(request.wait.ToTimedelta(), LONGEST_WAIT).total_seconds()
        with shard.instructions.subscribed(request.contact_id) as subscription:
            held = await shard.in_force(request.contact_id)
            if held is None or held.number <= request.after_number:
                held = None
                try:
                    async with asyncio.timeout(min(wait, call.seconds_left() * 0.9)):
                        async for news in subscription.read():
                            if news is not None and news.number > request.after_number:
                                held = news
                                break
                except TimeoutError:
                    pass
        return pb.NextInstructionResponse(instruction=held)

    async def WatchInstructions(self, request: pb.WatchInstructionsRequest, _context: Any) -> AsyncIterator[Any]:
        """Stream a node's instructions."""
        shard = await self._shard(request.source_id)
        with shard.instructions.subscribed(node_topic(request.source_id, request.node)) as subscription:
            await shard.settled()
            highest = request.after_number
            for instruction in _of_node(shard, request):
                highest = max(highest, instruction.number)
                yield _news(shard, request.source_id, instruction)
            yield _news(shard, request.source_id, None)
            async for news in subscription.read():
                if news is None or news.number > highest:
                    yield _news(shard, request.source_id, news)

    async def AcknowledgeInstruction(self, request: pb.AcknowledgeInstructionRequest, _context: Any) -> Any:
        """What became of an instruction."""
        shard = await self._of_contact(request.contact_id)
        await shard.do(
            Acknowledge(request.contact_id, request.instruction_id, request.status, request.cause[:MOST_CHARACTERS])
        )
        return pb.AcknowledgeInstructionResponse()

    async def ReportDefaultRoute(self, request: pb.ReportDefaultRouteRequest, _context: Any) -> Any:
        """What a phone system did by itself."""
        shard = await self._shard(request.source_id)
        began = pb.StartContactRequest(
            source_id=request.source_id, native_id=request.native_id, service_number=request.service_number
        )
        admit = _admit(shard.tenant, began)
        taken = instruction_pb2.DefaultRouteTaken(
            contact_id=admit.contact_id,
            state=request.state,
            did=request.did,
            taken_us=request.taken_time.ToMicroseconds(),
        )
        await shard.do(DefaultRoute(taken, admit), actor=call.caller().subject)
        telemetry.DEFAULTED.add(1)
        return pb.ReportDefaultRouteResponse(contact_id=admit.contact_id)

    async def ListStaticPlans(self, request: pb.ListStaticPlansRequest, _context: Any) -> Any:
        """The static plans to be kept at hand."""
        shard = await self._shard(request.source_id)
        return pb.ListStaticPlansResponse(plans=plans(shard.desk, self._silence, shard.now_us()))

    async def _shard(self, source_id: str) -> Shard:
        """The tenant's shard, for a source that the token speaks for."""
        if not source_id:
            raise InvalidArgument("INVALID_FIELD", "Say which source asks.", field="source_id")
        call.caller().require_source(source_id)
        return await self._leading.shard(call.caller().tenant)

    async def _of_contact(self, contact_id: str) -> Shard:
        """The tenant's shard; raises NoSuchContact unless the token speaks for the contact's source."""
        caller = call.caller()
        shard = await self._leading.shard(caller.tenant)
        held = shard.desk.calls.get(contact_id)
        if held is None or not caller.speaks_for(held.source_id):
            raise NoSuchContact("Routing holds no such contact.")
        return shard


def _admit(tenant: str, request: pb.StartContactRequest) -> c.AdmitContact:
    if not request.native_id or len(request.native_id) > MOST_CHARACTERS:
        raise InvalidArgument("INVALID_FIELD", "Say the first leg's id.", field="native_id")
    if len(request.attributes) > MOST_ATTRIBUTES:
        raise InvalidArgument("INVALID_FIELD", "These are too many attributes.", field="attributes")
    if request.caller_ref and not _is_uuid(request.caller_ref):
        raise InvalidArgument("INVALID_FIELD", "A caller_ref is a UUID, never a number.", field="caller_ref")
    return c.AdmitContact(
        identity.contact_id(tenant, request.source_id, request.native_id),
        request.source_id,
        request.node,
        request.native_id,
        request.service_number,
        request.caller_ref,
        request.customer_ref,
        request.identified_by,
        request.language,
        dict(request.attributes),
    )


def _is_uuid(told: str) -> bool:
    try:
        UUID(told)
    except ValueError:
        return False
    return True


def _given(request: pb.ReportInputRequest) -> flow.Input:
    match request.WhichOneof("input"):
        case "digits":
            if len(request.digits) > MOST_DIGITS or not set(request.digits) <= set("0123456789*#ABCD"):
                raise InvalidArgument("INVALID_FIELD", "Digits are 0-9, *, # and A-D.", field="digits")
            return flow.Digits(request.digits)
        case "no_input":
            return flow.NoInput()
        case "played":
            return flow.CameBack("no_answer")
        case _:
            raise InvalidArgument("INVALID_FIELD", "Say what the caller did.", field="input")


def _news(shard: Shard, source_id: str, instruction: instruction_pb2.Instruction | None) -> Any:
    wanted = source_id in shard.desk.core.doubts
    return pb.WatchInstructionsResponse(instruction=instruction, snapshot_wanted=wanted)


def _of_node(shard: Shard, request: pb.WatchInstructionsRequest) -> list[instruction_pb2.Instruction]:
    """The instructions in force for a node that the reader has not seen, in the order of their numbers."""
    found = [
        held.instruction
        for held in shard.desk.calls.values()
        if held.source_id == request.source_id
        and request.node in ("", held.node)
        and held.instruction is not None
        and not held.acknowledged
        and held.instruction.number > request.after_number
    ]
    return sorted(found, key=lambda instruction: instruction.number)
