"""A flow that can be walked: a checked document with its expressions, hours and version."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ivr_routing.flow import checks
from ivr_routing.flow.business_hours import BusinessHours
from ivr_routing.flow.checking import Checked, Place, checked
from ivr_routing.flow.document import Document, Node
from ivr_routing.flow.expression import Expression
from ivr_routing.flow.fields import identifier, queues
from ivr_routing.flow.problem import FlowRefused, Problem
from ivr_routing.flow.reading_hours import business_hours
from ivr_routing.flow.source_text import read
from ivr_routing.flow.words import in_languages, spoken_parts

VERSION_DIGITS: Final = 12
FLOWS_REMEMBERED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Flow:
    """One version of a flow. `content_hash` is the SHA-256 of what it says, `version` its first digits."""

    name: str
    version: str
    content_hash: str
    document: Document
    expressions: Mapping[Place, Expression]
    hours: Mapping[str, BusinessHours]
    estimates: tuple[str, ...]
    """Queues whose estimated wait, or place, it names."""

    def node(self, name: str) -> Node:
        """Return a node; KeyError cannot happen with names from a checked document."""
        return self.document.nodes[name]


@lru_cache(maxsize=FLOWS_REMEMBERED)
def load(text: str) -> Flow:
    """Return the flow that a document tells, YAML or JSON; raise FlowRefused with every problem it has.

    Flows read lately are remembered: what was read to be published is not read again for its first caller.
    """
    found = checked(text)
    document = found.document
    digest = content_hash(document)
    hours = {name: business_hours(part) for name, part in document.hours.items()}
    version = digest[:VERSION_DIGITS]
    return Flow(document.flow, version, digest, document, found.expressions, hours, _estimates(found))


def missing_queues(text: str, known: Container[str]) -> tuple[Problem, ...]:
    """Return a problem for each node of a sound document that leads to a queue that is not known, by line."""
    return tuple(sorted(checks.missing_queues(checked(text).document, read(text), known)))


def _estimates(found: Checked) -> tuple[str, ...]:
    """Return the queues whose estimated wait, or place, conditions or words name."""
    named = " ".join(expression.text for expression in found.expressions.values())
    for node in found.document.nodes.values():
        for _, words in spoken_parts(node):
            named += " ".join(text for _, text in in_languages(words))
    every = queues(found.document)
    said = r"\b(estimated_wait_\w+|queue_position)\."
    return tuple(queue for queue in every if re.search(rf"{said}{identifier(queue)}\b", named))


def lint(text: str) -> tuple[Problem, ...]:
    """Return every problem of a document in the order of lines; none if it can be published."""
    try:
        load(text)
    except FlowRefused as refused:
        return refused.problems
    return ()


def content_hash(document: Document) -> str:
    """Return the SHA-256 of what a document says, in hex; layout, comments and order of keys do not count."""
    said = document.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
