"""Rules as administrators write them, in the core's own values; what is left out means its default."""

from holdfast.ivr_routing.v1 import configuration_pb2 as pb
from ivr_routing import event_codec
from ivr_routing.core import events as e
from ivr_routing.core.rules import AgentRules, QueueRules


def queue_rules(told: pb.QueueRules) -> QueueRules:
    """Rules of a queue, read as the log's own reader does."""
    event = event_codec.decode("QueueConfigured", pb.QueueConfigured(queue="-", rules=told).SerializeToString())
    assert isinstance(event, e.QueueConfigured)
    return event.rules


def agent_rules(told: pb.AgentRules) -> AgentRules:
    """Rules of an agent, read as the log's own reader does."""
    event = event_codec.decode("AgentConfigured", pb.AgentConfigured(agent="-", rules=told).SerializeToString())
    assert isinstance(event, e.AgentConfigured)
    return event.rules
