"""What cannot or should not be: the declared rules, each a name, a sentence and a pure function of a contact.

Facts are never refused; what does not fit together is named here when it is read, counted and shown. Rules never look
at the clock of the reader: an anomaly depends on the events alone.

Plain contacts. A rule says what it needs to know, so that a fold in columns can tell which contacts may break one, and
fold only those event by event. No rule can fire, and every length is the difference of two columns, if

- the contact has one source, one ContactArrived, at most one ContactClosed that is its last instant (late types apart),
  no voided, inferred or unknown event, no instant out of range, and no count that goes down as time goes on;
- each flow, visit, leg and wrap-up has one begin and one end, in that order, and names its id (a flow: it is the only
  one); an end may be missing while the contact is not closed, the begin of wrap-up always;
- each visit that ended as answered is named by exactly one bridged assignment, each other visit by none, and no two
  visits are in one queue;
- each assignment names its id in its answer, bridge and wrap-up, has one leg, whose role is agent and whose answer
  comes at most 2 s after the bridge and whose end at most 2 s before it, and is bridged with a caller's leg or an
  unnamed one; it has no hold, consult, conference, transfer or second bridge.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from contact_life import rules_of_ends, rules_of_talk, rules_of_telling
from contact_life.contact import Anomaly, Contact
from contact_life.examined import Examined, Finding, examined

EVIDENCE_LIMIT: Final = 20
"""At most so many event ids stand in one anomaly; the words say how many there are."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name for ever, what it says, what it needs to know, and how it is found."""

    name: str
    sentence: str
    needs: str
    find: Callable[[Examined], Iterable[Finding]]


RULES: Final = (
    Rule(
        "ended_before_it_began",
        "A flow, visit, leg, assignment, wrap-up or transfer ended before it began; its length is not told.",
        "first begin and first end of each part",
        rules_of_ends.ended_before_it_began,
    ),
    Rule(
        "end_without_beginning",
        "A flow, visit, leg, hold or consult ended whose beginning nobody told.",
        "per part the count of begins; per leg whether a bridge or the arrival names it; per hold the order of marks",
        rules_of_ends.end_without_beginning,
    ),
    Rule(
        "begun_twice",
        "One source told two beginnings of one part at different instants; the earlier one counts, or the one told"
        " as the end is, with an id or without.",
        "per part and source the first and last begin",
        rules_of_ends.begun_twice,
    ),
    Rule(
        "ended_twice",
        "One part was told to have ended at different instants by one source, or in different ways; the first counts.",
        "per part and source the first and last told end; per part the least and greatest kind of end",
        rules_of_ends.ended_twice,
    ),
    Rule(
        "never_ended",
        "The contact was closed while a part of it was open.",
        "the closure; per part whether it ended",
        rules_of_ends.never_ended,
    ),
    Rule(
        "overlapping_visits_of_same_queue",
        "A contact waited twice in one queue at the same time.",
        "queue, begin and end of each visit",
        rules_of_ends.overlapping_visits_of_same_queue,
    ),
    Rule(
        "bridged_without_answer",
        "An agent's leg was begun or rang and was bridged, yet its answer was never told.",
        "per agent's leg: created, ringing, answered; first bridge of its assignment",
        rules_of_talk.bridged_without_answer,
    ),
    Rule(
        "bridged_before_answer",
        "An agent heard the caller more than 2 s before their leg was answered.",
        "per assignment: answer and first bridge",
        rules_of_talk.bridged_before_answer,
    ),
    Rule(
        "bridged_after_end",
        "An agent heard the caller more than 2 s after their legs had ended.",
        "per assignment: last bridge and talk's end",
        rules_of_talk.bridged_after_end,
    ),
    Rule(
        "answered_without_arrival",
        "The contact was answered and nobody told its arrival.",
        "the arrival; whether there is an assignment or an answered visit",
        rules_of_talk.answered_without_arrival,
    ),
    Rule(
        "dequeued_answered_without_bridge",
        "A queue visit ended as answered, and the caller was gone before an agent was bridged.",
        "per visit: kind of end, bridge; whether the caller is gone: by their legs, or as the contact is closed",
        rules_of_talk.dequeued_answered_without_bridge,
    ),
    Rule(
        "abandoned_yet_bridged",
        "A queue visit ended unanswered, yet a bridge says that it answered it.",
        "per visit: kind of end, bridge",
        rules_of_talk.abandoned_yet_bridged,
    ),
    Rule(
        "wrap_up_before_talk_ended",
        "Wrap-up was over before the agent's legs had ended; it counts as nothing.",
        "per assignment: end of wrap-up and talk's end",
        rules_of_talk.wrap_up_before_talk_ended,
    ),
    Rule(
        "of_no_assignment",
        "A hold, consult, wrap-up or label belongs to no agent's spell.",
        "per such event whether an assignment of its id, or any begun before it, exists",
        rules_of_talk.of_no_assignment,
    ),
    Rule(
        "time_out_of_range",
        "A source's clock was before 1990 or over a day ahead of ours; our own clock is used.",
        "least event time; greatest of event time less record time",
        rules_of_telling.time_out_of_range,
    ),
    Rule(
        "clock_went_back",
        "A source counted an event later than another, yet told an earlier instant.",
        "per source the order of instants by its count",
        rules_of_telling.clock_went_back,
    ),
    Rule(
        "event_after_closed",
        "Something other than a late fact (survey, note, label, link, correction) happened after the closure.",
        "the closure; the greatest instant of all other types",
        rules_of_telling.event_after_closed,
    ),
    Rule(
        "unknown_event_type",
        "An event has a type that this version does not know; it stands in the timeline and nowhere else.",
        "the types",
        rules_of_telling.unknown_event_type,
    ),
    Rule(
        "voided_unknown_event",
        "An event was voided that nobody told.",
        "ids of voided events and of all events",
        rules_of_telling.voided_unknown_event,
    ),
)


def anomalies_of(contact: Contact) -> tuple[Anomaly, ...]:
    """Return what every rule finds in a contact, in the order of the rules."""
    seen = examined(contact)
    return tuple(
        Anomaly(rule.name, detail, tuple(event.event_id for event in events[:EVIDENCE_LIMIT]))
        for rule in RULES
        for detail, events in rule.find(seen)
    )
