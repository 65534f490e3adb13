"""Conditions and values in CEL, the Common Expression Language: checked once against typed fields, then evaluated.

The language has no loops, no effects and no way to anything that was not declared. Its list macros are off, text and
nesting are bounded, patterns run in linear time (RE2). What cannot be computed (something unknown, a division by zero,
a number that is none) has no value; a condition without value does not hold.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cel_expr_python import cel

from ivr_routing.flow.problem import FlowError

Kind = Literal["string", "int", "double", "bool"]
Value = str | int | float | bool

LONGEST: Final = 500
LONGEST_TEXT: Final = 256
_TYPES: Final[Mapping[Kind, cel.Type]] = {
    "string": cel.Type.STRING,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "bool": cel.Type.BOOL,
}
_INTEGERS: Final = range(-(2**63), 2**63)
_LARGEST: Final = sys.float_info.max
_WORDS: Final = "stdlib:\n  disable_macros: true\n"
_PLACE: Final = re.compile(r"ERROR: <input>:\d+:(\d+): (.*)")
_UNDECLARED: Final = re.compile(r"undeclared reference to '([^']*)'")


def converted(value: object, kind: Kind) -> Value | None:
    """Return a value as one of a kind, text cut to LONGEST_TEXT; None if it is none."""
    match kind, value:
        case "string", str():
            return value[:LONGEST_TEXT]
        case "bool", bool():
            return value
        case "int", int() if not isinstance(value, bool) and value in _INTEGERS:
            return value
        case "double", int() | float() if not isinstance(value, bool) and abs(value) <= _LARGEST:
            return float(value)
        case _:
            return None


class ExpressionRefused(FlowError):
    """An expression cannot be taken; `code` is for programs, `text` and `remedy` for its author."""

    def __init__(self, code: str, text: str, remedy: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression of one kind."""

    text: str
    kind: Kind
    program: cel.Expression

    def value(self, fields: Mapping[str, Value]) -> Value | None:
        """Return what it amounts to, text cut to LONGEST_TEXT; None if it has no value."""
        found = self.program.eval(data=fields).value()
        return converted(found, self.kind)

    def holds(self, fields: Mapping[str, Value]) -> bool:
        """Whether the condition holds; one without value does not."""
        return self.value(fields) is True


class Language:
    """CEL with the fields that may be named, and nothing else."""

    __slots__ = ("_environment", "_kinds")

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        variables = {name: _TYPES[kind] for name, kind in kinds.items()}
        self._environment = cel.NewEnv(config=cel.NewEnvConfigFromYaml(_WORDS), variables=variables)

    def checked(self, text: str, kind: Kind) -> Expression:
        """Return the expression if it is one of this kind over the declared fields; raise ExpressionRefused."""
        if len(text) > LONGEST:
            raise ExpressionRefused("too_long", f"The expression is longer than {LONGEST} characters.", "Split it.")
        try:
            program = self._environment.compile(text)
        except RuntimeError as error:  # all that the library raises
            raise self._refusal(text, str(error)) from None
        given = program.return_type().name().lower()
        if given != kind:
            remedy = f"Write one that gives {_named(kind)}."
            raise ExpressionRefused("type_error", f"`{text}` gives {_named(given)}, not {_named(kind)}.", remedy)
        return Expression(text, kind, program)

    def kind(self, field: str) -> Kind | None:
        """Return what a field holds; None if there is no such field."""
        return self._kinds.get(field)

    def likely(self, name: str) -> str:
        """Return a sentence that names the fields nearest to a name nobody declared."""
        near = difflib.get_close_matches(name, self._kinds, n=3, cutoff=0.5)
        if near:
            return f"Did you mean {' or '.join(near)}?"
        return "Declare it under attributes, or use one of the documented fields."

    def _refusal(self, text: str, message: str) -> ExpressionRefused:
        """Return in our words what the checker said."""
        found = _PLACE.search(message)
        column, what = (found[1], found[2]) if found else ("1", "it is nested too deeply")
        if undeclared := _UNDECLARED.search(what):
            name = undeclared[1]
            return ExpressionRefused("unknown_field", f"`{text}` names the unknown `{name}`.", self.likely(name))
        if "no matching overload" in what:
            return ExpressionRefused(
                "type_error", f"`{text}` mixes kinds that do not go together (column {column}): {what}.", _MIXED
            )
        return ExpressionRefused("syntax_error", f"`{text}` cannot be read at column {column}: {what}.", _SYNTAX)


_MIXED: Final = "Compare text with text and numbers with numbers: write '3' for what was typed, or int(input.x)."
_SYNTAX: Final = "Write it as in `attributes.tier == 'gold' && hours.office`."


def _named(kind: str) -> str:
    """Return a kind in words."""
    return {"string": "text", "int": "a whole number", "double": "a number", "bool": "true or false"}.get(kind, kind)
