"""The REST door: queries to requests, answers to JSON. What is answered stands in `answers`, keys in `json_…`."""

import asyncio
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from google.protobuf.duration_pb2 import Duration

from holdfast.metrics.v1 import figure_pb2
from holdfast.metrics.v1 import metrics_service_pb2 as pb
from metrics.answer import answering, json_answers, json_rows
from metrics.answer.answers import Answers
from metrics.answer.explanations import Explanations
from metrics.answer.scorecards import Scorecards
from metrics.answer.status import Status
from metrics.errors import InvalidInterval
from metrics.interval.interval import instant_us, zone_named

Name = Annotated[str, Query(max_length=200)]
Names = Annotated[list[str], Query(max_length=1000)]
Figures = Annotated[str, Query(max_length=4000, description="Figures to add in full, name or name@version, by commas.")]
Seconds = Annotated[float | None, Query(ge=0, le=86_400)]
Minimum = Annotated[int, Query(ge=0, le=1_000_000, description="Least n to conclude from; 0: 30.")]
_BY = {
    "": figure_pb2.GRANULARITY_UNSPECIFIED,
    "quarter_hour": figure_pb2.GRANULARITY_QUARTER_HOUR,
    "half_hour": figure_pb2.GRANULARITY_HALF_HOUR,
    "hour": figure_pb2.GRANULARITY_HOUR,
    "day": figure_pb2.GRANULARITY_DAY,
    "week": figure_pb2.GRANULARITY_WEEK,
    "month": figure_pb2.GRANULARITY_MONTH,
}
_CREDIT = {
    "": figure_pb2.CREDIT_UNSPECIFIED,
    "enqueue": figure_pb2.CREDIT_ENQUEUE,
    "end": figure_pb2.CREDIT_END,
}


class IntervalQuery:
    """From when until before when, in which zone, cut how, crediting by what."""

    def __init__(
        self,
        from_: Annotated[str, Query(alias="from", max_length=40, description="Local date, or ISO 8601 instant.")],
        to: Annotated[str, Query(max_length=40, description="The same, exclusive.")],
        time_zone: Annotated[str, Query(max_length=100, description="IANA zone; empty: the tenant's.")] = "",
        by: Annotated[str, Query(max_length=20, description="quarter_hour, half_hour, hour, day, week, month.")] = "",
        week_start: Annotated[int, Query(ge=0, le=7, description="1 Monday to 7 Sunday.")] = 0,
        credit: Annotated[str, Query(max_length=20, description="enqueue or end.")] = "",
    ) -> None:
        self._ends = (from_, to)
        self._zone = time_zone
        self._by = by
        self._week_start = week_start
        self._credit = credit

    async def told(self, answers: Answers) -> figure_pb2.ReportInterval:
        """Return it as a request tells it."""
        if self._by not in _BY or self._credit not in _CREDIT:
            raise InvalidInterval
        zone: ZoneInfo = zone_named(self._zone) if self._zone else await answers.zone()
        first, last = (instant_us(end, zone) for end in self._ends)
        return figure_pb2.ReportInterval(
            from_time=answering.timestamp(first),
            to_time=answering.timestamp(last),
            time_zone=zone.key,
            granularity=_BY[self._by],
            week_start=self._week_start,
            credit=_CREDIT[self._credit],
        )


Interval = Annotated[IntervalQuery, Depends()]


@dataclass(frozen=True, slots=True)
class Doors:
    """What answers behind the routes."""

    answers: Answers
    scorecards: Scorecards
    explanations: Explanations
    status: Status


def router(doors: Doors) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()
    _add_reports(routes, doors.answers)
    _add_scorecard(routes, doors)
    _add_explanation(routes, doors)
    _add_definitions(routes, doors)
    return routes


def _add_reports(routes: APIRouter, answers: Answers) -> None:
    @routes.get("/v1/queues", summary="Figures of queues")
    async def queues(
        interval: Interval,
        queue: Names = [],  # noqa: B006  # FastAPI copies it
        threshold_seconds: Seconds = None,
        short_abandon_seconds: Seconds = None,
        minimum_n: Minimum = 0,
        figures: Figures = "",
        *,
        together: bool = False,
    ) -> JSONResponse:
        """Counts, waits, service levels and handle times, a row for each queue and part of the interval."""
        extra = _listed(figures)
        request = pb.GetQueueReportRequest(
            interval=await interval.told(answers),
            queues=queue,
            threshold=_length(threshold_seconds),
            short_abandon=_length(short_abandon_seconds),
            minimum_n=minimum_n,
            figures=[*json_rows.QUEUE_FIGURES, *extra],
            all_queues_together=together,
        )
        found = await answers.queue_report(request)
        return JSONResponse(await asyncio.to_thread(json_rows.queue_report, found, extra))

    @routes.get("/v1/agents", summary="Handle times by agent, in order of name")
    async def agents(
        interval: Interval,
        agent: Names = [],  # noqa: B006  # FastAPI copies it
        queue: Names = [],  # noqa: B006  # FastAPI copies it
        minimum_n: Minimum = 0,
        figures: Figures = "",
        purpose: Name = "",
    ) -> JSONResponse:
        """What agents handled. No order by a figure is offered. The reading is recorded."""
        extra = _listed(figures)
        request = pb.GetAgentReportRequest(
            interval=await interval.told(answers),
            agents=agent,
            queues=queue,
            minimum_n=minimum_n,
            figures=[*json_rows.AGENT_FIGURES, *extra],
            purpose=purpose,
        )
        found = await answers.agent_report(request)
        return JSONResponse(await asyncio.to_thread(json_rows.agent_report, found, extra))

    @routes.get("/v1/flows", summary="Figures of IVR flows")
    async def flows(
        interval: Interval,
        flow: Names = [],  # noqa: B006  # FastAPI copies it
        by_node_path: bool = False,  # noqa: FBT001, FBT002  # as FastAPI takes parameters
        minimum_n: Minimum = 0,
        figures: Figures = "",
    ) -> JSONResponse:
        """What became of contacts in IVR flows, a row for each version (or way through it) and part of the interval."""
        extra = _listed(figures)
        request = pb.GetFlowReportRequest(
            interval=await interval.told(answers),
            flows=flow,
            by_node_path=by_node_path,
            minimum_n=minimum_n,
            figures=[*json_rows.FLOW_FIGURES, *extra],
        )
        found = await answers.flow_report(request)
        return JSONResponse(await asyncio.to_thread(json_rows.flow_report, found, extra))


def _add_scorecard(routes: APIRouter, doors: Doors) -> None:
    @routes.get("/v1/agents/{agent:path}/scorecard", summary="One agent's figures with their context")
    async def scorecard(
        agent: Annotated[str, Path(max_length=200)],
        interval: Interval,
        long_wait_seconds: Seconds = None,
        minimum_n: Minimum = 0,
        figures: Figures = "",
        purpose: Name = "",
    ) -> JSONResponse:
        """All evidence, what was in the agent's hands, what was left out and why. The reading is recorded."""
        request = pb.GetScorecardRequest(
            agent=agent,
            interval=await interval.told(doors.answers),
            minimum_n=minimum_n,
            long_wait=_length(long_wait_seconds),
            figures=_listed(figures),
            purpose=purpose,
        )
        return JSONResponse(json_answers.scorecard(await doors.scorecards.scorecard(request)))


def _add_explanation(routes: APIRouter, doors: Doors) -> None:
    @routes.get("/v1/figures/{figure}:explain", summary="The facts and events behind a figure")
    async def explain(  # noqa: PLR0913  # a question has this many sides
        figure: Annotated[str, Path(max_length=200)],
        interval: Interval,
        *,
        queue: Name = "",
        agent: Name = "",
        flow: Name = "",
        threshold_seconds: Seconds = None,
        short_abandon_seconds: Seconds = None,
        minimum_n: Minimum = 0,
        page_size: Annotated[int, Query(ge=0, le=1000)] = 0,
        page_token: Annotated[str, Query(max_length=600)] = "",
        purpose: Name = "",
    ) -> JSONResponse:
        """Formula, numerator, denominator, facts down to events, and the figure computed again from those events."""
        request = pb.ExplainFigureRequest(
            figure=figure,
            interval=await interval.told(doors.answers),
            threshold=_length(threshold_seconds),
            short_abandon=_length(short_abandon_seconds),
            minimum_n=minimum_n,
            page_size=page_size,
            page_token=page_token,
            purpose=purpose,
        )
        if agent:
            request.agent = agent
        elif flow:
            request.flow = flow
        else:
            request.queue = queue
        return JSONResponse(json_answers.explanation(await doors.explanations.explain(request)))


def _add_definitions(routes: APIRouter, doors: Doors) -> None:
    @routes.get("/v1/figures", summary="What every figure means")
    async def figures() -> JSONResponse:
        """All figures, all versions, with formula, numerator, denominator and unit."""
        return JSONResponse(json_answers.definitions(await doors.answers.figure_definitions()))

    @routes.get("/v1/status", summary="How far the facts follow the logs")
    async def status(wait_for_position: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0) -> JSONResponse:
        """Positions, parked events and rows by fact; waits for a position at most until the deadline."""
        request = pb.GetFactsStatusRequest(wait_for_position=wait_for_position)
        return JSONResponse(json_answers.status(await doors.status.facts_status(request)))


def _listed(figures: str) -> tuple[str, ...]:
    return tuple(name for name in figures.split(",") if name)


def _length(seconds: float | None) -> Duration | None:
    if seconds is None:
        return None
    return answering.duration(round(seconds * 1_000_000))
