"""IVR flows at the terminal: a caller's walk without a phone system, and how it is shown."""
