"""What becomes of a caller at a node that hands the call on or ends it."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from ivr_routing.flow.document import HangUp, Queue, Transfer, Voicemail
from ivr_routing.flow.step import End, Enqueue, SendTo, TakeMessage

Last = Queue | Transfer | Voicemail | HangUp


def outcome(name: str, node: Last, preferred_agent: str) -> Enqueue | SendTo | TakeMessage | End:
    """Return what the phone system and the queues are to do; the agent is for whom a queue is asked first."""
    match node:
        case Queue():
            return Enqueue(name, node.queue, node.priority, node.skills, preferred_agent)
        case Transfer():
            return SendTo(name, node.to, timedelta(seconds=node.ring_for_seconds))
        case Voicemail():
            return TakeMessage(name, node.mailbox, timedelta(seconds=node.at_most_seconds))
        case HangUp():
            return End(name, node.reason)
        case _:
            assert_never(node)
