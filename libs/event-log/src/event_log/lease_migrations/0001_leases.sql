-- Which instance of a consumer reads which partitions of a topic, and until when.
create table feed_member (
    consumer text not null,
    member text not null,
    until_time timestamptz not null,
    primary key (consumer, member)
) with (fillfactor = 50);
comment on table feed_member is 'Instances of a consumer that live: each says so again before its time is over.';
comment on column feed_member.consumer is 'Whose partitions are shared.';
comment on column feed_member.member is 'The instance.';
comment on column feed_member.until_time is 'It is taken for dead from then on.';

create table partition_lease (
    consumer text not null,
    partition integer not null check (partition >= 0),
    member text not null default '',
    epoch bigint not null default 0,
    until_time timestamptz not null default '-infinity',
    primary key (consumer, partition)
) with (fillfactor = 50);
comment on table partition_lease is 'Which instance owns a partition. What an instance writes is fenced by the epoch.';
comment on column partition_lease.consumer is 'Whose partitions are shared.';
comment on column partition_lease.partition is 'The partition.';
comment on column partition_lease.member is 'The instance that owns it; empty: none.';
comment on column partition_lease.epoch is 'Raised whenever it is taken.';
comment on column partition_lease.until_time is 'Others may take it from then on.';
