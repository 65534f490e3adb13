"""An Asterisk queue_log, file or table, told as contacts, and as what became of the agents it rang.

How lines are read is in `queue_log_file` and `queue_log_line`, what the lines of a call amount to in
`queue_log_call`, what is told of it in `queue_log_events` and `queue_log_agents`. Lines of a call may stand anywhere
in the file, in any order: they are gathered first, and a call is told whole. Calls that still wait or talk at the end
are told as far as they came; a later file of the same Asterisk tells the rest of them. A line about an agent may name
the call by which a dialplan signed them in; it tells of no contact.

The source is the Asterisk: its ids of calls are its own, so each Asterisk needs a `source_id` of its own. Times without
an offset are on the wall clock of `time_zone`; Asterisk writes seconds since 1970 to its file, local time to a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from holdfast_cli.importing.call_spool import CallSpool
from holdfast_cli.importing.lines import Line
from holdfast_cli.importing.local_days import zone_named
from holdfast_cli.importing.oddities import Oddities
from holdfast_cli.importing.queue_log_agents import agent_events_of
from holdfast_cli.importing.queue_log_call import call_of
from holdfast_cli.importing.queue_log_events import CallEvents
from holdfast_cli.importing.queue_log_file import queue_log_lines
from holdfast_cli.importing.queue_log_line import OF_AGENTS, OF_CALLS, OF_SOURCE, SILENT, QueueLogLine
from holdfast_cli.importing.resuming import Mark
from holdfast_cli.importing.sending import Sending, send
from holdfast_cli.importing.telling import ImportSummary, Telling

if TYPE_CHECKING:  # the name exists in the types alone
    from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceAsyncStub

SOURCE_ID: Final = "asterisk"
TIME_ZONE: Final = "UTC"
_MOST_UNKNOWN_VERBS: Final = 50
_LONGEST_VERB: Final = 32


async def import_asterisk_queue_log(
    path: Path,
    stub: CallEventsServiceAsyncStub,
    *,
    tenant: str,
    source_id: str = SOURCE_ID,
    time_zone: str = TIME_ZONE,
    sending: Sending | None = None,
) -> ImportSummary:
    """Import a queue_log; raise ImportFailed. Importing it again, or its lines in another order, adds nothing."""
    summary = ImportSummary()

    def tellings() -> Iterator[Telling]:
        return tell_queue_log(path, summary, tenant=tenant, source_id=source_id, time_zone=time_zone)

    sending = sending or Sending()
    mark = Mark(sending.resume_folder, path, f"asterisk-queue-log/{tenant}/{source_id}/{time_zone}")
    await send(tellings, stub, summary, sending, mark)
    return summary


def tell_queue_log(
    path: Path, summary: ImportSummary, *, tenant: str, source_id: str = SOURCE_ID, time_zone: str = TIME_ZONE
) -> Iterator[Telling]:
    """Give what a queue_log tells: first of agents, then each call. Raises CannotRead, NotThisFormat."""
    oddities = Oddities(summary.oddities, summary.oddity_lines)
    with CallSpool() as spool:
        for line, told in queue_log_lines(path, zone_named(time_zone), oddities):
            if _counts(told, line, oddities):
                spool.add(told if told.verb in OF_CALLS else told._replace(call=""))
        calls = spool.calls() or 1
        for number, (call, lines) in enumerate(spool.by_call()):
            if not call:
                yield from (Telling(agent_events=agent_events_of(line, source_id)) for line in lines)
                continue
            events = CallEvents(tenant, source_id, call_of(list(lines), lambda name: oddities.add(name, 0)))
            events.make()
            contact = bool(events.contact_events)
            yield Telling(events.contact_events, events.agent_events, contact, read=min(1.0, number / calls))


def _counts(told: QueueLogLine, line: Line, oddities: Oddities) -> bool:
    """Whether a line is to be told; counts why not."""
    verb = told.verb
    if (verb in OF_CALLS and told.call) or (verb in OF_AGENTS and told.agent) or verb in OF_SOURCE:
        return True
    if verb in OF_CALLS | OF_AGENTS:
        oddities.add("no_agent" if verb in OF_AGENTS else "no_call", line.number)
    elif verb not in SILENT:
        _unknown(verb, line, oddities)
    return False


def _unknown(verb: str, line: Line, oddities: Oddities) -> None:
    """Count a verb nobody knows, by name, as long as there are few of them; one the file ends in is half a verb."""
    if not line.ended:
        oddities.add("truncated_last_line", line.number)
        return
    name = f"unknown_verb:{verb[:_LONGEST_VERB]}"
    known = sum(other.startswith("unknown_verb:") for other in oddities.counts)
    few = name in oddities.counts or known < _MOST_UNKNOWN_VERBS
    oddities.add(name if few else "unknown_verb:others", line.number)
