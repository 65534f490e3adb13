"""An import from its file to readable figures: told and acknowledged, the tenant's zone set, the facts awaited."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from grpc.aio import AioRpcError
from rich.progress import Progress as Bar

from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast_cli import following, output, system
from holdfast_cli.following import Followed
from holdfast_cli.home import Running
from holdfast_cli.importing.sending import Sending
from holdfast_cli.importing.telling import ImportSummary, Progress
from holdfast_cli.tenant_commands import set_time_zone

if TYPE_CHECKING:  # the name exists in the types alone
    from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceAsyncStub

MOST_ODD = 40
"""Lines of oddities shown to people."""


Tell: TypeAlias = "Callable[[CallEventsServiceAsyncStub, Sending, str], Awaitable[ImportSummary]]"
"""Tells a running call-events, as the tenant named last; raises ImportFailed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be told, under which title. ``days_zone`` becomes the tenant's zone if none is set; empty: none."""

    title: str
    tell: Tell
    days_zone: str = ""
    resume_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to: told within ``summary.seconds``, in figures after ``readable_seconds``."""

    summary: ImportSummary
    readable_seconds: float | None
    facts: Followed | None
    time_zone: str
    time_zone_set: bool


async def carry_out(running: Running, wanted: Wanted, bar: Bar) -> Imported:
    """Tell everything and wait until its figures can be read; raises ImportFailed.

    What was told is told: if metrics is away meanwhile, that is remarked on stderr and the figures are not waited for.
    """
    began = time.monotonic()
    summary = await _tell(running, wanted, bar)
    zone, changed, facts = "", False, None
    try:
        if wanted.days_zone and running.addresses.metrics_grpc:
            zone, changed = await set_time_zone(running, wanted.days_zone, only_if_unset=True)
        if running.addresses.metrics_grpc and running.addresses.call_events_log:
            facts = await _facts(running, bar)
    except AioRpcError as error:
        output.note(f"All is told, but metrics cannot be asked: {system.sentence(error)}", "yellow")
    readable = time.monotonic() - began if facts and not facts.behind else None
    return Imported(summary, readable, facts, zone, changed)


def as_document(imported: Imported) -> dict[str, Any]:
    """Return counts by name, durations in seconds."""
    summary = imported.summary
    return {
        "contacts": summary.contacts,
        "events": summary.events,
        "recorded": summary.recorded,
        "duplicates": summary.duplicates,
        "skipped": summary.skipped,
        "refused": dict(summary.refused),
        "notes": dict(summary.notes),
        "oddities": dict(sorted(summary.oddities.items())),
        "oddity_lines": dict(sorted(summary.oddity_lines.items())),
        "seconds": summary.seconds,
        "events_per_second": summary.events_per_second,
        "readable_seconds": imported.readable_seconds,
        "parked": imported.facts.parked if imported.facts else None,
        "time_zone": imported.time_zone or None,
        "time_zone_set": imported.time_zone_set,
    }


def show(imported: Imported, title: str, meanings: Mapping[str, str] = MappingProxyType({})) -> None:
    """Print what an import came to; ``meanings`` says what each oddity is."""
    summary = imported.summary
    readable = None if imported.readable_seconds is None else f"after {imported.readable_seconds:.1f} s"
    facts: dict[str, object] = {
        "contacts": summary.contacts,
        "events": summary.events,
        "recorded now": summary.recorded,
        "known before": summary.duplicates + summary.skipped,
        "acknowledged": f"after {summary.seconds:.1f} s, {summary.events_per_second:,.0f} events a second",
        "figures readable": readable or "not yet: `holdfast doctor` tells how far they are",
    }
    if imported.time_zone:
        set_now = "set now, since none was set" if imported.time_zone_set else "set before, left alone"
        facts["days begin in"] = f"{imported.time_zone} ({set_now})"
    output.fields(f"Told {title}", facts)
    if summary.refused:
        output.say()
        output.table("Refused", ["reason", "events"], sorted(summary.refused.items()))
    if summary.oddities:
        rows = [[name, count, _meaning(name, meanings)] for name, count in summary.oddities.most_common(MOST_ODD)]
        output.say()
        output.table("What was odd (lines that show it: --json)", ["name", "count", "meaning~"], rows)


def _meaning(name: str, meanings: Mapping[str, str]) -> str:
    """Return what an oddity is; of one with a part of its own, ``unknown_verb:FOO``, what all of its kind are."""
    kind = name.partition(":")[0]
    return next((meaning for known, meaning in meanings.items() if known.partition(":")[0] == kind), "")


async def _tell(running: Running, wanted: Wanted, bar: Bar) -> ImportSummary:
    task = bar.add_task(f"telling {wanted.title}", total=1.0, rate=None)

    def on_progress(progress: Progress) -> None:
        bar.update(task, completed=progress.read, rate=progress.events_per_second)

    sending = Sending(on_progress=on_progress, resume_folder=wanted.resume_folder)
    async with system.call_events(running) as channel:
        summary = await wanted.tell(CallEventsServiceStub(channel), sending, running.tenant)
    bar.update(task, completed=1.0)
    return summary


async def _facts(running: Running, bar: Bar) -> Followed:
    until = await following.head(running)
    task = bar.add_task("folding into facts", total=until.position)
    return await following.followed(running, until, lambda seen: bar.update(task, completed=seen.position))
