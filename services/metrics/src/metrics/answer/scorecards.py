"""Answers to GetScorecard: the figures, what was left out, and the events that show why."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from contact_life.observed import Observed
from event_log.errors import EventLogError
from holdfast.metrics.v1 import metrics_service_pb2 as pb
from metrics import telemetry
from metrics.answer import answering, asking
from metrics.answer.answers import Answers
from metrics.as_of import AsOf
from metrics.connection import Connection
from metrics.errors import InvalidInterval, NoSuchAgent
from metrics.evidence.evidence import Subject
from metrics.explain.events import Events, chunks
from metrics.explain.marked import shown_by
from metrics.interval.calendar import Granularity
from metrics.people import audit
from metrics.people.policy import Reach, reach
from metrics.report.marks import Mark
from metrics.report.question import Question, Scope, named
from metrics.report.scorecard import scorecard
from metrics.report.snapshot import snapshot
from service_host import call
from service_host.postgres import Database

NO_EVENTS: Final = "The log cannot be read now, so the events behind the marks are not named."
_KNOWN: Final = """
select exists (
        select from metrics.assignment a where a.tenant = $1 and a.agent = $2 and ($3::text is null or a.team = $3)
    ) or $3::text is null and (
        exists (select from metrics.agent_spell s where s.tenant = $1 and s.agent = $2)
        or exists (select from metrics.agent_ring r where r.tenant = $1 and r.agent = $2)
    )
"""


class Scorecards:
    """Answers about one agent."""

    def __init__(self, database: Database, answers: Answers, events: Events) -> None:
        self._database = database
        self._answers = answers
        self._events = events

    async def scorecard(self, request: pb.GetScorecardRequest) -> pb.GetScorecardResponse:
        """Return an agent's scorecard, if the caller may read it; NoSuchAgent otherwise."""
        wanted = asking.figures(request.figures, Subject.AGENT)
        within = reach(call.caller(), named([request.agent]))
        asked = await self._question(request, within)
        await audit.record(self._database, audit.Reading("GetScorecard", within, asked.interval, request.purpose))
        with telemetry.REPORT.start(subject=Subject.AGENT):
            async with snapshot(self._database) as connection:
                await _must_know(connection, asked.scope, request.agent)
                as_of, asked = await self._answers.known(connection, asked)
                found = await scorecard(connection, asked, wanted)
        behind, note = await self._behind(asked.scope.tenant, found.marks, as_of)
        answer = answering.scorecard(asked.interval, request.agent, found, behind)
        answer.as_of.CopyFrom(self._answers.as_of(as_of))
        answer.notes.extend(note)
        return answer

    async def _question(self, request: pb.GetScorecardRequest, within: Reach) -> Question:
        interval = await self._answers.interval(request.interval)
        if interval.granularity is not Granularity.WHOLE:
            raise InvalidInterval
        told = asking.Told(
            long_wait=request.long_wait if request.HasField("long_wait") else None, minimum_n=request.minimum_n
        )
        scope = Scope(call.caller().tenant, within.agents, within.team)
        return asking.question(Subject.AGENT, scope, interval, told)

    async def _behind(
        self, tenant: str, marks: Iterable[Mark], as_of: AsOf
    ) -> tuple[dict[Mark, tuple[str, ...]], list[str]]:
        """Return the events of each mark; figures do not wait for a log that is away, and the answer says so."""
        listed = tuple(marks)
        found: dict[Mark, tuple[str, ...]] = {}
        try:
            until = (await self._events.reached(as_of)).told
            for part in chunks(list(dict.fromkeys(mark.contact_id for mark in listed))):
                told = await self._events.of(tenant, part, until)
                found |= await asyncio.to_thread(_shown, listed, told)
        except EventLogError:
            return {}, [NO_EVENTS]
        return found, []


def _shown(marks: Iterable[Mark], told: Mapping[str, Sequence[Observed]]) -> dict[Mark, tuple[str, ...]]:
    return {mark: shown_by(mark, told[mark.contact_id]) for mark in marks if mark.contact_id in told}


async def _must_know(connection: Connection, scope: Scope, agent: str) -> None:
    """Raise NoSuchAgent for one nobody ever told of or, for a supervisor, one never of their team."""
    if not agent or not await connection.fetchval(_KNOWN, scope.tenant, agent, scope.team):
        raise NoSuchAgent
