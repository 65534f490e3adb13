"""The pure core of routing: ``decide(core, command, now_us) → events`` and ``evolve``; no clock, no dice, no I/O."""
