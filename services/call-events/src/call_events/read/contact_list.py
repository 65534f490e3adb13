"""The list of contacts as a page: filters to parameters, keyset paging, rows to summaries."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from call_events.customer.master_key import TenantKeys
from call_events.read import cursors
from call_events.read.cursors import Keyset
from call_events.read.event_view import write_time
from call_events.record.event_form import check_name, microseconds
from contact_life.words import ContactEnd
from event_log.model import Cursor
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from service_host.errors import FailedPrecondition, InvalidArgument
from service_host.postgres import Database

if TYPE_CHECKING:
    import asyncpg

DEFAULT_SIZE: Final = 50
LARGEST_SIZE: Final = 500
OPEN: Final = "open"
_NAMED: Final = {
    "queue": "queues @> array[{}::text]",
    "agent": "agents @> array[{}::text]",
    "caller_ref": "caller_ref = {} and caller_ref <> ''",
    "service_number": "service_number = {}",
}
_FOLLOWED: Final = "select log_id, incarnation, position from index_cursor"
_COLUMNS: Final = """
    select contact_id, arrived_time, ended_time, phase, contact_end, queues, agents, caller_ref, service_number,
        anomalies
    from contact_index where tenant = $1
"""
_ORDER: Final = " order by arrived_time desc, contact_id desc limit "


@dataclass(slots=True)
class _Query:
    """A statement that grows by conditions; what comes from a caller is always a parameter."""

    text: str
    parameters: list[object]

    def where(self, condition: str, *values: object) -> None:
        """Add a condition; {} stands for each value in turn."""
        places = [f"${len(self.parameters) + number}" for number in range(1, len(values) + 1)]
        self.text += f" and {condition.format(*places)}"
        self.parameters.extend(values)


async def page(database: Database, keys: TenantKeys, request: pb.ListContactsRequest) -> tuple[Any, Cursor]:
    """The page asked for (a ListContactsResponse without `as_of`), and how far the list follows the log."""
    size = _size(request.page_size)
    filters = _filters(request)
    query = _Query(_COLUMNS, [keys.tenant])
    for condition, *values in filters:
        query.where(str(condition), *values)
    if request.page_token:
        after = cursors.read_page_token(keys, request.page_token, filters)
        query.where("(arrived_time, contact_id) < ({}, {}::uuid)", after.arrived_time_us, UUID(bytes=after.contact_key))
    async with database.acquire() as session:
        followed = await session.fetchrow(_FOLLOWED)
        rows = await session.fetch(f"{query.text}{_ORDER}{size + 1}", *query.parameters)
    if followed is None:
        raise FailedPrecondition("NO_INDEX", "The list of contacts was never prepared: migrate the database.")
    answer = pb.ListContactsResponse(contacts=[_summary(row) for row in rows[:size]])
    if len(rows) > size:
        last = rows[size - 1]
        keyset = Keyset(last["arrived_time"], last["contact_id"].bytes)
        answer.next_page_token = cursors.page_token(keys, keyset, filters)
    return answer, Cursor(followed["log_id"], followed["incarnation"], followed["position"])


def _size(asked: int) -> int:
    if asked < 0:
        raise InvalidArgument("INVALID_FIELD", "A page size is not negative.", field="page_size")
    return min(asked or DEFAULT_SIZE, LARGEST_SIZE)


def _filters(request: pb.ListContactsRequest) -> list[tuple[object, ...]]:
    """Condition and value of every filter that was given."""
    found: list[tuple[object, ...]] = []
    if request.HasField("arrived_from"):
        found.append(("arrived_time >= {}", microseconds(request.arrived_from, "arrived_from")))
    if request.HasField("arrived_to"):
        found.append(("arrived_time < {}", microseconds(request.arrived_to, "arrived_to")))
    for name, condition in _NAMED.items():
        if value := getattr(request, name):
            check_name(value, name)
            found.append((condition, value))
    if request.end:
        found.append(("contact_end = {}", _end(request.end)))
    return found


def _end(told: str) -> str:
    if told == OPEN:
        return ContactEnd.OPEN
    if told not in {str(end) for end in ContactEnd}:
        raise InvalidArgument("INVALID_FIELD", "There is no such end of a contact.", field="end")
    return told


def _summary(row: "asyncpg.Record") -> pb.ContactSummary:
    found = pb.ContactSummary(
        contact_id=str(row["contact_id"]),
        phase=row["phase"],
        end=row["contact_end"],
        queues=row["queues"],
        agents=row["agents"],
        caller_ref=row["caller_ref"],
        service_number=row["service_number"],
        anomalies=row["anomalies"],
    )
    write_time(found.arrived_time, row["arrived_time"])
    write_time(found.ended_time, row["ended_time"])
    return found
