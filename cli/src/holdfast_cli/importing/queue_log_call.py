"""What the lines of one call amount to: visits of queues, each with the talk that came of it. Pure.

A call's lines arrive in any order and are only ordered by their stamps, which are whole seconds: several verbs share
one, and CONNECT can stand a second before its ENTERQUEUE. So an end is not paired with the last beginning but with
the beginning that fits best what the end tells: ABANDON, CONNECT and COMPLETE say how long the caller had waited.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from holdfast_cli.importing.queue_log_line import (
    EXITS,
    NEVER_JOINED,
    RINGS,
    SECOND_US,
    TALK_ENDS,
    QueueLogLine,
)

SLACK_US: Final = 5 * SECOND_US
"""A beginning may be stamped this much after its end."""

AGREE_US: Final = 2 * SECOND_US
"""Stamps and told lengths agree within this: both are whole seconds, read one after the other."""

Odd = Callable[[str], None]


@dataclass(slots=True)
class Talk:
    """An agent's talk: CONNECT, and what ended it. One of the two may be missing."""

    connect: QueueLogLine | None
    end: QueueLogLine | None

    @property
    def line(self) -> QueueLogLine:
        """The line that tells of the talk first."""
        line = self.connect or self.end
        assert line is not None
        return line

    @property
    def stamp_us(self) -> int:
        """When the talk began, by the stamps."""
        line = self.line
        return line.time_us if self.connect else line.time_us - (line.talk_us or 0)

    @property
    def wait_us(self) -> int | None:
        """How long the caller had waited, if told."""
        told = self.connect.wait_us if self.connect else None
        return told if told is not None or self.end is None else self.end.wait_us


@dataclass(slots=True)
class Visit:
    """One stay in one queue; instants in microseconds UTC. `left_us` and `exit` are None while it waits.

    `began_elsewhere`: it was left first thing in this file, so an earlier file may tell how it began.
    """

    queue: str
    enter: QueueLogLine | None
    entered_us: int | None
    exit: QueueLogLine | None = None
    left_us: int | None = None
    talk: Talk | None = None
    ended_us: int | None = None
    began_elsewhere: bool = False

    @property
    def arrived_here(self) -> bool:
        """Whether this file tells of the caller coming, be it only to be turned away."""
        return self.enter is not None or (self.talk is None and not self.began_elsewhere)

    def spans(self, time_us: int, slack_us: int) -> bool:
        """Whether an instant lies within the stay, give or take the slack."""
        begun = self.entered_us is None or self.entered_us <= time_us + slack_us
        return begun and (self.left_us is None or self.left_us + slack_us >= time_us)


@dataclass(slots=True)
class Call:
    """A call: its visits in order, and the lines that are about neither the waiting nor the talking."""

    native_id: str
    first_us: int
    visits: list[Visit] = field(default_factory=list)
    rings: list[QueueLogLine] = field(default_factory=list)
    wrap_ups: list[QueueLogLine] = field(default_factory=list)
    numbers: list[QueueLogLine] = field(default_factory=list)

    def visit_at(self, queue: str, time_us: int) -> Visit | None:
        """Return the visit of a queue that an instant lies in, or nearly; the first, which a later file tells too."""
        mine = [visit for visit in self.visits if visit.queue == queue]
        return next((visit for slack_us in (0, SLACK_US) for visit in mine if visit.spans(time_us, slack_us)), None)


def call_of(lines: Sequence[QueueLogLine], odd: Odd) -> Call:
    """Return the call that these lines, in any order, are about; `odd` is told the name of each oddity."""
    ordered = sorted(_once(lines, odd))
    call = Call(ordered[0].call, ordered[0].time_us)
    call.rings = sorted(line for line in lines if line.verb in RINGS)
    call.wrap_ups = [line for line in ordered if line.verb == "WRAPUPSTART"]
    call.numbers = [line for line in ordered if line.verb == "DID"]
    for queue in sorted({line.queue for line in ordered}):
        call.visits += _visits([line for line in ordered if line.queue == queue], queue, odd)
    call.visits.sort(key=lambda visit: (visit.entered_us or visit.left_us or 0, visit.queue))
    for visit in call.visits[1:]:
        visit.began_elsewhere = False
    return call


def _once(lines: Sequence[QueueLogLine], odd: Odd) -> list[QueueLogLine]:
    """Drop lines told again word for word; an endpoint, though, may ring twice within a second."""
    once = set(lines)
    for _ in range(len([line for line in lines if line.verb not in RINGS]) - sum(x.verb not in RINGS for x in once)):
        odd("repeated_line")
    return list(once)


def _visits(lines: list[QueueLogLine], queue: str, odd: Odd) -> list[Visit]:
    enters = [line for line in lines if line.verb == "ENTERQUEUE"]
    visits = [Visit(queue, line, line.time_us) for line in enters]
    for talk in sorted(_talks(lines, odd), key=lambda talk: talk.stamp_us):
        _answer(visits, talk, queue, odd)
    for line in lines:
        if line.verb in EXITS:
            _leave(visits, line, queue, odd)
    for line in lines:
        if line.verb in NEVER_JOINED:
            _turn_away(visits, line, queue)
    for visit in visits:
        if visit.left_us is None:
            odd("still_waiting")
    return visits


def _talks(lines: list[QueueLogLine], odd: Odd) -> list[Talk]:
    """Pair each end of a talk with the CONNECT of its agent that fits best."""
    talks = [Talk(line, None) for line in lines if line.verb == "CONNECT"]
    for end in (line for line in lines if line.verb in TALK_ENDS):
        began = end.time_us - (end.talk_us or 0)
        mine = [talk for talk in talks if talk.line.agent == end.agent and _fits(talk.line.time_us, began, end.time_us)]
        free = [talk for talk in mine if talk.end is None]
        if free:
            min(free, key=lambda talk: abs(talk.stamp_us - began)).end = end
        elif mine and (end.talk_us is None or any(abs(talk.stamp_us - began) <= SLACK_US for talk in mine)):
            odd("second_end")
        else:
            odd("complete_without_connect")
            talks.append(Talk(None, end))
    return talks


def _answer(visits: list[Visit], talk: Talk, queue: str, odd: Odd) -> None:
    visit = _take(visits, talk.stamp_us, talk.wait_us, queue, odd)
    visit.talk, visit.exit = talk, talk.line
    visit.left_us = _after(visit.entered_us, talk.wait_us, talk.stamp_us, odd)
    if talk.end is None:
        odd("still_talking")
    else:
        visit.ended_us = _after(visit.left_us, talk.end.talk_us, talk.end.time_us, odd)


def _leave(visits: list[Visit], line: QueueLogLine, queue: str, odd: Odd) -> None:
    """End a visit that nobody answered. A dialplan may tell the same end once more in a word of its own."""
    left = [visit for visit in visits if visit.exit and visit.exit.verb in EXITS]
    if not _waiting(visits, line.time_us) and any(abs((it.left_us or 0) - line.time_us) <= SLACK_US for it in left):
        odd("second_end")
        return
    visit = _take(visits, line.time_us, line.wait_us, queue, odd)
    visit.exit = line
    visit.left_us = _after(visit.entered_us, line.wait_us, line.time_us, odd)


def _turn_away(visits: list[Visit], line: QueueLogLine, queue: str) -> None:
    """End the visit that waits; who was turned away at the door made one of no length."""
    waiting = _waiting(visits, line.time_us)
    if waiting:
        waiting[-1].exit, waiting[-1].left_us = line, line.time_us
    else:
        visits.append(Visit(queue, None, line.time_us, line, line.time_us))


def _waiting(visits: list[Visit], time_us: int) -> list[Visit]:
    """Return the visits that wait at an instant."""
    return [visit for visit in visits if visit.left_us is None and (visit.entered_us or 0) <= time_us]


def _take(visits: list[Visit], time_us: int, wait_us: int | None, queue: str, odd: Odd) -> Visit:
    """Return the waiting visit that fits an end best; a new one if none was seen to begin."""
    began = time_us - (wait_us or 0)
    near = [visit for visit in _waiting(visits, time_us + SLACK_US) if _fits(visit.entered_us or 0, began, time_us)]
    waiting = [visit for visit in near if (visit.entered_us or 0) <= time_us]
    late = [] if waiting else near
    if late:
        odd("connect_before_enter")
    if waiting or late:
        return min(waiting or late, key=lambda visit: abs((visit.entered_us or 0) - began))
    odd("connect_without_enter")
    visit = Visit(queue, None, None if wait_us is None else began, began_elsewhere=True)
    visits.append(visit)
    return visit


def _fits(stamp_us: int, began_us: int, ended_us: int) -> bool:
    """Whether an end may be of what was stamped to begin: told to follow a longer stay, not of one begun only then."""
    return stamp_us <= ended_us - SLACK_US or abs(stamp_us - began_us) <= SLACK_US


def _after(start_us: int | None, told_us: int | None, stamp_us: int, odd: Odd) -> int:
    """Return when what began at an instant ended: by the told length, else by the stamp of its end."""
    if start_us is None:
        return stamp_us
    if told_us is None:
        return max(start_us, stamp_us)
    if abs(start_us + told_us - stamp_us) > AGREE_US:
        odd("told_length_differs")
    return start_us + told_us
