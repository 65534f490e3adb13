"""The loop as phone systems and desktops see it: one real process, its public doors, facts by its real feed."""

from datetime import timedelta
from typing import Any

import grpc
import httpx
import pytest

from event_log.memory import clock_us
from holdfast.call_events.v1 import help_pb2, leg_pb2, source_pb2, talk_pb2
from holdfast.ivr_routing.v1 import administration_service_pb2 as administration
from holdfast.ivr_routing.v1 import agent_service_pb2 as agents
from holdfast.ivr_routing.v1 import configuration_pb2, instruction_pb2
from holdfast.ivr_routing.v1 import overview_service_pb2 as now
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as phone
from holdfast_testing import eventually
from routing_service import SOURCE, Centre, Doors, Running, steps
from service_host import client

IN_FORCE = administration.FLOW_STATUS_IN_FORCE

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_call_goes_from_arrival_through_flow_queue_and_reservation_to_the_end_of_wrap_up(
    centre: Centre,
) -> None:
    await centre.open("ann")
    watch = centre.doors.agents.WatchReservations(agents.WatchReservationsRequest(agent=centre.agent("ann")))
    started = await centre.call(caller_ref="0b0e7b2e-3f3a-4d8e-9d55-0d9a3f0f6a11", language="en")
    assert steps(started.instruction.do) == ["collect"]

    ring = await centre.press(started.instruction, "1")

    assert (steps(ring.do), steps(ring.then), steps(ring.otherwise)) == (
        ["play", "queue_music", "ring"],
        ["bridge"],
        ["queue_music"],
    )
    offered = (await _news(watch)).offered
    assert offered.contact_id == started.contact_id
    assert dict(offered.context.attributes)["topic"] == "1"
    assert list(offered.context.path) == ["choose", "sales"]
    accept = agents.AcceptReservationRequest(reservation_id=offered.reservation_id, agent=centre.agent("ann"))
    await centre.doors.agents.AcceptReservation(accept)
    bridged = talk_pb2.Bridged(
        leg_id="c", peer_leg_id="a", agent=centre.agent("ann"), reservation_id=offered.reservation_id
    )
    await centre.facts.tell(started.contact_id, bridged)
    await eventually(lambda: _is(centre, "ann", source_pb2.AGENT_STATE_ON_CONTACT))
    ended = leg_pb2.LegEnded(leg_id="c", role=leg_pb2.LEG_ROLE_CALLER)
    await centre.facts.tell(started.contact_id, ended, ended)
    await eventually(lambda: _is(centre, "ann", source_pb2.AGENT_STATE_WRAP_UP))
    done = await centre.doors.agents.CompleteWrapUp(agents.CompleteWrapUpRequest(agent=centre.agent("ann")))
    assert done.state == source_pb2.AGENT_STATE_AVAILABLE
    watch.cancel()


async def test_a_desktop_server_watches_the_reservations_of_many_agents_on_one_stream(centre: Centre) -> None:
    await centre.open("ann", "ben")
    named = [centre.agent("ann"), centre.agent("ben")]
    first = await centre.press((await centre.call()).instruction, "1")
    watch = centre.doors.agents.WatchReservations(agents.WatchReservationsRequest(agents=named))
    second = await centre.press((await centre.call()).instruction, "1")

    told = [await _news(watch), await _news(watch)]

    assert [news.offered.contact_id for news in told] == [first.contact_id, second.contact_id]
    assert sorted(news.agent for news in told) == named
    taken = told[0]
    await centre.doors.agents.AcceptReservation(
        agents.AcceptReservationRequest(reservation_id=taken.offered.reservation_id, agent=taken.agent)
    )
    ended = await _news(watch)
    assert (ended.ended.end, ended.agent) == ("accepted", taken.agent)
    watch.cancel()


async def test_a_stream_of_too_many_agents_or_of_one_who_is_unknown_is_refused(centre: Centre) -> None:
    for named, code in ((["a"] * 1_001, grpc.StatusCode.INVALID_ARGUMENT), (["nobody"], grpc.StatusCode.NOT_FOUND)):
        watch = centre.doors.agents.WatchReservations(agents.WatchReservationsRequest(agents=named))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await watch.read()
        assert refused.value.code() is code


async def _is(centre: Centre, name: str, state: int) -> bool:
    return await centre.state(name) == state


async def _news(watch: Any) -> Any:
    """The next of a watch that is more than a sign of life."""
    while True:
        news = await watch.read()
        if news.WhichOneof("news"):
            return news


async def test_input_told_twice_counts_once_and_is_answered_the_same(centre: Centre) -> None:
    await centre.open()
    started = await centre.call()

    first = await centre.press(started.instruction, "1")
    again = await centre.press(started.instruction, "1")

    assert again == first
    assert steps(first.do) == ["play", "queue_music"]


async def test_the_same_contact_started_again_gets_the_instruction_in_force(centre: Centre) -> None:
    await centre.open()
    first = await centre.call(native_id="again-" + centre.name)
    second = await centre.call(native_id="again-" + centre.name)
    assert second == first


async def test_a_caller_whose_number_leads_nowhere_can_leave_a_message(centre: Centre) -> None:
    started = await centre.call()
    assert (steps(started.instruction.do), steps(started.instruction.otherwise)) == (["voicemail"], ["hang_up"])


async def test_an_agent_who_signs_in_is_rung_for_whoever_waits(centre: Centre) -> None:
    await centre.open()
    waiting = await centre.waiting()
    assert steps(waiting.do) == ["play", "queue_music"]

    await centre.hire("ann")
    ring = await centre.next_after(waiting)

    assert steps(ring.do) == ["queue_music", "ring"]
    assert ring.do[1].ring.agent == centre.agent("ann")
    assert ring.do[0].queue_music.visit_id == waiting.do[1].queue_music.visit_id


async def test_an_endpoint_that_did_not_ring_charges_nobody_and_the_caller_goes_to_another_agent(
    centre: Centre,
) -> None:
    await centre.open("ann", "ben")
    ring = await centre.waiting()
    rung = ring.do[-1].ring.agent

    await centre.acknowledge(ring, instruction_pb2.INSTRUCTION_STATUS_FAILED, "endpoint_unknown")
    next_ring = await centre.next_after(ring)

    assert next_ring.do[-1].ring.agent not in ("", rung)
    assert await centre.state(rung.split("-")[0]) == source_pb2.AGENT_STATE_AVAILABLE


async def test_where_an_agents_first_endpoint_fails_the_next_caller_is_rung_at_the_other(centre: Centre) -> None:
    await centre.open("ann")
    state = source_pb2.AGENT_STATE_AVAILABLE
    request = agents.SetAgentStateRequest(agent=centre.agent("ann"), state=state, endpoint="SIP/desk")
    request.other_endpoints.append("SIP/mobile")
    await centre.doors.agents.SetAgentState(request)
    ring = await centre.waiting()
    await centre.acknowledge(ring, instruction_pb2.INSTRUCTION_STATUS_FAILED, "endpoint_unknown")
    again = await centre.waiting()
    assert [each.do[-1].ring.endpoint for each in (ring, again)] == ["SIP/desk", "SIP/mobile"]


async def test_a_rejected_contact_does_not_ring_the_same_agent_again(centre: Centre) -> None:
    await centre.open("ann")
    ring = await centre.waiting()
    held = ring.do[-1].ring.reservation_id
    request = agents.RejectReservationRequest(reservation_id=held, agent=centre.agent("ann"), reason="busy")
    await centre.doors.agents.RejectReservation(request)
    back = await centre.next_after(ring)
    assert steps(back.do) == ["queue_music"]
    assert await centre.state("ann") == source_pb2.AGENT_STATE_AVAILABLE


async def test_a_default_route_beats_a_later_decision_and_rescinds_its_reservation(centre: Centre) -> None:
    await centre.open("ann")
    started = await centre.call(native_id="gone-" + centre.name)
    ring = await centre.press(started.instruction, "1")
    assert await centre.state("ann") == source_pb2.AGENT_STATE_RESERVED

    request = phone.ReportDefaultRouteRequest(
        source_id=SOURCE,
        native_id="gone-" + centre.name,
        state=instruction_pb2.WAITING_STATE_QUEUE_MUSIC,
        did=[instruction_pb2.Action(voicemail=instruction_pb2.Voicemail(mailbox="sales"))],
    )
    told = await centre.doors.phone.ReportDefaultRoute(request)
    again = await centre.doors.phone.ReportDefaultRoute(request)

    assert told.contact_id == again.contact_id == ring.contact_id
    assert await centre.state("ann") == source_pb2.AGENT_STATE_AVAILABLE


async def test_a_default_route_of_a_contact_that_routing_never_heard_of_is_taken_in(centre: Centre) -> None:
    request = phone.ReportDefaultRouteRequest(
        source_id=SOURCE, native_id="unheard-" + centre.name, state=instruction_pb2.WAITING_STATE_ARRIVAL
    )
    assert (await centre.doors.phone.ReportDefaultRoute(request)).contact_id


async def test_a_caller_who_leaves_while_it_rings_frees_the_agent(centre: Centre) -> None:
    await centre.open("ann")
    ring = await centre.waiting()
    ended = leg_pb2.LegEnded(leg_id=ring.leg_id, role=leg_pb2.LEG_ROLE_CALLER)
    await centre.facts.tell(ring.contact_id, ended, ended)
    await eventually(lambda: _is(centre, "ann", source_pb2.AGENT_STATE_AVAILABLE))


async def test_a_hang_up_that_nobody_told_is_noticed_by_the_next_snapshot(centre: Centre) -> None:
    await centre.open("ann")
    await centre.waiting()
    snapshot = source_pb2.SourceSnapshot(live_legs=[source_pb2.LiveLeg(leg_id="another")])
    await centre.facts.tell_of_source(snapshot, clock_us() + 60_000_000)
    await eventually(lambda: _is(centre, "ann", source_pb2.AGENT_STATE_AVAILABLE))


async def test_a_source_that_lost_events_is_asked_what_lives_until_it_has_said_so(centre: Centre) -> None:
    await centre.open("ann", "ben")
    lost, talks = await centre.waiting(), await centre.waiting()
    await centre.facts.tell(talks.contact_id, _bridged(talks))
    await eventually(lambda: _is(centre, talks.do[-1].ring.agent.split("-")[0], source_pb2.AGENT_STATE_ON_CONTACT))
    watch: Any = centre.doors.phone.WatchInstructions(phone.WatchInstructionsRequest(source_id=SOURCE, node="n1"))
    assert not (await watch.read()).snapshot_wanted

    await centre.facts.tell_of_source(source_pb2.SourceGap(reason="reconnect"), clock_us())
    while not (await watch.read()).snapshot_wanted:
        pass
    later = clock_us() + 60_000_000
    live = source_pb2.LiveLeg(leg_id=talks.leg_id, contact_id=talks.contact_id)  # the agent's leg is gone
    await centre.facts.tell_of_source(source_pb2.SourceSnapshot(live_legs=[live]), later)

    free, wraps_up = (each.do[-1].ring.agent.split("-")[0] for each in (lost, talks))
    await eventually(lambda: _is(centre, free, source_pb2.AGENT_STATE_AVAILABLE))
    await eventually(lambda: _is(centre, wraps_up, source_pb2.AGENT_STATE_WRAP_UP))
    while (await watch.read()).snapshot_wanted:
        pass
    watch.cancel()


async def test_facts_of_a_restored_log_are_all_taken_in_and_sources_asked_what_lives(centre: Centre) -> None:
    await centre.open("ann", "ben")
    lost, talks = await centre.waiting(), await centre.waiting()
    watch: Any = centre.doors.phone.WatchInstructions(phone.WatchInstructionsRequest(source_id=SOURCE, node="n1"))
    assert not (await watch.read()).snapshot_wanted

    centre.facts.log.raise_incarnation()
    await centre.facts.tell(talks.contact_id, _bridged(talks))  # before routing has noticed

    free, busy = (each.do[-1].ring.agent.split("-")[0] for each in (lost, talks))
    await eventually(lambda: _is(centre, busy, source_pb2.AGENT_STATE_ON_CONTACT))
    while not (await watch.read()).snapshot_wanted:
        pass
    live = source_pb2.LiveLeg(leg_id=talks.leg_id, contact_id=talks.contact_id)
    await centre.facts.tell_of_source(source_pb2.SourceSnapshot(live_legs=[live]), clock_us() + 60_000_000)
    await eventually(lambda: _is(centre, free, source_pb2.AGENT_STATE_AVAILABLE))
    watch.cancel()


def _bridged(rung: instruction_pb2.Instruction) -> talk_pb2.Bridged:
    ring = rung.do[-1].ring
    return talk_pb2.Bridged(leg_id=rung.leg_id, peer_leg_id="a", agent=ring.agent, reservation_id=ring.reservation_id)


async def test_a_watch_gives_what_is_in_force_and_then_what_comes(centre: Centre) -> None:
    await centre.open()
    waiting = await centre.waiting()
    watch: Any = centre.doors.phone.WatchInstructions(phone.WatchInstructionsRequest(source_id=SOURCE, node="n1"))
    seen = await _instruction_of(watch, waiting.contact_id)
    assert seen == waiting

    await centre.hire("ann")

    assert steps((await _instruction_of(watch, waiting.contact_id)).do) == ["queue_music", "ring"]
    watch.cancel()


async def test_whoever_watches_again_is_not_told_what_they_saw(centre: Centre) -> None:
    await centre.open()
    waiting = await centre.waiting()
    request = phone.WatchInstructionsRequest(source_id=SOURCE, node="n1", after_number=waiting.number)
    watch: Any = centre.doors.phone.WatchInstructions(request)
    assert not (await watch.read()).HasField("instruction")
    watch.cancel()


async def test_every_state_of_waiting_has_a_static_plan(centre: Centre) -> None:
    await centre.open()
    answer = await centre.doors.phone.ListStaticPlans(phone.ListStaticPlansRequest(source_id=SOURCE))
    assert {plan.state for plan in answer.plans} == {1, 2, 3, 4, 5}
    assert all(plan.do and plan.after_silence.seconds for plan in answer.plans)


async def test_a_tenant_sees_nothing_of_another_and_a_token_speaks_for_its_sources_alone(
    centre: Centre, service: Running
) -> None:
    await centre.open()
    waiting = await centre.waiting()
    async with service.connect(service.token("other")) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as foreign:
            await Doors(channel).phone.NextInstruction(phone.NextInstructionRequest(contact_id=waiting.contact_id))
    with pytest.raises(grpc.aio.AioRpcError) as not_yours:
        await centre.doors.phone.StartContact(phone.StartContactRequest(source_id="elsewhere", native_id="1"))
    assert client.refusal(foreign.value).reason == "UNKNOWN_CONTACT"
    assert client.refusal(not_yours.value).reason == "SOURCE_NOT_YOURS"


async def test_an_agents_token_speaks_for_that_agent_alone(centre: Centre, service: Running) -> None:
    await centre.open("ann", "ben")
    token = service.token(scopes=("routing:agent",), agent=centre.agent("ann"))
    async with service.connect(token) as channel:
        own = Doors(channel).agents
        assert (await own.Heartbeat(agents.HeartbeatRequest())).state == source_pb2.AGENT_STATE_AVAILABLE
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await own.Heartbeat(agents.HeartbeatRequest(agent=centre.agent("ben")))
    assert client.refusal(refused.value).reason == "AGENT_NOT_YOURS"


async def test_a_desktop_server_gives_signs_of_life_of_many_agents_in_one_call(
    centre: Centre, service: Running
) -> None:
    await centre.open("ann", "ben")
    ann, ben = centre.agent("ann"), centre.agent("ben")
    many = agents.HeartbeatAgentsRequest(agents=[ann, "nobody", ben])
    available = source_pb2.AGENT_STATE_AVAILABLE
    answer = await centre.doors.agents.HeartbeatAgents(many)
    assert list(answer.states) == [available, source_pb2.AGENT_STATE_UNSPECIFIED, available]
    assert answer.next_within.ToTimedelta() > timedelta(0)
    async with service.connect(service.token(scopes=("routing:agent",), agent=ann)) as channel:
        own = Doors(channel).agents
        alone = await own.HeartbeatAgents(agents.HeartbeatAgentsRequest(agents=[ann]))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await own.HeartbeatAgents(many)
    assert list(alone.states) == [available]
    assert client.refusal(refused.value).reason == "AGENT_NOT_YOURS"
    with pytest.raises(grpc.aio.AioRpcError) as too_many:
        await centre.doors.agents.HeartbeatAgents(agents.HeartbeatAgentsRequest(agents=[ann] * 1_001))
    assert client.refusal(too_many.value).reason == "INVALID_FIELD"


async def test_changes_are_kept_with_who_made_them_and_rules_already_so_change_nothing(centre: Centre) -> None:
    await centre.open("ann")
    put = centre.doors.administration
    rules = configuration_pb2.QueueRules(max_size=5)
    request = administration.ConfigureQueueRequest(queue=centre.queue, rules=rules)
    first = (await put.ConfigureQueue(request)).queue
    again = (await put.ConfigureQueue(request)).queue
    changes = (await put.ListChanges(administration.ListChangesRequest())).changes
    assert (first.version, again.version) == (2, 2)
    latest = next(change for change in changes if change.name == centre.queue)
    assert (latest.type, latest.version, latest.changed_by) == ("QueueConfigured", "2", "tester")
    request.expected_version = 1
    request.rules.max_size = 6
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await put.ConfigureQueue(request)
    assert client.refusal(refused.value).reason == "VERSION_CONFLICT"


async def test_a_flow_with_problems_is_refused_with_all_of_them(centre: Centre) -> None:
    document = (
        "format: holdfast-flow/1\nflow: bad\nlanguage: en\nstart: a\notherwise: a\nnodes:\n  a:\n    type: menu\n"
    )
    answer = await centre.doors.administration.PublishFlow(administration.PublishFlowRequest(document=document))
    assert {problem.line for problem in answer.problems} != {0}
    assert not answer.HasField("flow")


async def test_a_flow_is_drafted_published_for_later_and_rolled_back(centre: Centre) -> None:
    await centre.open()
    put, flow = centre.doors.administration, f"f-{centre.name}"
    listed = (await put.ListFlows(administration.ListFlowsRequest())).flows
    (first,) = [version for version in listed if version.flow == flow]
    assert (first.status, [lead.service_number for lead in first.leads]) == (IN_FORCE, [centre.number])
    document = (await put.GetFlow(administration.GetFlowRequest(flow=flow, version=first.version))).document

    draft = administration.SaveFlowDraftRequest(flow=flow, document=document.replace("start: choose", "start: nowhere"))
    problems = (await put.SaveFlowDraft(draft)).problems
    assert [(problem.rule, problem.line > 0) for problem in problems if problem.rule == "UNKNOWN_NODE"]
    kept = await put.GetFlow(administration.GetFlowRequest(flow=flow))
    assert (kept.version.status, kept.document) == (administration.FLOW_STATUS_DRAFT, draft.document)

    publish = administration.PublishFlowRequest(document=document.replace("Please wait.", "Please stay."))
    publish.effective_time.FromMicroseconds(clock_us() + 3_600_000_000)
    second = (await put.PublishFlow(publish)).flow
    assert await _status(centre, flow, second.version) == administration.FLOW_STATUS_SCHEDULED
    lead = administration.ScheduleFlowRequest(flow=flow, version=second.version, service_numbers=[centre.number])
    await put.ScheduleFlow(lead)
    assert await _status(centre, flow, second.version) == IN_FORCE
    lead.version = first.version
    await put.ScheduleFlow(lead)
    assert await _status(centre, flow, first.version) == IN_FORCE

    lead.version = "0"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await put.ScheduleFlow(lead)
    assert client.refusal(refused.value).reason == "UNKNOWN_VERSION"
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await put.GetFlow(administration.GetFlowRequest(flow="none"))
    assert client.refusal(unknown.value).reason == "UNKNOWN_FLOW"
    changes = (await put.ListChanges(administration.ListChangesRequest(page_size=10))).changes
    assert {change.type for change in changes if change.name == flow} >= {"FlowDrafted", "FlowScheduled"}


async def _status(centre: Centre, flow: str, version: str) -> int:
    request = administration.GetFlowRequest(flow=flow, version=version)
    return int((await centre.doors.administration.GetFlow(request)).version.status)


async def test_long_contacts_are_told_with_what_they_wait_for_and_named_where_help_was_asked_for(
    centre: Centre,
) -> None:
    await centre.open("ann")
    ring = await centre.waiting()
    held = leg_pb2.LegHeld(leg_id=ring.leg_id)
    await centre.facts.tell(ring.contact_id, _bridged(ring), held)

    await eventually(lambda: _listed_as(centre, ring, "hold", ""))
    await centre.facts.tell(ring.contact_id, leg_pb2.LegResumed(leg_id=ring.leg_id))
    await eventually(lambda: _listed_as(centre, ring, "", ""))
    await centre.facts.tell(ring.contact_id, help_pb2.AssistRequested(agent=centre.agent("ann")))
    await eventually(lambda: _listed_as(centre, ring, "assist", centre.agent("ann")))
    await centre.facts.tell(ring.contact_id, help_pb2.SupervisorIntervened(told_by="supervisor"))
    await eventually(lambda: _listed_as(centre, ring, "", centre.agent("ann")))


async def test_the_agent_of_a_long_contact_is_named_where_a_supervisor_logged_a_reason(centre: Centre) -> None:
    await centre.open("ann")
    ring = await centre.waiting()
    await centre.facts.tell(ring.contact_id, _bridged(ring), help_pb2.SupervisorIntervened(told_by="supervisor"))
    await eventually(lambda: _listed_as(centre, ring, "", ""))
    await centre.facts.tell(ring.contact_id, help_pb2.SupervisorIntervened(reason="complaint"))
    await eventually(lambda: _listed_as(centre, ring, "", centre.agent("ann")))


async def _listed_as(centre: Centre, rung: instruction_pb2.Instruction, waits_for: str, agent: str) -> bool:
    request = now.ListLongContactsRequest(longer_than_ms=1)
    found = (await centre.doors.overview.ListLongContacts(request)).contacts
    return [(one.waits_for, one.agent) for one in found if one.contact_id == rung.contact_id] == [(waits_for, agent)]


async def test_what_goes_on_now_is_told_and_each_decision_is_explained(centre: Centre) -> None:
    await centre.open("ann", "ben")
    ring, _, waiting = [await centre.waiting() for _ in range(3)]
    overview = centre.doors.overview
    queues = (await overview.ListQueuesNow(now.ListQueuesNowRequest())).queues
    mine = next(queue for queue in queues if queue.queue == centre.queue)
    assert (mine.open, mine.waiting, mine.available, mine.signed_in) == (True, 3, 0, 2)
    waits = (await overview.ListWaitingContacts(now.ListWaitingContactsRequest(queue=centre.queue))).contacts
    assert [contact.offered for contact in waits] == [True, True, False]
    assert not (await overview.ListAvailableAgents(now.ListAvailableAgentsRequest(queue=centre.queue))).agents

    why = await overview.ExplainDecision(now.ExplainDecisionRequest(contact_id=ring.contact_id))
    again = await overview.ExplainDecision(now.ExplainDecisionRequest(contact_id=ring.contact_id))

    assert why == again
    assert (why.decision, why.chosen) == ("reserved", ring.do[-1].ring.agent)
    assert {candidate.agent for candidate in why.candidates} == {centre.agent("ann"), centre.agent("ben")}
    held = await overview.ExplainDecision(now.ExplainDecisionRequest(contact_id=waiting.contact_id))
    assert (held.decision, held.chosen) == ("waits", "")
    assert all(candidate.passed_over for candidate in held.candidates)


async def test_a_webhook_platform_asks_by_json_and_is_told_the_same(centre: Centre, service: Running) -> None:
    await centre.open("ann")
    headers = {"authorization": f"Bearer {service.token()}"}
    async with httpx.AsyncClient(base_url=f"http://{service.ready['http']}", headers=headers, trust_env=False) as http:
        told = {"source_id": SOURCE, "native_id": "json-" + centre.name, "service_number": centre.number}
        started = (await http.post("/v1/start-contact", json=told)).json()
        asked = started["instruction"]
        assert asked["do"][0]["collect"]["name"] == "topic"
        typed = {"contact_id": started["contact_id"], "instruction_id": asked["instruction_id"], "digits": "1"}
        rung = (await http.post("/v1/report-input", json=typed)).json()["instruction"]
        assert rung["do"][-1]["ring"]["agent"] == centre.agent("ann")
        waiting = (await http.get("/v1/list-waiting-contacts", params={"queue": centre.queue})).json()
        assert waiting["contacts"][0]["offered"] is True
        refused = await http.post("/v1/start-contact", json={"nothing": 1})
        assert (refused.status_code, refused.json()["reason"]) == (400, "MALFORMED")
        assert (await http.get("/v1/list-queues", headers={"authorization": ""})).status_code == 401
        document = (await http.get("/openapi.json")).json()
        assert "/v1/explain-decision" in document["paths"]


async def _instruction_of(watch: Any, contact_id: str) -> Any:
    """The next instruction of a contact in a watch."""
    while True:
        news = await watch.read()
        if news.HasField("instruction") and news.instruction.contact_id == contact_id:
            return news.instruction
