"""The call archive of a bank, 1999: one row per call, told as the events of a contact.

Format: rows of 17 columns (`bank_row.COLUMNS`), tab separated (blanks will do), CRLF or LF, plain or gzip, with or
without a header; a header may give the columns in another order. What is odd is counted by the names in
`bank_row.ODDITIES`; a file that holds no such rows raises NotThisFormat before anything is told.

Time zone: the archive gives times of day on the bank's wall clock, so a row's instants are those of Asia/Jerusalem as
it was that year (summer time from 2 April to 3 September 1999), unless another zone is asked for. Only the entry is
looked up; every other instant keeps its distance from it, so that lengths are exact over midnight and clock changes.

A row becomes: ContactArrived, CustomerIdentified (if the customer is known), FlowEntered, FlowExited; Enqueued and
Dequeued if it was queued or answered (answered without queueing is a visit of no length); LegAnswered, Bridged and
LegEnded of the agent's leg if it was answered. `NO_SERVER` is an agent whose name is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from holdfast_cli.importing.bank_events import BankEvents
from holdfast_cli.importing.bank_reading import NO_SERVER, read_row
from holdfast_cli.importing.bank_row import COLUMNS, OUTCOMES, MalformedRow, Row, instants_of
from holdfast_cli.importing.errors import NotThisFormat
from holdfast_cli.importing.lines import Line, lines_of
from holdfast_cli.importing.local_days import LocalDays, zone_named
from holdfast_cli.importing.oddities import Oddities
from holdfast_cli.importing.resuming import Mark
from holdfast_cli.importing.sending import Sending, send
from holdfast_cli.importing.services_at_once import ServicesAtOnce
from holdfast_cli.importing.telling import ImportSummary, Telling

if TYPE_CHECKING:  # the name exists in the types alone
    from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceAsyncStub

SOURCE_ID: Final = "bank-1999"
TIME_ZONE: Final = "Asia/Jerusalem"
LOOKED_AT: Final = 50
"""Lines at the beginning of which one at least must be a row."""

Fields: TypeAlias = Callable[[list[str]], tuple[str, ...]]
_IN_ORDER: Final[Fields] = itemgetter(*range(len(COLUMNS)))


async def import_bank_1999(
    path: Path,
    stub: CallEventsServiceAsyncStub,
    *,
    tenant: str,
    source_id: str = SOURCE_ID,
    time_zone: str = TIME_ZONE,
    sending: Sending | None = None,
) -> ImportSummary:
    """Import a month's file; raise ImportFailed. Importing it again, or its rows in another order, adds nothing."""
    summary = ImportSummary()

    def tellings() -> Iterator[Telling]:
        return tell_bank_1999(path, summary, tenant=tenant, source_id=source_id, time_zone=time_zone)

    sending = sending or Sending()
    mark = Mark(sending.resume_folder, path, f"bank-1999/{tenant}/{source_id}/{time_zone}")
    await send(tellings, stub, summary, sending, mark)
    return summary


def tell_bank_1999(
    path: Path, summary: ImportSummary, *, tenant: str, source_id: str = SOURCE_ID, time_zone: str = TIME_ZONE
) -> Iterator[Telling]:
    """Give what each row of a file tells; `summary.oddities` counts what is odd. Raises CannotRead, NotThisFormat."""
    oddities = Oddities(summary.oddities, summary.oddity_lines)
    days, at_once = LocalDays(zone_named(time_zone)), ServicesAtOnce()
    events = BankEvents(tenant=tenant, source_id=source_id, days=days)
    for line, row in rows_of(path, oddities):
        if row.outcome == "PHANTOM":
            oddities.add("phantom", line.number)
            continue
        instants = instants_of(row, oddities.adder(line.number))
        try:
            told = events.of(row, instants)
        except ValueError:
            oddities.add("malformed_line", line.number)
            continue
        if instants.answered is not None and instants.ended is not None:
            began = days.instant(row.date, instants.answered)
            at_once.add(row.server, began, began + instants.ended - instants.answered, line.number)
        yield Telling(contact_events=told, contact=True, read=line.read)
    at_once.count(oddities)


def rows_of(path: Path, oddities: Oddities) -> Iterator[tuple[Line, Row]]:
    """Give the rows of a file with their lines; phantoms are among them, unknown outcomes are not."""
    lines = lines_of(path)
    first = list(islice(lines, LOOKED_AT))
    fields = _fields(path, first)
    seen: set[int] = set()
    servers = {NO_SERVER}
    for line in _chain(first, lines):
        row = _row(line, fields, oddities, servers)
        if row is None:
            continue
        servers.add(row.server or NO_SERVER)
        identity = hash((row.date, row.line, row.call))
        if identity in seen:
            oddities.add("duplicate_row", line.number)
        seen.add(identity)
        yield line, row


def _chain(first: list[Line], rest: Iterable[Line]) -> Iterator[Line]:
    yield from first
    yield from rest


def _split(text: str) -> list[str]:
    return [*map(str.strip, text.split("\t"))] if "\t" in text else text.split()


def _is_header(text: str) -> bool:
    return "vru" in text.lower() and "call_id" in text.lower()


def _fields(path: Path, first: list[Line]) -> Fields:
    """Return how to take the columns in order from a line; raise NotThisFormat if these are no such lines."""
    fields = _IN_ORDER
    wrong = ""
    for line in first:
        if _is_header(line.text):
            fields = _by_header(line.text)
            continue
        try:
            row = read_row(_columns(_texts(line), fields), lambda _: None)
        except MalformedRow as error:
            wrong = wrong or (f"line {line.number}: {error}" if line.text.strip() else "")
            continue
        if row.outcome in OUTCOMES:
            return fields
        wrong = wrong or f"line {line.number}: the outcome is none of {', '.join(sorted(OUTCOMES))}"
    raise NotThisFormat(
        f"{path.name} is no call archive of the bank: {wrong or 'it holds no rows'}. "
        f"Give a month's file of 1999 with {len(COLUMNS)} columns from vru+line to server, plain or gzip."
    )


def _by_header(text: str) -> Fields:
    names = [name.lower() for name in _split(text)]
    if all(column in names for column in COLUMNS):
        return itemgetter(*(names.index(column) for column in COLUMNS))
    return _IN_ORDER


def _columns(texts: list[str], fields: Fields) -> tuple[str, ...]:
    try:
        return fields(texts)
    except IndexError:
        raise MalformedRow(f"it has fewer than {len(COLUMNS)} columns") from None


def _row(line: Line, fields: Fields, oddities: Oddities, servers: set[str]) -> Row | None:
    """Return the row of a line, None if it is none; counts why."""
    if not line.text.strip():
        oddities.add("blank_line", line.number)
        return None
    texts = _texts(line)
    odd = ["extra_columns"] * (len(texts) > len(COLUMNS))
    try:
        columns = _columns(texts, fields)
        row = read_row(columns, odd.append)
    except MalformedRow:
        if not _is_header(line.text):
            oddities.add("malformed_line" if line.ended else "truncated_last_line", line.number)
        return None
    left_out = _left_out(line, row, columns[-1], servers)
    for name in [left_out] if left_out else odd:
        oddities.add(name, line.number)
    return None if left_out else row


def _texts(line: Line) -> list[str]:
    texts = _split(line.text)
    if line.ended and "\t" in line.text and len(texts) == len(COLUMNS) - 1:
        texts.append("")  # an editor cut off the empty last column with its tab
    return texts


def _left_out(line: Line, row: Row, server: str, servers: set[str]) -> str:
    """Return the name of the oddity for which a row is left out; empty if it is not."""
    if row.outcome not in OUTCOMES:
        return "unknown_outcome"
    return "truncated_last_line" if not line.ended and _may_be_cut(server, servers) else ""


def _may_be_cut(server: str, known: set[str]) -> bool:
    """Whether the name that a file without a last line's end stops in may be half a name.

    Told by its half, the row would be another agent's, and told whole later, a second service of one call. So it is
    left out if a known name begins like it; a name like none is taken for whole.
    """
    return server not in known and any(name.startswith(server) for name in known)
