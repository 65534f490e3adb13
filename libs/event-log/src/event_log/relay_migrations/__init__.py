"""Tables of the relays of a log, in the log's schema."""
