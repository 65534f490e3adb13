"""The fold of what ivr-routing decided: rows from a batch alone, and how rows told before take them up.

    fold_decisions(batch)  →  rows by fact, of what this batch tells
    taken_up(fact, schema) →  SQL that brings such rows to those that stand in a generation

Every column reduces alike in a batch and between batches, so that order, duplicates and splits cannot matter: the
least, or the greatest, where what was not told (null, empty, 0, false) is below everything.
"""

from typing import Final

from metrics.fact.batch import Batch
from metrics.fact.catalogue import ROUTING_FACTS
from metrics.fact.declaration import NULLABLE, Column, Fact, Reducer
from metrics.fact.fold import Rows
from metrics.fact.merge import merged, to_stored

ARRIVING: Final = "arriving_"
"""What the names of the temporary tables begin with that rows come in by."""


def fold_decisions(batch: Batch) -> Rows:
    """Return the rows that a batch tells, facts without any left out."""
    frames = {fact.name: to_stored(fact, merged(fact, batch, None), batch.streams) for fact in ROUTING_FACTS}
    return {name: frame for name, frame in frames.items() if frame.height}


def arriving(fact: Fact, schema: str) -> str:
    """Return the SQL of the table that rows of a fact come in by; it is gone with the transaction."""
    return f'create temporary table {ARRIVING}{fact.name} (like "{schema}".{fact.name}) on commit drop'


def taken_up(fact: Fact, schema: str) -> str:
    """Return the SQL that brings the rows that came in to those that stand."""
    names = ", ".join(column.name for column in fact.all_columns)
    changes = ", ".join(f"{column.name} = {_reduced(column)}" for column in fact.columns)
    return (
        f'insert into "{schema}".{fact.name} as fact ({names})'  # noqa: S608  # names of declarations
        f" select {names} from {ARRIVING}{fact.name} order by {', '.join(fact.key_names)}"
        f" on conflict ({', '.join(fact.key_names)}) do update set {changes}"
    )


def _reduced(column: Column) -> str:
    least = column.reducer is Reducer.EARLIEST and column.kind in NULLABLE
    return f"{'least' if least else 'greatest'}(fact.{column.name}, excluded.{column.name})"
