"""Where a caller is in a flow, as it is kept between steps: small, frozen, and the same after a way through JSON.

Nothing sensitive is ever in it. It belongs to one version of one flow: callers in flight stay on theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter, ValidationError

from ivr_routing.flow.expression import Value
from ivr_routing.flow.problem import WrongState


class Waiting(StrEnum):
    """What the walk waits for."""

    DIGITS = "digits"
    LOOKUP = "lookup"
    RETURN = "return"
    """Handed on to a queue or a transfer, which may send the caller back."""
    NOTHING = "nothing"
    """It has ended."""


@dataclass(frozen=True, slots=True)
class FlowState:
    """A caller's place in a flow.

    `attempt` counts from 1 at a node that asks. `path` holds every node visited, in order; `told` counts the facts
    told so far. `fell_back` says that the flow could not go on and took its `otherwise`.
    """

    flow: str
    version: str
    node: str
    waiting: Waiting
    attempt: int
    language: str
    attributes: Mapping[str, Value]
    inputs: Mapping[str, str]
    path: tuple[str, ...]
    told: int
    fell_back: bool

    def to_json(self) -> bytes:
        """Return the state as JSON."""
        return _ADAPTER.dump_json(self)


_ADAPTER: Final = TypeAdapter(FlowState)


def from_json(text: bytes) -> FlowState:
    """Return the state that `to_json` wrote; raise WrongState if it is none."""
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError:
        raise WrongState("this is not the state of a walk") from None
