"""Facts that follow a log, step by step: cursors, partitions, what was set aside."""
