-- What tenants have set; no fact, so a rebuild leaves it alone.

create table tenant_time_zone (
    tenant text primary key,
    time_zone text not null,
    set_time timestamptz not null default now()
);
comment on table tenant_time_zone is 'The time zone in which a tenant''s days begin where a report names none.';
comment on column tenant_time_zone.tenant is 'Organisation.';
comment on column tenant_time_zone.time_zone is 'IANA name of the zone.';
comment on column tenant_time_zone.set_time is 'When it was set.';
