-- When each log was last heard of, and how far it was then: what was told since is not in the facts.
create table heard (
    log_id text primary key,
    incarnation bigint not null,
    head_position bigint not null,
    heard_time bigint not null
);
alter table heard set (fillfactor = 50);
comment on table heard is 'When each log was last heard of, and how far it was then.';
comment on column heard.log_id is 'The log.';
comment on column heard.incarnation is 'Its incarnation then.';
comment on column heard.head_position is 'Its last position then.';
comment on column heard.heard_time is 'When, by the clock of the instance that heard of it, microseconds since 1970 UTC.';
