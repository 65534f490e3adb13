"""A webhook platform (in the manner of Twilio) on Holdfast: a request tells what happened and asks what comes next."""

import os
import time
from functools import cache
from typing import Any
from urllib.parse import parse_qsl
from uuid import NAMESPACE_URL, uuid5

import grpc
from fastapi import FastAPI, Request, Response
from plan_xml import document

from holdfast.call_events.v1.call_events_service_pb2 import RecordContactEventsRequest
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast.ivr_routing.v1 import instruction_pb2
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as pb
from holdfast.ivr_routing.v1.instruction_pb2 import Instruction
from holdfast.ivr_routing.v1.phone_system_service_pb2_grpc import PhoneSystemServiceStub

SOURCE, PATH = "webhook", f"/{os.environ['WEBHOOK_SECRET']}"  # a path that only the platform knows
AS_US: Any = {"metadata": [("authorization", f"Bearer {os.environ['HOLDFAST_TOKEN']}")], "timeout": 12}
CAUSES = {"no-answer": "no_answer", "busy": "busy", "failed": "endpoint_unknown", "canceled": "caller_gone"}
app = FastAPI()


@cache
def door(stub: Any, variable: str) -> Any:
    return stub(grpc.aio.insecure_channel(os.environ[variable]))


async def tell(call: str, **facts: dict[str, Any]) -> None:
    """Tell call-events what happened on a call, in this order; told twice it is told once."""
    events = []
    for place, (kind, fact) in enumerate(facts.items()):
        event_id = str(uuid5(NAMESPACE_URL, f"{call} {kind} {fact}"))
        body: Any = {kind: fact}
        events.append(ContactEvent(event_id=event_id, source_id=SOURCE, **body))
        events[-1].contact.alias.native_id = call
        events[-1].event_time.FromMicroseconds(time.time_ns() // 1000 + place)
    request = RecordContactEventsRequest(events=events)
    await door(CallEventsServiceStub, "HOLDFAST_CALL_EVENTS").RecordContactEvents(request, **AS_US)


@app.post(PATH + "/{step}")
async def webhook(step: str, request: Request) -> Response:
    """Take what the platform posts; answer with what it does next."""
    given = dict(request.query_params) | dict(parse_qsl((await request.body()).decode()))
    call, about = given.get("call") or given["CallSid"], (given.get("contact", ""), given.get("plan", ""))
    plan = Instruction(contact_id=about[0], instruction_id=about[1], number=int(given.get("after", 0)))
    if step in ASKING:
        plan = await ASKING[step](door(PhoneSystemServiceStub, "HOLDFAST_ROUTING"), call, given, plan)
    else:
        await happened(step, call, given)
    for action in plan.do:
        if action.HasField("queue_music"):
            visit = {"visit_id": action.queue_music.visit_id, "queue": action.queue_music.queue}
            await tell(call, enqueued=visit)
    return Response(document(plan, PATH, call), media_type="application/xml")


async def voice(routing: Any, call: str, given: dict[str, str], _: Instruction) -> Instruction:
    arrived = {"native_id": call, "service_number": given["To"], "direction": 1, "caller": {"number": given["From"]}}
    await tell(call, contact_arrived=arrived, leg_created={"leg_id": call, "role": 1})
    start = pb.StartContactRequest(source_id=SOURCE, native_id=call, node="1", service_number=given["To"])
    answer: pb.StartContactResponse = await routing.StartContact(start, **AS_US)
    return answer.instruction


async def typed(routing: Any, _: str, given: dict[str, str], plan: Instruction) -> Instruction:
    told = pb.ReportInputRequest(contact_id=plan.contact_id, instruction_id=plan.instruction_id, node=given["node"])
    told.input_id = str(uuid5(NAMESPACE_URL, plan.instruction_id))
    if given.get("Digits"):
        told.digits = given["Digits"]
    else:
        told.no_input = True
    answer: pb.ReportInputResponse = await routing.ReportInput(told, **AS_US)
    return answer.instruction


async def newer(routing: Any, _: str, __: dict[str, str], plan: Instruction) -> Instruction:
    ask = pb.NextInstructionRequest(contact_id=plan.contact_id, after_number=plan.number)
    ask.wait.FromSeconds(8)  # the platform itself waits 15 s
    found: pb.NextInstructionResponse = await routing.NextInstruction(ask, **AS_US)
    return found.instruction if found.HasField("instruction") else plan


async def dialled(routing: Any, _: str, given: dict[str, str], plan: Instruction) -> Instruction:
    """The agent has hung up, or nobody answered: then routing knows who is next."""
    cause = CAUSES.get(given["DialCallStatus"])
    status = instruction_pb2.INSTRUCTION_STATUS_FAILED if cause else instruction_pb2.INSTRUCTION_STATUS_DONE
    told = pb.AcknowledgeInstructionRequest(
        contact_id=plan.contact_id, instruction_id=plan.instruction_id, status=status
    )
    told.cause = cause or ""
    await routing.AcknowledgeInstruction(told, **AS_US)
    return plan if cause else Instruction(do=[instruction_pb2.Action(hang_up=instruction_pb2.HangUp())])


async def happened(step: str, call: str, given: dict[str, str]) -> None:
    """Tell what became of the agent's leg (step agent) or of the caller's (step ended)."""
    agent = {"leg_id": given["CallSid"], "role": 2, "agent": given.get("agent", "")}
    rung = {"reservation_id": given.get("reservation", ""), "visit_id": given.get("visit", "")}
    heard = {"leg_id": call, "peer_leg_id": agent["leg_id"], "agent": agent["agent"], "queue": given.get("queue", "")}
    waited = {"visit_id": rung["visit_id"], "queue": heard["queue"], "kind": 1}
    match step, given["CallStatus"]:
        case "agent", "ringing":
            created = agent | {"reservation_id": rung["reservation_id"]}
            await tell(call, leg_created=created, leg_ringing=agent | rung)
        case "agent", "in-progress":
            await tell(call, leg_answered=agent | rung, bridged=heard | rung, dequeued=waited)
        case "agent", _:
            await tell(call, leg_ended=agent)
        case _:
            await tell(call, leg_ended={"leg_id": call, "role": 1})


ASKING = {"voice": voice, "input": typed, "next": newer, "dialled": dialled}
