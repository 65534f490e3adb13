"""Every metric, span and log event of this service, each with a sentence. None can name a person."""

from service_host.telemetry import Event, Histogram, Span

PEOPLE_READ = Event(
    "people_read", "Somebody read figures about agents; the table people_read says who.", "method", "request_id"
)
RECOMPUTED = Histogram("holdfast.metrics.recompute.duration", "How long a figure took to compute again from events.")
REPORT = Span("holdfast.metrics.report", "One report, from its question to its sums.", "subject", "parts")
