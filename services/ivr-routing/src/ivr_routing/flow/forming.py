"""From plain values with lines to one of our forms, or to what its form is not: said in our words, with the remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ivr_routing.flow.problem import FlowRefused, Problem
from ivr_routing.flow.source_text import Path, Plain, Source

At = Callable[[Path, str, str, str], Problem]
_Form = TypeVar("_Form", bound=BaseModel)

_MISSING: Final[Mapping[str, tuple[str, str, str]]] = {
    "next": ("dead_end", "Nothing comes after it.", "Say under `next` which node does."),
    "otherwise": ("missing_default", "It does not say where other callers go.", "Name a node under `otherwise`."),
    "queue": ("missing_queue", "It names no queue.", "Name one under `queue`."),
    "attempts": ("unbounded_menu", "It does not say how often it asks.", "Give `attempts`, 1 to 10."),
    "choices": ("missing_choices", "It offers nothing.", "Give `choices`: digits with their nodes."),
}


def placed(source: Source) -> At:
    """Return how to make a problem of a place in the document, a code, a text and a remedy."""

    def at(path: Path, code: str, text: str, remedy: str) -> Problem:
        node = str(path[1]) if len(path) > 1 and path[0] == "nodes" else ""
        return Problem(source.line(path), node, code, text, remedy)

    return at


def repeated(source: Source) -> Iterator[Problem]:
    """Yield a problem for each key that stands twice: only one of them would count."""
    at = placed(source)
    for path, line in source.repeated:
        problem = at(path, "repeated_key", f"{path[-1]!r} stands twice.", "Keep one of them.")
        yield Problem(line, problem.node, problem.code, problem.text, problem.remedy)


def formed(source: Source, form: type[_Form]) -> _Form:
    """Return what a source holds in a form; raise FlowRefused with everything that is not as the form wants it."""
    try:
        return form.model_validate(source.value)
    except ValidationError as error:
        at = placed(source)
        found = {_malformed(at, source.value, details) for details in error.errors(include_url=False)}
        raise FlowRefused(tuple(sorted(found))) from None


def _malformed(at: At, value: Plain, details: ErrorDetails) -> Problem:
    """Return what the form's check said in our words; values are left out, they may be long or somebody's."""
    path = _path(value, details["loc"])
    name = str(path[-1]) if path else "The document"
    if details["type"] == "missing":
        code, text, remedy = _MISSING.get(
            name, ("missing_part", f"{name!r} is missing.", f"Add {name!r}; the form is in the flow's JSON Schema.")
        )
        return at(path, code, text, remedy)
    if details["type"] == "extra_forbidden":
        return at(path, "unknown_part", f"Nothing is called {name!r} here.", "Mend the name, or take it out.")
    if details["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        text = "It has no `type`, or one that there is not."
        return at(path, "unknown_type", text, f"Use one of {details.get('ctx', {}).get('expected_tags', 'the types')}.")
    return at(
        path,
        "wrong_form",
        f"{name!r} is not as it must be: {details['msg']}.",
        "Write it as the flow's JSON Schema says.",
    )


def _path(value: Plain, given: tuple[str | int, ...]) -> Path:
    """Return the place in the document that a check's own path means: it names node types and unions in between."""
    path: list[str | int] = []
    for place, part in enumerate(given):
        if isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif place + 1 < len(given) or not isinstance(value, dict):
            continue
        path.append(part)
    return tuple(path)
