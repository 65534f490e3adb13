"""Reads a flow's text, YAML or JSON, into plain values that know their lines. Pure.

Only what JSON knows is taken: text is never guessed to be a date, a time of day or a truth value (`no` is a language,
`18:00` is a time), anchors, aliases and tags are refused, size and depth are bounded. So a document means the same to
every reader, and a hostile one costs no more than an honest one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from ivr_routing.flow.problem import FlowRefused, Problem

MOST_CHARACTERS: Final = 262_144
DEEPEST: Final = 24

_MEANINGS: Final = (
    (re.compile(r"null|~|"), lambda _: None),
    (re.compile(r"true"), lambda _: True),
    (re.compile(r"false"), lambda _: False),
    (re.compile(r"-?(0|[1-9][0-9]{0,17})"), int),
    (re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?"), float),
)
"""What an unquoted word is, the first that matches whole; any other is text."""

Plain = str | int | float | bool | list["Plain"] | dict[str, "Plain"] | None
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A document's value and the line of each part of it."""

    value: Plain
    lines: Mapping[Path, int]
    repeated: tuple[tuple[Path, int], ...]
    """Keys that stand twice in one mapping, with the line of the later one."""

    def line(self, path: Path) -> int:
        """Return the line of a part, or of the nearest part around it that is there."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(text: str) -> Source:
    """Return the document's value with its lines; raise FlowRefused if it cannot be read."""
    if len(text) > MOST_CHARACTERS:
        raise _refused(1, "too_long", f"The document is longer than {MOST_CHARACTERS:,} characters.", "Split the flow.")
    if text.lstrip().startswith("{"):
        text = text.replace("\t", " ")  # JSON takes tabs between its parts, YAML does not; neither has them in strings
    try:
        _check_events(text)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise _unreadable(error) from None
    reading = _Reading({}, [])
    value = reading.plain(root, ()) if root is not None else None
    return Source(value, reading.lines, tuple(reading.repeated))


def _check_events(text: str) -> None:
    """Raise FlowRefused for what is not taken, before anything is built from it."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        line = _line(event.start_mark)
        if isinstance(event, yaml.NodeEvent):
            _check_node(event, line)
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if documents > 1:
            raise _refused(line, "documents", "There is more than one document.", "Keep one flow in a file.")
        if depth > DEEPEST:
            raise _refused(line, "too_deep", f"Parts stand more than {DEEPEST} deep.", "Flatten the document.")


def _check_node(event: yaml.NodeEvent, line: int) -> None:
    """Raise FlowRefused for an alias, and for a part with a tag or an anchor of its author's."""
    if isinstance(event, yaml.AliasEvent):
        raise _refused(line, "alias", "Anchors and aliases are not taken.", "Write the part out.")
    if event.anchor is not None or getattr(event, "tag", None) not in {None, "!"}:
        raise _refused(line, "tag", "Tags and anchors are not taken.", "Write plain text, numbers, lists and mappings.")


def _line(mark: Any) -> int:
    """Return the line of a place, from 1."""
    line: int = mark.line + 1
    return line


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    lines: dict[Path, int]
    repeated: list[tuple[Path, int]]

    def plain(self, node: yaml.Node, path: Path) -> Plain:
        """Return a node's value and note the lines of its parts."""
        self.lines[path] = _line(node.start_mark)
        match node:
            case yaml.MappingNode():
                return dict(self._entries(node, path))
            case yaml.SequenceNode():
                return [self.plain(part, (*path, place)) for place, part in enumerate(node.value)]
            case yaml.ScalarNode():
                return _scalar(node)
            case _:
                raise AssertionError(node)

    def _entries(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Plain]]:
        """Yield a mapping's entries; keys are always text."""
        seen: set[str] = set()
        for key, part in node.value:
            line = _line(key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                raise _refused(line, "key", "A key is a list or a mapping.", "Use text as key.")
            name = _text(key.value)
            if name in seen:
                self.repeated.append(((*path, name), line))
            seen.add(name)
            value = self.plain(part, (*path, name))
            self.lines[(*path, name)] = line
            yield name, value


def _scalar(node: yaml.ScalarNode) -> Plain:
    """Return what a word stands for; quoted ones are always text."""
    if not node.style:  # plain; the two loaders of the library say so differently
        for pattern, meaning in _MEANINGS:
            if pattern.fullmatch(node.value):
                plain: Plain = meaning(node.value)
                return plain
    return _text(node.value)


def _text(value: str) -> str:
    """Return text with JSON's surrogate pairs joined; a lone one is replaced."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unreadable(error: yaml.YAMLError) -> FlowRefused:
    """Return the refusal of a text that is neither YAML nor JSON."""
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "it cannot be read"
    line = mark.line + 1 if mark else 1
    return _refused(line, "unreadable", f"This is no YAML or JSON: {what}.", "Mend the line, or the one before it.")


def _refused(line: int, code: str, text: str, remedy: str) -> FlowRefused:
    return FlowRefused((Problem(line, "", code, text, remedy),))
