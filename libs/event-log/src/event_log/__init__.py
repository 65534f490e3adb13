"""The append-only log, its feeds and its relay; knows nothing of contact centres."""
