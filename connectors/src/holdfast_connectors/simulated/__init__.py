"""A phone system that exists in memory only: callers, endpoints and agents by chance, repeatable by a seed."""
