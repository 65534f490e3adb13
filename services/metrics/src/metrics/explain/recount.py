"""Evidence from a contact's events alone: the rows that the sources find in tables, found again by the rules.

A contact's events are folded by `contact_life`, one by one, without any table. Only the choosing of rows (which
subject, which instant) is told a second time; the measures are the figure's own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from metrics.evidence.assignment import ASSIGNMENT, PASSED_ON, AssignmentRow, PassedRow
from metrics.evidence.bridged import BRIDGED, BridgedRow
from metrics.evidence.evidence import Credit, Evidence, Subject
from metrics.evidence.flow import FLOW, SEPARATOR, FlowRow
from metrics.evidence.survey import SURVEY, SurveyRow
from metrics.evidence.visit import VISIT, VisitRow
from metrics.report.question import Question

Row = Mapping[str, Any]
Facts = Mapping[str, Sequence[Row]]
"""Rows of one contact by name of fact, as `metrics.fact.recount` makes them of its events."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence: its subject, crediting instant and row; team and queue where it is about an agent."""

    subject: str
    credited_us: int | None
    row: Any
    team: str = ""
    queue: str = ""


Finder = Callable[[Facts, Subject, Credit], Iterator[Piece]]


def evidence_of(facts: Facts, question: Question, evidence: Evidence[Any]) -> list[Any]:
    """Return the rows of a kind of evidence that a contact's facts give within a question's scope and interval."""
    pieces = FINDERS[evidence](facts, question.subject, question.interval.credit)
    return [piece.row for piece in pieces if _is_asked(piece, question)]


def can_recount(evidence: Evidence[Any]) -> bool:
    """Whether a kind of evidence can be found from the events of each contact by itself."""
    return evidence in FINDERS


def _is_asked(piece: Piece, question: Question) -> bool:
    scope, interval = question.scope, question.interval
    name = piece.subject.partition(SEPARATOR)[0] if question.subject is Subject.FLOW else piece.subject
    return (
        piece.credited_us is not None
        and interval.from_us <= piece.credited_us < interval.to_us
        and (scope.subjects is None or name in scope.subjects)
        and (scope.team is None or piece.team == scope.team)
        and (scope.queues is None or piece.queue in scope.queues)
    )


def _first(row: Mapping[str, Any], *instants: str) -> int | None:
    return next((row[instant] for instant in instants if row.get(instant) is not None), None)


def _credited(visit: Mapping[str, Any], credit: Credit) -> int | None:
    if credit is Credit.ENQUEUE:
        return _first(visit, "enqueued_time", "dequeued_time", "bridged_time")
    return None if visit["outcome"] == "waiting" else _first(visit, "dequeued_time", "bridged_time")


def _visits(facts: Facts, _subject: Subject, credit: Credit) -> Iterator[Piece]:
    for visit in facts["queue_visit"]:
        row = VisitRow(visit["outcome"], visit["dequeue_kind"], visit["wait_us"], visit["rang"], visit["enqueued_time"])
        yield Piece(visit["queue"], _credited(visit, credit), row)


def _spells(facts: Facts, subject: Subject, credit: Credit) -> Iterator[tuple[Mapping[str, Any], str, int | None]]:
    """Give each assignment with the subject and the instant it is credited to; of a queue only those of its visits."""
    visits = {visit["visit_id"]: visit for visit in facts["queue_visit"]}
    for spell in facts["assignment"]:
        if subject is Subject.AGENT:
            yield spell, spell["agent"], spell["started_time"]
        elif subject is Subject.FLOW:
            yield from ((spell, piece.subject, piece.credited_us) for piece in _flows(facts, subject, credit))
        elif (visit := visits.get(spell["visit_id"])) is not None:
            yield spell, visit["queue"], _credited(visit, credit)


def _assignments(facts: Facts, subject: Subject, credit: Credit) -> Iterator[Piece]:
    for spell, name, credited in _spells(facts, subject, credit):
        row = AssignmentRow(spell["handle_us"], spell["talk_us"], spell["hold_us"], spell["wrap_up_us"])
        yield Piece(name, credited, row, spell["team"], spell["queue"])


def _passed(facts: Facts, subject: Subject, credit: Credit) -> Iterator[Piece]:
    for spell, name, credited in _spells(facts, subject, credit):
        yield Piece(name, credited, _passed_on(spell, facts), spell["team"], spell["queue"])


def _passed_on(spell: Row, facts: Facts) -> PassedRow:
    """Return the last transfer out of a spell that did not fail."""
    out = [found for found in facts["transfer"] if found["failed_time"] is None and _is_out_of(spell, found, facts)]
    if not out:
        return PassedRow(None, None, passed_elsewhere=False)
    last = min(out, key=lambda found: (-(_first(found, "started_time", "completed_time") or 0), found["transfer_id"]))
    began = _first(last, "started_time", "completed_time")
    elsewhere = last["to_department"] != "" or last["to_queue"] not in {"", spell["queue"]}
    after = None if began is None else began - spell["bridged_time"]
    return PassedRow(last["reason"], after, passed_elsewhere=elsewhere)


def _is_out_of(spell: Row, transfer: Row, facts: Facts) -> bool:
    """Whether a transfer led out of a spell: one that names none, out of its agent's latest spell begun before it."""
    if transfer["assignment_id"]:
        return bool(transfer["assignment_id"] == spell["assignment_id"])
    began = _first(transfer, "started_time", "completed_time")

    def fit(found: Row) -> tuple[bool, int, str]:
        return began is None or found["started_time"] > began, -found["started_time"], found["assignment_id"]

    theirs = [found for found in facts["assignment"] if transfer["agent"] and found["agent"] == transfer["agent"]]
    return bool(theirs) and min(theirs, key=fit)["assignment_id"] == spell["assignment_id"]


def _bridged(facts: Facts, subject: Subject, credit: Credit) -> Iterator[Piece]:
    theirs: dict[str, list[tuple[Row, int | None]]] = {}
    for spell, name, credited in _spells(facts, subject, credit):
        theirs.setdefault(name, []).append((spell, credited))
    for name, found in theirs.items():
        found.sort(key=lambda one: (one[0]["started_time"], one[0]["assignment_id"]))
        told, soonest = _passed_on_by([spell for spell, _ in found], facts)
        for place, (spell, credited) in enumerate(found):
            yield Piece(name, credited, BridgedRow(place == 0, told, soonest), spell["team"], spell["queue"])


def _passed_on_by(spells: Sequence[Row], facts: Facts) -> tuple[bool, int | None]:
    """Return whether any transfer out of some spells was told as a misroute, and how soon one led elsewhere."""
    out = [
        (spell, transfer)
        for spell in spells
        for transfer in facts["transfer"]
        if transfer["failed_time"] is None and _is_out_of(spell, transfer, facts)
    ]
    began = [
        (_first(transfer, "started_time", "completed_time"), spell)
        for spell, transfer in out
        if _is_elsewhere(spell, transfer, facts)
    ]
    told = any(transfer["reason"] == "misroute" for _, transfer in out)
    return told, min((when - spell["bridged_time"] for when, spell in began if when is not None), default=None)


def _is_elsewhere(spell: Row, transfer: Row, facts: Facts) -> bool:
    """Whether a transfer led to another department than its contact was in, as far as that is told."""
    before = [
        (arrived, found)
        for found in facts["transfer"]
        if found["failed_time"] is None and found["to_department"] and found["transfer_id"] != transfer["transfer_id"]
        and (arrived := _first(found, "completed_time", "started_time")) is not None
        and arrived <= spell["started_time"]
    ]  # fmt: skip
    brought = min(before, key=lambda one: (-one[0], one[1]["transfer_id"]))[1]["to_department"] if before else None
    here = {"", spell["team"], spell["queue"], brought}
    back = transfer["to_queue"] != "" and transfer["to_queue"] == spell["queue"]
    return transfer["to_department"] not in here and not back


def _surveys(facts: Facts, subject: Subject, credit: Credit) -> Iterator[Piece]:
    for spell, name, credited in _spells(facts, subject, credit):
        for answer in facts["survey"]:
            theirs = subject is not Subject.AGENT or answer.get("agent", "") == spell["agent"]
            if theirs and answer.get("assignment_id") == spell["assignment_id"]:
                yield Piece(name, credited, _answered(answer, spell, facts), spell["team"], spell["queue"])


def _answered(answer: Mapping[str, Any], spell: Mapping[str, Any], facts: Facts) -> SurveyRow:
    """Return an answer with what it depended on."""
    passed = _passed_on(spell, facts)
    visit = next((found for found in facts["queue_visit"] if found["visit_id"] == spell["visit_id"]), None)
    contact, ended = facts["contact"][0], spell["ended_time"]
    intervened, fault = contact["intervened_time"], contact["fault_time"]
    return SurveyRow(
        passed_reason=passed.passed_reason,
        passed_after_us=passed.passed_after_us,
        passed_elsewhere=passed.passed_elsewhere,
        wait_us=visit["wait_us"] if visit else None,
        received_misrouted=any(_brought_wrongly(found, spell) for found in facts["transfer"]),
        intervened=intervened is not None
        and spell["started_time"] <= intervened
        and (ended is None or intervened <= ended),
        faulty=fault is not None and (ended is None or fault <= ended),
        rating=answer["rating"],
        best_rating=answer["best_rating"],
        cause=answer["cause"],
    )


def _brought_wrongly(transfer: Mapping[str, Any], spell: Mapping[str, Any]) -> bool:
    """Whether a transfer told as a misroute had brought the contact before a spell began."""
    arrived = _first(transfer, "completed_time", "started_time")
    told = transfer["reason"] == "misroute" and transfer["failed_time"] is None
    others = transfer["assignment_id"] != spell["assignment_id"]
    return told and others and arrived is not None and arrived <= spell["started_time"]


def _flows(facts: Facts, subject: Subject, _credit: Credit) -> Iterator[Piece]:
    for contact in facts["contact"]:
        credited = _first(contact, "flow_exited_time", "arrived_time", "first_time")
        row = FlowRow(contact["contact_end"], contact["flow_entered_time"] is not None)
        if subject is Subject.FLOW and row.entered:
            yield Piece(f"{contact['flow']}{SEPARATOR}{contact['flow_version']}", credited, row)
        elif subject is Subject.QUEUE and row.contact_end == "abandoned_ivr":
            yield Piece(contact["flow_queue"], credited, row)


FINDERS: Final[dict[Evidence[Any], Finder]] = {
    VISIT: _visits,
    ASSIGNMENT: _assignments,
    PASSED_ON: _passed,
    BRIDGED: _bridged,
    FLOW: _flows,
    SURVEY: _surveys,
}
