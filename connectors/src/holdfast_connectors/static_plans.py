"""Which static plan a phone system follows by itself. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from holdfast.ivr_routing.v1 import instruction_pb2 as pb

LAST_RESORT: Final = pb.StaticPlan(do=[pb.Action(hang_up=pb.HangUp(reason="no_route"))])
"""What is done where routing gave no plan beforehand and does not answer now."""
SILENCE: Final = timedelta(seconds=5)


def chosen(
    plans: Sequence[pb.StaticPlan], state: "pb.WaitingState.ValueType", *, queue: str = "", service_number: str = ""
) -> pb.StaticPlan:
    """Return the most particular plan that fits a state, a queue and a number; LAST_RESORT if none does."""
    fitting = [
        plan
        for plan in plans
        if plan.state == state and plan.queue in ("", queue) and plan.service_number in ("", service_number)
    ]
    return max(fitting, key=lambda plan: (bool(plan.queue), bool(plan.service_number)), default=LAST_RESORT)


def silence_of(plan: pb.StaticPlan) -> timedelta:
    """Return the silence after which the plan is followed."""
    return plan.after_silence.ToTimedelta() if plan.HasField("after_silence") else SILENCE
