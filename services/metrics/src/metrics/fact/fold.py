"""The columnar fold of contacts: decoded events and stored rows in, rows of all contact facts out.

    fold_contacts(batch, stored)  →  rows by fact, and the streams that only the full rules can fold

A doubtful contact has no rows in the answer: whoever calls reads its events from the log and asks `recount`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from metrics.fact.batch import Batch
from metrics.fact.catalogue import CONTACT_FACTS
from metrics.fact.contact import ANOMALY, CONTACT
from metrics.fact.contact_link import CONTACT_LINK
from metrics.fact.ending import finished_contacts, with_gone
from metrics.fact.finish import finished_assignments, finished_legs, finished_visits, with_outcomes
from metrics.fact.leg import LEG
from metrics.fact.merge import CONTRADICTED, from_stored, has_rows, merged, to_stored
from metrics.fact.queueing import ASSIGNMENT, QUEUE_VISIT, TRANSFER
from metrics.fact.screen import (
    DOUBT,
    doubtful_assignment,
    doubtful_contact,
    doubtful_leg,
    doubtful_link,
    doubtful_transfer,
    doubtful_visit,
)
from metrics.fact.survey import SURVEY
from metrics.fact.surveyed import with_spells
from metrics.fact.telling import ROW

Rows = dict[str, pl.DataFrame]
"""Frames by name of fact, with every column of the table in order."""


@dataclass(frozen=True, slots=True)
class Folded:
    """Rows of the plain contacts by fact, and the streams (as in Batch) of the doubtful ones."""

    rows: Rows
    doubtful: pl.DataFrame


def fold_contacts(batch: Batch, stored: Mapping[str, pl.DataFrame]) -> Folded:
    """Fold the contacts of a batch; `stored` has all rows of those that had events before, by name of fact."""
    streams = batch.streams.filter(pl.col("category") == "contact")
    known = {
        fact.name: from_stored(fact, stored[fact.name], streams)
        for fact in CONTACT_FACTS
        if has_rows(fact.name, stored)
    }
    frames = {fact.name: merged(fact, batch, known.get(fact.name)) for fact in CONTACT_FACTS if fact is not ANOMALY}
    finished, doubts = _finished(frames)
    doubts += [frame[ROW].filter(frame[CONTRADICTED]) for frame in frames.values()]
    doubts += [doubtful_link(frames[CONTACT_LINK.name]), _folded_before(known, batch)]
    plain, doubtful = parted(streams, doubts)
    return Folded(
        {fact.name: to_stored(fact, finished[fact.name], plain) for fact in CONTACT_FACTS if fact is not ANOMALY},
        doubtful,
    )


def parted(streams: pl.DataFrame, doubts: Sequence[pl.Series]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the plain streams and the doubtful ones; `doubts` are rows."""
    doubted = streams[DOUBT] | streams[ROW].is_in(pl.concat(doubts).implode())
    return (streams.filter(~doubted), streams.filter(doubted)) if doubted.any() else (streams, streams.clear())


def _finished(frames: Rows) -> tuple[Rows, list[pl.Series]]:
    """Return the frames with all columns computed, and the rows that the screen doubts."""
    contact = frames[CONTACT.name]
    leg = finished_legs(frames[LEG.name], contact)
    contact = with_gone(contact, leg)
    spell = finished_assignments(frames[ASSIGNMENT.name], leg, frames[QUEUE_VISIT.name], contact)
    visit = finished_visits(frames[QUEUE_VISIT.name], spell, leg, contact)
    transfer = _transfers(frames[TRANSFER.name], contact)
    doubts = [doubtful_contact(contact), doubtful_leg(leg), doubtful_assignment(spell), doubtful_visit(visit)]
    doubts.append(doubtful_transfer(transfer))
    contact = finished_contacts(contact, visit, spell, leg, transfer)
    finished = {
        CONTACT.name: contact,
        CONTACT_LINK.name: _links(frames[CONTACT_LINK.name]),
        LEG.name: leg,
        QUEUE_VISIT.name: with_outcomes(visit, contact),
        ASSIGNMENT.name: spell,
        TRANSFER.name: transfer,
        SURVEY.name: with_spells(frames[SURVEY.name], spell),
    }
    return finished, doubts


def _transfers(transfer: pl.DataFrame, contact: pl.DataFrame) -> pl.DataFrame:
    return transfer.join(contact.select(ROW, "closed_time"), on=ROW, how="left") if transfer.height else transfer


def _links(link: pl.DataFrame) -> pl.DataFrame:
    if not link.height:
        return link
    stands = pl.col("unlinked_time").is_null() | (pl.col("linked_time") > pl.col("unlinked_time"))
    return link.with_columns((pl.col("linked_time").is_not_null() & stands).alias("linked"))


def _folded_before(known: Rows, batch: Batch) -> pl.Series:
    """Return the rows whose stored contact was irregular, or whose source counted on from before it."""
    contact = known.get(CONTACT.name)
    if contact is None:
        return pl.Series(ROW, [], dtype=pl.UInt32)
    counted = batch.events.filter(pl.col("@source_seq").is_not_null())
    fresh = counted.group_by(ROW).agg(pl.col("@source_seq").min(), pl.col("@time").min())
    joined = contact.join(fresh, on=ROW, how="left")
    unordered = (pl.col("@source_seq") <= pl.col("last_seq")) | (pl.col("@time") < pl.col("last_time"))
    back = (pl.col("last_seq") > 0) & unordered.fill_null(value=False)
    return joined.filter(pl.col("irregular") | back)[ROW]
