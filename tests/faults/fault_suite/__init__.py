"""Faults put on a whole running system by chance that can be repeated, and what must be true of it afterwards.

`python -m fault_suite` runs it: real processes, a real Postgres, public doors. A load tells what happens and keeps a
history of it; faults come and go; then history, log, feeds, facts and figures are compared, and one line says the rest.
"""
