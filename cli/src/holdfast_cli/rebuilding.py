"""A rebuild of the facts: folded anew beside the live ones, compared with them, and taken live if asked."""

from __future__ import annotations

from typing import Any

from rich.progress import Progress as Bar

from holdfast.metrics.v1.metrics_service_pb2 import RebuildFactsRequest, RebuildFactsResponse
from holdfast.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from holdfast_cli import output, system
from holdfast_cli.home import Running
from holdfast_cli.output import CommandFailed

SWAPPED = "swapped"


async def rebuild(running: Running, request: RebuildFactsRequest, bar: Bar) -> dict[str, Any]:
    """Rebuild and return what came of it; cancelled by Ctrl-C, it leaves the live facts as they were."""
    task = bar.add_task("folding", total=None)
    last, swapped = None, False
    async with system.metrics(running) as channel:
        async for step in MetricsServiceStub(channel).RebuildFacts(request):
            bar.update(
                task, description=step.stage.replace("_", " "), completed=step.events, total=step.events_total or None
            )
            last, swapped = step, swapped or step.stage == SWAPPED
    if last is None or not last.HasField("differences"):
        message = "The rebuild ended before it was compared; the live facts are as they were. Try again."
        raise CommandFailed(message)
    return _document(last, swapped=swapped)


def show(rebuilt: dict[str, Any]) -> None:
    """Print what came of a rebuild."""
    differences = rebuilt["differences"]
    same = "equal to the live facts" if not differences else f"{output.counted(differences, 'row')} differ"
    output.fields(
        "Rebuilt the facts of metrics",
        {
            "events": rebuilt["events"],
            "took": f"{rebuilt['seconds']:.1f} s, {rebuilt['events_per_second']:,.0f} events a second",
            "compared": same,
            "at position": rebuilt["compared_position"],
            "live now": "the rebuilt facts" if rebuilt["swapped"] else "the facts as before",
        },
    )
    for example in rebuilt["difference_examples"]:
        output.say(example, indent=2)


def _document(last: RebuildFactsResponse, *, swapped: bool) -> dict[str, Any]:
    return {
        "events": last.events,
        "seconds": last.seconds,
        "events_per_second": last.events / last.seconds if last.seconds else 0.0,
        "differences": last.differences,
        "difference_examples": list(last.difference_examples),
        "compared_position": last.compared_position,
        "swapped": swapped,
    }
