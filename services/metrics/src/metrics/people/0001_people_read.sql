-- Who read what about whom. Rows are only ever added.

create table people_read (
    people_read_id bigint generated always as identity primary key,
    tenant text not null,
    read_time timestamptz not null default now(),
    reader text not null,
    method text not null,
    agents text[] not null,
    team text not null default '',
    from_time bigint not null,
    to_time bigint not null,
    purpose text not null default '',
    request_id text not null
);
comment on table people_read is 'Every answer that told something about an agent.';
comment on column people_read.people_read_id is 'The reading.';
comment on column people_read.tenant is 'Organisation of the reader and of the agents.';
comment on column people_read.read_time is 'When it was read.';
comment on column people_read.reader is 'Subject of the reader''s token.';
comment on column people_read.method is 'What was called: GetScorecard, GetAgentReport, ExplainFigure.';
comment on column people_read.agents is 'Agents asked for; empty: all that the reader may see.';
comment on column people_read.team is 'Team that the reading was limited to; empty: none.';
comment on column people_read.from_time is 'Beginning of the interval asked for, microseconds since 1970 UTC.';
comment on column people_read.to_time is 'End of the interval asked for, microseconds since 1970 UTC.';
comment on column people_read.purpose is 'Why, in the reader''s words; empty if not said.';
comment on column people_read.request_id is 'The call, as logs name it.';
create index people_read_by_tenant on people_read (tenant, read_time);
