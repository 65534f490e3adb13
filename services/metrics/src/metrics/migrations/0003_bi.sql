-- What SQL for business intelligence needs beside its views: who may read which tenant, and what pseudonyms are keyed
-- with. The readers' roles reach the schema bi alone; its views read these tables for them.

create schema if not exists bi;
comment on schema bi is 'Facts for business intelligence: read-only, one tenant a role, people under pseudonyms.';
create schema if not exists bi_private;
revoke all on schema bi_private from public;
comment on schema bi_private is 'What the views of bi need and their readers never see.';

create table bi_private.reader (
    role_name name primary key,
    tenant text not null
);
comment on table bi_private.reader is 'Roles that read bi, and the one tenant each may read.';
comment on column bi_private.reader.role_name is 'The login role.';
comment on column bi_private.reader.tenant is 'The tenant that it reads.';

create table bi_private.pseudonym_key (
    tenant text primary key,
    key bytea not null check (length(key) >= 32)
);
comment on table bi_private.pseudonym_key is 'Keys of the hashes that stand for people, one a tenant.';
comment on column bi_private.pseudonym_key.tenant is 'The tenant.';
comment on column bi_private.pseudonym_key.key is 'Random bytes; another key makes other pseudonyms.';

do $$
begin
    create role holdfast_bi nologin;
exception
    when duplicate_object or unique_violation then null;
    when insufficient_privilege then raise notice 'holdfast_bi is to be created by an administrator';
end
$$;
