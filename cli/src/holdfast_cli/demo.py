"""The whole way once, for a newcomer: a month of calls from its file to figures that explain themselves.

Everything is the real thing, started on free ports and ended at the end: the same ``up``, import and reports.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from holdfast.metrics.v1.metrics_service_pb2 import RebuildFactsRequest
from holdfast_cli import (
    generate_commands,
    import_commands,
    imports,
    output,
    rebuilding,
    report_tables,
    reports,
    system,
    up,
)
from holdfast_cli.generating.plan import Plan
from holdfast_cli.home import TENANT, Home, Running
from holdfast_cli.importing.bank_row import ODDITIES
from holdfast_cli.imports import Wanted
from holdfast_cli.options import About, Days, Shown
from holdfast_cli.output import CommandFailed
from holdfast_cli.reports import Terms

REAL_MONTH = Path("..") / "shared" / "data" / "bank_1999" / "january.txt.gz"
"""Where the real month may lie, from the repository's folder."""
REAL_DAYS = Days("1999-01-01", "1999-02-01")
MADE_UP = Plan(seed=1, first_day=date(2026, 1, 1), days=31, contacts_per_day=300)
ENOUGH = 30
"""Contacts that an agent must have for their scorecard to show something."""


def run(data: Path | None, file: Path | None) -> None:
    """Show it all; raises CommandFailed, ImportFailed."""
    began = time.monotonic()
    found = file or _real_month()
    with _folder(data) as folder, _serving(folder) as running:
        days = _import(running, found, folder) if found else _generate(running)
        _show(running, days)
    output.say()
    output.say(f"All of it took {time.monotonic() - began:.0f} s; nothing was left running.", "bold green")
    output.say("Next: `holdfast up` in one terminal, and in another: `holdfast --help`.")


def _show(running: Running, days: Days) -> None:
    _step("The queues of the month", f"holdfast queues {_written(days)}")
    report = reports.queues(running, days, Shown())
    report_tables.show_queues(report, Terms().threshold_seconds)
    agent = _typical_agent(reports.agents(running, days, Shown()))
    _step("One agent's scorecard: with context, never a ranking", f"holdfast scorecard {agent} {_written(days)}")
    report_tables.show_scorecard(reports.scorecard(running, agent, days, purpose="demo"))
    queue = _small_queue(report)
    _step("Why that number? Down to events", f"holdfast explain abandon_rate --queue {queue} {_written(days)}")
    report_tables.show_explanation(reports.explain(running, "abandon_rate", days, About(queue=queue)))
    _step("Thrown away and made again, it is the same", "holdfast rebuild metrics")
    with output.progress() as bar:
        rebuilt = system.run(rebuilding.rebuild(running, RebuildFactsRequest(), bar))
    rebuilding.show(rebuilt)
    if rebuilt["differences"]:
        message = "The rebuilt facts differ from the live ones: this is a fault of ours, please report it."
        raise CommandFailed(message)


def _import(running: Running, file: Path, folder: Path) -> Days:
    _step("A real month of a bank's call centre", f"holdfast import bank-1999 {file}")
    wanted = import_commands.bank_month(file, Home(folder))
    _tell(running, wanted, ODDITIES)
    return REAL_DAYS


def _generate(running: Running) -> Days:
    _step("No real month is near: one is made up, by a seed", generate_commands.written(MADE_UP))
    _tell(running, generate_commands.wanted(MADE_UP), {})
    until = MADE_UP.first_day + timedelta(days=MADE_UP.days)
    return Days(MADE_UP.first_day.isoformat(), until.isoformat())


def _tell(running: Running, wanted: Wanted, meanings: Mapping[str, str]) -> None:
    with output.progress() as bar:
        imported = system.run(imports.carry_out(running, wanted, bar))
    imports.show(imported, wanted.title, meanings)


def _real_month() -> Path | None:
    repository = Path(__file__).resolve().parents[3]
    return next((place for place in (REAL_MONTH, repository / REAL_MONTH) if place.is_file()), None)


def _typical_agent(report: dict[str, Any]) -> str:
    """Return the first agent by name with evidence enough; the demo picks nobody by a figure."""
    named = [row for row in report["rows"] if row["agent"]]
    return str(next((row["agent"] for row in named if row["contacts"] >= ENOUGH), named[0]["agent"]))


def _small_queue(report: dict[str, Any]) -> str:
    """Return a queue whose figure can be followed event by event while somebody waits."""
    offered = {row["queue"]: row["offered"] for row in report["rows"] if row["offered"]}
    enough = [queue for queue, visits in offered.items() if visits >= ENOUGH] or [*offered]
    return str(min(enough, key=lambda queue: offered[queue]))


def _written(days: Days) -> str:
    return f"--from {days.from_date} --to {days.to_date}"


def _step(title: str, command: str) -> None:
    output.say()
    output.say(f"━━ {title}", "bold cyan")
    output.say(f"   {command}", "dim")
    output.say()


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    """Give the folder asked for, or one that is thrown away; others may pass through it, as Postgres's account must."""
    if data is not None:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="holdfast-demo-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@contextmanager
def _serving(folder: Path) -> Iterator[Running]:
    _step("Everything on this machine: Postgres, call-events, metrics", "holdfast up")
    began = time.monotonic()
    wanted = up.Wanted(folder, TENANT, 0)
    with ExitStack() as stack:
        with output.notes().status("starting"):
            stack.enter_context(up.started(wanted))
        output.say(f"Ready after {time.monotonic() - began:.1f} s.")
        yield Home(folder).running()
