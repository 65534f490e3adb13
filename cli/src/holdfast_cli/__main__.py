"""The ``holdfast`` command: reads what a person typed and calls the module that does it.

Every command prints a table for people, and one JSON document with ``--json``. What goes wrong is one sentence on
stderr and exit status 1 (2 for a command that was typed wrong).
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Mapping
from typing import Final

import typer

from holdfast_cli.home import NotRunning
from holdfast_cli.importing.errors import ImportFailed
from holdfast_cli.output import CommandFailed, stop

HELP: Final = (
    "Keeps hold of callers and is fair to agents. Start with `holdfast up`, or see it all with `holdfast demo`."
)
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "up_commands": ("up", "demo", "doctor"),
    "import_commands": ("import",),
    "generate_commands": ("generate",),
    "event_commands": ("tail", "contact"),
    "flow_commands": ("flow",),
    "report_commands": ("queues", "agents", "flows", "scorecard", "explain"),
    "live_commands": ("live", "why"),
    "simulate_commands": ("simulate",),
    "tenant_commands": ("time-zone",),
    "bi_commands": ("bi-reader",),
    "rebuild_commands": ("rebuild",),
    "parked_commands": ("parked",),
    "audit_commands": ("audit",),
}
"""What can be typed, by the module that does it, in the order in which help lists them."""


def made(word: str = "") -> typer.Typer:
    """Return the command, with all that can be typed or with the module of one word: importing all takes a second."""
    app = typer.Typer(
        name="holdfast",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    app.callback(help=HELP)(_several)
    wanted = [module for module, words in WORDS.items() if word in words]
    for module in wanted or WORDS:
        importlib.import_module(f"holdfast_cli.{module}").register(app)
    return app


def main() -> None:
    """Run the command; what a person can mend is told in one sentence. SIGTERM is what Ctrl-C is."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        made(sys.argv[1] if len(sys.argv) > 1 else "")()
    except (CommandFailed, NotRunning, ImportFailed) as error:
        stop(str(error))


def _several() -> None:
    """Hold the commands; without it an app of one command would be that command."""


if __name__ == "__main__":
    main()
