"""From a flow's text to the document and its checked expressions, or to every problem at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ivr_routing.flow import checks, fields
from ivr_routing.flow.document import Branch, Document, Lookup, Node, Queue, Set
from ivr_routing.flow.expression import Expression, ExpressionRefused, Kind, Language
from ivr_routing.flow.forming import At, formed, placed, repeated
from ivr_routing.flow.problem import FlowRefused, Problem
from ivr_routing.flow.source_text import Path, Source, read
from ivr_routing.flow.standing import Standing, standing
from ivr_routing.flow.words import in_languages, placeholders, spoken_parts

Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """A document without problems, with its expressions by place: node, part, name or number."""

    document: Document
    expressions: Mapping[Place, Expression]


def checked(text: str) -> Checked:
    """Return the checked document; raise FlowRefused with every problem there is, in the order of lines."""
    source = read(text)
    found = set(repeated(source))
    expressions: dict[Place, Expression] = {}
    try:
        document = formed(source, Document)
    except FlowRefused as refused:
        stands = standing(source)
        raise _refused_with(found.union(refused.problems, _beyond(stands, source) if stands else ())) from None
    found |= {*checks.problems(document, source), *_expressions(document, source, expressions)}
    if found:
        raise _refused_with(found)
    return Checked(document, expressions)


def _refused_with(found: Iterable[Problem]) -> FlowRefused:
    return FlowRefused(tuple(sorted(found)))


def _beyond(stands: Standing, source: Source) -> Iterator[Problem]:
    """Yield what is wrong with what stands of a document; of uncertain fields nothing is said."""
    declared = {repr(field.removeprefix("attributes.")) for field in stands.uncertain}
    for problem in checks.problems(stands.document, source):
        if problem.code != "unknown_attribute" or not any(name in problem.text for name in declared):
            yield problem
    yield from _expressions(stands.document, source, {}, stands.uncertain)


def _expressions(
    document: Document, source: Source, found: dict[Place, Expression], uncertain: Collection[str] = ()
) -> Iterator[Problem]:
    """Check every expression and every field in a text; keep what stands, yield what does not."""
    at = placed(source)
    public = Language(fields.kinds(document, sensitive=False))
    private = Language(fields.kinds(document, sensitive=True))
    secrets = {f"input.{name}" for name, secret in fields.inputs(document) if secret}
    for name, node in document.nodes.items():
        for path, text, kind in _texts(document, node):
            language = private if isinstance(node, Lookup) else public
            try:
                found[_place(name, path)] = _sent(language, text) if kind is None else language.checked(text, kind)
            except ExpressionRefused as error:
                if not any(field in text for field in uncertain):
                    yield _refused(at, ("nodes", name, *path), error, text, secrets)
        for key, words in spoken_parts(node):
            for tag, text in in_languages(words):
                where: Path = ("nodes", name, key, tag) if tag else ("nodes", name, key)
                named = (field for field in placeholders(text) if field not in uncertain)
                yield from (_unknown(at, where, field, public) for field in named if not public.kind(field))


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
        case Queue(preferred_agent=str() as text):
            yield ("preferred_agent",), text, "string"
        case _:
            pass


def _refused(at: At, path: Path, error: ExpressionRefused, text: str, secrets: set[str]) -> Problem:
    """Return the problem of an expression; of one with sensitive input, say that this is why."""
    named = [secret for secret in secrets if secret in text]
    if error.code == "unknown_field" and named:
        remedy = "Send it from a lookup that comes directly after, and use what is stored of the answer."
        return at(path, "sensitive_field", f"`{text}` uses the sensitive {named[0]}.", remedy)
    return at(path, error.code, error.text, error.remedy)


def _unknown(at: At, path: Path, field: str, language: Language) -> Problem:
    return at(path, "unknown_field", f"The text names the unknown {{{field}}}.", language.likely(field))
