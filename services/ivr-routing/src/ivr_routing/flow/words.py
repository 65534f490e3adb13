"""Texts and recordings of a node as prompts in a caller's language, their `{fields}` filled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from ivr_routing.flow.document import Asking, CallbackOffer, Node, Spoken, Words
from ivr_routing.flow.expression import Value
from ivr_routing.flow.step import Prompt

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


def placeholders(text: str) -> tuple[str, ...]:
    """Return the fields that a text names, in order."""
    return tuple(name.strip() for name in _PLACEHOLDER.findall(text))


def spoken_parts(node: Node) -> Iterator[tuple[str, Words]]:
    """Yield what a node may say, each by its key in the document."""
    parts: list[tuple[str, Words | None]] = []
    if isinstance(node, Spoken):
        parts += [("say", node.say), ("media", node.media)]
    if isinstance(node, Asking):
        parts.append(("again", node.again))
    if isinstance(node, CallbackOffer):
        parts.append(("confirm", node.confirm))
    yield from ((key, words) for key, words in parts if words is not None)


def in_languages(words: Words) -> Iterator[tuple[str, str]]:
    """Yield the texts with their language, which is empty for one that serves all."""
    yield from words.items() if isinstance(words, dict) else (("", words),)


def prompts(node: Spoken, language: str, otherwise: str, fields: Mapping[str, Value]) -> Iterator[Prompt]:
    """Yield a node's recording, then its words; one that names something unknown is left out."""
    if node.media is not None:
        recording, spoken_in = _chosen(node.media, language, otherwise)
        yield Prompt(text="", media=recording, language=spoken_in)
    if node.say is not None:
        yield from words(node.say, language, otherwise, fields)


def words(given: Words | None, language: str, otherwise: str, fields: Mapping[str, Value]) -> Iterator[Prompt]:
    """Yield words as a prompt, if there are any and all that they name is known."""
    if given is None:
        return
    text, spoken_in = _chosen(given, language, otherwise)
    if all(name in fields for name in placeholders(text)):
        yield Prompt(text=_filled(text, fields), media="", language=spoken_in)


def named_fields(given: Words | None, language: str, otherwise: str) -> tuple[str, ...]:
    """Return the fields that the words name in a caller's language."""
    return placeholders(_chosen(given, language, otherwise)[0]) if given is not None else ()


def _chosen(given: Words, language: str, otherwise: str) -> tuple[str, str]:
    """Return the text for a caller's language and its language: the same one, its main one, or the flow's."""
    if isinstance(given, str):
        return given, language
    for tag in (language, language.partition("-")[0], otherwise):
        if tag in given:
            return given[tag], tag
    tag, text = next(iter(given.items()))  # only an unchecked flow gets here
    return text, tag


def _filled(text: str, fields: Mapping[str, Value]) -> str:
    """Return a text with what its fields hold."""
    return _PLACEHOLDER.sub(lambda found: said(fields[found[1].strip()]), text)


def said(value: Value) -> str:
    """Return a value as it is read out."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case _:
            return str(value)
