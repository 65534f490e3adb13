"""The command that simulates a centre by a scenario: its figures, and if wanted its events."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast_cli import imports, options, output, system
from holdfast_cli.importing.sending import Sending
from holdfast_cli.importing.telling import ImportSummary
from holdfast_cli.imports import Wanted
from holdfast_cli.options import Json, Where
from holdfast_cli.output import CommandFailed
from holdfast_cli.simulating import telling
from holdfast_cli.simulating.telling import SimulationTold, Writer
from ivr_routing.simulation import scenario as scenarios
from ivr_routing.simulation.scenario import Scenario, ScenarioInvalid
from ivr_routing.simulation.simulate import Simulation

if TYPE_CHECKING:  # the name exists in the types alone
    from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceAsyncStub


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Routing")(options.bundled(simulate))


def simulate(
    scenario: Annotated[Path, typer.Argument(metavar="SCENARIO", help="The scenario, YAML or JSON.")],
    where: Where,
    events: Annotated[
        Path | None, typer.Option("--events", metavar="FILE", help="Write what happens as lines of JSON, too.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed than the scenario's.")] = None,
    *,
    send: Annotated[bool, typer.Option("--send", help="Tell what happens to the running system, too.")] = False,
    json: Json = False,
) -> None:
    """Simulate a centre: the figures that these callers and agents would have, with 95 % intervals."""
    wanted = _read(scenario, seed)
    if (send or events) and wanted.replications > 1:
        raise CommandFailed("Events are told of one replication: set replications to 1, or leave --events and --send.")
    if (send or events) and wanted.warm_up_hours is None:
        wanted = wanted.model_copy(update={"warm_up_hours": 0.0})  # who reads the events counts all that is told
    try:
        figures = _told(wanted, where, scenario.name) if send else _simulated(wanted, events)
    except ScenarioInvalid as error:
        raise CommandFailed(str(error)) from None
    if json:
        output.as_json(figures)
    else:
        show(figures)


def _read(path: Path, seed: int | None) -> Scenario:
    try:
        found = scenarios.read(path)
    except ScenarioInvalid as error:
        raise CommandFailed(str(error)) from None
    return found if seed is None else found.model_copy(update={"seed": seed})


def _simulated(scenario: Scenario, events: Path | None) -> dict[str, Any]:
    with ExitStack() as stack:
        try:
            writer = None if events is None else Writer(stack.enter_context(events.open("w", encoding="utf-8")))
        except OSError as error:
            raise CommandFailed(f"{events} cannot be written ({error.strerror}): name another file.") from None
        bar = stack.enter_context(output.progress())
        simulation = Simulation(scenario, witness=writer)
        task = bar.add_task("simulating", total=1.0, rate=None)
        for share in simulation.steps():
            bar.update(task, completed=share)
    return simulation.figures()


def _told(scenario: Scenario, where: Where, name: str) -> dict[str, Any]:
    """Simulate and tell at once; the figures are the simulator's own, beside what came of the telling."""
    running = system.find(where)
    told = SimulationTold(scenario, running.tenant)

    def tell(stub: CallEventsServiceAsyncStub, sending: Sending, _: str) -> Awaitable[ImportSummary]:
        return telling.tell(told, stub, sending)

    with output.progress() as bar:
        imported = system.run(imports.carry_out(running, Wanted(name, tell, "UTC"), bar))
    return told.figures() | {"told": imports.as_document(imported)}


def show(figures: dict[str, Any]) -> None:
    """Print what a simulation came to."""
    rows = [_row(name, queue) for name, queue in figures["queues"].items()]
    columns = ["queue", "contacts", "answered", "abandoned", "waited", "asa", "service level", "abandons", "occupancy"]
    output.table(f"Simulated {figures['simulated_hours']:g} hours, seed {figures['seed']}", columns, rows)
    pace = f"{figures['seconds']:.1f} s, {figures['contacts_per_second']:,.0f} contacts a second"
    output.say(f"{output.counted(figures['simulated_contacts'], 'contact')} in {pace}; in brackets 95 % intervals.")
    if "told" in figures:
        output.say(f"{figures['told']['recorded']:,} events told now: `holdfast queues` shows what metrics counts.")


def _row(name: str, queue: dict[str, Any]) -> list[object]:
    within = queue["intervals"]
    level = f"{queue['service_level_threshold_seconds']:g} s"
    return [
        name,
        queue["contacts"],
        queue["answered"],
        queue["abandoned"],
        _share(queue["waited_share"], within["waited_share"]),
        _seconds(queue["asa_seconds"], within["asa_seconds"]),
        f"{_share(queue['service_level']['offered'], within['service_level']['offered'])} in {level}",
        _share(queue["abandon_rate"], within["abandon_rate"]),
        _share(queue["occupancy"], within["occupancy"]),
    ]


def _share(value: float | None, interval: list[float] | None) -> str:
    return output.percent(value) + ("" if interval is None else f" ({interval[0] * 100:.1f}-{interval[1] * 100:.1f})")


def _seconds(value: float | None, interval: list[float] | None) -> str:
    if value is None:
        return output.NOTHING
    return f"{value:.1f} s" + ("" if interval is None else f" ({interval[0]:.1f}-{interval[1]:.1f})")
