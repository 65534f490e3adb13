-- What metrics keeps beside the facts themselves. Facts can be thrown away; this says which of them are live,
-- how far they follow each log, and what could not be folded.

create table generation (
    schema_name text primary key,
    made_time timestamptz not null default now(),
    declaration text not null
);
comment on table generation is 'A schema that holds a whole set of fact tables.';
comment on column generation.schema_name is 'Name of the schema.';
comment on column generation.made_time is 'When it was made.';
comment on column generation.declaration is 'Digest of the declarations its tables were made from.';

create table live_generation (
    only_row boolean primary key default true check (only_row),
    schema_name text not null references generation
);
comment on table live_generation is 'The generation that the views show: one row.';
comment on column live_generation.schema_name is 'Name of its schema.';

create table cursor (
    schema_name text not null references generation on delete cascade,
    log_id text not null,
    incarnation bigint not null,
    position bigint not null,
    record_time bigint not null default 0,
    head_position bigint not null default 0,
    stopped text not null default '',
    primary key (schema_name, log_id)
);
comment on table cursor is 'How far the facts of a generation follow a log.';
comment on column cursor.schema_name is 'The generation.';
comment on column cursor.log_id is 'The log.';
comment on column cursor.incarnation is 'Incarnation of the log that the facts are of.';
comment on column cursor.position is 'Everything up to here is folded or parked.';
comment on column cursor.record_time is 'Record time of the last event folded, microseconds since 1970 UTC; 0 before the first.';
comment on column cursor.head_position is 'Last position of the log when the facts were last advanced.';
comment on column cursor.stopped is 'Why the facts no longer follow the log; empty while they do.';

create table parked_event (
    schema_name text not null references generation on delete cascade,
    log_id text not null,
    position bigint not null,
    tenant text not null,
    category text not null,
    key uuid not null,
    type text not null,
    reason text not null,
    parked_time timestamptz not null default now(),
    attempts integer not null default 1,
    primary key (schema_name, log_id, position)
);
comment on table parked_event is 'Events that could not be folded and were set aside; figures may lack them.';
comment on column parked_event.schema_name is 'The generation that lacks the event.';
comment on column parked_event.log_id is 'The log.';
comment on column parked_event.position is 'Position of the event; its payload stays in the log alone.';
comment on column parked_event.tenant is 'Organisation it belongs to.';
comment on column parked_event.category is 'Kind of its stream.';
comment on column parked_event.key is 'Its stream.';
comment on column parked_event.type is 'Its type.';
comment on column parked_event.reason is 'Why, in words that hold nothing of its payload.';
comment on column parked_event.parked_time is 'When it was set aside.';
comment on column parked_event.attempts is 'How often it was tried.';
create index parked_event_by_tenant on parked_event (schema_name, tenant);
