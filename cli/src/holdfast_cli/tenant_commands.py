"""Commands that set what holds for all of a tenant's reports: time-zone."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.metrics.v1.metrics_service_pb2 import SetTenantTimeZoneRequest
from holdfast.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from holdfast_cli import options, output, system
from holdfast_cli.home import Running
from holdfast_cli.options import Json, Where


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("time-zone", rich_help_panel="Figures")(options.bundled(time_zone))


def time_zone(
    zone: Annotated[str, typer.Argument(metavar="ZONE", help="IANA name: Europe/Berlin.", show_default=False)],
    where: Where,
    *,
    only_if_unset: Annotated[bool, typer.Option("--only-if-unset", help="Leave a zone alone that is set.")] = False,
    json: Json = False,
) -> None:
    """Set the time zone in which days begin wherever a report names none."""
    name, changed = system.run(set_time_zone(system.find(where), zone, only_if_unset=only_if_unset))
    if json:
        output.as_json({"time_zone": name, "changed": changed})
    else:
        output.say(f"Days begin in {name}{'' if changed else ', as before'}.")


async def set_time_zone(running: Running, zone: str, *, only_if_unset: bool) -> tuple[str, bool]:
    """Set the tenant's zone; return the one that now holds, and whether that is a change."""
    request = SetTenantTimeZoneRequest(time_zone=zone, only_if_unset=only_if_unset)
    async with system.metrics(running) as channel:
        answer = await MetricsServiceStub(channel).SetTenantTimeZone(request)
    return str(answer.time_zone), bool(answer.changed)
