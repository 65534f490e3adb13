"""What must be true of a history, the log it was told to, and whoever read that log; pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fault_suite.history import History
from fault_suite.verdict import Findings

SHOWN = 3
"""Examples in a sentence."""
Figures = Mapping[str, Mapping[str, float]]
"""Figures by name, by queue."""


@dataclass(frozen=True, slots=True)
class Row:
    """An event as it stands in a log; `stream` is whatever names its stream, ids are text.

    `partition` is the one of the topic that it belongs to.
    """

    position: int
    stream: str
    version: int
    event_id: str
    source: str = ""
    partition: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a feed showed of one incarnation of the log, in the order in which it showed it."""

    feed: str
    incarnation: int
    events: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Told:
    """A record of a topic: an event, or (without an event_id) a word on how far the partition is whole."""

    incarnation: int
    position: int
    prev: int
    event_id: str = ""


def check_log(log: Sequence[Row], findings: Findings) -> None:
    """Positions are dense from 1, nothing stands twice, versions of each stream are dense from 1 in order."""
    wrong = [row for number, row in enumerate(log, 1) if row.position != number]
    findings.add("lost", len(wrong), f"positions do not follow the one before{_shown(row.position for row in wrong)}")
    stands = Counter((row.stream, row.event_id) for row in log)
    twice = [event for (_, event), count in stands.items() if count > 1]
    findings.add("double_counted", len(twice), f"events stand twice{_shown(twice)}")
    versions: dict[str, int] = {}
    jumps = 0
    for row in log:
        jumps += row.version != versions.get(row.stream, 0) + 1
        versions[row.stream] = row.version
    findings.add("reordered", jumps, "versions of a stream do not follow the one before")


def check_history(
    history: History, log: Sequence[Row], findings: Findings, others: Collection[str] = frozenset()
) -> None:
    """All that was acknowledged is in the log, nothing that was refused, nothing nobody told, contacts in order.

    `others` are sources whose tellers keep no history.
    """
    position = {row.event_id: row.position for row in log}
    told: set[str] = set()
    refused: set[str] = set()
    lost: set[str] = set()
    for operation in history.operations.values():
        told.update(operation.events)
        refused |= operation.refused
        lost |= {event for event in operation.acknowledged if event not in position}
    findings.add("lost", len(lost), f"acknowledged events are not in the log{_shown(lost)}")
    findings.add("phantom", len(refused & position.keys()), "refused events are in the log")
    unknown = {row.event_id for row in log if row.source not in others} - told
    findings.add("phantom", len(unknown), f"events in the log were told by nobody{_shown(unknown)}")
    findings.add("reordered", _inversions(history, position), "operations of a contact stand the wrong way round")


def _inversions(history: History, position: Mapping[str, int]) -> int:
    count = 0
    for chain in history.chains():
        reached = 0
        for operation in chain:
            places = [position[event] for event in operation.acknowledged if event in position]
            count += bool(places) and min(places) < reached
            reached = max([reached, *places])
    return count


def check_feed(seen: Seen, log: Sequence[Row], findings: Findings, *, whole: bool) -> None:
    """A feed shows each position once, in order, as the log has it; `whole` if it should have come to the end."""
    positions = [position for position, _ in seen.events]
    jumps = [later for earlier, later in zip([0, *positions], positions, strict=False) if later != earlier + 1]
    back = [position for earlier, position in zip([0, *positions], positions, strict=False) if position <= earlier]
    findings.add("reordered", len(back), f"positions came again or late by {seen.feed}{_shown(back)}")
    findings.add("lost", len(jumps) - len(back), f"positions were left out by {seen.feed}{_shown(jumps)}")
    if not whole:
        return
    stands = {row.position: row.event_id for row in log}
    shown = dict(seen.events)
    missing = stands.keys() - shown.keys()
    findings.add("lost", len(missing), f"events of the log never came by {seen.feed}{_shown(missing)}")
    other = sum(1 for position, event in shown.items() if stands.get(position) != event)
    findings.add("phantom", other, f"events came by {seen.feed} that the log does not have there")


def check_partition(
    number: int, records: Sequence[Told], log: Sequence[Row], findings: Findings, *, since: int = 0
) -> None:
    """A partition's records, however often they stand there, leave no hole, and are what the log has there.

    All of its events after the position `since` must be there.
    """
    stands = {row.position: row.event_id for row in log if row.partition == number}
    missing = {position for position in stands if position > since} - {one.position for one in records if one.event_id}
    findings.add("lost", len(missing), f"events never came to partition {number} of the topic{_shown(missing)}")
    reached, holes, wrong = since, 0, 0
    for record in records:
        holes += record.prev > reached
        wrong += bool(record.event_id) and stands.get(record.position) != record.event_id
        reached = max(reached, record.position if record.event_id else record.prev)
    findings.add("lost", holes, f"holes are in partition {number} of the topic")
    findings.add("phantom", wrong, f"events are in partition {number} of the topic that the log does not have there")


def check_figures(shown: Figures, recount: Figures, findings: Findings) -> None:
    """Figures shown are those that a plain count of the log gives."""
    wrong = [
        f"{name} of {queue}: {shown.get(queue, {}).get(name, 0)}, not {value}"
        for queue, figures in recount.items()
        for name, value in figures.items()
        if shown.get(queue, {}).get(name, 0) != value
    ]
    wrong += [f"{queue} is in no event" for queue in sorted(shown.keys() - recount.keys())]
    findings.add("double_counted", len(wrong), f"figures differ from a count of the log{_shown(wrong)}")


def check_facts(kept: Mapping[str, object], made_anew: Mapping[str, object], findings: Findings) -> None:
    """Facts that lived through everything are those that are made anew from the log."""
    wrong = sorted(name for name in kept.keys() | made_anew.keys() if kept.get(name) != made_anew.get(name))
    findings.add("double_counted", len(wrong), f"tables of facts differ from those made anew{_shown(wrong)}")


def _shown(examples: Iterable[object]) -> str:
    found = [str(example) for example in examples]
    more = ", …" if len(found) > SHOWN else ""
    return f" ({', '.join(found[:SHOWN])}{more})" if found else ""
