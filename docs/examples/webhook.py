"""A webhook platform (in the manner of Twilio) on Holdfast, by JSON: tell what happened, ask what comes next."""

import os
import time
from typing import Any
from urllib.parse import parse_qsl
from uuid import NAMESPACE_URL, uuid5

import httpx
from fastapi import FastAPI, Request, Response
from platform_words import agent_facts, document, events

PATH = f"/{os.environ['WEBHOOK_SECRET']}"  # that only the platform knows
CAUSES = {"no-answer": "no_answer", "busy": "busy", "failed": "endpoint_unknown", "canceled": "caller_gone"}
US = {"authorization": f"Bearer {os.environ['HOLDFAST_TOKEN']}"}
app, http = FastAPI(), httpx.AsyncClient(headers=US, timeout=12, trust_env=False)


async def ask(door: str, **told: Any) -> dict[str, Any]:
    answer = await http.post(f"http://{os.environ['HOLDFAST_ROUTING_HTTP']}/v1/{door}", json=told)
    found: dict[str, Any] = answer.raise_for_status().json().get("instruction", {})
    return found


async def tell(call: str, **facts: dict[str, Any]) -> None:
    told, where = {"events": events(call, facts, time.time())}, os.environ["HOLDFAST_CALL_EVENTS_HTTP"]
    (await http.post(f"http://{where}/v1/contact-events:record", json=told)).raise_for_status()


@app.post(PATH + "/{step}")
async def webhook(step: str, request: Request) -> Response:
    """Take what the platform posts; answer with what it does next."""
    given = dict(request.query_params) | dict(parse_qsl((await request.body()).decode()))
    call, about = given.get("call") or given["CallSid"], {"contact_id": given.get("contact", "")}
    here = {**about, "instruction_id": given.get("plan", "")}
    plan: dict[str, Any] = {**here, "number": given.get("after", "0")}
    match step:
        case "voice":
            number = {"service_number": given["To"], "caller": {"number": given["From"]}, "direction": 1}
            await tell(call, contact_arrived={"native_id": call, **number}, leg_created={"leg_id": call, "role": 1})
            plan = await ask("start-contact", source_id="webhook", native_id=call, service_number=given["To"])
        case "input":
            typed = {"digits": given["Digits"]} if given.get("Digits") else {"no_input": True}
            named = {"input_id": str(uuid5(NAMESPACE_URL, given["plan"])), "node": given["node"]}
            plan = await ask("report-input", **here, **named, **typed)
        case "next":  # the platform itself waits 15 s
            plan = await ask("next-instruction", **about, after_number=plan["number"], wait="8s") or plan
        case "dialled":  # the agent has hung up, or nobody answered: then routing knows who is next
            cause = CAUSES.get(given["DialCallStatus"], "")
            await ask("acknowledge-instruction", **here, status=3 if cause else 2, cause=cause)
            plan |= {} if cause else {"do": [{"hang_up": {}}]}
        case "agent":  # the agent's leg rings, was answered, has ended
            await tell(call, **agent_facts(call, given))
        case _:
            await tell(call, leg_ended={"leg_id": call, "role": 1})
    for visit in (action["queue_music"] for action in plan.get("do", ()) if "queue_music" in action):
        await tell(call, enqueued={"visit_id": visit["visit_id"], "queue": visit["queue"]})
    return Response(document(plan, PATH, call), media_type="application/xml")
