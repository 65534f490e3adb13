"""What the log tells, on its way out: contacts, lists of them, events."""
