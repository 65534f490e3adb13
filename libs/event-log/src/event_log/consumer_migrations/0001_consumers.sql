-- What a consumer of logs keeps beside its effects, moved in the same transactions.
create table cursors (
    name text primary key,
    log_id text not null,
    incarnation bigint not null,
    position bigint not null,
    moved_time timestamptz not null default clock_timestamp()
) with (fillfactor = 50);
comment on table cursors is 'How far each consumer has come in its log; moved in the transaction of the effects.';

create table parked (
    name text not null,
    position bigint not null,
    tenant text not null,
    category text not null,
    key uuid not null,
    event_id uuid not null,
    type text not null,
    reason text not null,
    attempts integer not null default 1,
    parked_time timestamptz not null default clock_timestamp(),
    tried_time timestamptz not null default clock_timestamp(),
    primary key (name, position)
);
create index parked_tenant on parked (name, tenant);
comment on table parked is 'Events that a consumer could not apply; the rest goes on, and answers say how many are parked.';
