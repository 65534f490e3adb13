-- Which code could not fold an event: another one tries it again by itself.
alter table parked_event add column folded_by text not null default '';
comment on column parked_event.folded_by is 'Digest of the code that could not fold it; another one tries it again by itself.';
