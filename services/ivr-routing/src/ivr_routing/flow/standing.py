"""What stands of a document whose form does not, so that the other rules are checked in the same go.

A node that is not formed is stood in for by one that leads where it says; of the fields that it, or another part that
is not formed, may declare nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from ivr_routing.flow.document import FORMAT, Document, Node, NodeName
from ivr_routing.flow.fields import identifier
from ivr_routing.flow.graph import NOWHERE, Unformed
from ivr_routing.flow.source_text import Path, Plain, Source

_NODE_NAME: TypeAdapter[str] = TypeAdapter(NodeName)
_ENTRIES = ("nodes", "attributes", "hours")
"""Parts that stand entry by entry; any other stands whole or not at all."""
_FILLED: dict[str, Plain] = {"format": FORMAT, "flow": "flow", "language": "en", "start": "x", "otherwise": "x"}


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of a document, and the fields of which it is not known whether they do."""

    document: Document
    uncertain: frozenset[str]


def standing(source: Source) -> Standing | None:
    """Return what stands of a document that is not formed; None if too little does to say anything of it."""
    value = source.value
    if not isinstance(value, dict):
        return None
    kept = _kept(value)
    try:
        found = Document.model_validate(_FILLED | kept)
    except ValidationError:
        return None
    raw = _mapping(value.get("nodes"))
    nodes: dict[str, Node] = {name: found.nodes.get(name) or Unformed.of(_leads(part)) for name, part in raw.items()}
    nowhere = {key: NOWHERE for key in ("start", "otherwise", "language") if key not in kept}
    if nowhere:
        nodes[NOWHERE] = Unformed.of(((), name) for name in raw if "start" in nowhere)
    document = found.model_copy(update={"nodes": nodes, **nowhere})
    return Standing(document, frozenset(_uncertain(value, found)))


def _kept(value: dict[str, Plain]) -> dict[str, Plain]:
    """Return the document without what is not formed."""
    try:
        Document.model_validate(value)
    except ValidationError as error:
        wrong = {details["loc"][:2] for details in error.errors(include_url=False)}
    else:
        return value
    whole = {place[0] for place in wrong if len(place) == 1 or place[0] not in _ENTRIES}
    kept = {key: part for key, part in value.items() if key not in whole}
    for key in _ENTRIES:
        if key in kept:
            kept[key] = {name: part for name, part in _mapping(kept[key]).items() if (key, name) not in wrong}
    return kept


def _leads(node: Plain) -> Iterator[tuple[Path, str]]:
    """Yield where a node leads that is not formed, as far as it says."""
    parts = _mapping(node)
    places: list[tuple[Path, Plain]] = [((key,), parts.get(key)) for key in ("next", "otherwise")]
    places += [(("choices", key), target) for key, target in _mapping(parts.get("choices")).items()]
    cases = parts.get("cases")
    places += [
        (("cases", place, "next"), _mapping(case).get("next"))
        for place, case in enumerate(cases if isinstance(cases, list) else [])
    ]
    for path, target in places:
        if isinstance(target, str) and _is_name(target):
            yield path, target


def _is_name(text: str) -> bool:
    try:
        _NODE_NAME.validate_python(text)
    except ValidationError:
        return False
    return True


def _uncertain(value: dict[str, Plain], found: Document) -> Iterator[str]:
    """Yield the fields that parts which are not formed may declare."""
    for key, formed in (("attributes", found.attributes.keys()), ("hours", found.hours.keys())):
        yield from (f"{key}.{name}" for name in _mapping(value.get(key)) if name not in formed)
    for name, node in _mapping(value.get("nodes")).items():
        if name not in found.nodes:
            parts = _mapping(node)
            yield f"input.{parts.get('input')}"
            yield from (
                f"estimated_wait_{unit}.{identifier(str(parts.get('queue')))}" for unit in ("seconds", "minutes")
            )


def _mapping(part: Plain) -> dict[str, Plain]:
    return part if isinstance(part, dict) else {}
