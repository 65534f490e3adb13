"""A flow that can be walked: a checked document with its expressions, hours and version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ivr_routing.flow.business_hours import BusinessHours
from ivr_routing.flow.checking import Place, checked
from ivr_routing.flow.document import Document, Node
from ivr_routing.flow.expression import Expression
from ivr_routing.flow.problem import FlowRefused, Problem
from ivr_routing.flow.reading_hours import business_hours

VERSION_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Flow:
    """One version of a flow. `content_hash` is the SHA-256 of what it says, `version` its first digits."""

    name: str
    version: str
    content_hash: str
    document: Document
    expressions: Mapping[Place, Expression]
    hours: Mapping[str, BusinessHours]

    def node(self, name: str) -> Node:
        """Return a node; KeyError cannot happen with names from a checked document."""
        return self.document.nodes[name]


def load(text: str) -> Flow:
    """Return the flow that a document tells, YAML or JSON; raise FlowRefused with every problem it has."""
    found = checked(text)
    document = found.document
    digest = content_hash(document)
    hours = {name: business_hours(part) for name, part in document.hours.items()}
    return Flow(document.flow, digest[:VERSION_DIGITS], digest, document, found.expressions, hours)


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
