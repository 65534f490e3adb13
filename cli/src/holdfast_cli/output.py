"""What a command says: a table for people, one JSON document for programs, one sentence for what went wrong."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NoReturn

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 200
"""Columns of a table that nobody looks at in a terminal."""
NOTHING = "-"
_NUMBER = re.compile(r"-?[0-9][0-9,.:]*( %| s)?\*?")


class CommandFailed(Exception):
    """A command cannot do what it was asked; the text is one sentence that says what to do."""


def console() -> Console:
    """Return where answers go: stdout, as wide as the terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def notes() -> Console:
    """Return where progress and remarks go, so that answers can be piped: stderr."""
    return Console(stderr=True, highlight=False)


def as_json(document: object) -> None:
    """Print one JSON document on one line."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def say(text: str = "", style: str = "", *, indent: int = 0) -> None:
    """Print a line; a terminal that is too narrow breaks it between words, within its indent."""
    out = console()
    if out.is_terminal:
        out.print(Padding(Text(text, style), (0, 0, 0, indent), expand=False))
    else:
        out.print(Text(" " * indent + text), soft_wrap=True)


def say_whole(text: str, style: str = "") -> None:
    """Print a line as it is, however long: it will be copied, or cut by programs."""
    console().print(Text(text, style), soft_wrap=True)


def note(text: str, style: str = "") -> None:
    """Print a remark on stderr."""
    notes().print(Text(text, style), soft_wrap=True)


@contextmanager
def remarking(sentence: str) -> Iterator[None]:
    """Say a sentence on stderr if what is done in the context is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        note(sentence)
        raise


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, footer: Sequence[object] = ()
) -> None:
    """Print a table; a column of numbers stands right, one of words left. Columns that end in ~ may be wrapped."""
    shown = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        collapse_padding=True,
        show_footer=bool(footer),
        padding=(0, 1),
    )
    for place, name in enumerate(columns):
        values = [row[place] for row in rows]
        justify = "right" if values and not any(_is_words(value) for value in values) else "left"
        wraps = name.endswith("~")
        foot = Text(cell(footer[place])) if footer else ""
        shown.add_column(name.rstrip("~"), foot, justify=justify, no_wrap=not wraps, overflow="fold")  # type: ignore[arg-type]  # rich's words
    for row in rows:
        shown.add_row(*(Text(cell(value)) for value in row))
    console().print(shown)


def fields(title: str, values: Mapping[str, object]) -> None:
    """Print a few named values below a title; those that are None are left out."""
    say(title, "bold")
    width = max(map(len, values), default=0)
    grid = Table.grid(padding=(0, 2), pad_edge=True)
    grid.add_column(min_width=width, style="dim")
    grid.add_column(overflow="fold")
    for name, value in values.items():
        if value is not None:
            grid.add_row(name, Text(cell(value)))
    console().print(grid)


def cell(value: object) -> str:
    """Write a value the way people read it: nothing as -, thousands parted."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.2f}"
        case _:
            return str(value)


def clock(seconds: float | None) -> str:
    """Write a length as 1:02:03, 2:03 or -."""
    if seconds is None:
        return NOTHING
    sign, whole = "-" * (seconds < 0), round(abs(seconds))
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{sign}{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{sign}{minutes}:{whole % 60:02}"


def percent(ratio: float | None) -> str:
    """Write a ratio as 12.3 % or -."""
    return NOTHING if ratio is None else f"{ratio * 100:.1f} %"


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun: 1 event, 2 events."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


class RateColumn(ProgressColumn):
    """How many events a second: as the task's field ``rate`` says, else by its own count."""

    def render(self, task: Task) -> Text:
        """Write the rate, empty before there is one."""
        rate = task.fields.get("rate", task.speed)
        return Text(f"{rate:,.0f} events/s" if rate else "", style="progress.data.speed")


def progress() -> Progress:
    """Return a bar on stderr with the share done, rate and time left; shown only in a terminal."""
    out = notes()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        RateColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=out, disable=not out.is_terminal, transient=True)


def stop(sentence: str, code: int = 1) -> NoReturn:
    """Say on stderr what is wrong and what to do, and end."""
    notes().print(Text.assemble(("holdfast: ", "bold red"), sentence), soft_wrap=True)
    raise SystemExit(code)


def _is_words(value: object) -> bool:
    """Whether a cell is text; numbers already written out, like 12.3 % or 2:03, are not."""
    return isinstance(value, str) and value != NOTHING and not _NUMBER.fullmatch(value)
