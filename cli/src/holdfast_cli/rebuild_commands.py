"""Commands that make again what can be made again: rebuild metrics."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.metrics.v1.metrics_service_pb2 import RebuildFactsRequest
from holdfast_cli import following, options, output, rebuilding, system
from holdfast_cli.options import Json, Where


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Make facts again from the log, and prove them equal.", no_args_is_help=True)
    group.callback()(_group)
    group.command("metrics")(options.bundled(metrics))
    app.add_typer(group, name="rebuild", rich_help_panel="The system")


def _group() -> None:
    """Hold the commands; without it a group of one command would be that command."""


def metrics(
    where: Where,
    *,
    swap: Annotated[
        bool, typer.Option("--swap", help="Take the rebuilt facts live if they equal the live ones.")
    ] = False,
    accept_differences: Annotated[
        bool, typer.Option("--accept-differences", help="With --swap: take them live even where they differ.")
    ] = False,
    json: Json = False,
) -> None:
    """Fold the whole log anew beside the live facts and compare both; exit status 1 if they differ."""
    running = system.find(where)
    following.settle(running)
    request = RebuildFactsRequest(swap=swap, accept_differences=accept_differences)
    with output.remarking("Interrupted: the live facts are as they were."), output.progress() as bar:
        rebuilt = system.run(rebuilding.rebuild(running, request, bar))
    output.as_json(rebuilt) if json else rebuilding.show(rebuilt)
    if rebuilt["differences"] and not rebuilt["swapped"]:
        raise typer.Exit(1)
