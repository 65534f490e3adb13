"""Dataclasses to plain lists, numbers and texts, and back, by their types. For snapshots.

Fields that do not take part in comparison are indexes and are left out.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import Field, fields, is_dataclass
from enum import IntEnum
from functools import cache
from types import NoneType
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

Plain: TypeAlias = Any


def kept(kind: Any) -> list[Field[Any]]:
    """Return the fields of a dataclass that are no index."""
    return [each for each in fields(kind) if each.compare]


@cache
def dumper(kind: Any) -> Callable[[Any], Plain]:
    """Return how values of a type are made plain."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        parts = [(each.name, dumper(hints[each.name])) for each in kept(kind)]
        return lambda value: [dump(getattr(value, name)) for name, dump in parts]
    if kind is bytes:
        return lambda value: b64encode(value).decode()
    if NoneType in get_args(kind):
        inner = dumper(get_args(kind)[0])
        return lambda value: None if value is None else inner(value)
    if get_origin(kind) in (list, tuple) and is_dataclass(get_args(kind)[0]):
        inner = dumper(get_args(kind)[0])
        return lambda values: [inner(value) for value in values]
    return lambda value: value


@cache
def loader(kind: Any) -> Callable[[Plain], Any]:
    """Return how plain values become values of a type again."""
    if is_dataclass(kind):
        return _dataclass_loader(kind)
    if kind is bytes:
        return b64decode
    if NoneType in get_args(kind):
        inner = loader(get_args(kind)[0])
        return lambda plain: None if plain is None else inner(plain)
    if get_origin(kind) is tuple:
        of_each = loader(get_args(kind)[0])
        return lambda plain: tuple(of_each(each) for each in plain)
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return kind
    return lambda plain: plain


def _dataclass_loader(kind: Any) -> Callable[[Plain], Any]:
    hints = get_type_hints(kind)
    parts = [(each.name, loader(hints[each.name])) for each in kept(kind)]

    def load(plain: Plain) -> Any:
        return kind(**{name: of_field(value) for (name, of_field), value in zip(parts, plain, strict=True)})

    return load
