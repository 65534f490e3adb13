"""What Holdfast and a webhook platform (in the manner of Twilio) say, each in the words of the other. Pure."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape, quoteattr


def events(call: str, facts: dict[str, dict[str, Any]], now: float) -> list[dict[str, Any]]:
    """Return what happened on a call, in this order, as call-events takes it; told twice it is told once."""
    about = {"source_id": "webhook", "contact": {"alias": {"native_id": call}}}
    told = []
    for place, (kind, fact) in enumerate(facts.items()):
        at = datetime.fromtimestamp(now + place / 1_000_000, UTC).isoformat()
        told.append(
            {"event_id": str(uuid5(NAMESPACE_URL, f"{call} {kind} {fact}")), "event_time": at, kind: fact, **about}
        )
    return told


def agent_facts(call: str, given: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return what became of an agent's leg, as the platform posts it."""
    leg = {"leg_id": given["CallSid"], "role": 2, "agent": given["agent"]}
    asked = {"reservation_id": given["reservation"], "instruction_id": given["plan"]}
    rung = asked | {"visit_id": given["visit"]}
    match given["CallStatus"]:
        case "ringing":
            return {"leg_created": leg | asked, "leg_ringing": leg | rung}
        case "in-progress":
            queue = {"queue": given["queue"], "visit_id": given["visit"]}
            heard = {"leg_id": call, "peer_leg_id": given["CallSid"], "agent": given["agent"], **queue}
            return {"leg_answered": leg | rung, "bridged": heard | rung, "dequeued": {**queue, "kind": 1}}
        case "no-answer":  # the plan's time was over
            return {"leg_ended": leg | {"instruction_id": given["plan"]}}
        case _:
            return {"leg_ended": leg}


def document(plan: dict[str, Any], path: str, call: str) -> str:
    """Return what the platform does by a plan; where nothing ends it, it comes back and asks."""
    back = escape(_link(path, "next", plan))
    verbs = [_verb(action, plan, path, call) for action in plan.get("do", ())]
    return f"<Response>{''.join(verbs)}<Redirect>{back}</Redirect></Response>"


def _verb(action: dict[str, Any], plan: dict[str, Any], path: str, call: str) -> str:
    match action:
        case {"play": said}:
            return _said(said)
        case {"collect": asked}:
            back, most = _link(path, "input", plan, node=asked["node"]), asked.get("max_digits", 1)
            limits = f'numDigits="{most}" timeout="{_seconds(asked.get("first_digit_timeout"))}"'
            gather = f"<Gather {limits} finishOnKey={quoteattr(asked.get('finish_on', ''))} action={quoteattr(back)}>"
            return f"{gather}{_said(asked)}</Gather><Redirect>{escape(back)}</Redirect>"
        case {"ring": ring}:
            return _ring(ring, plan, path, call)
        case {"transfer": to}:
            return f"<Dial>{escape(to['endpoint'])}</Dial>"
        case {"voicemail": box}:
            return f'{_said(box)}<Record maxLength="{_seconds(box.get("at_most"))}"/>'
        case {"hang_up": _}:
            return "<Hangup/>"
        case _:
            return ""


def _ring(ring: dict[str, Any], plan: dict[str, Any], path: str, call: str) -> str:
    """Dial an agent; the platform lets both hear each other by itself as soon as they answer."""
    about = {"call": call, "agent": ring["agent"], "queue": ring["queue"], "visit": ring["visit_id"]}
    told = _link(path, "agent", plan, reservation=ring["reservation_id"], **about)
    events = f'statusCallbackEvent="ringing answered completed" statusCallback={quoteattr(told)}'
    dial = f'<Dial timeout="{_seconds(ring.get("ring_for"))}" action={quoteattr(_link(path, "dialled", plan))}>'
    return f"{dial}<Sip {events}>{escape(ring['endpoint'])}</Sip></Dial>"


def _said(words: dict[str, Any]) -> str:
    return "".join(_prompt(one) for one in words.get("prompts", ()))


def _prompt(one: dict[str, str]) -> str:
    if "text" in one:
        return f"<Say language={quoteattr(one.get('language', ''))}>{escape(one['text'])}</Say>"
    return f"<Play>/recordings/{escape(one.get('media', ''))}</Play>"


def _seconds(length: str | None) -> int:
    """Return a length as JSON tells it (19.5s) in whole seconds, at least one."""
    return max(1, int(float((length or "1s").rstrip("s"))))


def _link(path: str, step: str, plan: dict[str, Any], **more: str) -> str:
    """Return the address of a step, with what it is about; the platform adds what happened."""
    about = {"contact": plan["contact_id"], "plan": plan["instruction_id"], "after": plan["number"], **more}
    return f"{path}/{step}?{urlencode(about)}"
