"""Commands that show figures: queues, agents, flows, scorecard, explain."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from holdfast_cli import following, options, output, report_tables, reports, system
from holdfast_cli.home import Running
from holdfast_cli.options import Days, Json, ShortAbandon, Shown, Threshold, Where
from holdfast_cli.reports import Terms


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (queues, agents, flows, scorecard, explain):
        app.command(rich_help_panel="Figures")(options.bundled(command))


def queues(
    where: Where,
    days: Days,
    shown: Shown,
    threshold: Threshold = 20.0,
    short_abandon: ShortAbandon = 5.0,
    credit: Annotated[
        Literal["enqueue", "end"],
        typer.Option(metavar="INSTANT", help="Instant that credits a visit to a part: enqueue or end."),
    ] = "enqueue",
    *,
    json: Json = False,
) -> None:
    """Show what queues were offered, answered and lost, with waits, service levels and handle times."""
    terms = Terms(threshold, short_abandon)
    report = reports.queues(_current(where), days, shown, terms=terms, credit=credit)
    output.as_json(report) if json else report_tables.show_queues(report, threshold)


def agents(where: Where, days: Days, shown: Shown, *, json: Json = False) -> None:
    """Show handle times by agent, in order of name: no order by figure is offered."""
    report = reports.agents(_current(where), days, shown)
    output.as_json(report) if json else report_tables.show_agents(report)


def flows(
    where: Where,
    days: Days,
    *,
    by_node_path: Annotated[bool, typer.Option("--by-node-path", help="A row for each way through a version.")] = False,
    json: Json = False,
) -> None:
    """Show what became of callers in IVR flows, and how many they led to the wrong place, by version."""
    report = reports.flows(_current(where), days, by_node_path=by_node_path)
    output.as_json(report) if json else report_tables.show_flows(report)


def scorecard(
    agent: Annotated[str, typer.Argument(help="Agent, as the phone system names them.", show_default=False)],
    where: Where,
    days: Days,
    long_wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="A longer wait before this agent is marked long_wait.")
    ] = 120.0,
    figures: Annotated[
        str,
        typer.Option(metavar="NAME,…", help="Only these figures: names, or name@1 for an older version, by commas."),
    ] = "",
    purpose: Annotated[str, typer.Option(help="Why it is read; kept with the record of the reading.")] = "",
    *,
    json: Json = False,
) -> None:
    """Show one agent's figures: all evidence, what was in the agent's hands, what was left out and why."""
    card = reports.scorecard(
        _current(where), agent, days, long_wait_seconds=long_wait, figures=figures, purpose=purpose
    )
    output.as_json(card) if json else report_tables.show_scorecard(card)


def explain(
    figure: Annotated[str, typer.Argument(help="Figure, by name or name@version.", show_default=False)],
    where: Where,
    days: Days,
    about: options.About,
    threshold: Threshold = 20.0,
    short_abandon: ShortAbandon = 5.0,
    *,
    json: Json = False,
) -> None:
    """Show the formula of a figure and the facts behind it, down to events and positions."""
    explained = reports.explain(_current(where), figure, days, about, Terms(threshold, short_abandon))
    output.as_json(explained) if json else report_tables.show_explanation(explained)


def _current(where: Where) -> Running:
    """Return the system once its facts have followed what was acknowledged before."""
    running = system.find(where)
    following.settle(running)
    return running
