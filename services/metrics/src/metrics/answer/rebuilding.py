"""Answers to RebuildFacts: how a rebuild goes, step by step, as messages."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from holdfast.metrics.v1 import metrics_service_pb2 as pb
from metrics.facts import Facts
from metrics.rebuild.rebuild import Progress


def rebuilding(facts: Facts) -> Callable[[pb.RebuildFactsRequest], AsyncGenerator[pb.RebuildFactsResponse, None]]:
    """Return what rebuilds these facts; a caller who leaves early ends it, and the live facts stay as they were."""

    async def rebuild(request: pb.RebuildFactsRequest) -> AsyncGenerator[pb.RebuildFactsResponse, None]:
        told = facts.rebuild(swap=request.swap, accept_differences=request.accept_differences)
        async with aclosing(told):
            async for progress in told:
                yield _told(progress)

    return rebuild


def _told(progress: Progress) -> pb.RebuildFactsResponse:
    return pb.RebuildFactsResponse(
        stage=progress.stage,
        events=progress.events,
        events_total=progress.events_total,
        seconds=progress.seconds,
        differences=progress.differences,
        difference_examples=progress.examples,
        compared_position=progress.compared_position,
    )
