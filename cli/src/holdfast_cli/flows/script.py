"""What a caller on the terminal does: written beforehand as --input, or typed. Reads words into inputs of a walk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from holdfast_cli.output import CommandFailed
from ivr_routing.flow.step import (
    Ask,
    CallerLeft,
    CameBack,
    Digits,
    Enqueue,
    Input,
    Look,
    LookupAnswered,
    LookupFailed,
    NoInput,
    SendTo,
    Step,
)

SILENCE = "-"
HANG_UP = "hangup"
BACK = "back"
NextInput = Callable[[Step], Input | None]


def scripted(words: str, answers: Mapping[str, str]) -> NextInput:
    """Return what gives the inputs of a script, one for each question; None when it is over.

    `1,77#,-,hangup` types, says nothing, hangs up; `back` or `back:full` is a queue or a transfer that sends the caller
    back. Lookups are answered by node.
    """
    rest: Iterator[str] = iter([word.strip() for word in words.split(",")] if words.strip() else [])
    return lambda step: _next(step, answers, lambda: next(rest, None))


def typed(ask: Callable[[Step], str], answers: Mapping[str, str]) -> NextInput:
    """Return what asks a person for each input."""
    return lambda step: _next(step, answers, lambda: ask(step))


def _next(step: Step, answers: Mapping[str, str], word: Callable[[], str | None]) -> Input | None:
    """Return what answers a step."""
    match step.then:
        case Look(node=node):
            return LookupAnswered(200, answers[node].encode()) if node in answers else LookupFailed()
        case Ask():
            given = word()
            return None if given is None else _answer(given)
        case Enqueue() | SendTo():
            given = word()
            return CameBack(given.partition(":")[2] or "closed") if given and given.startswith(BACK) else None
        case _:
            return None


def _answer(word: str) -> Input:
    if word == HANG_UP:
        return CallerLeft()
    return NoInput() if word in {"", SILENCE} else Digits(word)


def instant(text: str, now: datetime) -> datetime:
    """Return the instant a person means: with its offset, else in the zone of this machine; empty: now."""
    try:
        return datetime.fromisoformat(text).astimezone() if text else now
    except ValueError:
        message = f"{text!r} is no time: write it as 2026-12-24T10:00:00+01:00."
        raise CommandFailed(message) from None


def pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """Return NAME=VALUE words as a mapping; CommandFailed for one that is none."""
    found = dict(word.partition("=")[::2] for word in given or [])
    if any("=" not in word for word in given or []):
        message = f"{option} wants NAME=VALUE."
        raise CommandFailed(message)
    return found


def waits(given: list[str] | None) -> dict[str, timedelta]:
    """Return estimated waits from QUEUE=SECONDS words."""
    try:
        return {queue: timedelta(seconds=float(text)) for queue, text in pairs(given, "--wait").items()}
    except ValueError:
        message = "--wait wants QUEUE=SECONDS."
        raise CommandFailed(message) from None
