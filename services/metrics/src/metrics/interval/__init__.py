"""Intervals of time, cut into parts by the calendar of a time zone; no I/O."""
