"""The page docs/figures.md, made from the declarations: ``python -m metrics.figure.document > docs/figures.md``."""

import sys
from collections.abc import Iterable

from metrics.evidence.evidence import Measure, Subject, Terms
from metrics.figure.catalogue import DEFINITIONS
from metrics.figure.definition import MINIMUM_N, Definition

_SECOND_US = 1_000_000
_TERMS = Terms(now_us=0)
_SHORT, _LEVEL = _TERMS.short_abandon_us // _SECOND_US, _TERMS.threshold_us // _SECOND_US
_BEFORE = f"""# Figures

Made from the declarations in `services/metrics` by `python -m metrics.figure.document`; do not edit by hand. A figure
has one name, one formula and a version. `GET /v1/figures` and `ListFigureDefinitions` tell the same to programs.

## How to read one

- Every figure comes with its numerator, denominator and n. A proportion has the 95 % Wilson interval, a mean the normal
  one. With n below {MINIMUM_N} (or another minimum, if asked) it says *insufficient evidence*: conclude nothing.
- Undefined is not zero: where there is nothing to divide by, or no source tells what is needed, there is no value.
- Figures over several queues, agents or parts are pooled: Σ numerators / Σ denominators, never a mean of ratios.
- *Provisional* figures can still change without a correction: visits of the interval wait, spells are open, or the
  days in which a contact can be repeated are not over.
- `as_of` says what an answer knows. It is `current` only where every log was heard of within ten seconds and all that
  is known of them is folded or parked. At `heard_time` they all were heard of last: what was told later is not in it.
- `name` asks for the latest version, `name@1` for that one. Both can be asked for in one question.

In formulas: A answered (bridged), B left before being bridged, S of these within `short_abandon`
({_SHORT} s unless asked otherwise), F flowed out by rule, W waiting still, w the wait, T the threshold
({_LEVEL} s unless asked otherwise). Every comparison with a threshold is ≤, but for version 1 of the service levels.

## Which interval a thing belongs to

- A queue visit belongs to the interval of its beginning (`credit=enqueue`) or of its end (`credit=end`); the answer
  says which. One whose beginning nobody told is credited by its end. A queue's handle time goes with its visit.
- An agent's spell on a contact belongs to the interval in which it began. Time in states is clipped to the interval.
- Quarters, half-hours and hours follow the wall clock of the zone: a day on which the clock is set back an hour has 50
  half-hours, one on which it is set forward 46. An hour shown twice is two parts; their offsets tell them apart. Days,
  weeks (from the day asked for) and months begin at the first instant that shows their date.
- `contacts` counts contacts, linked ones once; `misroute_rate` counts contacts, each by itself, where the first spell
  of the queue or agent on it belongs; everything else about queues counts visits or spells.

## Why the service levels have two versions

Version 1 counts a wait *below* the threshold, as the reports of many phone systems do; version 2 counts a wait *up to*
it, as every other comparison here. While moving from one system to another both are needed side by side: with waits
told in whole seconds the two differ by every call answered in just that second.

## Why the misroute rate has two versions

Version 1 counts spells, and takes a transfer to any other queue within 60 s for a misroute; version 2 counts contacts,
and of transfers not told as a misroute only those to another *department*: one that the transfer names, and that is
neither the agent's team or queue by name nor where the transfer before had brought the contact. The mark `misrouted`
on an agent's evidence is wider, as in version 1: whoever had the contact for a minute only was not to be its agent.

## Where a figure comes from

`holdfast explain`, `ExplainFigure` and `GET /v1/figures/<name>:explain` answer with the facts behind a figure, page
by page, each with its events (and their positions, for those who may read the log), and with the figure computed again
from those events alone, without any table: the same number. Computing again is bounded: by default to 50,000 contacts
(`HOLDFAST_METRICS_RECOMPUTED_CONTACTS`; an agent's day counts as one), and to the time of the call. Where it would be
more, or where a figure rests on several contacts at once (`fcr`, `repeat_rate`, what is received by transfer), the
answer says why it was not done.

## What our own routing decided, and what phone systems tell of their agents

Where metrics follows ivr-routing's log, an agent whom routing knows has their time from routing's spells alone, and an
offer that was reserved counts by its reservation: accepted (whatever came of it), rejected, RONA or failed; rescinded
and cancelled ones never count. All other agents and rings are told by their phone system. So nothing counts twice.

Where a phone system tells of the same offers and agents, each queue names which of the two counts (`counts` in its
rules; routing, if it names none). Of a queue that names the phone system reservations do not count and the phone
system's rings do; an agent who serves such queues only has the phone system's spells, any other routing's. The name
that a queue was given last counts for all of its time, as do the queues that an agent was given last.

All of these figures are explained by the events of both logs, each named with its position, and computed again from
them.

## What customers answered

`csat` is the mean of ratings on a scale of 1 to 5; ratings of another scale are brought to it, and those of no told
scale count as of 5. A rating belongs where the agent's spell belongs that it is about: to its queue visit, or to where
the spell began. One about a contact as a whole is its last spell's, and an agent's only if no other agent served the
contact. `csat.in_agents_hands` leaves out what lay outside the agents' hands: long_wait, misrouted,
supervisor_intervention, system_fault, and not_about_agent, where the customer puts the rating down to wait or product.
Both always stand beside each other with n and interval; nothing is hidden.

## Who reads what about people

A token reads figures of queues and flows with the scope `figures:read`. What is about an agent is read by that agent,
by the supervisors of the team the agent worked for at that time (role `supervisor`, and only what was done for that
team), and with the scope `people:read`. Whatever else is asked for looks as if it did not exist. Every reading is kept
in `metrics.people_read`, with the purpose given. No report sorts people by a figure.

## What is not told yet

`drop_rate` and `reconnect_rate` need the attribution of drops and the reconnect windows; `right_answer_rate`,
`retention_rate` and `adherence` need reviews, customers' later choices and schedules. How often a callback was
*offered* is told by no event. They are left out rather than guessed. Of what may lie outside an agent's hands, drops,
reconnect gaps, policy denials, repeats of open cases and knowledge gaps are told by no event yet: no mark names them.

"""


def document(definitions: Iterable[Definition] = DEFINITIONS) -> str:
    """Return the whole page."""
    listed = tuple(definitions)
    return _BEFORE + "".join(_section(subject, listed) for subject in Subject if subject is not Subject.FLOW_PATH)


def _section(subject: Subject, definitions: tuple[Definition, ...]) -> str:
    rows = "".join(_row(definition) for definition in definitions if subject in definition.subjects)
    head = f"## Of {'an' if subject is Subject.AGENT else 'a'} {subject}\n\n"
    return (
        f"{head}| figure | unit | formula | numerator | denominator | interval |\n|---|---|---|---|---|---|\n{rows}\n"
    )


def _row(definition: Definition) -> str:
    name = f"`{definition.name}` {definition.version}" + (" (superseded)" if definition.superseded else "")
    divisor = definition.denominator
    cells = (
        name,
        definition.formula.unit,
        definition.words,
        _meaning(definition.numerator),
        _meaning(divisor) if divisor else "",
        definition.formula.interval,
    )
    return f"| {' | '.join(cells)} |\n"


def _meaning(measure: Measure[object]) -> str:
    return measure.words


if __name__ == "__main__":
    sys.stdout.write(document().rstrip() + "\n")
