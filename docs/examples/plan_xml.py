"""Plans of routing in the words of a webhook platform (in the manner of Twilio). Pure."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr

from holdfast.ivr_routing.v1 import instruction_pb2 as pb


def document(plan: pb.Instruction, path: str, call: str) -> str:
    """Return what the platform does by a plan; where nothing ends it, it comes back and asks."""
    back = escape(_link(path, "next", plan))
    verbs = [_verb(action, plan, path, call) for action in plan.do]
    return f"<Response>{''.join(verbs)}<Redirect>{back}</Redirect></Response>"


def _verb(action: pb.Action, plan: pb.Instruction, path: str, call: str) -> str:
    match action.WhichOneof("action"):
        case "play":
            return _said(action.play.prompts)
        case "collect":
            asked, back = action.collect, _link(path, "input", plan, node=action.collect.node)
            limits = f'numDigits="{asked.max_digits}" timeout="{asked.first_digit_timeout.seconds or 1}"'
            gather = f"<Gather {limits} finishOnKey={quoteattr(asked.finish_on)} action={quoteattr(back)}>"
            return f"{gather}{_said(asked.prompts)}</Gather><Redirect>{escape(back)}</Redirect>"
        case "ring":
            return _ring(action.ring, plan, path, call)
        case "transfer":
            return f"<Dial>{escape(action.transfer.endpoint)}</Dial>"
        case "voicemail":
            most = action.voicemail.at_most.seconds
            return f'{_said(action.voicemail.prompts)}<Record maxLength="{most}"/>'
        case "hang_up":
            return "<Hangup/>"
        case _:
            return ""


def _ring(ring: pb.Ring, plan: pb.Instruction, path: str, call: str) -> str:
    """Dial an agent; the platform lets both hear each other by itself as soon as they answer."""
    about = {"call": call, "agent": ring.agent, "queue": ring.queue, "visit": ring.visit_id}
    told = _link(path, "agent", plan, reservation=ring.reservation_id, **about)
    back = _link(path, "dialled", plan)
    events = f'statusCallbackEvent="ringing answered completed" statusCallback={quoteattr(told)}'
    dial = f'<Dial timeout="{ring.ring_for.seconds}" action={quoteattr(back)}>'
    return f"{dial}<Sip {events}>{escape(ring.endpoint)}</Sip></Dial>"


def _said(prompts: Iterable[pb.Prompt]) -> str:
    words = [
        f"<Say language={quoteattr(one.language)}>{escape(one.text)}</Say>" if one.text else _recording(one.media)
        for one in prompts
    ]
    return "".join(words)


def _recording(media: str) -> str:
    return f"<Play>{escape(RECORDINGS)}{escape(media)}</Play>"


def _link(path: str, step: str, plan: pb.Instruction, **more: str) -> str:
    """Return the address of a step, with what it is about; the platform adds what happened."""
    about = {"contact": plan.contact_id, "plan": plan.instruction_id, "after": str(plan.number), **more}
    return f"{path}/{step}?{urlencode(about)}"


RECORDINGS: Final = "/recordings/"
