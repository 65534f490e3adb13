"""ivr-routing: where a caller goes next, and why."""
