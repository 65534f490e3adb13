"""Customers' answers as facts: told again the last one counts, and about whom each one is."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from google.protobuf.message import Message

from event_log.packed import pack
from holdfast.call_events.v1 import after_pb2, leg_pb2, talk_pb2
from metrics.evidence.survey import SurveyRow
from metrics.fact.batch import COLUMNS, batch_of
from metrics.fact.fold import fold_contacts
from metrics.fact.recount import recounted
from metrics.figure.surveys import rating_millionths
from metrics.follow.refolding import fold_whole, observed_of
from told_contacts import SECOND, START_US, Told, events_of, placed

CONTACT = UUID(int=7)
Rows = list[dict[str, Any]]


def spell(name: str, agent: str, begun_s: int) -> list[Told]:
    """Tell a spell of a minute."""
    at = START_US + begun_s * SECOND
    names: dict[str, Any] = {"agent": agent, "assignment_id": name}
    ended = leg_pb2.LegEnded(leg_id=name, role=leg_pb2.LEG_ROLE_AGENT)
    return [
        Told(at, leg_pb2.LegAnswered(leg_id=name, role=leg_pb2.LEG_ROLE_AGENT, **names)),
        Told(at, talk_pb2.Bridged(leg_id="c", peer_leg_id=name, **names)),
        Told(at + 60 * SECOND, ended),
    ]


def answer(rating: int, *, at_s: int = 900, about: str = "", **more: Any) -> Told:
    asked: dict[str, Any] = {"survey": "after_call", "question": "satisfied", "best_rating": 5, "assignment_id": about}
    body: Message = after_pb2.SurveyAnswered(rating=rating, **(asked | more))
    return Told(START_US + at_s * SECOND, body, source_id="desk")


def surveys(told: Sequence[Told]) -> Rows:
    """Return the answers that facts have, the same by columns and by the full rules."""
    events = placed(events_of(CONTACT, told))
    stored = {("t", events[0].stream): events}
    rows: Rows = fold_whole(stored)["survey"].sort("answered_time", "question").to_dicts()
    by_rules = recounted("t", str(CONTACT), observed_of(events))["survey"]
    assert sorted(by_rules, key=lambda row: (row["answered_time"], row["question"])) == [
        {name: row[name] for name in by_rule} for row, by_rule in zip(rows, by_rules, strict=True)
    ]
    return rows


def test_an_answer_about_a_spell_is_that_spells_agents() -> None:
    told = [*spell("one", "ann", 0), *spell("two", "bob", 100), answer(2, about="one")]
    assert [(row["assignment_id"], row["agent"]) for row in surveys(told)] == [("one", "ann")]


def test_an_answer_about_the_contact_is_the_last_spells_and_nobodys_where_two_agents_served_it() -> None:
    assert [(row["assignment_id"], row["agent"]) for row in surveys([*spell("one", "ann", 0), answer(2)])] == [
        ("one", "ann")
    ]
    told = [*spell("one", "ann", 0), *spell("two", "bob", 100), answer(2)]
    assert [(row["assignment_id"], row["agent"]) for row in surveys(told)] == [("two", "")]


def test_an_answer_about_a_spell_that_nobody_told_of_counts_for_nobody() -> None:
    told = [*spell("one", "ann", 0), answer(2, about="another")]
    assert [(row["assignment_id"], row["agent"]) for row in surveys(told)] == [("", "")]


def test_an_answer_told_again_is_one_answer_and_the_last_telling_counts() -> None:
    told = [*spell("one", "ann", 0), answer(2, at_s=500), answer(4, at_s=900, cause="agent"), answer(3, at_s=700)]
    assert [(row["rating"], row["cause"]) for row in surveys(told)] == [(4, "agent")]


def test_two_questions_are_two_answers() -> None:
    told = [*spell("one", "ann", 0), answer(2), answer(5, question="solved")]
    assert [row["rating"] for row in surveys(told)] == [2, 5]


def test_words_of_customers_become_no_facts() -> None:
    told = [*spell("one", "ann", 0), answer(2, cause="Mr Smith of 1 Hill Road", text="call me on 555 0100")]
    [row] = surveys(told)
    assert row["cause"] == ""
    assert not any("555" in str(value) for value in row.values())


def test_a_plain_contact_with_an_answer_is_folded_in_columns() -> None:
    events = placed(events_of(CONTACT, [*spell("one", "ann", 0), answer(2)]))
    folded = fold_contacts(batch_of(pack(events, COLUMNS)), {})
    assert folded.rows["survey"].height + folded.doubtful.height == 1


def row(rating: int, best: int) -> SurveyRow:
    nothing = {"passed_reason": None, "passed_after_us": None, "passed_elsewhere": False, "wait_us": None}
    happened = {"received_misrouted": False, "intervened": False, "faulty": False}
    return SurveyRow(rating=rating, best_rating=best, cause="", **nothing, **happened)  # type: ignore[arg-type]


def test_ratings_of_other_scales_are_brought_to_one_to_five() -> None:
    assert [rating_millionths(row(rating, 5)) for rating in (1, 3, 5)] == [1_000_000, 3_000_000, 5_000_000]
    assert [rating_millionths(row(rating, 10)) for rating in (1, 10)] == [1_000_000, 5_000_000]
    assert [rating_millionths(row(rating, 3)) for rating in (1, 2, 3)] == [1_000_000, 3_000_000, 5_000_000]
    assert rating_millionths(row(4, 0)) == 4_000_000


def test_what_lies_outside_its_scale_is_no_rating() -> None:
    assert [rating_millionths(row(rating, best)) for rating, best in ((0, 5), (6, 5), (1, 1), (-1, 5))] == [None] * 4
