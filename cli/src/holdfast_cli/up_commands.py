"""Commands that run the system: up, doctor, demo."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from holdfast_cli import demo as demonstration
from holdfast_cli import doctor as examination
from holdfast_cli import home, options, output, ports, up
from holdfast_cli.home import Addresses
from holdfast_cli.options import Data, Json, Where
from holdfast_cli.output import CommandFailed

PANEL = "The system"
PortBase = Annotated[int, typer.Option("--port-base", min=0, max=65000, help="First of the ports; 0 takes free ones.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (("up", start), ("doctor", doctor), ("demo", demo)):
        app.command(name, rich_help_panel=PANEL)(options.bundled(command))


def start(
    data: Data,
    tenant: Annotated[str, typer.Option(help="Tenant that the printed token opens.")] = home.TENANT,
    port_base: PortBase = ports.FIRST,
    feed: Annotated[
        str, typer.Option(help="How events reach metrics: grpc, or kafka (a broker and a relay).")
    ] = "grpc",
    *,
    demo: Annotated[bool, typer.Option("--demo", help="With a small centre of simulated callers.")] = False,
    json: Json = False,
) -> None:
    """Run everything in this terminal, on a Postgres of its own; Ctrl-C drains, the next start goes on."""

    def ready(addresses: Addresses, token: str) -> None:
        if json:
            output.as_json({"ready": True, **asdict(addresses), "token": token, "tenant": tenant, "data": str(data)})
        else:
            _welcome(addresses, token, data, _next(demo=demo))

    if feed not in up.FEEDS:
        raise CommandFailed(f"No feed is called {feed}: name {' or '.join(up.FEEDS)}.")
    up.serve(up.Wanted(data, tenant, port_base, feed, demo), ready)


def _next(*, demo: bool) -> tuple[str, ...]:
    """Return what to try: a living centre has figures of today."""
    if not demo:
        return ("generate --day 2026-01-05 --send", "tail", "queues --from 2026-01-05 --to 2026-01-06", "doctor")
    today = datetime.fromtimestamp(time.time(), UTC).date()
    days = f"--from {today} --to {today + timedelta(days=1)} --time-zone UTC"
    return ("live", "tail", f"queues {days}", "why simulated:simulated-7-1", f"agents {days}", "flow list", "doctor")


def _welcome(addresses: Addresses, token: str, data: Path, commands: Sequence[str]) -> None:
    output.fields(
        "Holdfast serves. Ctrl-C ends it; what was acknowledged is kept.",
        {
            "call-events": f"gRPC {addresses.call_events_grpc}   REST http://{addresses.call_events_http}",
            "metrics": f"gRPC {addresses.metrics_grpc}   REST http://{addresses.metrics_http}",
            "ivr-routing": f"gRPC {addresses.ivr_routing_grpc}   REST http://{addresses.ivr_routing_http}",
            **({"Kafka": f"{addresses.kafka}, topic {addresses.kafka_topic}"} if addresses.kafka else {}),
            "data": str(data),
        },
    )
    output.say("\nA token for this machine, good for 12 hours:")
    output.say_whole(token, "dim")
    option = "" if data == home.default_data() else f" --data {data}"
    output.say("\nREST describes itself at /openapi.json, with the token.")
    output.say("\nTry next, in another terminal:")
    for command in commands:
        output.say_whole(f"  holdfast {command}{option}")


def doctor(where: Where, port_base: PortBase = ports.FIRST, *, json: Json = False) -> None:
    """Check that everything runs, follows and is whole; says what to do where it does not."""
    findings = examination.examine(where, port_base)
    healthy = all(one.good for one in findings)
    if json:
        output.as_json({"healthy": healthy, "findings": [asdict(one) for one in findings]})
    else:
        rows = [["well" if one.good else "WRONG", one.what, one.finding] for one in findings]
        output.table("Doctor", ["", "what", "finding~"], rows)
        for one in findings:
            if not one.good:
                output.say(f"{one.what}: {one.remedy}", "yellow")
    if not healthy:
        raise typer.Exit(1)


def demo(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder for the demo's data; else one that is thrown away.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--month", help="A month of the bank's archive; else the real one if it is near.")
    ] = None,
) -> None:
    """Show the whole way once: a real month of calls, or a made-up one, to figures, an explanation and a rebuild."""
    demonstration.run(data, file)
