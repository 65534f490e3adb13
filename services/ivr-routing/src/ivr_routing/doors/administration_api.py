"""AdministrationService over gRPC: every change is an event with who made it; listing reads what is in force."""
# ruff: noqa: N802  # methods are named as the proto names them

from typing import Any, Final

from event_log.log import Log
from event_log.model import Event, Filter
from holdfast.ivr_routing.v1 import administration_service_pb2 as pb
from holdfast.ivr_routing.v1 import configuration_pb2
from ivr_routing import event_codec
from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.commands import Command
from ivr_routing.doors.flow_administration import FlowAdministration, who
from ivr_routing.doors.rules_form import agent_rules, queue_rules
from ivr_routing.lead.leading import Leading
from ivr_routing.lead.opening import as_told, hours_of
from ivr_routing.lead.shard import Shard
from ivr_routing.loop.desk import read
from ivr_routing.loop.requests import Record, Told
from service_host import call
from service_host.errors import InvalidArgument

PAGE: Final = 100
MOST_ON_A_PAGE: Final = 1_000
CONFIGURATION: Final = (
    "QueueConfigured",
    "QueueRetired",
    "QueueOpennessChanged",
    "AgentConfigured",
    "SkillConfigured",
    "HoursConfigured",
    "FlowDrafted",
    "FlowPublished",
    "FlowScheduled",
    "FlowWithdrawn",
)
"""Types of events that change how contacts are routed."""
_NAMES: Final = ("queue", "agent", "skill", "hours", "flow")


class AdministrationApi(FlowAdministration):
    """See administration_service.proto for what each method promises."""

    def __init__(self, leading: Leading, log: Log) -> None:
        super().__init__(leading)
        self._log = log

    async def ConfigureQueue(self, request: pb.ConfigureQueueRequest, _context: Any) -> Any:
        """Give a queue its rules."""
        rules = queue_rules(request.rules)
        command = c.ConfigureQueue(request.queue, rules, who(), request.expected_version or None)
        shard = await self._do(command)
        return pb.ConfigureQueueResponse(queue=_queue(shard, request.queue))

    async def RetireQueue(self, request: pb.RetireQueueRequest, _context: Any) -> Any:
        """Let a queue take no more contacts."""
        await self._do(c.RetireQueue(request.queue, who()))
        return pb.RetireQueueResponse()

    async def SetQueueOpenness(self, request: pb.SetQueueOpennessRequest, _context: Any) -> Any:
        """Open or close a queue by order."""
        await self._do(c.OpenQueue(request.queue, request.open, request.cause or "supervisor"))
        return pb.SetQueueOpennessResponse()

    async def ListQueues(self, _request: pb.ListQueuesRequest, _context: Any) -> Any:
        """All queues."""
        shard = await self._shard()
        return pb.ListQueuesResponse(queues=[_queue(shard, name) for name in sorted(shard.desk.core.queues)])

    async def ConfigureAgent(self, request: pb.ConfigureAgentRequest, _context: Any) -> Any:
        """Say what an agent may be given."""
        rules = agent_rules(request.rules)
        shard = await self._do(c.ConfigureAgent(request.agent, rules, who(), request.expected_version or None))
        return pb.ConfigureAgentResponse(agent=_agent(shard, request.agent))

    async def ListAgents(self, request: pb.ListAgentsRequest, _context: Any) -> Any:
        """Agents, a page of them."""
        shard = await self._shard()
        names = sorted(name for name in shard.desk.core.agents if name > request.page_token)
        page = names[: _page_size(request.page_size)]
        answer = pb.ListAgentsResponse(agents=[_agent(shard, name) for name in page])
        answer.next_page_token = page[-1] if len(page) < len(names) else ""
        return answer

    async def ConfigureSkill(self, request: pb.ConfigureSkillRequest, _context: Any) -> Any:
        """Name a skill, or retire it."""
        _named(request.skill, "skill")
        shard = await self._shard()
        held = shard.desk.catalogue.skills.get(request.skill)
        if held is None or (held.description, held.retired) != (request.description, request.retired):
            changed = configuration_pb2.SkillConfigured(
                skill=request.skill,
                version=held.version + 1 if held else 1,
                description=request.description,
                retired=request.retired,
                changed_by=who(),
            )
            await shard.do(Record((changed,)), actor=who())
        return pb.ConfigureSkillResponse(skill=shard.desk.catalogue.skills[request.skill])

    async def ListSkills(self, _request: pb.ListSkillsRequest, _context: Any) -> Any:
        """All skills."""
        skills = (await self._shard()).desk.catalogue.skills
        return pb.ListSkillsResponse(skills=[skills[name] for name in sorted(skills)])

    async def ConfigureHours(self, request: pb.ConfigureHoursRequest, _context: Any) -> Any:
        """Give business hours their document."""
        _named(request.hours, "hours")
        hours_of(request.document)
        shard = await self._shard()
        held = shard.desk.catalogue.hours.get(request.hours)
        if held is None or (held.document, list(held.queues)) != (request.document, list(request.queues)):
            changed = configuration_pb2.HoursConfigured(
                hours=request.hours,
                version=held.version + 1 if held else 1,
                document=request.document,
                queues=request.queues,
                changed_by=who(),
            )
            await shard.do(Record((changed,)), actor=who())
            for command in as_told(changed, shard.desk, shard.now_us()):
                await shard.do(Told(command), actor=who())
        return pb.ConfigureHoursResponse(hours=shard.desk.catalogue.hours[request.hours])

    async def ListHours(self, _request: pb.ListHoursRequest, _context: Any) -> Any:
        """All business hours."""
        hours = (await self._shard()).desk.catalogue.hours
        return pb.ListHoursResponse(hours=[hours[name] for name in sorted(hours)])

    async def ListChanges(self, request: pb.ListChangesRequest, _context: Any) -> Any:
        """Who changed what."""
        after = int(request.page_token) if request.page_token.isdecimal() else 0
        size = _page_size(request.page_size)
        wanted = Filter(tenant=call.caller().tenant, types=CONFIGURATION)
        found: list[Event] = []
        at_end = False
        while len(found) < size and not at_end:
            page = await self._log.read(after, filter=wanted, limit=size - len(found), backwards=True)
            found += page.events
            after = page.complete_to.position
            at_end = after <= 1
        answer = pb.ListChangesResponse(changes=map(_change, found))
        answer.next_page_token = "" if at_end else str(after)
        return answer

    async def _do(self, command: Command) -> Shard:
        shard = await self._shard()
        await shard.do(Told(command), actor=who())
        return shard


def _named(name: str, field: str) -> None:
    if not name.strip():
        raise InvalidArgument("INVALID_FIELD", "It needs a name.", field=field)


def _page_size(asked: int) -> int:
    return min(asked or PAGE, MOST_ON_A_PAGE)


def _queue(shard: Shard, name: str) -> Any:
    held = shard.desk.core.queues[name]
    return event_codec.message_of(e.QueueConfigured(name, held.version, held.rules))


def _agent(shard: Shard, name: str) -> Any:
    held = shard.desk.core.agents[name]
    return event_codec.message_of(e.AgentConfigured(name, held.version, held.rules))


def _change(event: Event) -> pb.Change:
    told: Any = read(event.type, event.payload)
    name = next((getattr(told, field) for field in _NAMES if getattr(told, field, "")), "")
    made = pb.Change(
        event_id=str(event.event_id),
        changed_by=event.actor,
        type=event.type,
        name=name,
        version=str(getattr(told, "version", "")),
    )
    made.changed_time.FromMicroseconds(event.event_time_us)
    return made
