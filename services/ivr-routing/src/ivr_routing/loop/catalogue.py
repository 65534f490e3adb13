"""What was configured beside the core: flows by version, where service numbers lead, hours, skills. Changed by evolve.

A published version never changes; a flow's document is read when it is first needed.
"""

from dataclasses import fields
from typing import Any, Final

from google.protobuf.message import Message

from holdfast.ivr_routing.v1 import configuration_pb2 as pb
from ivr_routing.flow import publishing
from ivr_routing.flow.flow import Flow, load

ANY_NUMBER: Final = "*"
"""Service number of a flow for all numbers that have none of their own."""
_KINDS: Final[dict[type, Any]] = {
    pb.FlowDrafted: publishing.FlowDrafted,
    pb.FlowPublished: publishing.FlowPublished,
    pb.FlowScheduled: publishing.FlowScheduled,
    pb.FlowWithdrawn: publishing.FlowWithdrawn,
}


class Catalogue:
    """Everything published, scheduled and named."""

    def __init__(self) -> None:
        self.flows = publishing.Published()
        self.kept: list[Message] = []
        """Every event, in order: there are as many as somebody changed something."""
        self.skills: dict[str, pb.SkillConfigured] = {}
        self.hours: dict[str, pb.HoursConfigured] = {}
        self._loaded: dict[tuple[str, str], Flow] = {}

    def evolve(self, event: Message) -> None:
        """Apply an event of configuration; others are nothing here."""
        if isinstance(event, pb.SkillConfigured):
            self.skills[event.skill] = event
        elif isinstance(event, pb.HoursConfigured):
            self.hours[event.hours] = event
        elif type(event) in _KINDS:
            self.flows = publishing.evolve(self.flows, _value(event))
        else:
            return
        self.kept.append(event)

    def flow(self, name: str, version: str) -> Flow | None:
        """A published version, ready to be walked."""
        key = (name, version)
        if key not in self._loaded and key in self.flows.versions:
            self._loaded[key] = load(self.flows.versions[key].document)
        return self._loaded.get(key)

    def flow_for(self, service_number: str, now_us: int) -> Flow | None:
        """The flow that a service number leads to now; that of all other numbers if it has none of its own."""
        for number in (service_number, ANY_NUMBER):
            lead = self.flows.lead(number, now_us)
            if lead is not None:
                return self.flow(lead.flow, lead.version)
        return None


def message_of(event: publishing.Event) -> Message:
    """An event of a flow as its message."""
    kind = next(message for message, value in _KINDS.items() if value is type(event))
    made: Message = kind(**{field.name: getattr(event, field.name) for field in fields(event)})
    return made


def _value(message: Any) -> publishing.Event:
    kind = _KINDS[type(message)]
    told = {field.name: getattr(message, field.name) for field in fields(kind)}
    if "service_numbers" in told:
        told["service_numbers"] = tuple(told["service_numbers"])
    event: publishing.Event = kind(**told)
    return event
