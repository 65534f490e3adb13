"""Which beginning an end belongs to, where ids do not say.

A draft collects the events of one spell (a visit, a flow, a transfer) while the fold goes through them. An end
without id belongs to the latest spell begun before it that has not ended; where nothing had begun, a spell begun a
little later takes it, since clocks step back (`ended_before_it_began`). Drafts are made and dropped within one fold
and may therefore be changed.
"""

from bisect import bisect_left
from collections.abc import Iterable, Reversible
from itertools import islice
from typing import Final, TypeVar

from contact_life.observed import Observed
from contact_life.order import is_before

CLOCK_STEP_US: Final = 3_600_000_000
"""The most that an end may lie before its beginning: a clock set by an hour."""

SAME_MOMENT_US: Final = 2_000_000
"""Instants this close are one moment told by two clocks: a service often begins 1 to 2 s before its queue is left."""

LOOK_BACK: Final = 100
"""At most so many spells are looked at where ids do not say: a long stream must not take time by its square."""


class Draft:
    """The events of one spell: those that begin it, those that end it, and all of them."""

    __slots__ = ("begins", "end_told", "ends", "events", "id_told", "name", "spell_id")

    def __init__(self, spell_id: str, name: str, *, id_told: bool) -> None:
        """Begin an empty draft; `name` is the queue, the flow or the transferor, empty if unknown."""
        self.spell_id = spell_id
        self.name = name
        self.id_told = id_told
        self.begins: list[Observed] = []
        self.end_told: Observed | None = None
        self.ends: list[Observed] = []
        self.events: list[Observed] = []

    def begin(self, event: Observed) -> None:
        """Take an event that begins the spell."""
        self.begins.append(event)
        self.events.append(event)

    def end(self, event: Observed) -> None:
        """Take an event that ends the spell; the first one told counts, else the first one inferred."""
        self.end_told = counting_end(self.end_told, event)
        self.ends.append(event)
        self.events.append(event)

    def absorb(self, orphan: "Draft") -> None:
        """Take the events of a spell without beginning that turns out to be this one."""
        for event in orphan.ends:
            self.end_told = counting_end(self.end_told, event)
        self.ends.extend(orphan.ends)
        self.events.extend(orphan.events)

    def fits(self, name: str) -> bool:
        """Whether an event that names `name` may belong here; empty names fit all."""
        return not name or not self.name or name == self.name


D = TypeVar("D", bound=Draft)


def is_inferred(event: Observed) -> bool:
    """Whether nobody told the fact."""
    return bool(event.body.observation.inferred)


def counting_end(known: Observed | None, event: Observed) -> Observed:
    """Return which of two ends counts, the known one being earlier: a told one before an inferred one."""
    return event if known is None or (is_inferred(known) and not is_inferred(event)) else known


def belongs_to(drafts: Reversible[D], event: Observed, name: str) -> D | None:
    """Return the latest spell begun before the event that has not ended, else the latest that has ended; else None."""
    at_once: D | None = None
    over: D | None = None
    for draft in islice(reversed(drafts), LOOK_BACK):
        if not draft.begins or not draft.fits(name):
            continue
        if draft.ends:
            over = over or draft
        elif is_before(draft.begins[0], event):
            return draft
        else:
            at_once = at_once or draft
    return at_once or over


def adopt_early_ends(drafts: list[D]) -> list[D]:
    """Return the drafts with each end that had no beginning joined to the next spell begun within CLOCK_STEP_US."""
    waiting = sorted((draft for draft in drafts if draft.begins and not draft.ends), key=_begun_us)
    instants = [_begun_us(draft) for draft in waiting]
    adopted: set[int] = set()
    for orphan in drafts:
        if orphan.begins or not orphan.ends or orphan.id_told:
            continue
        first = bisect_left(instants, orphan.ends[0].time_us)
        parent = next((draft for draft in waiting[first : first + LOOK_BACK] if _may_adopt(draft, orphan)), None)
        if parent is not None:
            parent.absorb(orphan)
            adopted.add(id(orphan))
    return [draft for draft in drafts if id(draft) not in adopted]


def _begun_us(draft: Draft) -> int:
    """Return when a spell began."""
    return draft.begins[0].time_us


def _may_adopt(draft: Draft, orphan: Draft) -> bool:
    """Whether a spell that never ended began so shortly after an end without beginning that the two belong together."""
    late_us = _begun_us(draft) - orphan.ends[0].time_us
    return not draft.ends and late_us <= CLOCK_STEP_US and draft.fits(orphan.name)


def in_turn(drafts: Iterable[D]) -> list[D]:
    """Return drafts by their first event; ordinals are counted so."""
    return sorted(drafts, key=lambda draft: (draft.events[0].time_us, draft.spell_id))
