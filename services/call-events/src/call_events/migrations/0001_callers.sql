-- What leads from a customer's number to the log, and nothing else does: mutable and erasable, unlike the log.

create table master_key (
    only_row boolean primary key default true check (only_row),
    fingerprint bytea not null
);
comment on table master_key is 'What the master key outside the database is known by; another one is refused at start.';

create table caller (
    tenant text not null,
    number_mac bytea not null,
    caller_ref uuid not null,
    wrapped_key bytea not null,
    created_time timestamptz not null default clock_timestamp(),
    primary key (tenant, number_mac),
    unique (tenant, caller_ref)
);
comment on table caller is
    'From the keyed MAC of a number to its random caller_ref, with the key of what was sealed for it, wrapped under the
master key. Erasing a customer deletes the row and rewrites the table, so that no dead row is left in its pages.';
-- The planner's statistics are copies of column values in another table: none may be taken of these.
alter table caller alter column number_mac set statistics 0;
alter table caller alter column caller_ref set statistics 0;
alter table caller alter column wrapped_key set statistics 0;

create table erasure (
    erasure_id bigint generated always as identity primary key,
    tenant text not null,
    erased_by text not null,
    erased_time timestamptz not null default clock_timestamp(),
    caller_ref uuid,
    keys_destroyed integer not null,
    swept_time timestamptz
);
comment on table erasure is
    'Who had which customer erased, without the number. caller_ref is null where there was nothing to erase; swept_time is
null until the pages that held the row are rewritten.';
create index erasure_unswept on erasure (erasure_id) where swept_time is null;

create table contact_alias (
    tenant text not null,
    source_id text not null,
    kind text not null,
    native_id text not null,
    contact_id uuid not null,
    primary key (tenant, source_id, kind, native_id)
);
comment on table contact_alias is
    'What a source calls a contact besides its first leg''s native id. Bound at first use and never changed, so that an
event told again finds the same contact.';
