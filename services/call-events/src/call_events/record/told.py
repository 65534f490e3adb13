"""An event between its teller and the log: its form is right, its secrets are still in it. Pure, but for the nonce."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from call_events.customer.master_key import TenantKeys
from call_events.customer.sealing import CallerKey, seal
from call_events.record.event_form import BodyForm
from event_log.errors import AppendRefused
from event_log.model import NewEvent, Placement, Stream
from holdfast.call_events.v1.observation_pb2 import NUMBER_QUALITY_USABLE

NUMBER_SEALED: Final = "NUMBER_SEALED"
Alias: TypeAlias = tuple[str, str, str]
"""A source's name of a contact: source, kind, native id."""


@dataclass(slots=True)
class Told:
    """An event whose form is right. `number` is the caller's in its one form, empty if none stands for a caller."""

    event: Any
    body: Any
    form: BodyForm
    mac_input: bytes
    event_id: UUID
    event_time_us: int
    source_id: str
    causation_id: UUID | None = None
    correlation_id: UUID | None = None
    stream: Stream | None = None
    alias: Alias | None = None
    also_known_as: Sequence[Alias] = ()
    number: str = ""
    notes: Sequence[str] = ()
    outcome: Placement | AppendRefused | None = None
    """What the log answered; None before it was asked."""

    def new_event(self, keys: TenantKeys, caller: CallerKey | None, traceparent: str) -> NewEvent:
        """The event as the log takes it; `caller` is the key of `number`."""
        event, customer_key = self.event, b""
        if caller is not None:
            customer_key = caller.key
            self._seal(caller, keys.tenant)
        return NewEvent(
            self.event_id,
            self.form.type,
            self.event_time_us,
            self.body.SerializeToString(deterministic=True),
            keys.body_mac(self.mac_input, customer_key),
            self.source_id,
            event.source_seq or (0 if event.HasField("source_seq") else None),
            self.correlation_id,
            self.causation_id,
            event.actor,
            traceparent,
        )

    def _seal(self, caller: CallerKey, tenant: str) -> None:
        told = self.body.caller
        told.Clear()
        told.caller_ref = caller.caller_ref
        told.quality = NUMBER_QUALITY_USABLE
        told.sealed.CopyFrom(seal(caller, tenant, self.number))
        self.notes = (*self.notes, NUMBER_SEALED)
