"""Requests to questions: what was told checked, what was left out filled in; no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.metrics.v1 import figure_pb2
from metrics.errors import InvalidInterval
from metrics.evidence.evidence import Credit, Subject, Terms
from metrics.figure import catalogue
from metrics.figure.definition import Definition
from metrics.interval.calendar import Granularity
from metrics.interval.interval import EARLIEST_US, Interval, zone_named
from metrics.report.question import Question, Scope, minimum, named, threshold_us

GRANULARITIES: Final = {
    figure_pb2.GRANULARITY_UNSPECIFIED: Granularity.WHOLE,
    figure_pb2.GRANULARITY_QUARTER_HOUR: Granularity.QUARTER_HOUR,
    figure_pb2.GRANULARITY_HALF_HOUR: Granularity.HALF_HOUR,
    figure_pb2.GRANULARITY_HOUR: Granularity.HOUR,
    figure_pb2.GRANULARITY_DAY: Granularity.DAY,
    figure_pb2.GRANULARITY_WEEK: Granularity.WEEK,
    figure_pb2.GRANULARITY_MONTH: Granularity.MONTH,
}
CREDITS: Final = {
    figure_pb2.CREDIT_UNSPECIFIED: Credit.ENQUEUE,
    figure_pb2.CREDIT_ENQUEUE: Credit.ENQUEUE,
    figure_pb2.CREDIT_END: Credit.END,
}


@dataclass(frozen=True, slots=True)
class Told:
    """Thresholds as requests tell them; None and 0 ask for the defaults."""

    threshold: Duration | None = None
    short_abandon: Duration | None = None
    long_wait: Duration | None = None
    minimum_n: int = 0


def interval(told: figure_pb2.ReportInterval, zone: ZoneInfo) -> Interval:
    """Return the interval told, in `zone` where it names none; raise InvalidInterval or UnknownTimeZone."""
    granularity, credit = GRANULARITIES.get(told.granularity), CREDITS.get(told.credit)
    if granularity is None or credit is None or not told.HasField("from_time") or not told.HasField("to_time"):
        raise InvalidInterval
    return Interval(
        _instant_us(told.from_time),
        _instant_us(told.to_time),
        zone_named(told.time_zone) if told.time_zone else zone,
        granularity,
        told.week_start or 1,
        credit,
    )


def terms(told: Told, known_us: int) -> Terms:
    """Return the thresholds; raise InvalidThreshold for what is none."""
    default = Terms(known_us)
    return Terms(
        known_us,
        threshold_us=threshold_us(_length_us(told.threshold), default.threshold_us),
        short_abandon_us=threshold_us(_length_us(told.short_abandon), default.short_abandon_us),
        long_wait_us=threshold_us(_length_us(told.long_wait), default.long_wait_us),
    )


def question(subject: Subject, scope: Scope, asked: Interval, told: Told) -> Question:
    """Return the question; what is known until when is added when facts are read."""
    return Question(subject, scope, asked, terms(told, EARLIEST_US), minimum(told.minimum_n))


def figures(references: Iterable[str], subject: Subject) -> tuple[Definition, ...]:
    """Return the figures asked for; raise UnknownFigure or InvalidNames."""
    return catalogue.chosen(named(references) or (), subject)


def _instant_us(told: Timestamp) -> int:
    return told.seconds * 1_000_000 + told.nanos // 1000


def _length_us(told: Duration | None) -> int | None:
    return None if told is None else told.seconds * 1_000_000 + told.nanos // 1000
