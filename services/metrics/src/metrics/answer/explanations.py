"""What is answered about one agent, and about what is behind a figure: answers that also read the log."""

from dataclasses import dataclass, replace
from typing import Final

from holdfast.metrics.v1 import metrics_service_pb2 as pb
from metrics import telemetry
from metrics.answer import answering, asking
from metrics.answer.answers import Answers
from metrics.errors import InvalidThreshold
from metrics.evidence.evidence import Subject
from metrics.explain import page
from metrics.explain.events import Events, TooSlow
from metrics.explain.explanation import (
    Explained,
    Found,
    explained,
    figure_of,
    found,
    recomputed,
    with_events,
)
from metrics.explain.recount import can_recount
from metrics.explain.reference import Reached
from metrics.figure import catalogue
from metrics.figure.definition import Definition, Figure
from metrics.interval.calendar import Granularity
from metrics.interval.interval import Interval
from metrics.people import audit
from metrics.people.policy import may_see_positions, reach
from metrics.report.question import Question, Scope, named
from metrics.report.snapshot import snapshot
from service_host import call
from service_host.postgres import Database

TOO_MANY: Final = "more contacts are behind it than are read again for one answer; ask for a shorter interval"
TOO_SLOW: Final = "reading all its events again takes longer than this call may; ask for a shorter interval"
NOT_ONE_BY_ONE: Final = "it rests on more than the events of each contact by itself"
NO_DECISIONS: Final = "it rests on what routing decided, and this metrics is not told where routing's log is"
ONLY_FIRST: Final = "it comes with the first page"


@dataclass(frozen=True, slots=True)
class _Again:
    """A figure computed again, or why it was not."""

    figure: Figure | None = None
    why_not: str = ""


class Explanations:
    """Answers to ExplainFigure."""

    def __init__(self, database: Database, answers: Answers, events: Events, at_most: int) -> None:
        self._database = database
        self._answers = answers
        self._events = events
        self._at_most = at_most

    async def explain(self, request: pb.ExplainFigureRequest) -> pb.ExplainFigureResponse:
        """Return a figure, the facts behind it with their events, and the figure computed again from events."""
        interval = replace(await self._answers.interval(request.interval), granularity=Granularity.WHOLE)
        asked = await self._question(request, interval)
        definition = catalogue.definition(request.figure, asked.subject)
        size = _size(request.page_size)
        after = page.place(request.page_token, asked, definition)
        async with snapshot(self._database) as connection:
            as_of, asked = await self._answers.known(connection, asked)
            facts = await found(connection, asked, definition, size, after, self._at_most)
        shown, again = await self._read(asked, definition, facts, await self._events.reached(as_of))
        positions = may_see_positions(call.caller())
        return pb.ExplainFigureResponse(
            as_of=self._answers.as_of(as_of),
            figure=answering.figure(facts.figure),
            definition=answering.definition(definition),
            facts=[answering.explained(definition, one, positions=positions) for one in shown],
            next_page_token=page.token(facts.page.after, asked, definition),
            fact_count=facts.page.count,
            recomputed=answering.figure(again.figure) if again.figure else None,
            not_recomputed=again.why_not,
        )

    async def _question(self, request: pb.ExplainFigureRequest, interval: Interval) -> Question:
        subject, scope = await self._subject(request, interval)
        told = asking.Told(
            threshold=request.threshold if request.HasField("threshold") else None,
            short_abandon=request.short_abandon if request.HasField("short_abandon") else None,
            minimum_n=request.minimum_n,
        )
        return asking.question(subject, scope, interval, told)

    async def _subject(self, request: pb.ExplainFigureRequest, interval: Interval) -> tuple[Subject, Scope]:
        """Return what the figure is about; of an agent only what the caller may read, and the reading is recorded."""
        tenant = call.caller().tenant
        kind = request.WhichOneof("subject")
        if kind == "agent":
            within = reach(call.caller(), named([request.agent]))
            await audit.record(self._database, audit.Reading("ExplainFigure", within, interval, request.purpose))
            return Subject.AGENT, Scope(tenant, within.agents, within.team)
        if kind == "flow":
            return Subject.FLOW, Scope(tenant, named([request.flow] if request.flow else []))
        return Subject.QUEUE, Scope(tenant, named([request.queue] if request.queue else []))

    async def _read(
        self, asked: Question, definition: Definition, facts: Found, reached: Reached
    ) -> tuple[list[Explained], _Again]:
        """Return the page's facts with their events, and the figure computed again."""
        if facts.again is not None:
            return await self._read_again(asked, definition, facts, reached)
        shown = await with_events(self._events, asked, definition, facts.page.rows, reached)
        return shown, await self._of_contacts(asked, definition, facts, reached)

    async def _read_again(
        self, asked: Question, definition: Definition, facts: Found, reached: Reached
    ) -> tuple[list[Explained], _Again]:
        rows, to_read = facts.page.rows, facts.again
        assert to_read is not None, "asked before"
        if to_read.decided and not self._events.knows_decisions:
            return explained(definition, rows, asked, None), _Again(why_not=NO_DECISIONS)
        if to_read.streams > self._at_most:
            return explained(definition, rows, asked, None), _Again(why_not=TOO_MANY)
        try:
            with telemetry.RECOMPUTE.start(contacts=to_read.streams):
                read = await to_read.read(self._events, asked, reached)
        except TooSlow:
            return explained(definition, rows, asked, None), _Again(why_not=TOO_SLOW)
        again = _Again(figure_of(read, asked, definition)) if facts.is_first else _Again(why_not=ONLY_FIRST)
        return explained(definition, rows, asked, read), again

    async def _of_contacts(self, asked: Question, definition: Definition, facts: Found, reached: Reached) -> _Again:
        if facts.contacts is None:
            return _Again(why_not=ONLY_FIRST)
        if not can_recount(definition.evidence):
            return _Again(why_not=NOT_ONE_BY_ONE)
        if len(facts.contacts.contact_ids) > self._at_most:
            return _Again(why_not=TOO_MANY)
        with telemetry.RECOMPUTE.start(contacts=len(facts.contacts.contact_ids)):
            figure = await recomputed(self._events, asked, definition, facts.contacts, reached.told)
        return _Again(figure, "" if figure else TOO_SLOW)


def _size(told: int) -> int:
    if not 0 <= told <= page.LARGEST_SIZE:
        raise InvalidThreshold
    return told or page.DEFAULT_SIZE
