"""Every metric, span and log event of this service, each with a sentence. None can name a person."""

from service_host.telemetry import Event, Span

PEOPLE_READ = Event(
    "people_read", "Somebody read figures about agents; the table people_read says who.", "method", "request_id"
)
REPORT = Span("holdfast.metrics.report", "One report, from its question to its sums.", "subject")
RECOMPUTE = Span("holdfast.metrics.recompute", "A figure computed again from the events behind it.", "contacts")
