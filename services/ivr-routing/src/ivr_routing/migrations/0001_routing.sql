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
    desk bytea not null,
    taken_time timestamptz not null default clock_timestamp()
);
comment on table snapshot is
    'What each tenant''s desk had become at one position, the same for all; thrown away when the core''s version is another.';

create table feed_cursor (
    log_id text primary key,
    incarnation integer not null,
    position bigint not null
);
comment on table feed_cursor is
    'How far facts of call-events were taken in. Behind at most, never ahead: a fact taken in twice counts once.';
