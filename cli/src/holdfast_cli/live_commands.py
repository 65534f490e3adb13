"""Commands about what goes on now, and why: live, why."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from google.protobuf.timestamp_pb2 import Timestamp

from contact_life import identity
from holdfast.call_events.v1.source_pb2 import AgentState
from holdfast.ivr_routing.v1 import overview_service_pb2 as pb
from holdfast.ivr_routing.v1.overview_service_pb2_grpc import OverviewServiceStub
from holdfast_cli import event_tables, events, options, output, system
from holdfast_cli.flows import script
from holdfast_cli.home import Running
from holdfast_cli.options import Json, Where
from holdfast_cli.output import clock

LONG_SECONDS = 600.0
LISTS = {
    "queues": "queues",
    "available_agents": "agents",
    "waiting_contacts": "contacts",
    "long_contacts": "contacts",
}
"""What --json calls a list, and the field of its answer."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (("live", live), ("why", why)):
        app.command(name, rich_help_panel="Routing")(options.bundled(command))


def live(
    where: Where,
    longer_than: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="What makes a contact a long one.")
    ] = LONG_SECONDS,
    *,
    json: Json = False,
) -> None:
    """Show queues, available agents, who waits and who is with an agent for long, as it is now."""
    found = system.run(_live(system.find(where), longer_than))
    if json:
        told = {"as_of": events.as_document(found[0])["as_of"]}
        lists = zip(LISTS.items(), found, strict=True)
        output.as_json(told | {name: events.as_document(answer).get(field, []) for (name, field), answer in lists})
    else:
        _show(found, longer_than)


def why(
    contact: Annotated[
        str, typer.Argument(metavar="CONTACT", help="Contact id, or source:native_id.", show_default=False)
    ],
    where: Where,
    at: Annotated[str, typer.Option(metavar="TIME", help="The decision in force then; else the latest.")] = "",
    *,
    json: Json = False,
) -> None:
    """Explain why a contact was, or was not, given to an agent: everybody who was considered."""
    running = system.find(where)
    source, colon, native = contact.partition(":")
    contact_id = identity.contact_id(running.tenant, source, native) if colon else contact
    request = pb.ExplainDecisionRequest(contact_id=contact_id)
    if at:
        request.at.FromDatetime(script.instant(at, datetime.fromtimestamp(time.time(), UTC)))
    answer = system.run(_explained(running, request))
    output.as_json(events.as_document(answer)) if json else _show_why(answer)


async def _live(running: Running, longer_than: float) -> Sequence[Any]:
    """Ask for the four lists, in the order of LISTS."""
    async with system.ivr_routing(running) as channel:
        door = OverviewServiceStub(channel)
        return (
            await door.ListQueuesNow(pb.ListQueuesNowRequest()),
            await door.ListAvailableAgents(pb.ListAvailableAgentsRequest()),
            await door.ListWaitingContacts(pb.ListWaitingContactsRequest()),
            await door.ListLongContacts(pb.ListLongContactsRequest(longer_than_ms=max(1, round(longer_than * 1_000)))),
        )


async def _explained(running: Running, request: pb.ExplainDecisionRequest) -> Any:
    async with system.ivr_routing(running) as channel:
        return await OverviewServiceStub(channel).ExplainDecision(request)


def _show(found: Sequence[Any], longer_than: float) -> None:
    queues, available, waiting, long = found
    rows = [
        [one.queue, one.open, one.waiting, clock(one.longest_wait_ms / 1_000), one.available, one.signed_in]
        for one in queues.queues
    ]
    output.table("Queues now", ["queue", "open", "waiting", "longest", "available", "signed in"], rows)
    agents = [[one.agent, _since(one.since, available), ", ".join(one.queues)] for one in available.agents]
    output.table("Available agents, in order of name", ["agent", "for", "queues~"], agents)
    contacts = [
        [one.contact_id, one.queue, _since(one.waiting_since, waiting), one.priority, one.step, one.offered]
        for one in waiting.contacts
    ]
    columns = ["contact", "queue", "waits", "priority", "step", "rings"]
    output.table("Waiting contacts, the longest first", columns, contacts)
    talks = [[one.contact_id, one.queue, _since(one.bridged_since, long), one.waits_for] for one in long.contacts]
    title = f"Contacts with an agent for more than {clock(longer_than)}"
    output.table(title, ["contact", "queue", "for", "waits for"], talks)


def _show_why(answer: pb.ExplainDecisionResponse) -> None:
    output.fields(
        f"Contact {answer.contact_id}",
        {
            "decision": answer.decision,
            "decided": event_tables.instant(answer.decided_time),
            "queue": f"{answer.queue}, version {answer.queue_version} of its rules, step {answer.step}",
            "chosen": answer.chosen or None,
            "next": answer.next or None,
            "rules": "; ".join(answer.rules),
            "event": answer.event_id,
        },
    )
    rows = [
        [one.rank or None, one.agent, _word(one.state), one.passed_over.lower().replace("_", " "), one.detail]
        for one in answer.candidates
    ]
    output.table("Everybody who was considered", ["rank", "agent", "was", "passed over", "in words~"], rows)


def _word(state: AgentState.ValueType) -> str:
    return AgentState.Name(state).removeprefix("AGENT_STATE_").lower()


def _since(since: Timestamp, answer: Any) -> str:
    return clock((answer.as_of.ToMicroseconds() - since.ToMicroseconds()) / 1e6)
