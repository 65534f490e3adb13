"""Flows as routing holds them: which versions there are, which numbers lead to them, and what a version says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import grpc
import typer

from holdfast.ivr_routing.v1 import administration_service_pb2 as pb
from holdfast.ivr_routing.v1.administration_service_pb2_grpc import AdministrationServiceStub
from holdfast_cli import output, system
from holdfast_cli.home import Running
from holdfast_cli.options import Json, Where
from holdfast_cli.output import CommandFailed

Flow = Annotated[str, typer.Argument(metavar="FLOW", help="Its name.", show_default=False)]


def list_flows(where: Where, *, json: Json = False) -> None:
    """List flows: drafts and versions, what each is now, and the numbers that lead to it."""
    found = system.run(_asked(system.find(where), lambda door: door.ListFlows(pb.ListFlowsRequest())))
    rows = [_row(version) for version in found.flows]
    if json:
        output.as_json({"flows": rows})
    else:
        words = [(*list(row.values())[:3], ", ".join(map(_lead, row["leads"])), row["changed_by"]) for row in rows]
        output.table("flows", ("flow", "version", "status", "service numbers~", "by"), words)


def show_flow(
    flow: Flow,
    where: Where,
    version: Annotated[str, typer.Option(help="The version; else that in force, the latest, the draft.")] = "",
    *,
    json: Json = False,
) -> None:
    """Show a version's document, as it was written: published again it is what it was."""
    running = system.find(where)
    wanted = version or _in_force(running, flow)
    request = pb.GetFlowRequest(flow=flow, version=wanted)
    found = system.run(_asked(running, lambda door: door.GetFlow(request)))
    if json:
        output.as_json({**_row(found.version), "document": found.document})
    else:
        output.say(found.document.rstrip())


def _in_force(running: Running, flow: str) -> str:
    """Return the version that is shown where none is named; empty for the draft."""
    listed = system.run(_asked(running, lambda door: door.ListFlows(pb.ListFlowsRequest())))
    found = [version for version in listed.flows if version.flow == flow]
    if not found:
        message = f"There is no flow {flow}: see `holdfast flow list`."
        raise CommandFailed(message)
    return str(max(found, key=lambda version: (version.status, -found.index(version))).version)


async def _asked(running: Running, ask: Callable[[Any], Awaitable[Any]]) -> Any:
    async with system.ivr_routing(running) as channel:
        try:
            return await ask(AdministrationServiceStub(channel))
        except grpc.aio.AioRpcError as refused:
            if refused.code() is not grpc.StatusCode.NOT_FOUND:
                raise
            message = "There is no such version of the flow: see `holdfast flow list`."
            raise CommandFailed(message) from None


def _row(version: pb.FlowVersion) -> dict[str, Any]:
    status = pb.FlowStatus.Name(version.status).removeprefix("FLOW_STATUS_").lower()
    leads = [
        {
            "service_number": lead.service_number,
            "effective_time": lead.effective_time.ToJsonString(),
            "in_force": lead.in_force,
        }
        for lead in version.leads
    ]
    named = {"flow": version.flow, "version": version.version, "status": status, "leads": leads}
    return {**named, "content_hash": version.content_hash, "changed_by": version.changed_by}


def _lead(lead: dict[str, Any]) -> str:
    return str(lead["service_number"]) + ("" if lead["in_force"] else f" from {lead['effective_time']}")
