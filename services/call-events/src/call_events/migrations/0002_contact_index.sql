-- The list of contacts: folded from the log, thrown away and made again at will.

create table contact_index (
    tenant text not null,
    contact_id uuid not null,
    arrived_time bigint not null,
    ended_time bigint,
    phase text not null,
    contact_end text not null,
    queues text[] not null,
    agents text[] not null,
    caller_ref text not null,
    service_number text not null,
    anomalies integer not null,
    last_position bigint not null,
    primary key (tenant, contact_id)
);
comment on table contact_index is 'One row a contact, as its events up to last_position tell it; instants in microseconds UTC.';
create index contact_index_arrived on contact_index (tenant, arrived_time desc, contact_id desc);
create index contact_index_caller on contact_index (tenant, caller_ref, arrived_time desc, contact_id desc)
    where caller_ref <> '';
create index contact_index_names on contact_index using gin (queues, agents);

create table source_progress (
    tenant text not null,
    source_id text not null,
    last_source_seq bigint not null,
    primary key (tenant, source_id)
);
comment on table source_progress is 'The highest source_seq of each source up to the position of index_cursor.';

create table index_cursor (
    only_row boolean primary key default true check (only_row),
    log_id text not null default '',
    incarnation bigint not null default 0,
    position bigint not null default 0,
    follower text not null default '',
    lease_until timestamptz not null default '-infinity'
);
comment on table index_cursor is
    'Up to where contact_index and source_progress follow the log, moved in the transaction that changes them; and which
process follows it now.';
insert into index_cursor default values;
