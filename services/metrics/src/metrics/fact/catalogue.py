"""All facts, in the order in which they are described and written."""

from typing import Final

from metrics.fact.agent import AGENT_RING, AGENT_SPELL
from metrics.fact.contact import ANOMALY, CONTACT
from metrics.fact.contact_link import CONTACT_LINK
from metrics.fact.declaration import CALL_EVENTS, IVR_ROUTING, Fact
from metrics.fact.leg import LEG
from metrics.fact.queueing import ASSIGNMENT, QUEUE_VISIT, TRANSFER
from metrics.fact.routing import ESTIMATE, FLOW_STEP, RESERVATION, ROUTED_SPELL
from metrics.fact.routing_rules import ROUTED_AGENT, ROUTED_QUEUE
from metrics.fact.survey import SURVEY

FACTS: Final[tuple[Fact, ...]] = (
    CONTACT,
    CONTACT_LINK,
    LEG,
    QUEUE_VISIT,
    ASSIGNMENT,
    TRANSFER,
    SURVEY,
    AGENT_SPELL,
    AGENT_RING,
    ANOMALY,
    RESERVATION,
    ROUTED_SPELL,
    FLOW_STEP,
    ESTIMATE,
    ROUTED_QUEUE,
    ROUTED_AGENT,
)
_TOLD: Final = tuple(fact for fact in FACTS if fact.log == CALL_EVENTS)
CONTACT_FACTS: Final = tuple(fact for fact in _TOLD if fact.category == "contact")
AGENT_FACTS: Final = tuple(fact for fact in _TOLD if fact.category == "agent")
ROUTING_FACTS: Final = tuple(fact for fact in FACTS if fact.log == IVR_ROUTING)
