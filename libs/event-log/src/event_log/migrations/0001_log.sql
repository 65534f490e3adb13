-- A log: its events by position, the flushes that wrote them, where streams lie, fences, and who appends.
-- Functions run with their owner's rights, so that the appending role itself can do no more than insert events.
select set_config('search_path', current_schema() || ', pg_temp', true);

create table log (
    only_row boolean primary key default true check (only_row),
    log_id text not null,
    partition_events bigint not null check (partition_events > 0)
);
comment on table log is 'What this log is called, and how many positions one partition of its events holds.';
insert into log (log_id, partition_events)
values (current_schema() || '-' || left(replace(gen_random_uuid()::text, '-', ''), 8), 16777216);

create table incarnation (
    number bigint primary key,
    after_position bigint not null,
    reason text not null,
    raised_time timestamptz not null default clock_timestamp()
);
comment on table incarnation is 'A new row whenever the log may have lost something; readers that hold an older number rebuild.';
insert into incarnation (number, after_position, reason) values (1, 0, 'made');

create table events (
    position bigint not null,
    event_time_us bigint not null,
    record_time_us bigint not null,
    source_seq bigint,
    version integer not null,
    key uuid not null,
    event_id uuid not null,
    correlation_id uuid,
    causation_id uuid,
    tenant text not null,
    source_id text not null,
    category text not null,
    type text not null,
    actor text not null,
    traceparent text not null,
    body_mac bytea not null,
    payload bytea not null,
    primary key (position)
) partition by range (position);
comment on table events is 'Every event for ever, dense by position. The primary key is the lock among appenders.';
create index events_stream on events (key, version);

create table log_flush (
    first bigint primary key,
    last bigint not null check (last >= first),
    record_time_us bigint not null,
    digest bytea not null
);
comment on table log_flush is
    'One row a flush. digest = sha256(digest of the flush before || its rows in Postgres'' binary COPY form).';

create table streams (
    tenant text not null,
    category text not null,
    key uuid not null,
    first_position bigint not null,
    until_position bigint not null,
    first_version integer not null,
    primary key (key, first_position)
);
comment on table streams is
    'One row for each partition that a stream reaches into: there its events lie from first_position to before
until_position. Never updated, so a long snapshot elsewhere cannot slow it down.';

create table fences (
    tenant text not null,
    name text not null,
    epoch bigint not null,
    primary key (tenant, name)
);
comment on table fences is 'The epoch at which a named right to append is held.';

create table appender (
    only_row boolean primary key default true check (only_row),
    pid integer not null,
    renewed_time timestamptz not null
);
comment on table appender is 'The session that appends, and when it last said so.';

create function head_position() returns bigint
language sql stable security definer set search_path from current as $$
    select coalesce((select last from log_flush order by first desc limit 1), 0);
$$;
comment on function head_position is 'The last position written; 0 before the first.';

create function ensure_partitions(until_position bigint) returns integer
language plpgsql security definer set search_path from current as $$
declare
    size bigint := (select partition_events from log);
    start bigint;
    made integer := 0;
    part text;
begin
    perform pg_advisory_xact_lock(hashtextextended(current_schema() || ' partitions', 0));
    start := size * (select count(*) from pg_inherits where inhparent = 'events'::regclass);
    while start <= until_position loop
        part := 'events_' || lpad((start / size)::text, 6, '0');
        execute format('create table %I (like events including all)', part);
        execute format('alter table events attach partition %I for values from (%s) to (%s)', part, start, start + size);
        start := start + size;
        made := made + 1;
    end loop;
    return made;
end $$;
comment on function ensure_partitions is 'Makes the partitions up to a position; attaching waits for no reader.';

create procedure hold_fences(fence_tenants text[], fence_names text[], fence_epochs bigint[])
language plpgsql security definer set search_path from current as $$
declare
    held bigint;
begin
    select count(*) into held from (
        select from fences f
        join unnest(fence_tenants, fence_names, fence_epochs) as w (tenant, name, epoch)
            on f.tenant = w.tenant and f.name = w.name and f.epoch = w.epoch
        for share of f
    ) as still;
    if held < cardinality(fence_names) then
        raise exception 'a fence was taken' using errcode = 'HF001';
    end if;
end $$;
comment on procedure hold_fences is
    'Fails the transaction unless every fence is still held at its epoch, and keeps them so until it ends.';

create function acquire_fence(of_tenant text, of_name text) returns bigint
language sql security definer set search_path from current as $$
    insert into fences (tenant, name, epoch) values (of_tenant, of_name, 1)
    on conflict (tenant, name) do update set epoch = fences.epoch + 1
    returning epoch;
$$;
comment on function acquire_fence is 'Raises the epoch of a fence; waits for a flush under the old one to end.';

create function raise_incarnation(because text) returns bigint
language sql security definer set search_path from current as $$
    insert into incarnation (number, after_position, reason)
    select max(number) + 1, head_position(), because from incarnation
    returning number;
$$;
comment on function raise_incarnation is 'Tells every reader that the log may have lost something (a restore, a failover).';

revoke all on function head_position(), ensure_partitions(bigint), acquire_fence(text, text), raise_incarnation(text)
from public;
revoke all on procedure hold_fences(text[], text[], bigint[]) from public;
