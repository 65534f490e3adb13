"""SQL of the views `bi.<fact>_v1`: what business intelligence sees of the facts, from the declarations.

A view shows the rows of its reader's own tenant. Persons, and numbers and devices that may be theirs, stand there as a
keyed hash; the key is read by the view for its reader, through no function that a reader could ask about a name. Every
view and column is described.
"""

from typing import Final

from metrics.fact import flow_path
from metrics.fact.catalogue import FACTS
from metrics.fact.declaration import Column, Fact, Kind
from metrics.fact.view import view_columns

SCHEMA: Final = "bi"
READERS: Final = "holdfast_bi"
"""Role that may read the views; login roles are members of it."""
_KINDS: Final = {
    "caller_ref": "caller",
    "customer_ref": "customer",
    "supervisor": "agent",
    "to_agent": "agent",
    "to_endpoint": "endpoint",
}


def create_bi_views() -> list[str]:
    """Return the statements that make the views anew over `metrics.<fact>`."""
    made = [f"{SCHEMA}.queue_half_hour_v1", f"{SCHEMA}.flow_path_v1", *map(_name, FACTS)]
    statements = [f"drop view if exists {', '.join(made)}"]
    for fact in FACTS:
        statements += _view(
            _name(fact), _select(fact), f"{fact.sentence} People and endpoints are pseudonyms.", _described(fact)
        )
    statements += _view(f"{SCHEMA}.queue_half_hour_v1", _HALF_HOURS, _HALF_HOUR_SENTENCE, _HALF_HOUR_COLUMNS)
    statements += _view(f"{SCHEMA}.flow_path_v1", _FLOW_PATHS, flow_path.SENTENCE, flow_path.COLUMNS)
    return [*statements, _GRANTS]


def _name(fact: Fact) -> str:
    return f"{SCHEMA}.{fact.name}_v1"


def _view(name: str, select: str, sentence: str, columns: dict[str, str]) -> list[str]:
    statements = [
        f"create view {name} with (security_barrier = true) as {select}",
        f"comment on view {name} is {_quoted(sentence)}",
    ]
    return statements + [f"comment on column {name}.{column} is {_quoted(text)}" for column, text in columns.items()]


def _select(fact: Fact) -> str:
    shown = ", ".join(part for column in view_columns(fact) for part in _shown(column))
    return (
        f"select {shown} from metrics.{fact.name} fact"  # noqa: S608  # names of declarations
        " join bi_private.reader on reader.role_name = current_user and reader.tenant = fact.tenant"
        " join bi_private.pseudonym_key on pseudonym_key.tenant = fact.tenant"
    )


def _shown(column: Column) -> list[str]:
    name = f"fact.{column.name}"
    if column.personal:
        return [f"{_pseudonym(column)} as {column.name}"]
    if column.kind is Kind.MOMENT:
        return [name, f"timestamptz 'epoch' + {name} * interval '1 microsecond' as {column.name}_utc"]
    return [name]


def _pseudonym(column: Column) -> str:
    kind = _KINDS.get(column.name, column.name)
    name = f"fact.{column.name}"
    inner = f"sha256(pseudonym_key.key || convert_to('{kind}:' || {name}, 'UTF8'))"
    digest = f"left(encode(sha256(pseudonym_key.key || {inner}), 'hex'), 20)"
    return f"case when {name} = '' then '' else '{kind}_' || {digest} end"


def _described(fact: Fact) -> dict[str, str]:
    found = {}
    for column in view_columns(fact):
        kind = "pseudonym, empty if not told" if column.personal else column.kind.value
        found[column.name] = f"{column.sentence} ({kind})"
        if column.kind is Kind.MOMENT:
            found[f"{column.name}_utc"] = f"{column.sentence} (the same instant as a timestamp)"
    return found


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_HALF_HOUR_US: Final = 1_800_000_000
_HALF_HOURS: Final = f"""
select fact.tenant, fact.queue,
    timestamptz 'epoch' + (fact.enqueued_time / {_HALF_HOUR_US}) * interval '30 minutes' as half_hour_utc,
    count(*) filter (where fact.outcome in ('answered', 'abandoned', 'flow_out')) as offered,
    count(*) filter (where fact.outcome = 'answered') as answered,
    count(*) filter (where fact.outcome = 'abandoned') as abandoned,
    count(*) filter (where fact.outcome = 'flow_out') as flow_outs,
    count(*) filter (where fact.outcome = 'waiting') as waiting,
    coalesce(sum(fact.wait_us) filter (where fact.outcome = 'answered'), 0)::bigint as wait_answered_us,
    coalesce(sum(fact.wait_us) filter (where fact.outcome = 'abandoned'), 0)::bigint as wait_abandoned_us
from metrics.queue_visit fact
join bi_private.reader on reader.role_name = current_user and reader.tenant = fact.tenant
where fact.enqueued_time is not null
group by fact.tenant, fact.queue, fact.enqueued_time / {_HALF_HOUR_US}
""".strip()  # noqa: S608  # a number of this module
_FLOW_PATHS: Final = f"""
select {", ".join(f"fact.{name}" for name in flow_path.COLUMNS)} from metrics.flow_path fact
join bi_private.reader on reader.role_name = current_user and reader.tenant = fact.tenant
""".strip()  # noqa: S608  # names of a module of ours
_HALF_HOUR_SENTENCE: Final = "Counts and waits of queues by half-hours of UTC, visits credited where they began."
_HALF_HOUR_COLUMNS: Final = {
    "tenant": "Organisation.",
    "queue": "Queue, as the tenant names it.",
    "half_hour_utc": "Beginning of the half-hour.",
    "offered": "Visits answered, abandoned and flowed out.",
    "answered": "Visits answered.",
    "abandoned": "Visits left before being bridged.",
    "flow_outs": "Visits that flowed out by rule.",
    "waiting": "Visits that still wait.",
    "wait_answered_us": "Wait of the answered, sum in microseconds.",
    "wait_abandoned_us": "Wait of the abandoned, sum in microseconds.",
}
_GRANTS: Final = f"""do $$
begin
    if exists (select from pg_roles where rolname = '{READERS}') then
        grant usage on schema {SCHEMA} to {READERS};
        grant select on all tables in schema {SCHEMA} to {READERS};
    end if;
end
$$"""
