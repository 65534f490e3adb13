"""What phone systems are to do by themselves when routing is silent, for every state a contact may wait in. Pure."""

from datetime import timedelta
from typing import Final

from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from ivr_routing.loop import actions
from ivr_routing.loop.desk import Desk

SILENT: Final = "routing_silent"
_OF_QUEUES: Final = (pb.WAITING_STATE_QUEUE_MUSIC, pb.WAITING_STATE_RINGING, pb.WAITING_STATE_PARKED)


def plans(desk: Desk, silence: timedelta, now_us: int) -> list[pb.StaticPlan]:
    """A message can be left in every state: for the queue waited in, or that which the number's flow falls back to."""
    every = [(state, "", "", actions.GENERAL) for state in (pb.WAITING_STATE_ARRIVAL, *_OF_QUEUES)]
    every += [(state, queue, "", queue) for queue in sorted(desk.core.queues) for state in _OF_QUEUES]
    every += [
        (pb.WAITING_STATE_ARRIVAL, "", number, mailbox)
        for number in sorted(desk.catalogue.flows.leads)
        if (mailbox := _mailbox_of(desk, number, now_us))
    ]
    made = [_plan(*one, silence) for one in every]
    redial = pb.StaticPlan(state=pb.WAITING_STATE_REDIAL, do=[actions.hang_up(SILENT)])
    redial.after_silence.FromTimedelta(silence)
    return [*made, redial]


def _plan(
    state: "pb.WaitingState.ValueType", queue: str, number: str, mailbox: str, silence: timedelta
) -> pb.StaticPlan:
    made = pb.StaticPlan(
        state=state,
        queue=queue,
        service_number=number,
        do=[actions.voicemail(mailbox, actions.LONGEST_MESSAGE), actions.hang_up(SILENT)],
    )
    made.after_silence.FromTimedelta(silence)
    return made


def _mailbox_of(desk: Desk, number: str, now_us: int) -> str:
    """The queue or mailbox that a number's flow leads to when it cannot go on; empty if neither."""
    found = desk.catalogue.flow_for(number, now_us)
    if found is None:
        return ""
    node = found.node(found.document.otherwise)
    return str(getattr(node, "queue", "") or getattr(node, "mailbox", ""))
