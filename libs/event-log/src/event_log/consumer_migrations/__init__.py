"""Numbered SQL files for who consumes logs in Postgres; apply them with `service_host.postgres.migrate`."""
