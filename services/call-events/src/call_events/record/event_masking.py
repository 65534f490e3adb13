"""What is masked before an event is kept: inputs, card numbers, customers' numbers in raw attributes. Pure.

Fields are changed in place; the rest of the event stands. The number in a caller's own field is not masked but sealed
(`call_events.customer.sealing`).
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.message import Message

from call_events.record import card_masking
from call_events.record.event_form import BodyForm
from holdfast.call_events.v1 import leg_pb2

INPUT_MASK: Final = "[masked]"
NUMBER_MASK: Final = "[number]"
INPUT_MASKED: Final = "INPUT_MASKED"
CARD_NUMBER_MASKED: Final = "CARD_NUMBER_MASKED"
NUMBER_MASKED: Final = "NUMBER_MASKED"

_CUSTOMER_ROLES: Final = frozenset({leg_pb2.LEG_ROLE_CALLER, leg_pb2.LEG_ROLE_CALLBACK, leg_pb2.LEG_ROLE_REDIAL})
_NUMBER: Final = re.compile(r"\+?\d(?:[ ().\-]?\d){6,}")
_INTERNATIONAL: Final = re.compile(r"(?<![\w+])\+\d[\d ().\-]{6,}")
_NUMBER_KEY: Final = re.compile(
    r"caller|connected.?line|customer|msisdn|phone|(?:^|[._\-])(?:ani|cli|clid|from)(?:$|[._\-]|num)", re.IGNORECASE
)


def mask(body: Any, form: BodyForm) -> tuple[str, ...]:
    """Mask what may not be kept; the notes that say so."""
    notes: tuple[str, ...] = ()
    if form.input and body.value and not body.safe:
        body.value = INPUT_MASK
        notes = (INPUT_MASKED,)
    if _mask_cards(body, form):
        notes = (*notes, CARD_NUMBER_MASKED)
    if _mask_numbers(body, form):
        notes = (*notes, NUMBER_MASKED)
    return notes


def _mask_cards(body: Message, form: BodyForm) -> bool:
    """Mask card numbers in the words of people and in attributes without a field; whether there were any."""
    found = False
    for path in form.texts:
        holder, name = _holder(body, path)
        found |= _mask_card(holder, name)
    for attributes in _attributes(body, form):
        for key, value in list(attributes.items()):
            masked = card_masking.masked(value)
            if masked != value:
                attributes[key], found = masked, True
    return found


def _mask_numbers(body: Any, form: BodyForm) -> bool:
    """Mask what looks like a customer's number in raw attributes and addresses; whether there was any."""
    found = False
    if form.endpoint and body.endpoint and body.role in _CUSTOMER_ROLES:
        body.endpoint, count = _NUMBER.subn(NUMBER_MASK, body.endpoint)
        found = bool(count)
    for attributes in _attributes(body, form):
        for key, value in list(attributes.items()):
            pattern = _NUMBER if _NUMBER_KEY.search(key) else _INTERNATIONAL
            attributes[key], count = pattern.subn(NUMBER_MASK, value)
            found |= bool(count)
    return found


def _mask_card(holder: Message, name: str) -> bool:
    text = getattr(holder, name)
    masked = card_masking.masked(text)
    if masked == text:
        return False
    setattr(holder, name, masked)
    return True


def _holder(body: Message, path: str) -> tuple[Message, str]:
    *nested, name = path.split(".")
    for part in nested:
        body = getattr(body, part)
    return body, name


def _attributes(body: Any, form: BodyForm) -> Iterator[Any]:
    if form.observed:
        yield body.observation.extra
    if form.attributes:
        yield body.context.attributes
