"""Commands that import what other systems have recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast_cli import imports, options, output, system
from holdfast_cli.home import Home
from holdfast_cli.importing import asterisk_queue_log, bank_1999
from holdfast_cli.importing.bank_row import ODDITIES as BANK_ODDITIES
from holdfast_cli.importing.queue_log_file import ODDITIES as QUEUE_LOG_ODDITIES
from holdfast_cli.importing.sending import Sending
from holdfast_cli.importing.telling import ImportSummary
from holdfast_cli.imports import Wanted
from holdfast_cli.options import Json, Where

if TYPE_CHECKING:  # the name exists in the types alone
    from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceAsyncStub

File = Annotated[Path, typer.Argument(metavar="FILE", help="The file, plain or gzip.", show_default=False)]
Source = Annotated[str, typer.Option("--source", help="Name of the teller; one for each system imported.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Import records of other systems; again is harmless, interrupted goes on.", no_args_is_help=True
    )
    group.command("bank-1999")(options.bundled(bank))
    group.command("asterisk-queue-log")(options.bundled(queue_log))
    app.add_typer(group, name="import", rich_help_panel="Events")


def bank(
    file: File,
    where: Where,
    source: Source = bank_1999.SOURCE_ID,
    time_zone: Annotated[
        str, typer.Option("--time-zone", metavar="ZONE", help="IANA zone of the archive's wall clock.")
    ] = bank_1999.TIME_ZONE,
    *,
    json: Json = False,
) -> None:
    """Import a month of the bank's call archive of 1999."""
    wanted = bank_month(file, Home(where.data), source, time_zone)
    carry_out(where, wanted, BANK_ODDITIES, json=json)


def bank_month(
    file: Path, home: Home, source: str = bank_1999.SOURCE_ID, time_zone: str = bank_1999.TIME_ZONE
) -> Wanted:
    """Return what it is to import a month of the bank's archive."""

    def tell(stub: CallEventsServiceAsyncStub, sending: Sending, tenant: str) -> Awaitable[ImportSummary]:
        return bank_1999.import_bank_1999(
            file, stub, tenant=tenant, source_id=source, time_zone=time_zone, sending=sending
        )

    return Wanted(file.name, tell, time_zone, home.imports)


def queue_log(
    file: File,
    where: Where,
    source: Source = asterisk_queue_log.SOURCE_ID,
    time_zone: Annotated[
        str,
        typer.Option(
            "--time-zone",
            metavar="ZONE",
            help="IANA zone of times without an offset, as a table has them (else UTC); if given, the tenant's days"
            " begin in it too, unless a zone was set before.",
        ),
    ] = "",
    *,
    json: Json = False,
) -> None:
    """Import an Asterisk queue_log, file or table (CSV)."""
    zone = time_zone or asterisk_queue_log.TIME_ZONE

    def tell(stub: CallEventsServiceAsyncStub, sending: Sending, tenant: str) -> Awaitable[ImportSummary]:
        return asterisk_queue_log.import_asterisk_queue_log(
            file, stub, tenant=tenant, source_id=source, time_zone=zone, sending=sending
        )

    carry_out(where, Wanted(file.name, tell, time_zone, Home(where.data).imports), QUEUE_LOG_ODDITIES, json=json)


def carry_out(where: Where, wanted: Wanted, meanings: Mapping[str, str], *, json: bool) -> None:
    """Tell a running system, wait for its figures, and say what came of it; exit status 1 if anything was refused."""
    running = system.find(where)
    with output.remarking("Interrupted: what was acknowledged is kept; again, it goes on."), output.progress() as bar:
        imported = system.run(imports.carry_out(running, wanted, bar))
    if json:
        output.as_json(imports.as_document(imported))
    else:
        imports.show(imported, wanted.title, meanings)
    if imported.summary.refused:
        raise typer.Exit(1)
