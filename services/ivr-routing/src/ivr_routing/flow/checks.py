"""The rules of a flow that its form alone cannot hold: what is missing, unreachable, endless, unknown or unsafe."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from typing import Final

from ivr_routing.flow import graph, reading_hours
from ivr_routing.flow.document import (
    Asking,
    Collect,
    Document,
    HangUp,
    Lookup,
    Menu,
    Play,
    Queue,
    Set,
    Voicemail,
    Wanting,
)
from ivr_routing.flow.expression import converted
from ivr_routing.flow.fields import identifier, inputs, queues
from ivr_routing.flow.forming import At, placed
from ivr_routing.flow.problem import Problem
from ivr_routing.flow.source_text import Path, Source
from ivr_routing.flow.words import spoken_parts

_LOOPBACK: Final = re.compile(r"http://(localhost|127\.0\.0\.1)([:/]|$)")
Found = Iterator[Problem]


def problems(document: Document, source: Source) -> Found:
    """Yield everything that is wrong with a well-formed document, but for its expressions."""
    at = placed(source)
    for rule in (_targets, _reach, _loops, _start, _speech, _hours, _attributes, _inputs, _lookups, _queues):
        yield from rule(document, at)


def _targets(document: Document, at: At) -> Found:
    """Every name of a node is that of one."""
    known = [name for name in document.nodes if name != graph.NOWHERE]
    places: list[tuple[Path, str]] = [(("start",), document.start), (("otherwise",), document.otherwise)]
    places += [
        (("nodes", name, *path), to) for name, node in document.nodes.items() for path, to in graph.targets(node)
    ]
    for path, target in places:
        if target not in document.nodes:
            near = difflib.get_close_matches(target, known, n=2) or known[:8]
            remedy = f"Add it, or lead to one that there is, as {', '.join(near)}."
            yield at(path, "unknown_node", f"There is no node {target!r}.", remedy)


def _reach(document: Document, at: At) -> Found:
    """Every node can be reached."""
    found = graph.reached((document.start, document.otherwise), graph.ways(document))
    for name in document.nodes:
        if name not in found:
            text = f"No caller ever reaches {name!r}."
            yield at(("nodes", name), "unreachable_node", text, "Lead to it from another node, or take it out.")


def _loops(document: Document, at: At) -> Found:
    """Every loop has a way out, also for a caller who types nothing."""
    endless = graph.trapped(document, graph.ways(document))
    for loop in endless:
        text = f"Nobody gets out of {' → '.join((*loop, loop[0]))}."
        yield at(
            ("nodes", loop[0]), "loop_without_exit", text, "Lead one of them to a queue, a voicemail or a hang_up."
        )
    for loop in graph.trapped(document, graph.ways(document, graph.silent_targets)):
        asking = [name for name in loop if isinstance(document.nodes[name], Asking)]
        if asking and not any(set(loop) <= set(other) for other in endless):
            text = f"A caller who types nothing goes round for ever: {' → '.join((*loop, loop[0]))}."
            path = ("nodes", asking[0], "otherwise")
            yield at(path, "unbounded_menu", text, "Let `otherwise` lead to a queue, a voicemail or a hang_up.")


def _start(document: Document, at: At) -> Found:
    """What a caller is led to when the flow cannot go on never fails itself."""
    node = document.nodes.get(document.otherwise)
    if node is not None and not isinstance(node, Queue | Voicemail | HangUp):
        text = f"The flow's `otherwise` leads to a {node.type}, which may fail as well."
        yield at(("otherwise",), "weak_default", text, "Lead to a queue, a voicemail or a hang_up.")


def _speech(document: Document, at: At) -> Found:
    """Who is to type knows what; who hears one language hears something in all."""
    for name, node in document.nodes.items():
        parts = list(spoken_parts(node))
        if isinstance(node, Play | Asking) and not {"say", "media"} & {key for key, _ in parts}:
            text = f"The {node.type} {name!r} says nothing."
            yield at(("nodes", name), "missing_words", text, "Give it `say` or `media`.")
        for key, words in parts:
            if document.language and document.language not in words and isinstance(words, dict):
                text = f"{key!r} has no words in {document.language}, the flow's language."
                yield at(("nodes", name, key), "missing_language", text, f"Add them under {document.language}.")


def _hours(document: Document, at: At) -> Found:
    """Hours are of a zone and of days that there are."""
    for name, hours in document.hours.items():
        for path, text, remedy in reading_hours.problems(hours):
            yield at(("hours", name, *path), "wrong_hours", text, remedy)


def _attributes(document: Document, at: At) -> Found:
    """What is set or stored is declared, and begins as what it is declared."""
    for name, attribute in document.attributes.items():
        if converted(attribute.default, attribute.type) is None:
            text = f"The default of {name!r} is no {attribute.type}."
            yield at(("attributes", name, "default"), "type_error", text, f"Write one that is a {attribute.type}.")
    for name, node in document.nodes.items():
        for key, names in _assigned(node):
            for attribute_name in names:
                if attribute_name not in document.attributes:
                    text = f"There is no attribute {attribute_name!r}."
                    remedy = "Declare it under attributes."
                    yield at(("nodes", name, key, attribute_name), "unknown_attribute", text, remedy)


def _assigned(node: object) -> Iterator[tuple[str, Iterable[str]]]:
    if isinstance(node, Set):
        yield "attributes", node.attributes
    if isinstance(node, Lookup):
        yield "store", node.store


def _inputs(document: Document, at: At) -> Found:
    """What is asked for has bounds that fit; what is sensitive goes to a lookup at once and nowhere else."""
    asked = dict.fromkeys((name for name, _ in inputs(document)), False)
    for name, secret in inputs(document):
        asked[name] |= secret
    for name, node in document.nodes.items():
        if isinstance(node, Menu) and node.input is not None and asked[node.input]:
            yield _mixed(at, name)
        if not isinstance(node, Collect):
            continue
        if node.min_digits > node.max_digits:
            text = f"It wants at least {node.min_digits} and at most {node.max_digits} digits."
            yield at(("nodes", name, "min_digits"), "impossible_digits", text, "Make max_digits the larger one.")
        if asked[node.input] and not node.sensitive:
            yield _mixed(at, name)
        yield from _secret(document, at, name, node)


def _mixed(at: At, name: str) -> Problem:
    text = "Another node collects the same input as sensitive."
    return at(("nodes", name, "input"), "mixed_sensitivity", text, "Give it another name, or make both sensitive.")


def _secret(document: Document, at: At, name: str, node: Collect) -> Found:
    if node.sensitive and node.safe:
        text = "It is sensitive and safe at once."
        yield at(("nodes", name, "safe"), "mixed_sensitivity", text, "Keep one of both; sensitive input is never told.")
    leads_to = document.nodes.get(node.next)
    if node.sensitive and leads_to is not None and not isinstance(leads_to, Lookup):
        text = f"Sensitive input is kept nowhere, but {node.next!r} is no lookup."
        remedy = "Lead to a lookup that sends it, or take `sensitive` out."
        yield at(("nodes", name, "next"), "sensitive_lost", text, remedy)
    if node.sensitive and isinstance(leads_to, Lookup) and leads_to.method == "GET":
        text = f"{node.next!r} would send sensitive input within an address, which others write down."
        yield at(("nodes", node.next), "sensitive_in_address", text, "Give it `method: POST`.")


def _lookups(document: Document, at: At) -> Found:
    """Lookups are private on the way."""
    for name, node in document.nodes.items():
        if isinstance(node, Lookup) and node.url.startswith("http:") and not _LOOPBACK.match(node.url):
            text = "What is sent could be read on the way."
            yield at(("nodes", name, "url"), "insecure_url", text, "Use https; http is for this machine only.")


def _queues(document: Document, at: At) -> Found:
    """Queues can be told apart in fields."""
    written = Counter(map(identifier, queues(document)))
    for name, node in document.nodes.items():
        queue = getattr(node, "queue", "")
        if written[identifier(queue)] > 1:
            text = f"In fields, {queue!r} cannot be told from another queue."
            yield at(("nodes", name, "queue"), "ambiguous_queue", text, "Rename one of them.")


def missing_queues(document: Document, source: Source, known: Container[str]) -> Found:
    """Yield a problem for each node that leads to a queue that there is not."""
    at = placed(source)
    for name, node in document.nodes.items():
        if isinstance(node, Wanting) and node.queue not in known:
            text = f"There is no queue {node.queue!r}."
            yield at(("nodes", name, "queue"), "missing_queue", text, "Configure it first, or name one that there is.")
