"""A contact centre that never was: scenarios, chance by a seed, the very core that routes live, and counts."""
