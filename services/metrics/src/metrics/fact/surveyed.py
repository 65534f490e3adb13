"""Which agent's spell a customer's answer counts for, in columns and by the full rules; both tell the same.

The spell it names; about a contact as a whole the last one, and its agent only if no other agent served the contact.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from contact_life.assignment import Assignment
from contact_life.contact import Contact
from contact_life.identity import survey_answer_id
from contact_life.observed import Observed
from metrics.fact.at_once import at_once
from metrics.fact.survey import ANSWERED, CAUSES
from metrics.fact.telling import ROW

_NAMED: Final = [ROW, "told_assignment_id"]


def with_spells(survey: pl.DataFrame, spell: pl.DataFrame) -> pl.DataFrame:
    """Return answers with the spell and the agent that they count for; `spell` are the finished assignments."""
    if not survey.height:
        return survey
    bridged = spell.lazy().filter(pl.col("bridged_time").is_not_null())
    named = bridged.select(ROW, pl.col("assignment_id").alias("told_assignment_id"), "assignment_id", "agent")
    order = [ROW, "started_time", "assignment_id"]
    alone = pl.col("agent").fill_null("").n_unique() == 1
    last = (
        bridged.sort(order, descending=[False, True, False])
        .group_by(ROW, maintain_order=True)
        .agg(pl.col("assignment_id").first(), pl.when(alone).then(pl.col("agent").first()).alias("agent"))
    )
    about_one = pl.col("told_assignment_id").is_not_null()
    answers = survey.lazy()
    parts = [
        answers.filter(about_one).join(named, on=_NAMED, how="left"),
        answers.filter(~about_one).join(last, on=ROW, how="left"),
    ]
    return at_once(pl.concat(parts))


def survey_rows(contact: Contact, valid: Sequence[Observed]) -> list[dict[str, Any]]:
    """Return a row for each answer; of several tellings of one the last."""
    rows: dict[str, dict[str, Any]] = {}
    for event in valid:
        if event.type == ANSWERED and event.body is not None:
            row = _row(event)
            rows[row["answer_id"]] = row | _counted_for(row, contact.assignments)
    return list(rows.values())


def answer_id_of(body: Any) -> str:
    """Return the id of the answer that an event's body tells."""
    return survey_answer_id(body.survey, body.question, body.assignment_id)


def _row(event: Observed) -> dict[str, Any]:
    body: Any = event.body
    return {
        "answer_id": answer_id_of(body),
        "survey": body.survey,
        "question": body.question,
        "rating": body.rating,
        "best_rating": body.best_rating,
        "cause": body.cause if body.cause in CAUSES else "",
        "told_assignment_id": body.assignment_id,
        "source_id": event.source_id,
        "answered_time": event.time_us,
        "position": event.position,
    }


def _counted_for(row: Mapping[str, Any], spells: Sequence[Assignment]) -> dict[str, str]:
    told = row["told_assignment_id"]
    if told:
        own = next((spell for spell in spells if spell.assignment_id == told), None)
        return {"assignment_id": own.assignment_id, "agent": own.agent} if own else {}
    if not spells:
        return {}
    last = min(spells, key=lambda spell: (-spell.started_time_us, spell.assignment_id))
    alone = len({spell.agent for spell in spells}) == 1
    return {"assignment_id": last.assignment_id, "agent": last.agent if alone else ""}
