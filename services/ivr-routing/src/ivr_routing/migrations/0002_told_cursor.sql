-- How far what flows told has reached call-events.

create table told_cursor (
    log_id text primary key,
    incarnation integer not null,
    position bigint not null
);
comment on table told_cursor is
    'How far call-events was told of this log''s flows. Behind at most, never ahead: a fact told twice counts once.';
