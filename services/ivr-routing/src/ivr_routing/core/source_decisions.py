"""Decisions about sources that lost events: doubted until they say what lives, or until the doubt is due.

While a source is doubted it is asked for a snapshot. What a snapshot does not name has ended; after a doubt without one
only contacts of which nothing was heard since are taken as over.
"""

from typing import Final

from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.decision import Decision
from ivr_routing.core.source import Doubt

LONGEST_DOUBT_US: Final = 3_600_000_000
"""Time in which a contact of a doubted source must be heard of: as long as a phone system's music lasts at most."""
SNAPSHOT_GRACE_US: Final = 5_000_000
"""Clocks may differ so much: of what is younger a snapshot says nothing."""
ONE_GAP_US: Final = 60_000_000
"""Gaps told within this are one: however often a source tells them, there are few doubts."""


def doubt(decision: Decision, command: c.DoubtSource) -> None:
    """Doubt a source that may hold contacts whose end it never told."""
    core, since_us = decision.core, decision.now_us
    held = core.doubts.get(command.source_id, [])
    if held and held[-1].since_us + ONE_GAP_US > since_us:
        return
    if any(contact.source_id == command.source_id for contact in core.contacts.values()):
        due_us = since_us + LONGEST_DOUBT_US
        decision.emit(e.SourceDoubted(command.source_id, command.gap_us, since_us, due_us, command.reason))


def trust(decision: Decision, command: c.TrustSource) -> None:
    """The source has said what lives: gaps before that are no matter, if all they hid is old enough to be judged."""
    for held in tuple(decision.core.doubts.get(command.source_id, ())):
        if held.gap_us + SNAPSHOT_GRACE_US <= command.snapshot_us:
            _end(decision, held, "snapshot")


def due(decision: Decision, source_id: str) -> None:
    """A source never said what lives."""
    for held in tuple(decision.core.doubts.get(source_id, ())):
        if held.due_us <= decision.now_us:
            _end(decision, held, "time")


def _end(decision: Decision, held: Doubt, cause: str) -> None:
    decision.emit(e.SourceTrusted(held.source_id, held.since_us, cause))
