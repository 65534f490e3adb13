"""What a fact is made of: one row per entity, columns that events reduce into, columns derived from those.

Nothing of a database or of columnar data may live here: DDL, dictionary and fold all read these declarations.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

CALL_EVENTS: Final = "call-events"
IVR_ROUTING: Final = "ivr-routing"
"""The services whose logs tell facts."""


class Kind(enum.Enum):
    """What a column holds, and so how Postgres keeps it."""

    MOMENT = "instant, microseconds since 1970 UTC"
    LENGTH = "length in microseconds"
    NUMBER = "number"
    TEXT = "text, empty if not told"
    ID = "id as text, empty if none"
    WORD = "one of a few lower-case words, empty if not told"
    FLAG = "true or false"
    IDS = "list of ids as text"


class Reducer(enum.Enum):
    """How the tellings of many events become one value, whatever their order and however they are split."""

    ONCE = "told by one event only"
    AGREED = "the same wherever it is told"
    EARLIEST = "the least told"
    LATEST = "the one told at the latest instant"
    LAST = "the greatest told"
    DERIVED = "computed from the other columns"


NULLABLE = frozenset({Kind.MOMENT, Kind.LENGTH})
"""Kinds whose absence is null; absent texts are empty, absent numbers 0, absent flags false."""


@dataclass(frozen=True, slots=True)
class Told:
    """Where an event tells a column: a field of its payload, or of its envelope after a @.

    `@time` is the instant to reckon with, `@position`, `@source_id`. `words` names the proto enum of the field.
    `constant` tells a fixed word instead. A length is told in units of `unit_us`. Where `within` names a message that
    the field lies in, an empty text there was told to be empty. With `clock`, only events whose instants lengths are
    taken from tell it. A list of texts is told as one, with `joined` between them. Where words are given, a text is
    told only if it is `among` them.
    """

    event: str
    field: str = "@time"
    words: str = ""
    constant: str | None = None
    unit_us: int = 1
    within: str = ""
    clock: bool = False
    joined: str = ""
    among: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column: name, kind, a sentence for people, and how it comes about.

    `inner` columns are the fold's own memory: they stand in the tables but in no view. `personal` ones name a person
    or a number or device that may be one's, and are given to BI as pseudonyms only.
    """

    name: str
    kind: Kind
    sentence: str
    reducer: Reducer = Reducer.DERIVED
    told: tuple[Told, ...] = ()
    inner: bool = False
    personal: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """A table of one row per entity.

    `key` are its first columns after the tenant; `entity` is that of them which names the entity within its stream, and
    empty where the stream is the entity. `ids` says for every event that tells something of the entity which
    payload field names it; the field is empty where the stream alone does. `present` is the SQL condition under which
    a row is a fact already, rather than the fold's memory of what may become one. An empty name in `ids` means that
    the event tells nothing of such an entity, unless the fact may be `nameless`. All events are of one `log`.
    """

    name: str
    sentence: str
    category: str
    key: tuple[Column, ...]
    columns: tuple[Column, ...]
    entity: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    present: str = ""
    indexes: tuple[tuple[str, ...], ...] = ()
    nameless: bool = False
    log: str = CALL_EVENTS

    @property
    def told_columns(self) -> tuple[Column, ...]:
        """The columns that events tell, those of the key too."""
        return tuple(column for column in (*self.key, *self.columns) if column.told)

    @property
    def key_names(self) -> tuple[str, ...]:
        """Names of the primary key, the tenant first."""
        return ("tenant", *(column.name for column in self.key))

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Every stored column in order, the tenant first."""
        return (TENANT, *self.key, *self.columns)

    @property
    def visible(self) -> tuple[Column, ...]:
        """The columns that views show."""
        return tuple(column for column in self.all_columns if not column.inner)


OWN_ID: Final = "@id"
"""Where an event tells an entity's id: as told, or by the recipe of `contact_life.identity`."""
TENANT = Column("tenant", Kind.TEXT, "Organisation that the fact belongs to.")
CONTACT_ID = Column("contact_id", Kind.ID, "Contact, also the name of its stream in the log.")


def at(*events: str) -> tuple[Told, ...]:
    """Return tellings of the events' instants."""
    return tuple(Told(event) for event in events)


def of(path: str, *events: str, words: str = "", within: str = "") -> tuple[Told, ...]:
    """Return tellings of one payload field of some events."""
    return tuple(Told(event, path, words, within=within) for event in events)
