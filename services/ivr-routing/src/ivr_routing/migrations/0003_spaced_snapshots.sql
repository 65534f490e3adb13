-- Snapshots at a distance from each other, from which decisions long ago are explained.

alter table snapshot drop constraint snapshot_pkey;
alter table snapshot add primary key (tenant, position);
create index snapshot_by_position on snapshot (log_id, incarnation, position);
comment on table snapshot is
    'What each tenant''s desk had become at some positions, the newest for all; thrown away when the core''s version is another.';
