"""SQL of the fact tables and of the views over the live ones, from the declarations; no connection here."""

import hashlib
from typing import Final

from metrics.fact.bi_view import create_bi_views
from metrics.fact.catalogue import AGENT_FACTS, FACTS
from metrics.fact.declaration import NULLABLE, Column, Fact, Kind
from metrics.fact.flow_path import create_flow_path
from metrics.fact.view import select_of

_SQL_TYPES: Final = {
    Kind.MOMENT: "bigint",
    Kind.LENGTH: "bigint",
    Kind.NUMBER: "bigint",
    Kind.TEXT: "text",
    Kind.ID: "text",
    Kind.WORD: "text",
    Kind.FLAG: "boolean",
    Kind.IDS: "text[]",
}
_DEFAULTS: Final = {Kind.NUMBER: "0", Kind.FLAG: "false", Kind.IDS: "'{}'"}
VIEWS_SCHEMA: Final = "metrics"
"""Schema of the views over the live generation."""


def quoted(text: str) -> str:
    """Return a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def create_tables(schema: str) -> list[str]:
    """Return the statements that make a generation's schema, its tables and comments, and what folding itself needs."""
    statements = [f'create schema "{schema}"', *_irregular_streams(schema)]
    for fact in FACTS:
        statements += [_table(schema, fact), *_comments(f'"{schema}".{fact.name}', fact)]
    return statements + [index for fact in AGENT_FACTS for index in _indexes(schema, fact)]


def create_indexes(schema: str) -> list[str]:
    """Return the statements that make the indexes of a generation that are not there yet."""
    return [statement for fact in FACTS for statement in _indexes(schema, fact)]


def finish_tables(schema: str) -> list[list[str]]:
    """Return for each table the statements that index it and have Postgres look at what it holds."""
    return [[*_indexes(schema, fact), f'analyze "{schema}".{fact.name}'] for fact in FACTS]


def create_views(schema: str) -> list[str]:
    """Return the statements that turn the views `metrics.<fact>` to a generation, in one transaction of the caller."""
    names = ", ".join(f"{VIEWS_SCHEMA}.{fact.name}" for fact in FACTS)
    statements = [f"drop view if exists {names} cascade"]
    for fact in FACTS:
        statements.append(f"create view {VIEWS_SCHEMA}.{fact.name} as {select_of(fact, schema)}")
        statements.append(f"comment on view {VIEWS_SCHEMA}.{fact.name} is {quoted(fact.sentence)}")
    return [*statements, *_disturbed(schema), *create_flow_path(schema), *create_bi_views()]


def _disturbed(schema: str) -> list[str]:
    """Return what makes a view of contacts by key: without their roots it costs a thousandth to look one up."""
    name, sentence = f"{VIEWS_SCHEMA}.disturbed_contact", "When something disturbed a contact: a supervisor, a fault."
    return [
        f"drop view if exists {name}",
        f'create view {name} as select tenant, contact_id, intervened_time, fault_time from "{schema}".contact',  # noqa: S608
        f"comment on view {name} is {quoted(sentence)}",
    ]


def declaration_digest() -> str:
    """Return a digest of all that facts are kept in and shown by; another digest means that a rebuild is due.

    Views count too: they are made when a generation goes live, and an old one may show what a new one must not.
    """
    made = create_tables("facts") + create_indexes("facts") + create_views("facts")
    return hashlib.sha256("\n".join(made).encode()).hexdigest()[:16]


def _irregular_streams(schema: str) -> list[str]:
    table = f'"{schema}".irregular_stream'
    text = "Streams of agents that only the full rules can fold; they are folded whole each time."
    return [
        f"create table {table} (tenant text not null, stream_id text not null, primary key (tenant, stream_id))",
        f"comment on table {table} is {quoted(text)}",
    ]


def _table(schema: str, fact: Fact) -> str:
    columns = ", ".join(f"{column.name} {_column_type(column)}" for column in fact.all_columns)
    return f'create table "{schema}".{fact.name} ({columns}, primary key ({", ".join(fact.key_names)}))'


def _column_type(column: Column) -> str:
    sql_type = _SQL_TYPES[column.kind]
    return (
        sql_type if column.kind in NULLABLE else f"{sql_type} not null default {_DEFAULTS.get(column.kind, quoted(''))}"
    )


def _indexes(schema: str, fact: Fact) -> list[str]:
    names = {f"{fact.name}_by_{'_'.join(columns[1:])}": columns for columns in fact.indexes}
    return [
        f'create index if not exists {name} on "{schema}".{fact.name} ({", ".join(columns)})'
        for name, columns in names.items()
    ]


def _comments(table: str, fact: Fact) -> list[str]:
    lines = [f"comment on table {table} is {quoted(fact.sentence)}"]
    for column in fact.all_columns:
        text = f"{column.sentence} ({column.kind.value}; {column.reducer.value})"
        lines.append(f"comment on column {table}.{column.name} is {quoted(text)}")
    return lines
