"""JSON twins of methods: protobuf messages in the JSON mapping with the fields' own names, read and written.

What is malformed is told by its place, never by its content.
"""

import json
import re
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message

from service_host.errors import InvalidArgument

JSON: Final = "application/json"
DEEPEST: Final = 32
_PLACE: Final = re.compile(r' at "([A-Za-z0-9_.\[\]]+)"')


def from_json(body: bytes, message: Message) -> Message:
    """A request from its JSON; InvalidArgument says where it is malformed."""
    try:
        told = json.loads(body)
        if not isinstance(told, dict):
            raise InvalidArgument("MALFORMED", "The request is a JSON object.")
        return json_format.ParseDict(told, message, max_recursion_depth=DEEPEST)
    except (json_format.ParseError, ValueError, RecursionError) as error:
        raise malformed(error) from None


def to_json(message: Message) -> str:
    """An answer as JSON; fields that are not set are left out."""
    return json_format.MessageToJson(message, preserving_proto_field_name=True, indent=None, ensure_ascii=False)


def from_values(told: dict[str, Any], message: Message) -> Message:
    """A request from values by name; InvalidArgument says where it is malformed."""
    try:
        return json_format.ParseDict(told, message)
    except (json_format.ParseError, ValueError) as error:
        raise malformed(error) from None


def malformed(error: Exception) -> InvalidArgument:
    """Where the request is wrong; the parser's own words may repeat what was sent, so they stay here."""
    place = _PLACE.search(str(error))
    return InvalidArgument("MALFORMED", "The request does not have the right form.", field=place[1] if place else "")
