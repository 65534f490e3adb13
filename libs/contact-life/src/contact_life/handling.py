"""How long an agent was busy with a contact: talk, hold and wrap-up of one spell.

    handle   = talk + hold + wrap-up
    talk     = what the agent's legs were up, answer to end, without reconnect gaps, minus hold
    hold     = what hold and consult covered of it; overlapping ones count once
    wrap-up  = from its start (not before the legs' end) to its end; 0 where none was told

Negative lengths are never given. Parts that are cut off (a hold outlasting the leg) shorten to nothing; an end before
its own beginning leaves the length None, and a rule of `anomaly` names it. Inferred ends leave it None as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contact_life.bridging import BEGIN_HOLDS, HOLDS, SpellDraft
from contact_life.observed import Observed
from contact_life.pairing import counting_end, is_inferred
from contact_life.spans import Span, covered_us, overlap


@dataclass(frozen=True, slots=True)
class Handling:
    """Instants and lengths of one spell, in microseconds; see `Assignment`."""

    talk_ended: Observed | None
    wrap_up_started: Observed | None
    ended: Observed | None
    talk_us: int | None
    hold_us: int | None
    wrap_up_us: int | None
    on_hold: bool


def handling_of(spell: SpellDraft, *, over: bool) -> Handling:
    """Return the instants and lengths of a spell; `over` says that the caller's part is known to have ended."""
    started = _first(spell.wraps, "WrapUpStarted")
    finished = _first(spell.wraps, "WrapUpEnded")
    talk_ended = _talk_ended(spell, started, over=over)
    talk, hold = _talk_and_hold(spell, talk_ended)
    running = started is not None and finished is None
    return Handling(
        talk_ended=talk_ended,
        wrap_up_started=started,
        ended=None if running else _later(talk_ended, finished),
        talk_us=talk,
        hold_us=hold,
        wrap_up_us=_wrap_up_us(talk_ended, started, finished),
        on_hold=bool(spell.holds) and talk_ended is None and any(end is None for _, end in _held(spell)),
    )


def _later(talk_ended: Observed | None, finished: Observed | None) -> Observed | None:
    """Return the end of a spell: that of wrap-up if there was one, unless the legs outlasted it."""
    if talk_ended is None or finished is None:
        return finished or talk_ended
    return finished if finished.time_us >= talk_ended.time_us else talk_ended


def _first(events: Sequence[Observed], name: str) -> Observed | None:
    """Return the first event of a type that was told, else the first inferred one."""
    found = None
    for event in events:
        if event.type == name:
            found = counting_end(found, event)
    return found


def _talk_ended(spell: SpellDraft, wrap_up: Observed | None, *, over: bool) -> Observed | None:
    """Return what ended the talk: the last leg's end, else the start of wrap-up, else the last bridge's end.

    The last counts only when the caller's part is over: an agent may part from the caller and come back.
    """
    ends = [leg.end for leg in spell.legs.values()]
    told = [end for end in ends if end is not None]
    if told and len(told) == len(ends):
        return max(told, key=lambda end: end.time_us)
    if wrap_up is not None:
        return wrap_up
    last = spell.unbridges[-1] if spell.unbridges else None
    if over and last is not None and last.time_us >= spell.bridges[-1].time_us:
        return last
    return None


def _talk_and_hold(spell: SpellDraft, ended: Observed | None) -> tuple[int | None, int | None]:
    """Return talk and hold, or None for both where the spell runs or its end cannot be reckoned with."""
    begun = spell.begun
    if ended is None or ended.time_us < begun.time_us or is_inferred(ended) or is_inferred(begun):
        return None, None
    if len(spell.legs) <= 1 and not spell.holds and len(spell.bridges) == 1:
        return ended.time_us - begun.time_us, 0
    busy = _busy(spell, ended.time_us)
    held = [(start, ended.time_us if end is None else end) for start, end in _held(spell)]
    hold = covered_us(overlap(busy, held))
    return covered_us(busy) - hold, hold


def _busy(spell: SpellDraft, until_us: int) -> list[Span]:
    """Return the spans in which the agent's legs were up, reconnect gaps left out."""
    begun = spell.begun.time_us
    spans = [_leg_span(spell, leg_id, until_us) for leg_id in spell.legs] or [(begun, until_us)]
    return _without(spans, _gaps(spell))


def _leg_span(spell: SpellDraft, leg_id: str, until_us: int) -> Span:
    """Return a leg's span from its answer (else its first bridge, else the spell's beginning) to its end."""
    leg = spell.legs[leg_id]
    bridged = (event for event in spell.bridges if event.type == "Bridged" and leg_id in _legs_of(event))
    start = leg.answered or next(bridged, spell.begun)
    end = leg.end
    return start.time_us, until_us if end is None else min(end.time_us, until_us)


def _legs_of(bridge: Observed) -> tuple[str, ...]:
    """Return the legs of a bridge."""
    if bridge.type != "Bridged":
        return (bridge.body.leg_id,)
    return bridge.body.leg_id, bridge.body.peer_leg_id


def _gaps(spell: SpellDraft) -> list[Span]:
    """Return the reconnect gaps: from the end of a caller's leg to the next bridge, with another leg of theirs."""
    gaps = []
    for lost, regained, bridge in zip(spell.callers, spell.callers[1:], spell.bridges[1:], strict=False):
        end = None if lost is None or lost is regained else lost.end
        if end is not None and end.time_us <= bridge.time_us:
            gaps.append((end.time_us, bridge.time_us))
    return gaps


def _without(spans: Sequence[Span], gaps: Sequence[Span]) -> list[Span]:
    """Return the spans with the gaps cut out."""
    kept = list(spans)
    for low, high in gaps:
        cut = [((start, min(end, low)), (max(start, high), end)) for start, end in kept]
        kept = [span for pair in cut for span in pair if span[0] < span[1]]
    return kept


def _held(spell: SpellDraft) -> list[tuple[int, int | None]]:
    """Return the spans of hold and consult, each by its leg; one that nobody ended lasts until the next bridge."""
    spans: list[tuple[int, int | None]] = []
    since: dict[tuple[str, str], int] = {}
    for event in spell.events:
        kind = HOLDS.get(event.type)
        if kind is not None:
            _mark(since, spans, (kind, event.body.leg_id), event)
        elif event.type in _BRIDGES:
            spans.extend((start, event.time_us) for start in since.values())
            since.clear()
    return [*spans, *((start, None) for start in since.values())]


def _mark(
    since: dict[tuple[str, str], int], spans: list[tuple[int, int | None]], key: tuple[str, str], event: Observed
) -> None:
    """Begin or end one hold or consult."""
    if event.type in BEGIN_HOLDS:
        since.setdefault(key, event.time_us)
    elif key in since:
        spans.append((since.pop(key), event.time_us))


_BRIDGES: Final = frozenset({"Bridged", "ConferenceJoined"})


def _wrap_up_us(talk_ended: Observed | None, started: Observed | None, finished: Observed | None) -> int | None:
    """Return the length of wrap-up: 0 if none was told, None while it runs or where its ends contradict each other."""
    if started is None and finished is None:
        return 0
    begin = started or talk_ended
    if begin is None or finished is None or is_inferred(begin) or is_inferred(finished):
        return None
    if started is not None and finished.time_us < started.time_us:
        return None
    after_talk = begin.time_us if talk_ended is None else max(begin.time_us, talk_ended.time_us)
    return max(0, finished.time_us - after_talk)


def ends_without_hold(events: Sequence[Observed]) -> list[Observed]:
    """Return the ends of holds and consults, among the events of one spell, that end nothing."""
    open_ones: set[tuple[str, str]] = set()
    ends = []
    for event in events:
        kind = HOLDS.get(event.type)
        if kind is None:
            continue
        key = (kind, event.body.leg_id)
        if event.type in BEGIN_HOLDS:
            open_ones.add(key)
        elif key in open_ones:
            open_ones.remove(key)
        else:
            ends.append(event)
    return ends
