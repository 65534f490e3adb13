"""The ``holdfast`` command: reads what a person typed and calls the module that does it.

Every command prints a table for people, and one JSON document with ``--json``. What goes wrong is one sentence on
stderr and exit status 1 (2 for a command that was typed wrong).
"""

from __future__ import annotations

import signal

import typer

from holdfast_cli import (
    audit_commands,
    event_commands,
    flow_commands,
    generate_commands,
    import_commands,
    parked_commands,
    rebuild_commands,
    report_commands,
    simulate_commands,
    tenant_commands,
    up_commands,
)
from holdfast_cli.home import NotRunning
from holdfast_cli.importing.errors import ImportFailed
from holdfast_cli.output import CommandFailed, stop

app = typer.Typer(
    name="holdfast",
    help="Keeps hold of callers and is fair to agents. Start with `holdfast up`, or see it all with `holdfast demo`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for commands in (
    up_commands,
    import_commands,
    generate_commands,
    event_commands,
    flow_commands,
    report_commands,
    simulate_commands,
    tenant_commands,
    rebuild_commands,
    parked_commands,
    audit_commands,
):
    commands.register(app)


def main() -> None:
    """Run the command; what a person can mend is told in one sentence. SIGTERM is what Ctrl-C is."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except (CommandFailed, NotRunning, ImportFailed) as error:
        stop(str(error))


if __name__ == "__main__":
    main()
