"""Reports in SQL against a plain recount in Python, over contacts told by chance."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contact_life.codec import encode
from event_log.model import Event
from fact_rows import TENANT, database_of, insert, prepare
from holdfast.call_events.v1 import talk_pb2
from metrics.evidence.evidence import Credit, Subject, Terms
from metrics.explain.recount import Facts, can_recount, evidence_of
from metrics.fact.recount import recounted
from metrics.figure import again, catalogue
from metrics.figure.definition import Definition, Figure, figure
from metrics.follow.refolding import observed_of
from metrics.interval.calendar import Granularity, Part
from metrics.interval.interval import Interval, zone_named
from metrics.report.flow_report import flow_report
from metrics.report.grouped import Groups, columns_of, grouped
from metrics.report.question import Question, Scope
from metrics.report.queue_report import queue_report
from metrics.report.snapshot import snapshot
from told_contacts import START_US, contacts, placed

SECOND = 1_000_000
FACTS = ("contact", "contact_link", "queue_visit", "assignment", "transfer", "survey")
SEED = 20_260_101
COUNT = 160
LENGTH_US = COUNT * 7 * SECOND


@dataclass(frozen=True)
class Told:
    """Contacts as events, and the database that holds their facts."""

    address: str
    facts: Mapping[str, Facts]


@pytest.fixture(scope="module")
def told(database: str) -> Told:
    events = _with_transfers(contacts(_chance(), COUNT, 0.02))
    streams: dict[str, list[Event]] = {}
    for event in placed(events):
        streams.setdefault(str(event.stream.key), []).append(event)
    observed = {contact: observed_of(found) for contact, found in streams.items()}
    facts = {contact: recounted(TENANT, contact, found) for contact, found in observed.items()}
    asyncio.run(_fill(database, facts))
    return Told(database, facts)


def _chance() -> random.Random:
    return random.Random(SEED)  # noqa: S311  # to be repeated, not to be secret


async def _fill(address: str, facts: Mapping[str, Facts]) -> None:
    await prepare(address)
    for name in FACTS:
        await insert(address, name, [row for found in facts.values() for row in found[name]])


def _with_transfers(events: Sequence[Event]) -> list[Event]:
    """Return the events with a transfer after some of the bridges, told in every way."""
    chance = _chance()
    return [added for event in events for added in (event, *_transfer(event, chance))]


def _transfer(event: Event, chance: random.Random) -> list[Event]:
    if event.type != "Bridged" or chance.random() < 0.5:
        return []
    bridged = talk_pb2.Bridged.FromString(event.payload)
    name = str(uuid5(event.event_id, "transfer"))
    target = talk_pb2.TransferTarget(queue=chance.choice(("", "a", "b")), department=chance.choice(("", "north", "b")))
    started = talk_pb2.TransferStarted(
        transfer_id=name,
        reason=chance.randint(0, 5),  # type: ignore[arg-type]  # any number stands for its word
        assignment_id=chance.choice(("", bridged.assignment_id)),
        agent=bridged.agent,
        target=target,
    )
    ended: Any = chance.choice((talk_pb2.TransferCompleted, talk_pb2.TransferFailed))(transfer_id=name)
    later = chance.choice((10, 60, 61, 200)) * SECOND
    return [_event(event, started, later), _event(event, ended, later + SECOND)]


def _event(like: Event, body: Any, later_us: int) -> Event:
    name, payload = encode(body)
    return replace(
        like,
        event_id=uuid5(like.event_id, name),
        type=name,
        event_time_us=like.event_time_us + later_us,
        payload=payload,
        source_seq=None,
    )


questions = st.builds(
    Question,
    subject=st.sampled_from([Subject.QUEUE, Subject.AGENT, Subject.FLOW]),
    scope=st.builds(Scope, tenant=st.just(TENANT), subjects=st.sampled_from([None, ("a",), ("a", "ann", "main")])),
    interval=st.builds(
        lambda first, length, granularity, zone, credit: Interval(
            START_US + first * SECOND, START_US + (first + length) * SECOND, zone_named(zone), granularity, 1, credit
        ),
        st.integers(-4000, COUNT * 7),
        st.integers(60, 3 * 3600),
        st.sampled_from([Granularity.WHOLE, Granularity.QUARTER_HOUR, Granularity.HOUR, Granularity.DAY]),
        st.sampled_from(["UTC", "Asia/Kathmandu", "Asia/Jerusalem"]),
        st.sampled_from(list(Credit)),
    ),
    terms=st.builds(
        Terms,
        now_us=st.just(START_US + 86_400 * SECOND),
        threshold_us=st.sampled_from([0, 10 * SECOND, 20 * SECOND]),
        short_abandon_us=st.sampled_from([0, 5 * SECOND]),
    ),
    together=st.booleans(),
)


def _definitions(subject: Subject) -> list[Definition]:
    return [found for found in catalogue.DEFINITIONS if subject in found.subjects and can_recount(found.evidence)]


async def _asked(address: str, question: Question, definitions: Sequence[Definition]) -> Groups:
    async with database_of(address) as database, snapshot(database) as connection:
        return await grouped(connection, question, columns_of(definitions, {}))


def _again(told: Told, question: Question, definition: Definition) -> Figure:
    """Compute a figure from events alone."""
    rows = [row for facts in told.facts.values() for row in evidence_of(facts, question, definition.evidence)]
    return figure(definition, again.sums(definition, rows, question.terms), question.minimum_n)


def _same(one: Figure, other: Figure) -> bool:
    first, second = one.reading, other.reading
    return (first.n, one.provisional) == (second.n, other.provisional) and (
        first.value == second.value == None  # noqa: E711  # both undefined
        or first.value == pytest.approx(second.value, abs=1e-9)
    )


def _of_part(question: Question, subject: str, part: Part) -> Question:
    interval = replace(question.interval, from_us=part.start_us, to_us=part.end_us, granularity=Granularity.WHOLE)
    subjects = question.scope.subjects if question.together else (subject.partition("\x1f")[0],)
    return replace(question, interval=interval, scope=replace(question.scope, subjects=subjects))


@given(questions)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_totals_in_sql_equal_a_recount_from_events(told: Told, question: Question) -> None:
    definitions = _definitions(question.subject)
    groups = asyncio.run(_asked(told.address, question, definitions))
    for definition in definitions:
        in_sql = figure(definition, groups.total, question.minimum_n)
        assert _same(in_sql, _again(told, question, definition)), definition.reference


@given(questions.filter(lambda question: question.subject is not Subject.FLOW), st.randoms(use_true_random=False))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_in_sql_equal_a_recount_of_their_part(told: Told, question: Question, chance: random.Random) -> None:
    definitions = _definitions(question.subject)
    groups = asyncio.run(_asked(told.address, question, definitions))
    for row in chance.sample(groups.rows, min(3, len(groups.rows))):
        for definition in definitions:
            in_sql = figure(definition, row.sums, question.minimum_n)
            recount = _again(told, _of_part(question, row.subject, row.part), definition)
            assert _same(in_sql, recount), (definition.reference, row.subject, row.part)


@given(questions.filter(lambda question: question.subject is Subject.QUEUE))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_of_a_total_are_the_sums_of_its_rows(told: Told, question: Question) -> None:
    async def report() -> Any:
        async with database_of(told.address) as database, snapshot(database) as connection:
            return await queue_report(connection, question, ())

    found = asyncio.run(report())
    for name in ("offered", "answered", "abandoned", "abandoned_ivr", "handle_us", "wait_answered_us", "waiting"):
        assert sum(row.sums[name] or 0 for row in found.rows) == (found.total.sums[name] or 0), name


def test_what_was_drawn_by_chance_has_something_of_everything(told: Told) -> None:
    everything = Interval(START_US - 86_400 * SECOND, START_US + 86_400 * SECOND, zone_named("UTC"))
    question = Question(Subject.QUEUE, Scope(TENANT), everything, Terms(now_us=START_US + 86_400 * SECOND))
    total = asyncio.run(_asked(told.address, question, _definitions(Subject.QUEUE))).total
    for name in (
        "answered",
        "abandoned",
        "flow_outs",
        "elsewhere",
        "waiting",
        "abandoned_ivr",
        "transfers_out",
        "misrouted",
        "contacts_misrouted",
        "ratings",
        "own_ratings",
    ):
        assert total[name] > 0, name


def test_versions_of_a_flow_have_rows_of_their_own(told: Told) -> None:
    async def report() -> Any:
        everything = Interval(START_US - 86_400 * SECOND, START_US + 86_400 * SECOND, zone_named("UTC"))
        question = Question(Subject.FLOW, Scope(TENANT), everything, Terms(now_us=START_US + 86_400 * SECOND))
        async with database_of(told.address) as database, snapshot(database) as connection:
            return await flow_report(connection, question, catalogue.chosen((), Subject.FLOW))

    found = asyncio.run(report())
    assert {(row.flow, row.version) for row in found.rows} >= {("main", "1")}
    assert sum(row.sums["flow_entered"] for row in found.rows) == found.total.sums["flow_entered"] > 0
