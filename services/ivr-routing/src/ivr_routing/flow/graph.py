"""The ways through a flow: where each node leads, which are reached, which loops there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Self

from ivr_routing.flow.document import (
    Asking,
    Branch,
    CallbackOffer,
    Collect,
    Document,
    HangUp,
    Lookup,
    Menu,
    Node,
    Play,
    Queue,
    Set,
    Transfer,
)
from ivr_routing.flow.source_text import Path

Ways = Mapping[str, tuple[str, ...]]
NOWHERE: Final = ""
"""Where a document leads that does not say it: a name that no node can have."""


class Unformed(HangUp):
    """Stands in for a node whose form does not stand: it may end, and leads where it says."""

    leads: tuple[tuple[Path, str], ...] = ()

    @classmethod
    def of(cls, leads: Iterable[tuple[Path, str]]) -> Self:
        """Return one that leads there."""
        return cls(type="hang_up", leads=tuple(leads))


def targets(node: Node) -> Iterator[tuple[Path, str]]:
    """Yield where a node leads, each with its place within the node."""
    if isinstance(node, Unformed):
        yield from node.leads
    if isinstance(node, Play | Collect | Set | Lookup):
        yield ("next",), node.next
    if isinstance(node, Menu):
        yield from ((("choices", key), target) for key, target in node.choices.items())
    if isinstance(node, Branch):
        yield from ((("cases", place, "next"), case.next) for place, case in enumerate(node.cases))
    if isinstance(node, Asking | Branch | Lookup | Queue | CallbackOffer | Transfer) and node.otherwise is not None:
        yield ("otherwise",), node.otherwise


def silent_targets(node: Node) -> Iterator[tuple[Path, str]]:
    """Yield where a caller is led who never types anything."""
    for path, target in targets(node):
        if path == ("otherwise",) or not isinstance(node, Asking):
            yield path, target


def can_end(node: Node) -> bool:
    """Whether the caller may leave the flow for good at a node."""
    return not isinstance(node, Play | Asking | Branch | Set | Lookup)


def ways(document: Document, leading: Callable[[Node], Iterable[tuple[Path, str]]] = targets) -> Ways:
    """Return where each node leads, as far as there are such nodes."""
    nodes = document.nodes
    return {name: tuple(to for _, to in leading(node) if to in nodes) for name, node in nodes.items()}


def reached(starts: Iterable[str], graph: Ways) -> frozenset[str]:
    """Return the nodes that can be reached, the starts among them."""
    found: set[str] = set()
    todo = [name for name in starts if name in graph]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += graph[name]
    return frozenset(found)


def reversed_ways(graph: Ways) -> Ways:
    """Return from where each node is reached."""
    back: dict[str, list[str]] = {name: [] for name in graph}
    for name, leads in graph.items():
        for target in leads:
            back[target].append(name)
    return {name: tuple(sources) for name, sources in back.items()}


def trapped(document: Document, graph: Ways) -> tuple[tuple[str, ...], ...]:
    """Return the loops that nobody gets out of, each with its nodes in the document's order.

    Nodes that merely lead into one are not listed.
    """
    getting_out = reached((name for name, node in document.nodes.items() if can_end(node)), reversed_ways(graph))
    lost = [name for name in graph if name not in getting_out]
    loops: dict[frozenset[str], tuple[str, ...]] = {}
    for name in lost:
        around = reached(graph[name], graph)
        if name in around:
            loop = frozenset(other for other in around if name in reached(graph[other], graph))
            loops.setdefault(loop, tuple(other for other in graph if other in loop))
    return tuple(loops.values())
