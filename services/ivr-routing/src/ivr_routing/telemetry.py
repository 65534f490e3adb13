"""Every metric and log line of routing, declared once. None carries a number or a name of a customer."""

from service_host import telemetry

DECIDING = telemetry.Histogram(
    "holdfast.ivr_routing.deciding", "From a request until what it led to was durable, in seconds."
)
FLUSH_EVENTS = telemetry.Sizes("holdfast.ivr_routing.flush.events", "Events that one flush of the log wrote.")
FLUSH_SECONDS = telemetry.Histogram(
    "holdfast.ivr_routing.flush.seconds", "From sending a flush of the log until it was durable."
)
CONFLICTS = telemetry.Counter(
    "holdfast.ivr_routing.conflicts",
    "Appends refused by a fence that was taken, and flushes that were begun anew, by reason.",
    "reason",
)
REFUSED = telemetry.Counter("holdfast.ivr_routing.refused", "Requests that were refused, by reason.", "reason")
FACTS = telemetry.Counter("holdfast.ivr_routing.facts", "Facts of phone systems that were taken in.")
FACTS_BEHIND = telemetry.Gauge("holdfast.ivr_routing.facts_behind", "Events that routing is behind call-events.")
DEFAULTED = telemetry.Counter(
    "holdfast.ivr_routing.defaulted",
    "Contacts that phone systems tell they sent their own way while routing was silent.",
)
LEADING = telemetry.Gauge("holdfast.ivr_routing.leading", "Whether this process decides: 1 while it does, else 0.")
LEADS = telemetry.Event("leads", "This process decides from now on.", "tenants", "events", "seconds")
LEADS_NO_MORE = telemetry.Event("leads_no_more", "This process no longer decides.", "reason")
SHARD_BROKE = telemetry.Event(
    "shard_broke", "A decision of one tenant's broke; its shard is read anew, the others go on.", "error_class"
)
FACT_FAILED = telemetry.Event(
    "fact_failed", "A fact could not be taken in; routing goes on without it.", "type", "error_class", "places"
)
FACTS_STOPPED = telemetry.Event("facts_stopped", "The feed of call-events must be begun anew.", "error_class")
LOOKUP_FAILED = telemetry.Event(
    "lookup_failed", "A flow's lookup was not answered; its way out is taken.", "error_class"
)
FLOW_FACTS = telemetry.Counter("holdfast.ivr_routing.flow_facts", "Facts of flows that call-events was told.")
FLOW_FACTS_REFUSED = telemetry.Counter(
    "holdfast.ivr_routing.flow_facts_refused", "Facts of flows that call-events refused, by reason.", "reason"
)
FLOW_FACTS_NOT_TOLD = telemetry.Event(
    "flow_facts_not_told", "Facts of flows were not taken by call-events; they are told again.", "status"
)
FLOW_FACTS_WITHOUT_TOKEN = telemetry.Event(
    "flow_facts_without_token", "A tenant has no token for call-events: its flows are not told."
)
