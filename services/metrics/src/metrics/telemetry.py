"""Every metric, span and log event of this service, each with a sentence. None can name a person."""

from opentelemetry.trace import SpanKind

from service_host.telemetry import Counter, Event, Gauge, Span

PEOPLE_READ = Event(
    "people_read", "Somebody read figures about agents; the table people_read says who.", "method", "request_id"
)
REPORT = Span("holdfast.metrics.report", "One report, from its question to its sums.", "subject")
RECOMPUTE = Span("holdfast.metrics.recompute", "A figure computed again from the events behind it.", "contacts")

FOLD = Span(
    "holdfast.metrics.fold",
    "Events of a step become rows; linked to the requests that told them.",
    "events",
    kind=SpanKind.CONSUMER,
)
EVENTS_FOLDED = Counter("holdfast.metrics.events.folded", "Events of the log that became facts.")
EVENTS_PARKED = Counter("holdfast.metrics.events.parked", "Events set aside because they could not be folded.")
EVENTS_BEHIND = Gauge(
    "holdfast.metrics.events.behind", "Events known to be in the logs and not folded yet; grows while none come."
)
LAG = Gauge(
    "holdfast.metrics.lag.seconds", "How long ago facts last had all of every log; grows while a log is silent too."
)
CONFLICTS = Counter(
    "holdfast.metrics.conflicts", "Steps dropped because another instance had moved the cursor, or owns it now."
)
PARTITIONS = Gauge("holdfast.metrics.partitions", "Partitions of the topic that this instance reads.")
DUPLICATES = Counter("holdfast.metrics.records.duplicate", "Records of the topic dropped because they came before.")
MALFORMED = Counter("holdfast.metrics.records.malformed", "Records of the topic that none of our relays wrote.")
HOLES = Counter("holdfast.metrics.holes", "Holes in the topic: events that should have come; must be 0.")
HOLE = Event(
    "hole_in_the_topic",
    "The topic lacks events; they are read from the log, and where that is away nothing goes on.",
    "holes",
    "events",
)
STEP_FAILED = Event(
    "step_failed",
    "A step of facts failed; it is tried again in smaller parts until the event at fault is found.",
    "error",
)
EVENT_PARKED = Event("event_parked", "An event could not be folded and was set aside.", "position", "reason")
EVENT_APPLIED = Event("event_applied", "An event that was set aside by other code became facts.", "position")
PARTITIONS_CHANGED = Event(
    "partitions_changed", "This instance reads other partitions from now on.", "partitions", "of"
)
FOLLOWING_STOPPED = Event("following_stopped", "Facts no longer follow the log.", "reason")
REBUILD = Event("rebuild", "How a rebuild of the facts goes.", "stage", "events", "differences")
