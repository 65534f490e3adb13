"""Commands about events that could not be folded into facts: parked list, show, retry and skip."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from holdfast.metrics.v1 import metrics_service_pb2 as pb
from holdfast.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from holdfast_cli import options, output, system
from holdfast_cli.home import Running
from holdfast_cli.options import Json, Where
from holdfast_cli.output import CommandFailed

PAGE_SIZE = 1000
Position = Annotated[int, typer.Argument(metavar="POSITION", min=1, help="Where the event stands in the log.")]
LogId = Annotated[str, typer.Option("--log-id", metavar="LOG", help="Log it stands in, where several have one there.")]
_COLUMNS = ("log_id", "position", "type", "category", "stream_id", "attempts", "reason")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Events that could not become facts and were set aside.", no_args_is_help=True)
    for name, command in (("list", listed), ("show", show), ("retry", retry), ("skip", skip)):
        group.command(name)(options.bundled(command))
    app.add_typer(group, name="parked", rich_help_panel="The system")


def listed(where: Where, *, json: Json = False) -> None:
    """List the events that were set aside; figures lack them meanwhile."""
    events = system.run(_all(system.find(where)))
    if json:
        output.as_json({"rows": events, "total": len(events)})
    elif events:
        output.table("Parked events", _COLUMNS, [[event[name] for name in _COLUMNS] for event in events])
    else:
        output.say("No event is parked: figures lack nothing.")


def show(position: Position, where: Where, log_id: LogId = "", *, json: Json = False) -> None:
    """Show one event that was set aside, and why."""
    events = system.run(_all(system.find(where)))
    found = [event for event in events if event["position"] == position and log_id in {"", event["log_id"]}]
    if not found:
        message = f"No event is parked at position {position}: `holdfast parked list` shows those that are."
        raise CommandFailed(message)
    if len(found) > 1:
        logs = " or ".join(f"--log-id {event['log_id']}" for event in found)
        raise CommandFailed(f"Events of several logs are parked at position {position}: add {logs}.")
    output.as_json(found[0]) if json else output.fields(f"Parked event {position}", found[0])


def retry(position: Position, where: Where, log_id: LogId = "", *, json: Json = False) -> None:
    """Apply an event that was set aside; it is off the list if its effect is in the facts."""

    async def ask(stub: Any) -> Any:
        return await stub.RetryParkedEvent(pb.RetryParkedEventRequest(position=position, log_id=log_id))

    _tell(_asked(where, ask), "applied", json=json)


def skip(
    position: Position,
    where: Where,
    log_id: LogId = "",
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who come after.", show_default=False)],
    json: Json = False,
) -> None:
    """Leave an event out of all facts for good, in rebuilds too."""

    async def ask(stub: Any) -> Any:
        return await stub.SkipParkedEvent(pb.SkipParkedEventRequest(position=position, reason=reason, log_id=log_id))

    _tell(_asked(where, ask), "skipped", json=json)


def _asked(where: Where, ask: Callable[[Any], Awaitable[Any]]) -> dict[str, Any]:
    async def answer() -> dict[str, Any]:
        async with system.metrics(system.find(where)) as channel:
            return _document((await ask(MetricsServiceStub(channel))).event)

    return system.run(answer())


def _tell(event: dict[str, Any], what: str, *, json: bool) -> None:
    if json:
        output.as_json({what: True, **event})
    else:
        output.say(f"The {event['type']} at position {event['position']} of {event['log_id']} was {what}.")


async def _all(running: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    request = pb.ListParkedEventsRequest(page_size=PAGE_SIZE)
    async with system.metrics(running) as channel:
        while True:
            page = await MetricsServiceStub(channel).ListParkedEvents(request)
            found += map(_document, page.events)
            request.page_token = page.next_page_token
            if not request.page_token:
                return found


def _document(event: pb.ParkedEvent) -> dict[str, Any]:
    return {
        "position": event.position,
        "log_id": event.log_id,
        "type": event.type,
        "category": event.category,
        "stream_id": event.stream_id,
        "attempts": event.attempts,
        "reason": event.reason,
        "parked_time": event.parked_time.ToJsonString(),
    }
