"""Commands that prove the log is as it was written: audit verify."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
