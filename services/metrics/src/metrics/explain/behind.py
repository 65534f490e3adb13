"""Which of a contact's events a fact was folded from, and in a few words why it counts; no I/O."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from contact_life.contact import Contact
from contact_life.fold import fold_contact
from contact_life.observed import Observed
from metrics.evidence.evidence import SECOND_US, Terms
from metrics.evidence.survey import OF_SURVEYS, SurveyRow
from metrics.explain.page import FactRow
from metrics.fact.survey import ANSWERED
from metrics.fact.surveyed import answer_id_of
from metrics.figure.definition import Definition

AT_MOST_EVENTS = 100
_BRIDGING = frozenset({"Bridged", "LegAnswered"})


def events_behind(contact_id: str, events: Iterable[Observed], fact: str, fact_id: str) -> tuple[Observed, ...]:
    """Return the events of one fact in canonical order, at most AT_MOST_EVENTS; of a contact all that count."""
    contact = fold_contact(contact_id, events)
    shown = _shown(contact, fact, fact_id)
    return tuple(event for event in contact.valid if event.event_id in shown)[:AT_MOST_EVENTS]


def reason(definition: Definition, row: FactRow, terms: Terms) -> str:
    """Return why a fact counts as it does: answered after 12 s, within 20 s."""
    columns = row.columns
    match definition.evidence.name:
        case "queue_visit":
            return _visit_reason(definition, columns, terms)
        case "assignment":
            return _spell_reason(columns, terms)
        case "estimate":
            return _estimate_reason(columns["error_us"])
        case "agent_ring":
            return _ring_reason(columns, terms)
        case "survey":
            return _survey_reason(columns, terms)
        case "agent_spell":
            return f"signed in for {_seconds(columns['staffed_us'])}"
        case name:
            return _plain_reason(name, columns)


def _spell_reason(columns: dict[str, Any], terms: Terms) -> str:
    if "is_first" in columns:
        return _misroute_reason(columns, terms)
    if "passed_reason" in columns:
        return _passed_reason(columns)
    length = columns["handle_us"]
    return "still open" if length is None else f"handled in {_seconds(length)}"


def _plain_reason(fact: str, columns: dict[str, Any]) -> str:
    said = {
        "transfer": lambda: f"transferred: {columns['reason'] or 'no reason told'}",
        "contact": lambda: str(columns.get("contact_end") or "open"),
    }.get(fact)
    return said().replace("_", " ") if said else ""


def _survey_reason(columns: dict[str, Any], terms: Terms) -> str:
    row = SurveyRow(**{field.name: columns[field.name] for field in fields(SurveyRow)})
    outside = [one.name.replace("_", " ") for one in OF_SURVEYS if one.of(row, terms)]
    said = f"rated {row.rating} of {row.best_rating}" if row.best_rating else f"rated {row.rating}"
    return f"{said}; outside the agent's hands: {', '.join(outside)}" if outside else said


def _estimate_reason(error_us: int | None) -> str:
    if error_us is None:
        return "never bridged"
    return f"waited {_seconds(abs(error_us))} {'longer' if error_us > 0 else 'less'} than estimated"


def _shown(contact: Contact, fact: str, fact_id: str) -> frozenset[str]:
    match fact:
        case "queue_visit":
            return _ids(
                event for visit in contact.visits if visit.visit_id == fact_id
                for event in (*visit.events, *_at(contact, visit.bridged_time_us))
            )  # fmt: skip
        case "assignment":
            spells = [spell.events for spell in contact.assignments if spell.assignment_id == fact_id]
            passed = [found.events for found in contact.transfers if found.assignment_id in {"", fact_id}]
            return _ids(event for part in (*spells, *passed) for event in part)
        case "survey":
            return _ids(event for event in contact.valid if _is_answer(event, fact_id))
        case "transfer":
            return _ids(event for found in contact.transfers if found.transfer_id == fact_id for event in found.events)
        case _:
            return _ids(contact.valid)


def _is_answer(event: Observed, answer_id: str) -> bool:
    return event.type == ANSWERED and event.body is not None and answer_id_of(event.body) == answer_id


def _at(contact: Contact, instant_us: int | None) -> Iterable[Observed]:
    return (event for event in contact.valid if event.type in _BRIDGING and event.time_us == instant_us)


def _ids(events: Iterable[Observed]) -> frozenset[str]:
    return frozenset(event.event_id for event in events)


def _visit_reason(definition: Definition, columns: dict[str, Any], terms: Terms) -> str:
    outcome = str(columns["outcome"]).replace("_", " ")
    if columns["outcome"] == "waiting":
        return f"waiting for {_seconds(terms.now_us - (columns['enqueued_time'] or terms.now_us))}"
    if columns["wait_us"] is None:
        return f"{outcome}, its wait cannot be told"
    said = f"{outcome} after {_seconds(columns['wait_us'])}"
    if not definition.name.startswith("service_level"):
        return said
    side = "within" if columns["wait_us"] <= terms.threshold_us else "beyond"
    return f"{said}, {side} {_seconds(terms.threshold_us)}"


def _passed_reason(columns: dict[str, Any]) -> str:
    if columns["passed_reason"] is None:
        return "not passed on"
    after = columns["passed_after_us"]
    told = str(columns["passed_reason"] or "no reason told").replace("_", " ")
    return f"passed on: {told}" + ("" if after is None else f", {_seconds(after)} after the bridge")


def _misroute_reason(columns: dict[str, Any], terms: Terms) -> str:
    after = columns["elsewhere_after_us"]
    if columns["misroute_told"]:
        return "passed on as a misroute"
    if after is None:
        return "not passed on to another department"
    side = "within" if after <= terms.misroute_within_us else "beyond"
    limit = _seconds(terms.misroute_within_us)
    return f"passed on to another department {_seconds(after)} after the bridge, {side} {limit}"


def _ring_reason(columns: dict[str, Any], terms: Terms) -> str:
    outcome, length = str(columns["outcome"] or "rings still").replace("_", " "), columns["ring_us"]
    if columns["outcome"] != "no_answer":
        return outcome
    if columns["over"]:
        return "no answer, but the visit was over"
    if length is None:
        return "no answer, nobody told how long it rang"
    return f"no answer after {_seconds(length)}, heard from {_seconds(terms.min_ring_us)} on"


def _seconds(length_us: int) -> str:
    return f"{length_us / SECOND_US:g} s"
