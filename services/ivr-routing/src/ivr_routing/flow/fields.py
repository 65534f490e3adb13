"""The fields that a flow's expressions and texts may name: the allow-list, their kinds and their values.

| field                              | kind   | what it is                                                          |
|------------------------------------|--------|---------------------------------------------------------------------|
| `language`, `service_number`       | string | the caller's language, the number that was called                   |
| `contact.caller_ref`               | string | the caller as call-events names them, empty if unknown              |
| `contact.customer_ref`             | string | the customer, empty if unknown                                      |
| `contact.known`                    | bool   | whether the customer is known                                       |
| `contact.repeat`, `contact.open_case` | bool | a contact about the same before; a case still open                  |
| `contact.last_agent`               | string | the agent who served this caller last, empty if unknown             |
| `attributes.NAME`                  | its    | what is declared under `attributes`                                 |
| `input.NAME`                       | string | what was typed, empty before; sensitive input only in `send`        |
| `hours.NAME`                       | bool   | whether it is open now                                              |
| `estimated_wait_seconds.QUEUE`     | int    | estimated wait of a queue; without value if unknown                 |
| `estimated_wait_minutes.QUEUE`     | int    | the same in minutes, rounded up                                     |
| `queue_position.QUEUE`             | int    | place in a queue for who joins it now, from 1; without value alike  |

A queue's name is written with `_` for every character that is no letter, digit or underscore.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from ivr_routing.flow.document import CallbackOffer, Collect, Document, Menu, Queue
from ivr_routing.flow.expression import Kind, Value, converted
from ivr_routing.flow.state import FlowState
from ivr_routing.flow.step import Context

_FIXED: Final[Mapping[str, Kind]] = {
    "language": "string",
    "service_number": "string",
    "contact.caller_ref": "string",
    "contact.customer_ref": "string",
    "contact.known": "bool",
    "contact.repeat": "bool",
    "contact.open_case": "bool",
    "contact.last_agent": "string",
}
_NO_IDENTIFIER: Final = re.compile(r"[^A-Za-z0-9_]")
_MINUTE: Final = timedelta(minutes=1)


def kinds(document: Document, *, sensitive: bool) -> dict[str, Kind]:
    """Return every field that may be named and what it holds; sensitive inputs only where asked for."""
    found = dict(_FIXED)
    found |= {f"attributes.{name}": attribute.type for name, attribute in document.attributes.items()}
    found |= {f"hours.{name}": "bool" for name in document.hours}
    found |= {f"input.{name}": "string" for name, secret in inputs(document) if sensitive or not secret}
    for queue in queues(document):
        found |= dict.fromkeys(waiting_fields(queue), "int")
    return found


def waiting_fields(queue: str) -> tuple[str, str, str]:
    """Return the fields of a wait that may be told: in seconds, in minutes, the place."""
    name = identifier(queue)
    return f"estimated_wait_seconds.{name}", f"estimated_wait_minutes.{name}", f"queue_position.{name}"


def inputs(document: Document) -> Iterator[tuple[str, bool]]:
    """Yield the names of inputs, each with whether it is sensitive."""
    for node in document.nodes.values():
        match node:
            case Collect():
                yield node.input, node.sensitive
            case Menu(input=str() as name):
                yield name, False
            case _:
                pass


def queues(document: Document) -> tuple[str, ...]:
    """Return the queues that the flow sends callers to, each once, in order of their names."""
    return tuple(sorted({node.queue for node in document.nodes.values() if isinstance(node, Queue | CallbackOffer)}))


def identifier(queue: str) -> str:
    """Return a queue's name as it is written in a field."""
    return _NO_IDENTIFIER.sub("_", queue)


def values(document: Document, state: FlowState, context: Context, open_now: Mapping[str, bool]) -> dict[str, Value]:
    """Return what the fields hold now; those that are unknown are left out."""
    found: dict[str, Value] = {
        "language": state.language,
        "service_number": context.service_number,
        "contact.caller_ref": context.caller_ref,
        "contact.customer_ref": context.customer_ref,
        "contact.known": bool(context.customer_ref),
        "contact.repeat": context.repeat_contact,
        "contact.open_case": context.open_case,
        "contact.last_agent": context.last_agent,
    }
    found |= {f"attributes.{name}": value for name, value in state.attributes.items()}
    found |= {f"input.{name}": state.inputs.get(name, "") for name, secret in inputs(document) if not secret}
    found |= {f"hours.{name}": is_open for name, is_open in open_now.items()}
    for queue in queues(document):
        seconds, minutes, place = waiting_fields(queue)
        if (wait := context.estimated_waits.get(queue)) is not None:
            found |= {seconds: round(wait.total_seconds()), minutes: -(-wait // _MINUTE)}
            if queue in context.queue_positions:
                found[place] = context.queue_positions[queue]
    return found


def arriving(document: Document, context: Context) -> dict[str, Value]:
    """Return the attributes a contact begins with: its own where the flow takes them, else the defaults."""
    found: dict[str, Value] = {}
    for name, attribute in document.attributes.items():
        default = converted(attribute.default, attribute.type)
        told = _told(context.attributes[name], attribute.type) if _taken(document, context, name) else None
        given = told if told is not None else default
        if given is not None:
            found[name] = given
    return found


def _taken(document: Document, context: Context, name: str) -> bool:
    return document.attributes[name].from_caller and name in context.attributes


def _told(text: str, kind: Kind) -> Value | None:
    """Return what text stands for in a kind; None if it is none of it."""
    try:
        match kind:
            case "string":
                return converted(text, kind)
            case "bool":
                return {"true": True, "false": False}.get(text)
            case "int":
                return converted(int(text), kind)
            case "double":
                return converted(float(text), kind)
    except ValueError:
        return None
