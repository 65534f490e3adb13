"""Commands that prove the log is as it was written: audit verify."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeAlias

import typer

from event_log.audit import AuditReport, verify
from event_log.errors import Unavailable
from holdfast_cli import following, options, output, system
from holdfast_cli.home import Home
from holdfast_cli.options import Data, Json
from holdfast_cli.output import CommandFailed

SCHEMA = "call_events"
DIGEST_BYTES = 32
Kept: TypeAlias = tuple[int, bytes] | None


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Prove that the log is what was written.", no_args_is_help=True)
    group.callback()(_group)
    group.command("verify")(options.bundled(verify_log))
    app.add_typer(group, name="audit", rich_help_panel="The system")


def _group() -> None:
    """Hold the commands; without it a group of one command would be that command."""


def verify_log(
    data: Data,
    database_url: Annotated[
        str,
        typer.Option(
            "--database-url",
            metavar="URL",
            help="Database of a log elsewhere; the running system's on the data folder if not given.",
        ),
    ] = "",
    expected: Annotated[
        str, typer.Option(metavar="POSITION:DIGEST", help="What an earlier verification printed, kept elsewhere.")
    ] = "",
    *,
    json: Json = False,
) -> None:
    """Take every flush's digest anew, from the first; names the first bad one, then exit status 1."""
    kept = _expected(expected)
    running = None if database_url else Home(data).running()
    with output.progress() as bar:
        task = bar.add_task("verifying", total=system.run(following.head(running)).position if running else None)

        def on_progress(position: int) -> None:
            bar.update(task, completed=position)

        url = running.database_url if running else database_url
        report = system.run(_verified(url, kept, on_progress))
    output.as_json(_document(report)) if json else _show(report)
    if report.bad:
        raise typer.Exit(1)


async def _verified(url: str, kept: Kept, on_progress: Callable[[int], None]) -> AuditReport:
    try:
        return await verify(url, SCHEMA, expected=kept, on_progress=on_progress)
    except Unavailable:
        message = "The database cannot be read: is the system running, and does its address allow reading the log?"
        raise CommandFailed(message) from None


def _expected(text: str) -> Kept:
    """Return the place and digest of an earlier verification; CommandFailed if it is none."""
    if not text:
        return None
    position, _, digest = text.partition(":")
    try:
        kept = int(position), bytes.fromhex(digest)
    except ValueError:
        kept = 0, b""
    if len(kept[1]) != DIGEST_BYTES:
        message = "--expected must be a position, a colon and 64 hexadecimal digits, as `holdfast audit verify` prints."
        raise CommandFailed(message)
    return kept


def _document(report: AuditReport) -> dict[str, Any]:
    return {
        "verified": report.bad is None,
        "flushes": report.flushes,
        "events": report.events,
        "position": report.position,
        "digest": report.digest.hex(),
        "first_bad_flush": None if report.bad is None else asdict(report.bad),
    }


def _show(report: AuditReport) -> None:
    values: dict[str, object] = {
        "flushes": report.flushes,
        "events": report.events,
        "keep elsewhere": f"{report.position}:{report.digest.hex()}",
    }
    if report.bad:
        values["first bad flush"] = f"positions {report.bad.first:,} to {report.bad.last:,}: {report.bad.reason}"
    title = "The log is NOT what was written" if report.bad else "The log is what was written, flush by flush"
    output.fields(title, values)
    if not report.bad:
        output.say("Next time: `holdfast audit verify --expected …` proves that nobody wrote all of it anew.", "dim")
