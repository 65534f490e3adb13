-- What routing keeps beside its log. Everything here can be lost without losing a decision.

create table leader (
    only_row boolean primary key default true check (only_row),
    pid integer not null,
    renewed_time timestamptz not null
);
comment on table leader is 'The session of the process that decides, and when it last said so.';

create table snapshot (
    tenant text primary key,
    log_id text not null,
    incarnation integer not null,
    position bigint not null,
    core_version text not null,
    state bytea not null,
    taken_time timestamptz not null default clock_timestamp()
);
comment on table snapshot is 'What the core of a tenant had become at a position; thrown away when the core''s version is another.';
