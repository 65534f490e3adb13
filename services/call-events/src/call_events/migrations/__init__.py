"""Numbered SQL files of what call-events keeps beside its log; `call_events.schema` applies them."""
