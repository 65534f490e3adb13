"""The columnar fold against the plain recount, over contacts told in every way."""

import random
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid5

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_log.model import Event
from event_log.packed import pack
from metrics.fact.batch import COLUMNS, batch_of
from metrics.fact.catalogue import CONTACT_FACTS
from metrics.fact.fold import Rows, fold_contacts
from metrics.fact.recount import frames_of, recounted
from metrics.follow.refolding import fold_whole, joined, observed_of
from told_contacts import chance_of, contacts, in_time, placed

ODDS = (0.0, 0.005, 0.03, 0.2)
scenes = st.tuples(st.integers(0, 2**32), st.sampled_from(ODDS))


def told(scene: tuple[int, float], count: int = 30) -> list[Event]:
    seed, odd = scene
    chance = chance_of(seed)
    events = contacts(chance, count, odd)
    return [each for event in events for each in (event, newer(event))[: 1 + (chance.random() < odd)]]


def newer(event: Event) -> Event:
    """Return another event of the same contact, of a type that this version does not know."""
    return replace(event, event_id=uuid5(event.event_id, "newer"), type="TypeOfTomorrow", payload=b"whatever")


def recount(events: Sequence[Event]) -> Rows:
    """Recount every contact from all its events, by the full rules alone."""
    streams = dict.fromkeys((event.tenant, event.stream.key) for event in events)
    of = {key: [event for event in events if (event.tenant, event.stream.key) == key] for key in streams}
    return frames_of([recounted(tenant, str(key), observed_of(of[tenant, key])) for tenant, key in streams])


def facts(rows: Rows, *, left_out: Sequence[str] = ()) -> dict[str, list[dict[str, object]]]:
    """Return what the views would show of some rows, in order."""
    shown = {}
    for fact in CONTACT_FACTS:
        frame = rows.get(fact.name, pl.DataFrame())
        if fact.name == "assignment" and frame.height:
            frame = frame.filter(pl.col("bridged_time").is_not_null())
        names = [column.name for column in fact.visible if column.name not in left_out]
        shown[fact.name] = frame.select(names).sort(fact.key_names).to_dicts() if frame.height else []
    return shown


def of_contacts(shown: dict[str, list[dict[str, object]]], ids: set[str]) -> dict[str, list[dict[str, object]]]:
    return {name: [row for row in rows if row["contact_id"] in ids] for name, rows in shown.items()}


@given(scenes)
@settings(max_examples=60)
def test_columns_tell_of_plain_contacts_what_the_full_rules_tell(scene: tuple[int, float]) -> None:
    events = placed(told(scene))
    folded = fold_contacts(batch_of(pack(events, COLUMNS)), {})
    doubtful = set(folded.doubtful["id"])
    plain = {str(event.stream.key) for event in events} - doubtful
    by_rules = of_contacts(facts(recount(events), left_out=["irregular"]), plain)
    assert facts(folded.rows, left_out=["irregular"]) == by_rules


def test_most_contacts_told_in_order_are_plain() -> None:
    events = placed(told((1, 0.0), 300))
    folded = fold_contacts(batch_of(pack(events, COLUMNS)), {})
    assert folded.doubtful.height < 300 * 0.7


class Told:
    """What a generation holds after pages of events: the rows, and the events for whoever is folded whole."""

    def __init__(self) -> None:
        self.rows: Rows = {}
        self._events: list[Event] = []

    def take(self, events: Sequence[Event]) -> None:
        self._events += events
        batch = batch_of(pack(events, COLUMNS))
        known = batch.streams.filter(pl.col("first_version") > 1)["id"]
        stored = {name: rows.filter(pl.col("contact_id").is_in(known.implode())) for name, rows in self.rows.items()}
        folded = fold_contacts(batch, stored)
        doubtful = {UUID(key) for key in folded.doubtful["id"]}
        whole: dict[tuple[str, object], list[Event]] = {}
        for event in self._events:
            if event.stream.key in doubtful:
                whole.setdefault((event.tenant, event.stream), []).append(event)
        again = fold_whole(whole) if whole else {}  # type: ignore[arg-type]  # a stream, seen as an object above
        kept = {name: rows.filter(~pl.col("contact_id").is_in(known.implode())) for name, rows in self.rows.items()}
        self.rows = joined(joined(kept, folded.rows), again)


def all_columns(rows: Rows) -> dict[str, list[dict[str, object]]]:
    return {fact.name: rows[fact.name].sort(fact.key_names).to_dicts() for fact in CONTACT_FACTS if fact.name in rows}


@given(scenes, st.lists(st.integers(1, 200), min_size=1, max_size=6), st.booleans())
@settings(max_examples=25)
def test_any_split_of_a_log_gives_the_same_rows(scene: tuple[int, float], sizes: list[int], live: bool) -> None:  # noqa: FBT001  # drawn
    events = placed(in_time(told(scene, 12)) if live else told(scene, 12))
    at_once, split = Told(), Told()
    at_once.take(events)
    start = 0
    for size in [*sizes, len(events)]:
        if events[start : start + size]:
            split.take(events[start : start + size])
        start += size
    assert all_columns(split.rows) == all_columns(at_once.rows)


@given(scenes, st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_any_order_of_events_gives_the_same_facts(scene: tuple[int, float], chance: random.Random) -> None:
    in_order = told(scene, 12)
    shuffled = list(in_order)
    chance.shuffle(shuffled)
    one, other = Told(), Told()
    one.take(placed(in_order))
    other.take(placed(shuffled))
    positions = ["first_position", "last_position", "position"]
    assert facts(other.rows, left_out=positions) == facts(one.rows, left_out=positions)


@pytest.mark.parametrize("odd", ODDS)
def test_every_contact_has_one_row_whatever_was_told(odd: float) -> None:
    events = placed(told((7, odd), 100))
    held = Told()
    held.take(events)
    assert sorted(held.rows["contact"]["contact_id"]) == sorted({str(event.stream.key) for event in events})
