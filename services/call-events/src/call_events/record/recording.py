"""From what a teller told to what the log keeps; pure: ids, keys, clock and chance come in.

An event is *read* (form, authority, secrets: `Intake`), then, once its contact and its customer's key are
known, *finished* (`Told.new_event`). The order matters and is the same for all: the MAC is taken of the event as it was
told, then what is unknown is dropped, cards and inputs are masked, the number is sealed.

What this version does not know it can neither mask nor seal: unknown fields are left out of the log and noted.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from call_events.customer import caller_number
from call_events.errors import EventRefused
from call_events.record import event_form, event_masking
from call_events.record.event_form import AGENT_FORMS, CONTACT_FORMS, LONGEST_NAME, BodyForm, read_uuid
from call_events.record.streams import agent_stream, contact_stream, named_stream, source_stream
from call_events.record.told import Alias, Told
from contact_life.observed import EARLIEST_TIME_US, LATEST_AHEAD_US
from event_log.model import Stream
from holdfast.call_events.v1 import call_events_service_pb2, contact_event_pb2
from holdfast.call_events.v1.observation_pb2 import (
    NUMBER_QUALITY_PLACEHOLDER,
    NUMBER_QUALITY_USABLE,
    NUMBER_QUALITY_WITHHELD,
    CallerNumber,
)

ContactEvent: TypeAlias = contact_event_pb2.ContactEvent
AgentEvent: TypeAlias = contact_event_pb2.AgentEvent
ContactEvents: TypeAlias = call_events_service_pb2.RecordContactEventsRequest | call_events_service_pb2.StreamBatch
AgentEvents: TypeAlias = call_events_service_pb2.RecordAgentEventsRequest

LARGEST_EVENT_BYTES: Final = 65_536
LONGEST_SOURCE: Final = 200
MOST_ALIASES: Final = 16

TIME_OUT_OF_RANGE: Final = "TIME_OUT_OF_RANGE"
UNKNOWN_FIELDS_DROPPED: Final = "UNKNOWN_FIELDS_DROPPED"
_UNUSABLE: Final = frozenset({NUMBER_QUALITY_WITHHELD, NUMBER_QUALITY_PLACEHOLDER})


class Intake:
    """Reads the events of one call."""

    def __init__(
        self, tenant: str, speaks_for: Callable[[str], bool], now_us: int, own_numbers: Sequence[str] = ()
    ) -> None:
        self._tenant = tenant
        self._speaks_for = speaks_for
        self._latest_us = now_us + LATEST_AHEAD_US
        self._own_numbers = own_numbers
        self._sources: set[str] = set()
        self.named: list[Told] = []
        """Events whose contact has a name that must be looked up."""
        self.numbers: set[str] = set()
        """Callers' numbers, in their one form, that stand in these events."""

    def contact_events(self, request: ContactEvents) -> list[Told | EventRefused]:
        """Read events of contacts, in order; what is wrong with one stands in its place."""
        return self._each(request, self._contact_event)

    def agent_events(self, request: AgentEvents) -> list[Told | EventRefused]:
        """Read events of agents and sources; their streams are the agent's or the source's UTC day."""
        return self._each(request, self._agent_event)

    def _each(self, request: Any, read: Callable[[Any, bytes], Told]) -> list[Told | EventRefused]:
        events = list(request.events)
        received = [event.SerializeToString(deterministic=True) for event in events]
        size = request.ByteSize()
        request.DiscardUnknownFields()
        changed = request.ByteSize() != size
        found: list[Told | EventRefused] = []
        for event, as_received in zip(events, received, strict=True):
            try:
                told = read(event, as_received)
            except EventRefused as refused:
                found.append(refused)
                continue
            if changed and event.ByteSize() != len(as_received):
                told.notes = (*told.notes, UNKNOWN_FIELDS_DROPPED)
            found.append(told)
        return found

    def _contact_event(self, event: ContactEvent, received: bytes) -> Told:
        told = self._read(event, received, CONTACT_FORMS)
        contact = event.contact
        if contact_id := contact.contact_id:
            told.stream = contact_stream(contact_id)
        elif contact.HasField("alias"):
            self._name(told, self._alias(contact.alias, told.source_id, "contact.alias.native_id"))
        else:
            raise EventRefused("MISSING_CONTACT", "Name the contact by its id or by an alias.", "contact")
        if contact.also_known_as:
            told.also_known_as = self._also_known_as(event)
        if told.alias is not None or told.also_known_as:
            self.named.append(told)
        return told

    def _agent_event(self, event: AgentEvent, received: bytes) -> Told:
        told = self._read(event, received, AGENT_FORMS)
        told.stream = self._agent_stream(told)
        return told

    def _read(self, event: Any, received: bytes, forms: dict[str, BodyForm]) -> Told:
        if len(received) > LARGEST_EVENT_BYTES:
            raise EventRefused("TOO_LARGE", f"An event has at most {LARGEST_EVENT_BYTES} bytes.")
        event_id = event.event_id
        if not event_id:
            raise EventRefused("MISSING_EVENT_ID", "Give every event an id of yours, a UUID.", "event_id")
        source = event.source_id
        if source not in self._sources:
            self._check_source(source)
        body, form = _body(event, forms)
        told = Told(event, body, form, received, read_uuid(event_id, "event_id"), _event_time(event), source)
        if causation_id := event.causation_id:
            told.causation_id = read_uuid(causation_id, "causation_id")
        if correlation_id := event.correlation_id:
            told.correlation_id = read_uuid(correlation_id, "correlation_id")
        self._check(told)
        return told

    def _check_source(self, source: str) -> None:
        if not source or len(source) > LONGEST_SOURCE:
            raise EventRefused("INVALID_FIELD", f"Name the source in 1 to {LONGEST_SOURCE} characters.", "source_id")
        if not self._speaks_for(source):
            raise EventRefused("FOREIGN_SOURCE", "Your token does not speak for this source.", "source_id")
        self._sources.add(source)

    def _check(self, told: Told) -> None:
        """Everything about the body; the common event passes without a look at its single fields."""
        body, form, received = told.body, told.form, told.mac_input
        if len(received) > LONGEST_NAME or b"\0" in received:
            _check_strings(told)
        if form.checked:
            event_form.check_body(body, form)
        if not EARLIEST_TIME_US <= told.event_time_us <= self._latest_us:
            told.notes = (*told.notes, TIME_OUT_OF_RANGE)
        if form.words or (form.observed and body.observation.extra):
            told.notes = (*told.notes, *event_masking.mask(body, form))
        if form.caller and body.HasField("caller"):
            self._read_number(told)

    def _read_number(self, told: Told) -> None:
        """Judge the caller's number; one that stands for nobody is left out, and out of the MAC too."""
        caller: CallerNumber = told.body.caller
        if caller.HasField("sealed"):
            raise EventRefused("INVALID_FIELD", "Sealed values are ours to set: tell the number.", "caller.sealed")
        if caller.caller_ref:
            caller.caller_ref = str(read_uuid(caller.caller_ref, "caller.caller_ref"))
        if not caller.number:
            return
        judged = caller_number.judge(caller.number, self._own_numbers)
        quality = caller.quality if caller.quality in _UNUSABLE else judged.quality
        if quality == NUMBER_QUALITY_USABLE:
            told.number = judged.number
            self.numbers.add(judged.number)
            return
        caller.Clear()
        told.mac_input = told.event.SerializeToString(deterministic=True)
        caller.quality = quality

    def _name(self, told: Told, alias: Alias) -> None:
        """Find the contact of an alias: the first leg's native id says it alone, other kinds are looked up."""
        if alias[1]:
            told.alias = alias
        else:
            told.stream = named_stream(self._tenant, alias[0], alias[2])

    def _alias(self, told: contact_event_pb2.ContactAlias, source: str, field: str) -> Alias:
        alias = (told.source_id or source, told.kind, told.native_id)
        if not alias[2] or max(map(len, alias)) > LONGEST_NAME or "\0" in "".join(alias):
            raise EventRefused("INVALID_FIELD", f"An alias has a native id of 1 to {LONGEST_NAME} characters.", field)
        return alias

    def _also_known_as(self, event: ContactEvent) -> Sequence[Alias]:
        if len(event.contact.also_known_as) > MOST_ALIASES:
            raise EventRefused("INVALID_FIELD", f"Tell at most {MOST_ALIASES} names.", "contact.also_known_as")
        found = [self._alias(told, event.source_id, "contact.also_known_as") for told in event.contact.also_known_as]
        if not all(kind for _, kind, _ in found):
            message = "A further name says its kind; without one it is the first leg's native id, another contact."
            raise EventRefused("INVALID_FIELD", message, "contact.also_known_as.kind")
        return found

    def _agent_stream(self, told: Told) -> Stream:
        body, name = told.body, told.form.type
        source = told.event.source_id
        if name == "AgentEventVoided":
            when_us = event_form.microseconds(body.voided_event_time, "voided_event_time")
            return (
                agent_stream(self._tenant, body.agent, when_us)
                if body.agent
                else source_stream(self._tenant, source, when_us)
            )
        if name.startswith("Source"):
            return source_stream(self._tenant, source, told.event_time_us)
        return agent_stream(self._tenant, body.agent, told.event_time_us)


def _body(event: Any, forms: dict[str, BodyForm]) -> tuple[Any, BodyForm]:
    name = event.WhichOneof("body")
    if name is None:
        message = "There is no body that this version knows: say what happened. The sender may be newer than this."
        raise EventRefused("MISSING_BODY", message, "body")
    return getattr(event, name), forms[name]


def _event_time(event: Any) -> int:
    told = event_form.microseconds(event.event_time, "event_time")
    if not told and not event.HasField("event_time"):
        raise EventRefused("MISSING_EVENT_TIME", "Say when it happened by the source's clock.", "event_time")
    return told


def _check_strings(told: Told) -> None:
    if len(told.event.actor) > LONGEST_SOURCE:
        raise EventRefused("INVALID_FIELD", f"This field holds at most {LONGEST_SOURCE} characters.", "actor")
    if told.body.ByteSize() > LONGEST_NAME or b"\0" in told.mac_input:
        event_form.check_strings(told.event, told.form)
