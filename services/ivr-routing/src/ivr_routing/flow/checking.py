"""From a flow's text to the document and its checked expressions, or to every problem at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ivr_routing.flow import checks, fields
from ivr_routing.flow.document import Branch, Document, Lookup, Node, Set
from ivr_routing.flow.expression import Expression, ExpressionRefused, Kind, Language
from ivr_routing.flow.problem import FlowRefused, Problem
from ivr_routing.flow.source_text import Path, Plain, Source, read
from ivr_routing.flow.words import in_languages, placeholders, spoken_parts

Place = tuple[str, ...]

_MISSING: Final[Mapping[str, tuple[str, str, str]]] = {
    "next": ("dead_end", "Nothing comes after it.", "Say under `next` which node does."),
    "otherwise": ("missing_default", "It does not say where other callers go.", "Name a node under `otherwise`."),
    "queue": ("missing_queue", "It names no queue.", "Name one under `queue`."),
    "attempts": ("unbounded_menu", "It does not say how often it asks.", "Give `attempts`, 1 to 10."),
    "choices": ("missing_choices", "It offers nothing.", "Give `choices`: digits with their nodes."),
}
_OFFERED: Final = 6


@dataclass(frozen=True, slots=True)
class Checked:
    """A document without problems, with its expressions by place: node, part, name or number."""

    document: Document
    expressions: Mapping[Place, Expression]


def checked(text: str) -> Checked:
    """Return the checked document; raise FlowRefused with every problem there is, in the order of lines."""
    source = read(text)
    document = _formed(source)
    expressions: dict[Place, Expression] = {}
    found = [*_repeated(source), *checks.problems(document, source)]
    found += _expressions(document, source, expressions)
    if found:
        raise FlowRefused(tuple(sorted(set(found))))
    return Checked(document, expressions)


def _repeated(source: Source) -> Iterator[Problem]:
    """Yield a problem for each key that stands twice: only one of them would count."""
    at = checks.placed(source)
    for path, line in source.repeated:
        problem = at(path, "repeated_key", f"{path[-1]!r} stands twice.", "Keep one of them.")
        yield Problem(line, problem.node, problem.code, problem.text, problem.remedy)


def _formed(source: Source) -> Document:
    """Return the document that a source holds; raise FlowRefused if its form is not that of a flow."""
    try:
        return Document.model_validate(source.value)
    except ValidationError as error:
        at = checks.placed(source)
        found = {_malformed(at, source.value, details) for details in error.errors(include_url=False)}
        found |= set(_repeated(source))
        raise FlowRefused(tuple(sorted(found))) from None


def _malformed(at: checks.At, value: Plain, details: ErrorDetails) -> Problem:
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


def _expressions(document: Document, source: Source, found: dict[Place, Expression]) -> Iterator[Problem]:
    """Check every expression and every field in a text; keep what stands, yield what does not."""
    at = checks.placed(source)
    public = Language(fields.kinds(document, sensitive=False))
    private = Language(fields.kinds(document, sensitive=True))
    secrets = {f"input.{name}" for name, secret in fields.inputs(document) if secret}
    for name, node in document.nodes.items():
        for path, text, kind in _texts(document, node):
            language = private if isinstance(node, Lookup) else public
            try:
                found[_place(name, path)] = _sent(language, text) if kind is None else language.checked(text, kind)
            except ExpressionRefused as error:
                yield _refused(at, ("nodes", name, *path), error, text, secrets)
        for key, words in spoken_parts(node):
            for tag, text in in_languages(words):
                where: Path = ("nodes", name, key, tag) if tag else ("nodes", name, key)
                yield from (
                    _unknown(at, where, field, public) for field in placeholders(text) if not public.kind(field)
                )


def _sent(language: Language, text: str) -> Expression:
    """Return an expression of whatever kind it has; raise ExpressionRefused."""
    kinds: tuple[Kind, ...] = ("string", "int", "double", "bool")
    for kind in kinds:
        try:
            return language.checked(text, kind)
        except ExpressionRefused as error:
            if not error.code.startswith("type_error") or kind == kinds[-1]:
                raise
    raise AssertionError(text)


def _place(node: str, path: Path) -> Place:
    return (node, *map(str, path))


def _texts(document: Document, node: Node) -> Iterator[tuple[Path, str, Kind | None]]:
    """Yield a node's expressions with the kind each must have; None where any will do."""
    match node:
        case Branch():
            yield from ((("cases", number, "when"), case.when, "bool") for number, case in enumerate(node.cases))
        case Set():
            for name, text in node.attributes.items():
                if name in document.attributes:
                    yield ("attributes", name), text, document.attributes[name].type
        case Lookup():
            yield from ((("send", name), text, None) for name, text in node.send.items())
        case _:
            pass


def _refused(at: checks.At, path: Path, error: ExpressionRefused, text: str, secrets: set[str]) -> Problem:
    """Return the problem of an expression; of one with sensitive input, say that this is why."""
    named = [secret for secret in secrets if secret in text]
    if error.code == "unknown_field" and named:
        remedy = "Send it from a lookup that comes directly after, and use what is stored of the answer."
        return at(path, "sensitive_field", f"`{text}` uses the sensitive {named[0]}.", remedy)
    return at(path, error.code, error.text, error.remedy)


def _unknown(at: checks.At, path: Path, field: str, language: Language) -> Problem:
    return at(path, "unknown_field", f"The text names the unknown {{{field}}}.", language.likely(field))
