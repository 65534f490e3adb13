"""What an Asterisk says by its manager interface, read from a capture: messages, and the facts of legs in them. Pure.

A capture tells no time with its events, but a channel's id begins with the second in which it was made: each fact has
the latest second that was named before it. Channels that call records link are one contact.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contact_life import identity
from holdfast.call_events.v1 import arrival_pb2, contact_event_pb2, leg_pb2, observation_pb2, talk_pb2

Message = Mapping[str, str]
_US: Final = 1_000_000
_UNKNOWN: Final = ("", "<unknown>", "unknown")


def messages(text: str) -> Iterator[Message]:
    """Each message of a capture: fields by name, the last of a name told twice. Lines that are none are left out."""
    for block in text.replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(":", 1) for line in block.splitlines() if ":" in line)
        found = {name.strip(): value.strip() for name, value in fields.items()}
        if found:
            yield found


@dataclass
class Reading:
    """Reads a capture's messages in order; `counts` says of what kind they were."""

    source_id: str
    counts: Counter[str] = field(default_factory=Counter)
    _linked: dict[str, str] = field(default_factory=dict)
    _arrived: set[str] = field(default_factory=set)
    _told: Counter[tuple[str, str]] = field(default_factory=Counter)
    _now_us: int = 0

    def facts(self, told: Iterable[Message]) -> Iterator[contact_event_pb2.ContactEvent]:
        """The facts in some messages; what says nothing of a leg is counted and left out."""
        known = list(told)
        for message in known:
            if message.get("LinkedID") and message.get("UniqueID"):
                self._linked.setdefault(message["UniqueID"], message["LinkedID"])
        for message in known:
            kind = message.get("Event") or ("Response" if "Response" in message else "Action")
            self.counts[kind] += 1
            self._look_at_the_time(message)
            reader = _READERS.get(kind)
            if reader is not None:
                yield from reader(self, message)

    def _look_at_the_time(self, message: Message) -> None:
        for name in ("Timestamp", "Uniqueid", "UniqueID"):
            second = message.get(name, "").split(".")[0]
            if second.isdecimal():
                self._now_us = max(self._now_us, int(second) * _US)

    def _new_channel(self, message: Message) -> Iterator[contact_event_pb2.ContactEvent]:
        leg = message.get("Uniqueid", "")
        contact = self._linked.get(leg, leg)
        first = contact not in self._arrived
        if first:
            self._arrived.add(contact)
            body = arrival_pb2.ContactArrived(native_id=contact, service_number=message.get("Exten", ""))
            number = message.get("CallerIDNum", "")
            body.caller.number = "" if number in _UNKNOWN else number
            yield self._event(contact, contact, contact_arrived=body)
        endpoint = message.get("Channel", "").rsplit("-", 1)[0]
        role = leg_pb2.LEG_ROLE_CALLER if first else leg_pb2.LEG_ROLE_UNSPECIFIED
        yield self._event(contact, leg, leg_created=leg_pb2.LegCreated(leg_id=leg, role=role, endpoint=endpoint))

    def _new_state(self, message: Message) -> Iterator[contact_event_pb2.ContactEvent]:
        leg = message.get("Uniqueid", "")
        match message.get("ChannelStateDesc"):
            case "Ringing":
                yield self._event(self._contact_of(leg), leg, leg_ringing=leg_pb2.LegRinging(leg_id=leg))
            case "Up":
                yield self._event(self._contact_of(leg), leg, leg_answered=leg_pb2.LegAnswered(leg_id=leg))
            case _:
                return

    def _bridge(self, message: Message) -> Iterator[contact_event_pb2.ContactEvent]:
        leg, peer = message.get("Uniqueid1", ""), message.get("Uniqueid2", "")
        contact, pair = self._contact_of(leg), f"{leg} {peer}"
        if message.get("Bridgestate") == "Link":
            yield self._event(contact, pair, bridged=talk_pb2.Bridged(leg_id=leg, peer_leg_id=peer))
        else:
            yield self._event(contact, pair, unbridged=talk_pb2.Unbridged(leg_id=leg, peer_leg_id=peer))

    def _hang_up(self, message: Message) -> Iterator[contact_event_pb2.ContactEvent]:
        leg = message.get("Uniqueid", "")
        body = leg_pb2.LegEnded(leg_id=leg)
        body.end_cause.protocol, body.end_cause.code = "q850", message.get("Cause", "")
        body.end_cause.text = message.get("Cause-txt", "")
        yield self._event(self._contact_of(leg), leg, leg_ended=body)

    def _contact_of(self, leg: str) -> str:
        return self._linked.get(leg, leg)

    def _event(self, contact: str, native_id: str, **body: Any) -> contact_event_pb2.ContactEvent:
        """An event whose id follows from what is told and how often it was told before."""
        (kind,) = body
        self._told[kind, native_id] += 1
        revision = str(self._told[kind, native_id])
        event = contact_event_pb2.ContactEvent(
            event_id=identity.event_id(self.source_id, native_id, kind, revision), source_id=self.source_id, **body
        )
        told = getattr(event, kind)
        told.observation.time_precision = observation_pb2.TIME_PRECISION_SECOND
        event.contact.alias.native_id = contact
        event.event_time.FromMicroseconds(self._now_us)
        return event


_READERS: Final = {
    "Newchannel": Reading._new_channel,  # noqa: SLF001  # its own table
    "Newstate": Reading._new_state,  # noqa: SLF001
    "Bridge": Reading._bridge,  # noqa: SLF001
    "Hangup": Reading._hang_up,  # noqa: SLF001
}
