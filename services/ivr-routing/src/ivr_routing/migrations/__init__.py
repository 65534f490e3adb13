"""SQL files that make the tables of routing beside its log."""
