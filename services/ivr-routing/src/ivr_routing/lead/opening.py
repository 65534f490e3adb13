"""Which queues open or close because their business hours did, and reading a document of hours. Pure.

An order to open or close stands until the hours change next: only a change of the hours acts.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import ValidationError

from holdfast.ivr_routing.v1.configuration_pb2 import HoursConfigured
from ivr_routing.core.commands import OpenQueue
from ivr_routing.flow.business_hours import BusinessHours, is_open
from ivr_routing.flow.document import Hours
from ivr_routing.flow.problem import FlowRefused
from ivr_routing.flow.reading_hours import business_hours, problems
from ivr_routing.flow.source_text import read
from ivr_routing.loop.desk import Desk


class HoursRefused(Exception):
    """The document tells no business hours; the text says what is wrong."""


def hours_of(document: str) -> BusinessHours:
    """Business hours as a document tells them, YAML or JSON; raises HoursRefused."""
    try:
        told = Hours.model_validate(read(document).value)
    except (FlowRefused, ValidationError):
        raise HoursRefused("Hours have a time_zone and weekly openings, as in a flow's document.") from None
    for _, text, remedy in problems(told):
        raise HoursRefused(f"{text} {remedy}")
    return business_hours(told)


def changes(desk: Desk, before_us: int, now_us: int) -> Iterator[OpenQueue]:
    """What hours do to their queues between two instants."""
    for told in desk.catalogue.hours.values():
        hours = hours_of(told.document)
        opens = is_open(hours, _instant(now_us))
        if opens is not is_open(hours, _instant(before_us)):
            yield from (OpenQueue(queue, opens, "hours") for queue in told.queues if queue in desk.core.queues)


def as_told(told: HoursConfigured, desk: Desk, now_us: int) -> list[OpenQueue]:
    """What hours that were just configured do to their queues at once."""
    opens = is_open(hours_of(told.document), _instant(now_us))
    return [OpenQueue(queue, opens, "hours") for queue in told.queues if queue in desk.core.queues]


def _instant(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1_000_000, UTC)
