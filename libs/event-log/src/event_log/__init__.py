"""An append-only log of record, its feeds and its consumers' bookkeeping; knows nothing of contact centres."""
