"""Every metric, span and log line of call-events, declared once. None carries a number or a name of a customer."""

from opentelemetry.trace import SpanKind

from service_host import telemetry

RECORDED = telemetry.Counter(
    "holdfast.call_events.recorded", "Events that stand in the log, by whether they stood there before.", "outcome"
)
RECORDED_NOW = RECORDED.bound("recorded")
RECORDED_BEFORE = RECORDED.bound("duplicate")
REFUSED = telemetry.Counter("holdfast.call_events.refused", "Events that were refused, by reason.", "reason")
NOTED = telemetry.Counter("holdfast.call_events.noted", "What was noted while taking events, by note.", "note")
CALLERS_MADE = telemetry.Counter("holdfast.call_events.callers_made", "Callers who got a key of their own.")
INDEX_BEHIND = telemetry.Gauge(
    "holdfast.call_events.index_behind", "Events that the list of contacts is behind the log."
)
RECORD = telemetry.Span("holdfast.call_events.record", "Recording the events of one message.", "events")
APPEND = telemetry.Span(
    "holdfast.call_events.append", "From handing events to the log until they are durable, or refused.", "events"
)
FLUSH_EVENTS = telemetry.Sizes("holdfast.call_events.flush.events", "Events that one flush of the log wrote.")
FLUSH_SECONDS = telemetry.Histogram(
    "holdfast.call_events.flush.seconds", "From sending a flush of the log until it was durable."
)
CONFLICTS = telemetry.Counter(
    "holdfast.call_events.conflicts",
    "Appends refused for what another writer did first, and flushes that another process came before, by reason.",
    "reason",
)
RELAYED = telemetry.Counter("holdfast.call_events.relay.events", "Events whose window in the topic was acknowledged.")
RELAY_BEHIND = telemetry.Gauge("holdfast.call_events.relay.behind", "Events of the log that the topic may lack.")
RELAY_BEHIND_SECONDS = telemetry.Gauge(
    "holdfast.call_events.relay.behind_seconds",
    "For how long the first event that the topic may lack stands in the log.",
)
RELAY_SECONDS = telemetry.Histogram(
    "holdfast.call_events.relay.window_seconds", "From sending a window of events to its last acknowledgement."
)
RELAY_INTERRUPTIONS = telemetry.Counter(
    "holdfast.call_events.relay.interruptions", "Sessions with the topic that ended in trouble, by kind.", "error_class"
)
RELAY_WINDOW = telemetry.Span(
    "holdfast.call_events.relay.window",
    "A window of events on its way into the topic; linked to the requests that told them.",
    "events",
    kind=SpanKind.PRODUCER,
)
RELAY_TOOK = telemetry.Event("relay_took", "This relay fills its share of the topic from now on.", "epoch")
RELAY_LOST = telemetry.Event("relay_lost", "Another relay fills this share of the topic; this one stands by.")
RELAY_INTERRUPTED = telemetry.Event(
    "relay_interrupted",
    "A session with the topic has ended; another one begins.",
    "error_class",
    "reason",
)
ERASED = telemetry.Event(
    "customer_erased",
    "A customer's key and number were destroyed.",
    "tenant",
    "erased_by",
    "caller_ref",
    "keys_destroyed",
)
SWEPT = telemetry.Event("erasures_swept", "The pages that held erased customers were rewritten.", "erasures")
SWEEP_FAILED = telemetry.Event(
    "sweep_failed", "Rewriting the table of callers failed and will be tried again.", "error_class"
)
INDEX_REBUILT = telemetry.Event("index_rebuilt", "The list of contacts begins anew.", "log_id", "incarnation")
INDEX_FAILED = telemetry.Event(
    "index_failed", "Following the log for the list of contacts failed and goes on.", "error_class", "places"
)
CONTACT_NOT_FOLDED = telemetry.Event(
    "contact_not_folded", "A contact's events could not be folded; the list leaves it out.", "contact_id", "error_class"
)
