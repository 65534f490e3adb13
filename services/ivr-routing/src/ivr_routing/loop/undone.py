"""What follows when an instruction was not carried out: nobody stays where nothing comes any more. Pure."""

from collections.abc import Iterator
from typing import Final

from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from ivr_routing.flow import step as flow
from ivr_routing.flow.state import Waiting, from_json
from ivr_routing.loop import walks
from ivr_routing.loop.call import Call
from ivr_routing.loop.desk import Desk
from ivr_routing.loop.turn import Turn

_LAST: Final = ("voicemail", "hang_up")
"""Steps after which a contact needs nothing more."""


def too_late(call: Call, now_us: int) -> bool:
    """Whether a contact's instruction was neither done nor can be begun any more."""
    held = call.instruction
    if held is None or call.acknowledged or not held.HasField("valid_until"):
        return False
    return held.valid_until.ToMicroseconds() < now_us


def anew(turn: Turn, call: Call) -> None:
    """Issue anew what was not begun in time."""
    contact, held = turn.desk.core.contacts.get(call.contact_id), call.instruction
    if contact is None or contact.agents or held is None:
        return
    if contact.flow is not None:
        walks.again(turn, call)
    elif held.do[-1].WhichOneof("action") in _LAST:
        turn.instruct(call, list(held.do), list(held.then), list(held.otherwise))
    elif contact.visit is not None:
        turn.touch(call.contact_id)
    else:
        walks.nowhere(turn, call, walks.NO_ROUTE)


def given_up(turn: Turn, call: Call) -> None:
    """A caller who could not be asked has typed nothing; what has an `otherwise` goes on by it."""
    contact, held = turn.desk.core.contacts.get(call.contact_id), call.instruction
    if contact is not None and contact.flow is not None and held is not None and not held.otherwise:
        walks.answer(turn, call, flow.NoInput())


def unheard(desk: Desk) -> Iterator[str]:
    """Yield the contacts whose flow awaits what only a process before this one would have brought.

    That is a lookup, or an instruction which was never written.
    """
    for contact in desk.core.contacts.values():
        call = desk.calls.get(contact.contact_id)
        if contact.flow is None or call is None or not call.walk:
            continue
        held = call.instruction or pb.Instruction()
        if contact.flow.awaits_id != held.instruction_id or from_json(call.walk).waiting is Waiting.LOOKUP:
            yield contact.contact_id
