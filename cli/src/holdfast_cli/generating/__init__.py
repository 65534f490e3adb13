"""Made-up days of a contact centre, by a seed.

For commands: `generate.events_of(Plan(…))` gives the events, `generate.checksum` their checksum, `generate.write`
writes them to a file as lines of JSON, and the coroutine `generate.tell(plan, stub, sending)` tells them to a running
call-events and returns an `ImportSummary`, as the imports do.
"""
