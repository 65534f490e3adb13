"""Which ring an end belongs to that names none: the one begun last before it, of the same agent and contact.

Columns tell that where an agent's rings for a contact begin and end in turn. Where they do not, or where an end was
told before its beginning, the stream needs the full rules (`contact_life.agent_ring`).
"""

from dataclasses import replace
from typing import Final

import polars as pl

from metrics.fact.batch import Batch
from metrics.fact.declaration import OWN_ID
from metrics.fact.telling import ROW, TIME

_CALL: Final = [ROW, "contact_id"]
_COMPARED: Final = ("visit_id", "queue", "endpoint")


def with_ring_ids(batch: Batch, stored: pl.DataFrame | None) -> tuple[Batch, pl.Series]:
    """Return the batch with every end under the id of its ring, and the rows of streams where that is not clear."""
    started, ended = batch.bodies.get("AgentRingStarted"), batch.bodies.get("AgentRingEnded")
    turns = _turns(started, ended, stored)
    if turns is None:
        return batch, pl.Series(ROW, [], dtype=pl.UInt32)
    last = {name: pl.col(name).shift().over(_CALL) for name in ("ends", "ring", *_COMPARED)}
    turns = turns.sort(*_CALL, TIME, "ends").with_columns(last[name].alias(f"last_{name}") for name in last)
    turns = turns.with_columns((~pl.col("ends")).any().over(_CALL).alias("begins"))
    unclear = turns.filter(pl.col("begins") & _unclear())[ROW].unique()
    if ended is not None:
        own = pl.coalesce("ring", pl.when(pl.col("begins")).then(pl.col("last_ring")), "own").alias("matched")
        ids = turns.filter(pl.col("position").is_not_null() & pl.col("ends")).select("position", own)
        ended = ended.join(ids, left_on="@position", right_on="position", how="left").with_columns(
            pl.coalesce("matched", OWN_ID).alias(OWN_ID)
        )
        batch = replace(batch, bodies=batch.bodies | {"AgentRingEnded": ended.drop("matched")})
    return batch, unclear


def _turns(
    started: pl.DataFrame | None, ended: pl.DataFrame | None, stored: pl.DataFrame | None
) -> pl.DataFrame | None:
    """Return beginnings and ends of rings; `ring` is null for an end that names none, `position` for what is stored."""
    parts = [_part(body, ends=ends) for body, ends in ((started, False), (ended, True)) if body is not None]
    if not parts:
        return None
    if stored is not None:
        parts += [_stored(stored, "told_started_time", ends=False), _stored(stored, "ended_time", ends=True)]
    return pl.concat(parts)


def _part(body: pl.DataFrame, *, ends: bool) -> pl.DataFrame:
    told = pl.when(pl.col("ring_id") != "").then(pl.col("ring_id"))
    ring = told if ends else pl.col(OWN_ID)
    return body.select(
        *_CALL,
        TIME,
        pl.lit(ends).alias("ends"),
        ring.alias("ring"),
        pl.col(OWN_ID).alias("own"),
        pl.col("@position").alias("position"),
        *_COMPARED,
    )


def _stored(rings: pl.DataFrame, time: str, *, ends: bool) -> pl.DataFrame:
    return rings.filter(pl.col(time).is_not_null()).select(
        ROW,
        pl.col("contact_id").fill_null(""),
        pl.col(time).alias(TIME),
        pl.lit(ends).alias("ends"),
        pl.col("ring_id").alias("ring"),
        pl.col("ring_id").alias("own"),
        pl.lit(None, pl.Int64).alias("position"),
        *(pl.col(name).fill_null("") for name in _COMPARED),
    )


def _unclear() -> pl.Expr:
    """Return whether a turn does not follow the one before it, among rings of which a beginning was told."""
    begun = (~pl.col("last_ends")).fill_null(value=False)
    other = (pl.col("ring") != pl.col("last_ring")).fill_null(value=False)
    differs = [
        (pl.col(name) != "") & (pl.col(f"last_{name}") != "") & (pl.col(name) != pl.col(f"last_{name}"))
        for name in _COMPARED
    ]
    return (
        pl.when(pl.col("ends"))
        .then(~begun | other | pl.any_horizontal(differs).fill_null(value=False))
        .otherwise(begun)
    )
