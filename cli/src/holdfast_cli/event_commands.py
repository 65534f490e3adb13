"""Commands that show events: tail, contact."""

from __future__ import annotations

from contextlib import suppress
from difflib import get_close_matches
from typing import Annotated
from uuid import UUID

import typer

from holdfast.call_events.v1.call_events_service_pb2 import TenantEvent
from holdfast_cli import event_tables, events, options, output, system
from holdfast_cli.home import Running
from holdfast_cli.options import Json, Where


def _types(names: list[str] | None) -> list[str]:
    """Return names of types of events, if there are such types."""
    known = events.types()
    for name in names or []:
        if name not in known:
            nearest = get_close_matches(name, known, cutoff=0)
            message = f"no event is called {name!r}; nearest are {', '.join(nearest)}."
            raise typer.BadParameter(message)
    return names or []


def _contact(name: str) -> str:
    """Return what names a contact, if it has the form of an id or of a source's own name."""
    try:
        return name if ":" in name else str(UUID(name))
    except ValueError:
        message = f"{name!r} is neither an id, which is a UUID, nor source:native_id, as pbx-1:1700000000.42."
        raise typer.BadParameter(message) from None


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (tail, contact):
        app.command(rich_help_panel="Events")(options.bundled(command))


def tail(
    where: Where,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=1000, help="Earlier events to show first.")] = 10,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", callback=_types, help="Only events of this type; repeatable."),
    ] = None,
    *,
    follow: Annotated[bool, typer.Option(help="Go on as events come, until Ctrl-C.")] = True,
    json: Json = False,
) -> None:
    """Show events as they are recorded."""
    with suppress(KeyboardInterrupt):
        system.run(_tail(system.find(where), lines, types or [], follow=follow, json=json))


async def _tail(running: Running, lines: int, types: list[str], *, follow: bool, json: bool) -> None:
    found = await events.recent(running, lines, types)
    for event in found.events if lines else ():
        _show(event, json=json)
    if follow:
        async for event in events.follow(running, types, found):
            _show(event, json=json)


def _show(event: TenantEvent, *, json: bool) -> None:
    output.as_json(events.as_document(event)) if json else output.say_whole(event_tables.line(event))


def contact(
    name: Annotated[
        str,
        typer.Argument(
            metavar="CONTACT", callback=_contact, help="Contact id, or source:native_id.", show_default=False
        ),
    ],
    where: Where,
    *,
    json: Json = False,
) -> None:
    """Show one contact: phase, visits, assignments, anomalies and its events in order."""
    answer = system.run(events.contact(system.find(where), name))
    output.as_json(events.as_document(answer)) if json else event_tables.show_contact(answer)
