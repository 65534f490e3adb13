-- A stream comes into the directory with each of its versions once, the first of them once for ever: an appender may
-- take a stream for new without asking, and a flush that is wrong about it fails.
select set_config('search_path', current_schema() || ', pg_temp', true);

alter table streams drop constraint streams_pkey;
alter table streams add primary key (key, tenant, category, first_version);
