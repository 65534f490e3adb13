"""Numbered SQL files that make a log in a schema of its own; apply them with `service_host.postgres.migrate`."""
