"""The data dictionary says what the declarations say."""

from pathlib import Path

from metrics.fact.catalogue import FACTS
from metrics.fact.declaration import Reducer
from metrics.fact.dictionary import dictionary
from metrics.fact.view import view_columns

DOCUMENT = Path(__file__).parents[3] / "docs" / "facts.md"


def test_the_dictionary_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == dictionary(), (
        "make it anew: python -m metrics.fact.dictionary docs/facts.md"
    )


def test_every_column_is_described_in_a_sentence() -> None:
    for fact in FACTS:
        for column in (*fact.all_columns, *view_columns(fact)):
            assert column.sentence.endswith("."), f"{fact.name}.{column.name}"


def test_every_column_that_events_tell_says_which() -> None:
    for fact in FACTS:
        for column in fact.all_columns:
            assert bool(column.told) == (column.reducer is not Reducer.DERIVED), f"{fact.name}.{column.name}"
