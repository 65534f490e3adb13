"""Contacts in IVR flows as evidence: who was served there, who left there, who went on."""

from dataclasses import dataclass

from metrics.evidence.evidence import Credit, Evidence, Subject, among, first_told, within

SEPARATOR = "\x1f"
VERSIONED = "c.flow || chr(31) || c.flow_version"
"""A flow's subject is its name and version; SEPARATOR stands between them."""
LEFT = ("c.flow_exited_time", "c.arrived_time", "c.first_time")
"""Instants that credit a contact to its flow, the first told counting."""


def shown_as(subject: Subject) -> str:
    """Return the SQL of a contact's subject: its flow and version, and the nodes passed where these are asked for."""
    return f"{VERSIONED} || chr(31) || coalesce(p.node_path, '')" if subject is Subject.FLOW_PATH else VERSIONED


def walked(subject: Subject) -> str:
    """Return the join of a contact `c` with the nodes it passed, where these are asked for."""
    if subject is not Subject.FLOW_PATH:
        return ""
    return "left join metrics.flow_path p on p.tenant = c.tenant and p.contact_id = c.contact_id"


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One contact in its flow: how it ended, empty while open, and whether it entered a flow at all."""

    contact_end: str
    entered: bool


def _source(subject: Subject, _credit: Credit) -> str:
    if subject is Subject.QUEUE:  # told for the queue they were meant for; those that got there stand in its visits
        name, those, shown = "c.flow_queue", "c.contact_end = 'abandoned_ivr'", "c.flow_queue"
    else:
        name, those, shown = "c.flow", "c.flow_entered_time is not null", shown_as(subject)
    return f"""
    select {shown} as subject, {first_told(*LEFT)} as credited, c.contact_id, c.contact_id as fact_id,
           c.contact_end, c.flow_entered_time is not null as entered
    from metrics.contact c {walked(subject)}
    where c.tenant = {{tenant}} and {within(*LEFT)} and {those} and {among(name)}
    """  # noqa: S608  # constants of this module; every value is a parameter


FLOW = Evidence("contact", "Contacts in IVR flows.", frozenset({Subject.QUEUE, Subject.FLOW}), _source, FlowRow)
