"""CallEventsService over gRPC: each method asks the part that knows and puts the answer together."""
# ruff: noqa: N802  # methods are named as the proto names them

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from call_events.customer import caller_number
from call_events.customer.callers import Callers
from call_events.customer.erasure import Customer, Erasures
from call_events.customer.master_key import MasterKey
from call_events.policy import SCOPE_OF_POSITIONS
from call_events.read import contact_list, contact_view, cursors, event_reading, event_view, naming
from call_events.read.contacts import Contacts
from call_events.record import event_form, progress
from call_events.record.aliases import Aliases
from call_events.record.event_stream import EventStream
from call_events.record.recorder import OwnNumbers, Recorder
from event_log.log import Log
from event_log.model import Cursor
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1 import call_events_service_pb2_grpc as stubs
from service_host import call
from service_host.call import Caller
from service_host.errors import InvalidArgument
from service_host.postgres import Database


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service is made of, opened and wired by `__main__`."""

    log: Log
    database: Database
    master: MasterKey
    aliases: Aliases
    callers: Callers
    recorder: Recorder
    erasures: Erasures
    own_numbers: OwnNumbers
    log_identity: Cursor


class CallEventsApi(stubs.CallEventsServiceServicer):
    """See call_events_service.proto for what each method promises."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._contacts = Contacts(parts.log)

    async def RecordContactEvents(self, request: pb.RecordContactEventsRequest, _context: Any) -> Any:
        """Record events of contacts."""
        caller = call.caller()
        answer = pb.RecordContactEventsResponse()
        recorded = await self._parts.recorder.contact_events(caller, request, answer)
        answer.cursor = self._behind(caller, recorded.position)
        return answer

    async def RecordAgentEvents(self, request: pb.RecordAgentEventsRequest, _context: Any) -> Any:
        """Record events of agents and sources."""
        caller = call.caller()
        answer = pb.RecordAgentEventsResponse()
        recorded = await self._parts.recorder.agent_events(caller, request, answer)
        answer.cursor = self._behind(caller, recorded.position)
        return answer

    async def StreamContactEvents(self, request_iterator: Any, _context: Any) -> AsyncIterator[Any]:
        """Record a long run of events."""
        caller = call.caller()
        parts = self._parts

        async def last_seq(source: str) -> int | None:
            return await progress.last_source_seq(parts.log, parts.database, caller.tenant, source)

        stream = EventStream(parts.recorder, caller, last_seq, lambda position: self._behind(caller, position))
        async for answer in stream.answers(request_iterator):
            yield answer

    async def GetContact(self, request: pb.GetContactRequest, _context: Any) -> Any:
        """Tell a contact."""
        caller = call.caller()
        contact_id = await naming.contact_id(self._parts.aliases, caller.tenant, request.contact)
        known_by_us = None
        if request.HasField("as_of_time"):
            known_by_us = event_form.microseconds(request.as_of_time, "as_of_time")
        known = await self._contacts.get(caller.tenant, contact_id, known_by_us)
        answer = pb.GetContactResponse(contact=contact_view.contact(known.state, known.root_contact_id))
        answer.as_of = self._seal(caller, known.as_of)
        if request.include_events:
            answer.events.extend(
                contact_view.timeline(known.state, known.events, with_position=_sees_positions(caller))
            )
        return answer

    async def ListContacts(self, request: pb.ListContactsRequest, _context: Any) -> Any:
        """List contacts."""
        caller = call.caller()
        answer, followed = await contact_list.page(self._parts.database, self._keys(caller), request)
        answer.as_of = self._seal(caller, followed)
        return answer

    async def ReadEvents(self, request: pb.ReadEventsRequest, _context: Any) -> Any:
        """Read a page of events."""
        caller = call.caller()
        what = event_reading.wanted(caller.tenant, request.types, request.categories)
        limit = event_reading.page_limit(request.limit)
        after = self._open(caller, request.cursor)
        read = await event_reading.read(self._parts.log, after, what, limit, backwards=request.backwards)
        with_position = _sees_positions(caller)
        events = [event_view.tenant_event(event, with_position=with_position) for event in read.events]
        return pb.ReadEventsResponse(events=events, cursor=self._seal(caller, read.cursor), at_end=read.at_end)

    async def SubscribeEvents(self, request: pb.SubscribeEventsRequest, _context: Any) -> AsyncIterator[Any]:
        """Follow events."""
        caller = call.caller()
        what = event_reading.wanted(caller.tenant, request.types, request.categories)
        after = self._open(caller, request.cursor)
        if not request.cursor and request.from_end:
            after = await self._parts.log.head()
        with_position = _sees_positions(caller)
        async for read in event_reading.follow(self._parts.log, after, what):
            events = [event_view.tenant_event(event, with_position=with_position) for event in read.events]
            yield pb.SubscribeEventsResponse(events=events, cursor=self._seal(caller, read.cursor))

    async def ResolveCaller(self, request: pb.ResolveCallerRequest, _context: Any) -> Any:
        """Give the caller_ref of a number."""
        caller = call.caller()
        if not request.number:
            raise InvalidArgument("INVALID_FIELD", "Say the number.", field="number")
        judged = caller_number.judge(request.number, self._parts.own_numbers.get(caller.tenant, ()))
        if not judged.number:
            return pb.ResolveCallerResponse()
        resolved = (await self._parts.callers.resolve(caller.tenant, [judged.number]))[judged.number]
        return pb.ResolveCallerResponse(caller_ref=resolved.caller.caller_ref, created=resolved.created)

    async def EraseCustomer(self, request: pb.EraseCustomerRequest, _context: Any) -> Any:
        """Erase a customer for good."""
        caller = call.caller()
        destroyed = await self._parts.erasures.erase(_customer(caller, request))
        return pb.EraseCustomerResponse(keys_destroyed=destroyed)

    def _keys(self, caller: Caller) -> Any:
        return self._parts.master.tenant(caller.tenant)

    def _seal(self, caller: Caller, cursor: Cursor) -> str:
        return cursors.events_cursor(self._keys(caller), cursor)

    def _open(self, caller: Caller, token: str) -> Cursor:
        return cursors.read_events_cursor(self._keys(caller), token) if token else event_reading.START

    def _behind(self, caller: Caller, position: int) -> str:
        """A cursor behind a position just written; none if nothing was."""
        if not position:
            return ""
        log = self._parts.log_identity
        return self._seal(caller, Cursor(log.log_id, log.incarnation, position))


def _customer(caller: Caller, request: pb.EraseCustomerRequest) -> Customer:
    caller_ref: UUID | None = None
    number = ""
    if request.WhichOneof("customer") == "caller_ref":
        caller_ref = event_form.read_uuid(request.caller_ref, "caller_ref")
    else:
        number = caller_number.normal_form(request.number)
    if not number and caller_ref is None:
        raise InvalidArgument("INVALID_FIELD", "Name the customer by number or by caller_ref.", field="customer")
    return Customer(caller.tenant, number, caller_ref, caller.subject)


def _sees_positions(caller: Caller) -> bool:
    return SCOPE_OF_POSITIONS in caller.scopes
