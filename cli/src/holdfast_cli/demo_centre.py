"""A small contact centre for ``holdfast up --demo``: queues, a flow, agents, and who calls it.

Opening it again changes nothing: every object that is already so stays as it is.
"""

from __future__ import annotations

from typing import Any, Final

from holdfast.call_events.v1 import queueing_pb2
from holdfast.ivr_routing.v1 import administration_service_pb2 as pb
from holdfast.ivr_routing.v1 import administration_service_pb2_grpc, configuration_pb2
from holdfast_cli import system
from holdfast_cli.home import Running

NUMBER: Final = "+4930555000"
QUEUES: Final = ("sales", "support", "billing")
AGENTS: Final = ("anna", "ben", "carla", "deniz", "emil", "fatma", "greta", "hugo", "ines", "jonas", "kaya", "lena")
SECONDS: Final = 30.0
FLOW: Final = f"""
format: holdfast-flow/1
flow: welcome
description: Asks what a call is about, and leads it to whoever can help.
language: en
start: topic
otherwise: support
service_numbers: ["{NUMBER}"]
nodes:
  topic:
    type: menu
    say: Welcome. For a new contract press 1, for help 2, for a bill 3.
    input: topic
    choices: {{"1": sales, "2": busy, "3": billing}}
    attempts: 2
    otherwise: support
  busy:
    type: branch
    cases: [{{when: estimated_wait_seconds.support > 8, next: later}}]
    otherwise: support
  later:
    type: callback_offer
    say: Many are waiting. Press 1 to be called back in your turn.
    queue: support
    otherwise: support
  sales:
    type: queue
    queue: sales
    say: Somebody who knows our offers will be with you.
  support:
    type: queue
    queue: support
    say: Somebody who can help will be with you.
  billing:
    type: queue
    queue: billing
    skills: {{bills: 2}}
    say: Somebody who knows your bills will be with you.
"""
SCENARIO: Final[dict[str, Any]] = {
    "seed": 7,
    "source_id": "simulated",
    "calls_per_minute": 22,
    "service_numbers": [NUMBER],
    "digits": ["1", "2", "2", "3"],
    "patience_seconds": 60,
    "talk_seconds": 20,
    "wrap_up_seconds": 5,
    "agents": list(AGENTS),
    "lost_share": 0.01,
    "twice_share": 0.02,
    "late_share": 0.02,
}


def open_centre(running: Running) -> None:
    """Configure it; raises CommandFailed with a sentence if routing refuses."""
    system.run(_opened(running))


async def _opened(running: Running) -> None:
    async with system.ivr_routing(running) as channel:
        stub = administration_service_pb2_grpc.AdministrationServiceStub(channel)
        for queue in QUEUES:
            rules = configuration_pb2.QueueRules(
                wrap_up=configuration_pb2.WRAP_UP_KIND_TIMED,
                wrap_up_ms=15_000,
                auto_accept=True,
                rona_limit=2,
                expected_handle_ms=30_000,
            )
            await stub.ConfigureQueue(pb.ConfigureQueueRequest(queue=queue, rules=rules), timeout=SECONDS)
        for number, agent in enumerate(AGENTS):
            await stub.ConfigureAgent(pb.ConfigureAgentRequest(agent=agent, rules=_rules(number)), timeout=SECONDS)
        await stub.PublishFlow(pb.PublishFlowRequest(document=FLOW), timeout=SECONDS)


def _rules(number: int) -> configuration_pb2.AgentRules:
    """Everybody helps; every second one knows bills as well, the others sell."""
    knows_bills = number % 2 == 0
    skills = [queueing_pb2.SkillRequirement(skill="bills", proficiency=3)] if knows_bills else []
    queues = ["support", "billing" if knows_bills else "sales"]
    team = "north" if number < len(AGENTS) / 2 else "south"
    return configuration_pb2.AgentRules(queues=queues, skills=skills, team=team)
