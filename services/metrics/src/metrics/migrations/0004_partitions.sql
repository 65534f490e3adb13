-- Facts may follow a log by the partitions of a topic that carries it: then there is a cursor for each.
alter table cursor
    add column partition integer not null default 0,
    add column epoch bigint not null default 0,
    add column next_offset bigint not null default 0;
alter table cursor drop constraint cursor_pkey;
alter table cursor add primary key (schema_name, log_id, partition);
alter table cursor set (fillfactor = 50);
comment on table cursor is 'How far the facts of a generation follow a log: one row, or one for each partition of its topic.';
comment on column cursor.partition is 'The partition of the topic; 0 where the log is read as one.';
comment on column cursor.position is 'Everything of the partition up to here is folded or parked.';
comment on column cursor.epoch is 'Epoch of the lease under which the partition was last claimed; an older one may not write.';
comment on column cursor.next_offset is 'Where the topic goes on, as a hint: what was read before is dropped by its position.';
