"""The data dictionary, from the declarations: every fact, every column, how events become it, and where it stands.

python -m metrics.fact.dictionary docs/facts.md
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from metrics.fact.catalogue import FACTS
from metrics.fact.declaration import Column, Fact, Reducer
from metrics.fact.telling import EVERY_EVENT
from metrics.fact.view import view_columns

_INTRODUCTION = """\
# Facts

Made from the declarations in `metrics.fact` by `python -m metrics.fact.dictionary docs/facts.md`; do not edit.

A fact is one row per entity, folded from the events of its stream in the log. The order of events, how often they are
told and how they come in batches cannot change it. Each fact is a view `metrics.<fact>` for the service, and a view
`bi.<fact>_v1` for business intelligence, where what is *personal* (persons, and numbers and devices that may be theirs)
is a pseudonym and instants stand as timestamps too (`<column>_utc`). Instants and lengths are integer microseconds;
what was not told is null there, and empty as text.

Contacts that are told once, by one source, with ids and in order are folded as the last column says. All others
(`contact.irregular`) are folded by the full rules of `contact_life`, which give the same columns their meaning.
"""


def dictionary() -> str:
    """Return the dictionary as Markdown."""
    return "\n".join([_INTRODUCTION, *(line for fact in FACTS for line in _fact(fact))])


def _fact(fact: Fact) -> Iterator[str]:
    key = ", ".join(f"`{name}`" for name in fact.key_names if name != "stream_id")
    yield f"## {fact.name}\n\n{fact.sentence} One row for each {key}.\n"
    if fact.present:
        yield f"Only rows with `{fact.present}`.\n"
    yield "| column | what it says | holds | folded as |\n|---|---|---|---|"
    for column in view_columns(fact):
        yield f"| `{column.name}` | {column.sentence} | {_holds(column)} | {_folded(column)} |"
    yield ""


def _holds(column: Column) -> str:
    return f"{column.kind.value}; personal" if column.personal else column.kind.value


def _folded(column: Column) -> str:
    if column.reducer is Reducer.DERIVED:
        return ""
    events = ", ".join(dict.fromkeys("any event" if told.event == EVERY_EVENT else told.event for told in column.told))
    return f"{column.reducer.value}: {events}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(dictionary(), encoding="utf-8")
