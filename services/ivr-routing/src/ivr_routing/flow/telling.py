"""What a walk tells, as events of call-events: the same step gives the same events however often it is told.

An id is made of the contact, the word for its stay in the flow and the fact's number in it. Facts of one step are a
microsecond apart, so that their order is told as well.
"""

from __future__ import annotations

from typing import Final, assert_never

from google.protobuf.timestamp_pb2 import Timestamp

from contact_life import identity
from holdfast.call_events.v1 import contact_event_pb2, ivr_pb2, observation_pb2
from ivr_routing.flow.step import (
    EstimateTold,
    FlowEntered,
    FlowExited,
    InputCollected,
    NodeVisited,
    SelfServed,
    Step,
    Told,
)

_MICROSECOND: Final = observation_pb2.TIME_PRECISION_MICROSECOND


def contact_events(step: Step, contact_id: str, source_id: str, time_us: int) -> list[contact_event_pb2.ContactEvent]:
    """Return the facts of a step as events of a contact, told in the name of a source, in order."""
    first = step.state.told - len(step.told)
    events = []
    for place, told in enumerate(step.told):
        event = contact_event(told)
        event.event_id = identity.event_id(source_id, contact_id, "flow", str(first + place))
        event.contact.contact_id = contact_id
        event.source_id = source_id
        event.event_time.CopyFrom(_timestamp(time_us + place))
        events.append(event)
    return events


def contact_fact(told: Told) -> bytes:
    """Return a fact as the log keeps it until call-events has it."""
    return contact_event(told).SerializeToString(deterministic=True)


def contact_event(told: Told) -> contact_event_pb2.ContactEvent:
    """Return a fact as an event without id, contact, source and time."""
    event = contact_event_pb2.ContactEvent()
    observed = observation_pb2.Observation(time_precision=_MICROSECOND)
    match told:
        case FlowEntered():
            entered = ivr_pb2.FlowEntered(observation=observed, flow=told.flow, version=told.version)
            event.flow_entered.CopyFrom(entered)
        case NodeVisited():
            visited = ivr_pb2.NodeVisited(observation=observed, flow=told.flow, version=told.version, node=told.node)
            event.node_visited.CopyFrom(visited)
        case InputCollected():
            event.input_collected.CopyFrom(
                ivr_pb2.InputCollected(
                    observation=observed, node=told.node, name=told.name, value=told.value, safe=told.safe
                )
            )
        case SelfServed():
            event.self_served.CopyFrom(ivr_pb2.SelfServed(observation=observed, outcome=told.outcome))
        case EstimateTold():
            wait_ms = round(told.wait.total_seconds() * 1000)
            event.estimate_told.CopyFrom(
                ivr_pb2.EstimateTold(
                    observation=observed,
                    visit_id=told.visit_id,
                    queue=told.queue,
                    wait_ms=wait_ms,
                    queue_position=told.queue_position,
                )
            )
        case FlowExited():
            event.flow_exited.CopyFrom(
                ivr_pb2.FlowExited(
                    observation=observed, flow=told.flow, version=told.version, node=told.node, queue=told.queue
                )
            )
        case _:
            assert_never(told)
    return event


def _timestamp(time_us: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromMicroseconds(time_us)
    return stamp
