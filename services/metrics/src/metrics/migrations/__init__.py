"""Numbered SQL of the tables that are not facts: generations, cursors, parked events."""
