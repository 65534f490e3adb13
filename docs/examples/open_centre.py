"""Three queues, and an agent who is available while this runs: a desktop that lives says so every few seconds."""

import os
import time
from typing import Any

import grpc

from holdfast.call_events.v1 import source_pb2
from holdfast.ivr_routing.v1.administration_service_pb2 import ConfigureAgentRequest, ConfigureQueueRequest
from holdfast.ivr_routing.v1.administration_service_pb2_grpc import AdministrationServiceStub
from holdfast.ivr_routing.v1.agent_service_pb2 import HeartbeatRequest, SetAgentStateRequest
from holdfast.ivr_routing.v1.agent_service_pb2_grpc import AgentServiceStub
from holdfast.ivr_routing.v1.configuration_pb2 import AgentRules, QueueRules

AS_US: Any = {"metadata": [("authorization", f"Bearer {os.environ['HOLDFAST_TOKEN']}")], "timeout": 10}
HEARTBEAT_SECONDS = 5
QUEUES, AGENT, ENDPOINT = ("care", "sales", "desk"), "ann", "sip:ann@example.com"

with grpc.insecure_channel(os.environ["HOLDFAST_ROUTING"]) as channel:
    administration, agents = AdministrationServiceStub(channel), AgentServiceStub(channel)
    for queue in QUEUES:
        administration.ConfigureQueue(ConfigureQueueRequest(queue=queue, rules=QueueRules()), **AS_US)
    administration.ConfigureAgent(ConfigureAgentRequest(agent=AGENT, rules=AgentRules(queues=QUEUES)), **AS_US)
    available = source_pb2.AGENT_STATE_AVAILABLE
    agents.SetAgentState(SetAgentStateRequest(agent=AGENT, state=available, endpoint=ENDPOINT), **AS_US)
    print(f"{AGENT} is available for {', '.join(QUEUES)}", flush=True)
    while True:
        agents.Heartbeat(HeartbeatRequest(agent=AGENT), **AS_US)
        time.sleep(HEARTBEAT_SECONDS)
