-- Where each relay of the log stands, and who holds which share of a topic's partitions.
create table relay (
    topic text not null,
    share integer not null check (share between 1 and shares),
    shares integer not null check (shares > 0),
    epoch bigint not null default 0,
    holder text not null default '',
    lease_until timestamptz not null default '-infinity',
    log_id text,
    incarnation bigint,
    position bigint,
    partitions integer[],
    prevs bigint[],
    moved_time timestamptz,
    primary key (topic, shares, share)
) with (fillfactor = 50);
comment on table relay is
    'One row a share of a topic''s partitions. Everything up to position is acknowledged; prevs tells of each partition
what was sent to it last. Only the holder of the epoch moves them.';
