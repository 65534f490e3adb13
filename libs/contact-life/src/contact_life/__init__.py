"""The pure rules of a contact's life: no I/O, no clock, no chance; the same events give the same answer for ever.

- `identity`: the ids that tellers agree on without asking each other
- `codec`: payloads of the log to event bodies (`observe`); the only module that knows protobuf
- `observed`, `order`: an event as the folds see it; the canonical order; what is void
- `fold`: a contact's events to its state, `contact.Contact`, made of `flow`, `visit`, `leg`, `transfer`, `assignment`
- `ending`, `handling`: phase and end; talk, hold, wrap-up and handle time
- `anomaly`: the declared rules of what does not fit, and what makes a contact plain
- `agent_spell`, `agent_ring`, `overlap`: what agents' own events tell, and agents in two services at once
- `link`: which contacts are one
- `timeline_table`, `timeline_text`: timelines as tables, written and read back
"""
