-- Events that an operator left out of all facts for good, in every generation.
create table skipped_event (
    log_id text not null,
    position bigint not null,
    tenant text not null,
    reason text not null,
    skipped_time timestamptz not null default now(),
    primary key (log_id, position)
);
comment on table skipped_event is 'Events that an operator left out of all facts for good.';
comment on column skipped_event.log_id is 'The log.';
comment on column skipped_event.position is 'Position of the event.';
comment on column skipped_event.tenant is 'Organisation it belongs to.';
comment on column skipped_event.reason is 'Why, in the operator''s words.';
comment on column skipped_event.skipped_time is 'When it was left out.';

alter table generation add column folded_by text not null default '';
comment on column generation.folded_by is 'Digest of the code that folds it; an interrupted rebuild is resumed by the same code only.';
