"""What stands in the application already when the connector comes: calls that an earlier process of it brought there.

Pure. An agent's channel is named after the caller's that it was rung for: `CALLER-NUMBER`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

BACK: Final = "-back-"


@dataclass(frozen=True, slots=True)
class Talk:
    """A caller and an agent who hear each other."""

    caller: str
    agent: str
    bridge: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Callers who wait (as Asterisk describes their channels), talks, and channels that are nobody's any more."""

    waiting: Sequence[Mapping[str, Any]]
    talks: Sequence[Talk]
    left_over: Sequence[str]


def caller_of(channel: str) -> str:
    """Name the channel that a channel was rung for; empty for a caller's own."""
    caller, _, number = channel.rpartition("-")
    return caller if number.isdecimal() else ""


def first_leg(channel: str) -> str:
    """Name the channel that the contact of a channel is named after: callbacks are dialled as `CALLER-back-NUMBER`."""
    caller = channel.partition(BACK)[0]
    return caller_of(caller) or caller


def standing(
    inside: Collection[str], channels: Sequence[Mapping[str, Any]], bridges: Sequence[Mapping[str, Any]]
) -> Standing:
    """Sort all channels; `inside` are those in the application. Who talks to somebody else is left in peace."""
    together = {str(channel): str(bridge["id"]) for bridge in bridges for channel in bridge.get("channels", ())}
    talks = [
        Talk(caller_of(channel), channel, bridge)
        for channel, bridge in together.items()
        if caller_of(channel) in inside and together.get(caller_of(channel)) == bridge
    ]
    idle = [each for each in channels if each["id"] not in together]
    return Standing(
        [each for each in idle if each["id"] in inside and not caller_of(each["id"])],
        talks,
        [str(each["id"]) for each in idle if caller_of(each["id"])],
    )
