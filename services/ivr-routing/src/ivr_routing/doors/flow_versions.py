"""Drafts and versions of flows as they are at an instant, and which numbers lead to them. Pure."""

from holdfast.ivr_routing.v1 import administration_service_pb2 as pb
from ivr_routing.flow.publishing import FlowDrafted, FlowPublished, Published


def every(flows: Published, now_us: int) -> list[pb.FlowVersion]:
    """Give all of them in order of flow: the draft first, then the version published last."""
    held: list[FlowDrafted | FlowPublished] = [*flows.drafts.values(), *reversed(tuple(flows.versions.values()))]
    return [version_of(flows, one, now_us) for one in sorted(held, key=lambda one: one.flow)]


def version_of(flows: Published, held: FlowDrafted | FlowPublished, now_us: int) -> pb.FlowVersion:
    """Give one of them."""
    version = held.version if isinstance(held, FlowPublished) else ""
    made = pb.FlowVersion(flow=held.flow, version=version, content_hash=held.content_hash, changed_by=held.changed_by)
    made.leads.extend(_leads(flows, held.flow, version, now_us) if version else ())
    made.status = _status(made)
    return made


def _status(version: pb.FlowVersion) -> "pb.FlowStatus.ValueType":
    if not version.version:
        return pb.FLOW_STATUS_DRAFT
    if any(lead.in_force for lead in version.leads):
        return pb.FLOW_STATUS_IN_FORCE
    return pb.FLOW_STATUS_SCHEDULED if version.leads else pb.FLOW_STATUS_PUBLISHED


def _leads(flows: Published, flow: str, version: str, now_us: int) -> list[pb.FlowLead]:
    found = []
    for number in sorted(flows.leads):
        now = flows.lead(number, now_us)
        for lead in flows.leads[number]:
            if (lead.flow, lead.version) == (flow, version) and (lead is now or lead.effective_us > now_us):
                one = pb.FlowLead(service_number=number, in_force=lead is now)
                one.effective_time.FromMicroseconds(lead.effective_us)
                found.append(one)
    return found
