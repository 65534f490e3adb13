"""The command that makes up days of a contact centre: into a file, to stdout, or told to the running system."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast_cli import home, import_commands, options, output
from holdfast_cli.generating import generate as making
from holdfast_cli.generating.plan import Plan
from holdfast_cli.importing.sending import Sending
from holdfast_cli.importing.telling import ImportSummary
from holdfast_cli.imports import Wanted
from holdfast_cli.options import Json, Where
from holdfast_cli.output import CommandFailed

if TYPE_CHECKING:  # the name exists in the types alone
    from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceAsyncStub

STDOUT = Path("-")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Events")(options.bundled(generate))


def generate(
    plan: options.MadeUp,
    where: Where,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where events go as lines of JSON; - is stdout.")
    ] = None,
    *,
    send: Annotated[bool, typer.Option("--send", help="Tell them to the running system instead.")] = False,
    json: Json = False,
) -> None:
    """Make up realistic days by a seed: the same seed, the same events."""
    if send == (file is not None):
        message = "Say where the events are to go: a file, - for stdout, or --send to tell the running system."
        raise CommandFailed(message)
    if file is None:
        import_commands.carry_out(where, wanted(_plan(plan)), {}, json=json)
    else:
        _write(_plan(plan), file, json=json)


def wanted(plan: Plan) -> Wanted:
    """Return what it is to tell a plan's events."""

    def tell(stub: CallEventsServiceAsyncStub, sending: Sending, tenant: str) -> Awaitable[ImportSummary]:
        return making.tell(replace(plan, tenant=tenant), stub, sending)

    return Wanted(f"{plan.days} made-up days from {plan.first_day}", tell, plan.time_zone)


def written(plan: Plan) -> str:
    """Write a plan as the command that tells it."""
    return (
        f"holdfast generate --day {plan.first_day} --days {plan.days} --contacts {plan.contacts_per_day}"
        f" --seed {plan.seed} --send"
    )


def _plan(told: options.MadeUp) -> Plan:
    try:
        first_day = date.fromisoformat(told.day)
    except ValueError:
        message = f"{told.day} is no day: write it like 2026-01-05."
        raise CommandFailed(message) from None
    return Plan(told.seed, first_day, told.days, told.contacts, home.TENANT, told.time_zone)


def _write(plan: Plan, file: Path, *, json: bool) -> None:
    target = Path("/dev/stdout") if file == STDOUT else file
    try:
        count = making.write(making.events_of(plan), target)
    except OSError as error:
        message = f"{file} cannot be written ({error.strerror}): name another file."
        raise CommandFailed(message) from None
    made = {"events": count, "checksum": making.checksum(making.events_of(plan)), "file": str(file)}
    if file == STDOUT:
        output.note(f"{count:,} events, checksum {made['checksum']}")
    elif json:
        output.as_json(made)
    else:
        output.fields("Made up", made)
