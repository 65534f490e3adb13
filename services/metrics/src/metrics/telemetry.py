"""Every metric, span and log event of this service, each with a sentence. None can name a person."""

from service_host.telemetry import Counter, Event, Gauge, Span

PEOPLE_READ = Event(
    "people_read", "Somebody read figures about agents; the table people_read says who.", "method", "request_id"
)
REPORT = Span("holdfast.metrics.report", "One report, from its question to its sums.", "subject")
RECOMPUTE = Span("holdfast.metrics.recompute", "A figure computed again from the events behind it.", "contacts")

EVENTS_FOLDED = Counter("holdfast.metrics.events.folded", "Events of the log that became facts.")
EVENTS_PARKED = Counter("holdfast.metrics.events.parked", "Events set aside because they could not be folded.")
EVENTS_BEHIND = Gauge("holdfast.metrics.events.behind", "Events of the log that are not folded yet.")
STEP_FAILED = Event(
    "step_failed",
    "A step of facts failed; it is tried again in smaller parts until the event at fault is found.",
    "error",
)
EVENT_PARKED = Event("event_parked", "An event could not be folded and was set aside.", "position", "reason")
FOLLOWING_STOPPED = Event("following_stopped", "Facts no longer follow the log.", "reason")
REBUILD = Event("rebuild", "How a rebuild of the facts goes.", "stage", "events", "differences")
