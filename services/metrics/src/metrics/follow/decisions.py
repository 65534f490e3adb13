"""A step of a generation through routing's log: what it decided becomes rows where the cursor moves.

Unlike contacts, which any teller may tell anew, decisions come from one decider in order: no rows are read to fold
them, and none are replaced.
"""

from collections.abc import Mapping
from typing import ClassVar

from metrics.connection import Connection
from metrics.fact.at_once import in_one_thread
from metrics.fact.batch import batch_of
from metrics.fact.catalogue import ROUTING_FACTS
from metrics.fact.routing_fold import ARRIVING, arriving, fold_decisions, taken_up
from metrics.fact.store import Keys, add_texts, texts_of
from metrics.follow import parked
from metrics.follow.advance import Advance, Before, Fold, Step, without
from metrics.follow.refolding import Refolded


class DecisionsAdvance(Advance):
    """Brings the facts of routing's log forward."""

    _UNTOUCHED: ClassVar = Keys((), ())

    async def fold(self, step: Step, recent: Fold | None = None) -> Fold:  # noqa: ARG002  # needs nothing of the step before
        """Fold a step."""
        async with self._database.acquire(self._seconds) as connection:
            left_out = await parked.positions(connection, self.generation, step.held.log_id)
        batch = await in_one_thread(batch_of, without(step.events, left_out))
        rows = await in_one_thread(fold_decisions, batch)
        before = Before(self._UNTOUCHED, {}, left_out)
        texts = await in_one_thread(texts_of, ROUTING_FACTS, rows)
        return Fold(step, batch, before, Refolded(rows, batch.streams.clear()), texts)

    async def _put(self, connection: Connection, fold: Fold) -> None:
        await take_up(connection, self.generation, fold.texts)


async def take_up(connection: Connection, generation: str, texts: Mapping[str, bytes]) -> None:
    """Bring rows, given as COPY takes them by name of fact, to those that stand; in a transaction, once in it."""
    for fact in ROUTING_FACTS:
        if text := texts.get(fact.name):
            await connection.execute(arriving(fact, generation))
            await add_texts(connection, None, {f"{ARRIVING}{fact.name}": text})
            await connection.execute(taken_up(fact, generation))
