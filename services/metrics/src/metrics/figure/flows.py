"""Figures of IVR flows: who was served there, and who left there."""

from collections.abc import Callable
from typing import Final

from metrics.evidence.evidence import Measure, Subject
from metrics.evidence.flow import FLOW, FlowRow
from metrics.figure.definition import Count, Definition, Share

_FLOW: Final = frozenset({Subject.FLOW})


def _contacts(name: str, words: str, sql: str, which: Callable[[FlowRow], bool]) -> Measure[FlowRow]:
    return Measure(name, words, f"({sql})::int", lambda row, _: int(which(row)))


ABANDONED_IVR = _contacts(
    "abandoned_ivr",
    "contacts that left in the IVR",
    "contact_end = 'abandoned_ivr'",
    lambda row: row.contact_end == "abandoned_ivr",
)
CONTAINED = _contacts(
    "contained",
    "contacts served by the IVR alone",
    "contact_end = 'contained'",
    lambda row: row.contact_end == "contained",
)
ENTERED = _contacts("flow_entered", "contacts that entered the flow", "entered", lambda row: row.entered)
UNFINISHED = _contacts(
    "flow_open", "contacts that have not ended", "contact_end = ''", lambda row: row.contact_end == ""
)

DEFINITIONS: Final = (
    Definition(
        "abandoned_ivr",
        1,
        "Contacts that left in the IVR and never queued, told for the queue they were meant for.",
        FLOW,
        Count(ABANDONED_IVR),
        frozenset({Subject.QUEUE, Subject.FLOW}),
    ),
    Definition("flow_entered", 1, "Contacts that entered the flow.", FLOW, Count(ENTERED), _FLOW),
    Definition("contained", 1, "Contacts served by the IVR alone.", FLOW, Count(CONTAINED), _FLOW, UNFINISHED),
    Definition(
        "containment_rate",
        1,
        "Contained / contacts that entered the flow.",
        FLOW,
        Share(CONTAINED, ENTERED),
        _FLOW,
        UNFINISHED,
    ),
    Definition(
        "abandon_rate.ivr",
        1,
        "Left in the IVR / contacts that entered the flow.",
        FLOW,
        Share(ABANDONED_IVR, ENTERED),
        _FLOW,
        UNFINISHED,
    ),
)
