"""The peer of live facts: a projection of the `eventsourcing` package on the same Postgres, with its safe settings.

It keeps one row a contact (events, last instant), upserted in the transaction that tracks the event, which is less than
facts keep.
"""

import time
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL

EVENTS_A_CONTACT = 9
RUN_SECONDS = 120.0


class Contact(Aggregate):
    """A contact that was told of."""

    @event("Told")
    def tell(self, kind: str, time_us: int) -> None:
        """Something happened."""
        self.kind, self.time_us = kind, time_us


class Contacts(Application[UUID]):
    """Contacts and their events."""

    def record(self, number: int) -> int:
        """Record the events of a contact; return the last one's place."""
        contact = Contact()
        for step in range(EVENTS_A_CONTACT - 1):
            contact.tell("LegAnswered", number * 1_000_000 + step)
        return int(self.save(contact)[-1].notification.id)


class Counts(PostgresTrackingRecorder):
    """One row a contact."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        """Add the table."""
        super().__init__(datastore, **kwargs)
        self.sql_create_statements.append(
            SQL("create table if not exists counts (contact uuid primary key, events int, last_us bigint)")  # type: ignore[arg-type]  # composable
        )

    def count(self, contact: UUID, time_us: int, tracking: Tracking) -> None:
        """Count an event and track it."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(
                "insert into counts values (%s, 1, %s) on conflict (contact) do update"
                " set events = counts.events + 1, last_us = greatest(counts.last_us, excluded.last_us)",
                (contact, time_us),
            )
            self._insert_tracking(cursor, tracking)


class Counting(Projection[Counts]):
    """Counts every event."""

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Count an event."""
        self.view.count(domain_event.originator_id, getattr(domain_event, "time_us", 0), tracking)


def projected(dsn: str, events: int) -> float:
    """Return events a second that the projection takes, of so many events recorded before."""
    parts = urlsplit(dsn)
    env = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.lstrip("/"),
        "POSTGRES_HOST": str(parts.hostname),
        "POSTGRES_PORT": str(parts.port),
        "POSTGRES_USER": str(parts.username),
        "POSTGRES_PASSWORD": str(parts.password),
    }
    application = Contacts(env)
    last = max(application.record(number) for number in range(events // EVENTS_A_CONTACT))
    application.close()
    began = time.perf_counter()
    with ProjectionRunner(application_class=Contacts, projection_class=Counting, view_class=Counts, env=env) as runner:
        runner.wait(last, timeout=RUN_SECONDS)
        return last / (time.perf_counter() - began)
