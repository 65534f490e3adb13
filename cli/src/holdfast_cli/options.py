"""Options that many commands share, said once.

A command takes a whole of them as one parameter: ``bundled`` gives the command line one option for each field of a
parameter whose type is a dataclass here, and hands the command the dataclass.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from datetime import datetime
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from holdfast_cli.home import default_data

ELSEWHERE = "A system elsewhere, instead of --data"
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
Data = Annotated[
    Path,
    typer.Option(
        "--data", envvar="HOLDFAST_DATA", help="Data folder.", default_factory=default_data, show_default="~/.holdfast"
    ),
]
Threshold = Annotated[float, typer.Option(min=0, help="Service level threshold in seconds.")]
ShortAbandon = Annotated[float, typer.Option(min=0, help="Shorter waits are short abandons; in seconds.")]


def _day(text: str) -> str:
    """Return a date, or an instant, as it was typed."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no date; type one as 1999-01-31."
        raise typer.BadParameter(message) from None
    return text


def _elsewhere(name: str, what: str) -> Any:
    variable = f"HOLDFAST_AT_{name.upper().replace('-', '_')}"
    return typer.Option(
        f"--{name}", envvar=variable, metavar="HOST:PORT", help=what, show_envvar=False, rich_help_panel=ELSEWHERE
    )


@dataclass(frozen=True, slots=True)
class Where:
    """The system a command is about: the one that runs on a data folder, or one elsewhere by addresses and token."""

    data: Data
    call_events: Annotated[str, _elsewhere("call-events", "Its call-events, gRPC.")] = ""
    log: Annotated[str, _elsewhere("log", "Its log of call-events, gRPC.")] = ""
    metrics: Annotated[str, _elsewhere("metrics", "Its metrics, gRPC.")] = ""
    metrics_rest: Annotated[str, _elsewhere("metrics-rest", "Its metrics, REST.")] = ""
    ivr_routing: Annotated[str, _elsewhere("ivr-routing", "Its ivr-routing, gRPC.")] = ""
    token: Annotated[
        str,
        typer.Option(
            "--token", envvar="HOLDFAST_TOKEN", metavar="JWT", help="A token for it.", rich_help_panel=ELSEWHERE
        ),
    ] = ""


@dataclass(frozen=True, slots=True)
class Days:
    """Local days, the last one exclusive, in a time zone (empty: the tenant's)."""

    from_date: Annotated[
        str, typer.Option("--from", metavar="DATE", callback=_day, help="First local day, as 1999-01-01.")
    ]
    to_date: Annotated[
        str, typer.Option("--to", metavar="DATE", callback=_day, help="Local day after the last, as 1999-02-01.")
    ]
    time_zone: Annotated[
        str, typer.Option("--time-zone", metavar="ZONE", help="IANA time zone of the days; else the tenant's.")
    ] = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """How a report is cut, and which figures it gives in full."""

    by: Annotated[
        Literal["quarter_hour", "half_hour", "hour", "day", "week", "month"] | None,
        typer.Option("--by", metavar="PART", help="Cut into parts: quarter_hour, half_hour, hour, day, week or month."),
    ] = None
    week_start: Annotated[
        int, typer.Option("--week-start", metavar="DAY", min=1, max=7, help="Day weeks begin on: 1 Monday to 7 Sunday.")
    ] = 1
    figures: Annotated[
        str,
        typer.Option(
            metavar="NAME,…",
            help="Figures to give in full, with version, numerator, denominator, n and interval: names, or name@1 for"
            " an older version, by commas.",
        ),
    ] = ""


@dataclass(frozen=True, slots=True)
class About:
    """What an explanation is about, and which page of the facts behind it."""

    queue: Annotated[str, typer.Option(help="Only this queue.")] = ""
    agent: Annotated[str, typer.Option(help="About this agent.")] = ""
    flow: Annotated[str, typer.Option(help="About this IVR flow.")] = ""
    page_size: Annotated[int, typer.Option(min=1, max=1000, help="Facts to give.")] = 100
    page_token: Annotated[str, typer.Option(help="Go on after an earlier page.")] = ""


@dataclass(frozen=True, slots=True)
class MadeUp:
    """Which days are to be made up."""

    day: Annotated[str, typer.Option(metavar="DATE", help="First local day.")] = "2026-01-05"
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days.")] = 1
    contacts: Annotated[int, typer.Option(min=1, max=100_000, help="Contacts on a plain working day.")] = 1000
    seed: Annotated[int, typer.Option(help="The same seed makes the same events.")] = 1
    time_zone: Annotated[str, typer.Option("--time-zone", metavar="ZONE", help="IANA zone of the days.")] = "UTC"


def bundled(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with an option for each field of its parameters that are dataclasses."""
    hints = get_type_hints(command, include_extras=True)
    flat: list[Parameter] = []
    bundles: dict[str, type] = {}
    for parameter in inspect.signature(command).parameters.values():
        hint = hints[parameter.name]
        if is_dataclass(hint) and isinstance(hint, type):
            bundles[parameter.name] = hint
            flat += _fields(hint)
        else:
            flat.append(parameter.replace(annotation=hint, kind=Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def run(**given: object) -> None:
        for name, bundle in bundles.items():
            given[name] = bundle(**{field.name: given.pop(field.name) for field in _fields(bundle)})
        command(**given)

    run.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]  # what inspect reads
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in flat}
    return run


def _fields(bundle: type) -> list[Parameter]:
    """Return the parameters of a dataclass's constructor, as keywords with their types and options."""
    hints = get_type_hints(bundle, include_extras=True)
    return [
        parameter.replace(annotation=hints[parameter.name], kind=Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(bundle).parameters.values()
    ]
