"""Walking a contact through its flow: what the flow's code says becomes decisions of the core and an instruction.

Whatever goes wrong with a flow, the caller gets somewhere: the flow's own way out, else the static plan of arrival.
"""

from datetime import timedelta
from typing import Final

from contact_life import identity
from ivr_routing.core import commands as c
from ivr_routing.core.errors import Refused
from ivr_routing.core.rules import SkillRequirement
from ivr_routing.flow import state as states
from ivr_routing.flow import step as flow
from ivr_routing.flow.flow import Flow
from ivr_routing.flow.telling import contact_fact
from ivr_routing.flow.walk import enter, known, resume, walk
from ivr_routing.loop import actions
from ivr_routing.loop.call import Call
from ivr_routing.loop.estimates import estimated_waits, queue_positions
from ivr_routing.loop.turn import Turn

LOOKUP_GRACE: Final = timedelta(seconds=2)
NO_ROUTE: Final = "no_route"
RETURNED: Final = "returned"
OPEN_CASE: Final = "open_case"
"""Attribute by which a phone system, or whoever it asks, tells that the customer has a case open: true."""


def begin(turn: Turn, call: Call) -> None:
    """Let a contact enter the flow that its number leads to."""
    found = turn.desk.catalogue.flow_for(call.service_number, turn.now_us)
    if found is None:
        nowhere(turn, call, NO_ROUTE)
        return
    step = enter(found, context(turn, call, found), turn.now)
    lead = turn.desk.catalogue.flows.lead(call.service_number, turn.now_us)
    cause = "service_number" if lead is not None else "default"
    turn.order(c.StartFlow(call.contact_id, found.name, found.version, cause, step.state.to_json()))
    _take(turn, call, found, step, ())


def answer(turn: Turn, call: Call, given: flow.Input) -> None:
    """Go on with what the caller or a lookup said; what answers nothing changes nothing."""
    found = turn.desk.catalogue.flow(call.flow, call.version)
    if found is None or not call.walk:
        nowhere(turn, call, NO_ROUTE)
        return
    before = states.from_json(call.walk)
    step = walk(found, before, given, context(turn, call, found), turn.now)
    if step is not None:
        _again_in_flow(turn, call, found)
        _take(turn, call, found, step, before.path)


def again(turn: Turn, call: Call) -> None:
    """Say again what the flow awaits, as after the process that asked for it died."""
    found = turn.desk.catalogue.flow(call.flow, call.version)
    if found is None or not call.walk:
        nowhere(turn, call, NO_ROUTE)
        return
    before = states.from_json(call.walk)
    step = resume(found, before, context(turn, call, found), turn.now)
    if step is not None:
        _take(turn, call, found, step, before.path)


def left(turn: Turn, call: Call) -> None:
    """Let the flow know that its caller hung up."""
    answer(turn, call, flow.CallerLeft())


def come_back(turn: Turn) -> None:
    """Let contacts go on whom a queue has sent back: into their flow, or where the queue's rule says."""
    rounds = 0
    while (returned := turn.returned()) and rounds < len(turn.desk.calls) + 1:
        rounds += 1
        for event in returned:
            call = turn.desk.calls.get(event.contact_id)
            if call is not None and not call.defaulted:
                _sent_back(turn, call, event.then, event.kind.name.lower())


def nowhere(turn: Turn, call: Call, reason: str) -> None:
    """A caller whom nothing leads on can leave a message: for the queue they were in, else for everybody."""
    _message(turn, call, call.queue or actions.GENERAL, actions.LONGEST_MESSAGE, reason)


def _message(turn: Turn, call: Call, mailbox: str, at_most: timedelta, reason: str) -> None:
    """Take a message; where none can be taken the call ends."""
    turn.instruct(call, [actions.voicemail(mailbox, at_most)], None, [actions.hang_up(reason)])


def context(turn: Turn, call: Call, found: Flow) -> flow.Context:
    """What is known of a contact beside its flow."""
    waits, earlier = estimated_waits(turn.desk.core, found.estimates), turn.desk.history.of(call)
    return flow.Context(
        service_number=call.service_number,
        language=call.language,
        caller_ref=call.caller_ref,
        customer_ref=call.customer_ref,
        repeat_contact=bool(earlier),
        open_case=call.known.get(OPEN_CASE) == "true",
        last_agent=next((one.agent for one in earlier if one.agent), ""),
        attributes=call.known,
        estimated_waits=waits,
        queue_positions=queue_positions(turn.desk.core, waits),
        next_visit_id=_next_visit_id(turn, call) if waits else "",
    )


def _next_visit_id(turn: Turn, call: Call) -> str:
    contact = turn.desk.core.contacts[call.contact_id]
    return identity.routed_visit_id(call.contact_id, contact.visits + 1)


def _sent_back(turn: Turn, call: Call, then: str, reason: str) -> None:
    match then:
        case "hang_up":
            turn.instruct(call, [actions.hang_up(reason)])
        case "voicemail":
            _message(turn, call, call.queue, actions.LONGEST_MESSAGE, reason)
        case "flow" if call.walk:
            answer(turn, call, flow.CameBack(reason))
        case _:
            nowhere(turn, call, reason)


def _again_in_flow(turn: Turn, call: Call, found: Flow) -> None:
    """A contact that had left its flow is in it again."""
    contact = turn.desk.core.contacts[call.contact_id]
    if contact.flow is None:
        turn.order(c.StartFlow(call.contact_id, found.name, found.version, RETURNED, call.walk))


def _take(turn: Turn, call: Call, found: Flow, step: flow.Step, before: tuple[str, ...]) -> None:
    """Keep a step of the walk, and do what it leads to."""
    turn.order(
        c.TakeFlowStep(
            call.contact_id,
            step.state.path[len(before) :],
            type(step.then).__name__,
            step.state.to_json(),
            awaits_id=turn.next_instruction_id(call.contact_id),
            told=tuple(contact_fact(told) for told in step.told),
        )
    )
    match step.then:
        case flow.Ask():
            turn.instruct(call, [actions.collect(step.then, step.prompts)])
        case flow.Look():
            _look(turn, call, step)
        case flow.SendTo():
            otherwise = [actions.ask_next(step.then.node)]
            turn.instruct(call, [*actions.play(step.prompts), actions.transfer(step.then)], None, otherwise)
        case _:
            _leave(turn, call, found, step)


def _look(turn: Turn, call: Call, step: flow.Step) -> None:
    """Ask, the caller being kept; one who hears nothing of it asks when its time is over, whoever decides then."""
    assert isinstance(step.then, flow.Look)
    turn.lookups.append((call.contact_id, step.then))
    keep = [actions.park(step.then.timeout + LOOKUP_GRACE)]
    ask = [actions.ask_next(step.then.node)]
    heard = actions.play(step.prompts)
    turn.instruct(call, [*heard, *keep], ask, [*keep, *ask] if heard else ask)


def _leave(turn: Turn, call: Call, found: Flow, step: flow.Step) -> None:
    """Leave the flow for a queue, a mailbox or an end."""
    turn.lead(call.contact_id, actions.play(step.prompts))
    then = step.then
    served = any(isinstance(told, flow.SelfServed) for told in step.told)
    outcome, target = _named(then, served=served)
    attributes = known(found, step.state)
    turn.order(c.FinishFlow(call.contact_id, then.node, outcome, target, attributes))
    match then:
        case flow.Enqueue() | flow.CallBack():
            _enqueue(turn, call, then)
        case flow.TakeMessage():
            _message(turn, call, then.mailbox, then.at_most, outcome)
        case flow.End():
            turn.instruct(call, [actions.hang_up(then.reason)])
        case _:
            return


def _enqueue(turn: Turn, call: Call, then: flow.Enqueue | flow.CallBack) -> None:
    skills = tuple(SkillRequirement(name, level) for name, level in then.skills.items())
    named = then.preferred_agent if isinstance(then, flow.Enqueue) else ""
    preferred = named if named in turn.desk.core.agents else ""
    try:
        turn.order(c.QueueContact(call.contact_id, then.queue, then.priority, skills, preferred))
    except Refused:
        answer(turn, call, flow.CameBack("unknown_queue"))
        return
    if isinstance(then, flow.CallBack):
        turn.order(c.KeepPlace(call.contact_id, turn.next_instruction_id(call.contact_id)))
        turn.instruct(call, [actions.hang_up("callback")])
    elif turn.desk.core.contacts[call.contact_id].waits:
        turn.order(c.TellEstimate(call.contact_id))


def _named(then: flow.Then, *, served: bool) -> tuple[str, str]:
    """How a flow was left, and for what."""
    match then:
        case flow.Enqueue():
            return "queue", then.queue
        case flow.CallBack():
            return "callback", then.queue
        case flow.TakeMessage():
            return "voicemail", then.mailbox
        case flow.End():
            return ("self_served" if served else "hang_up"), then.reason
        case _:
            return "caller_gone", ""
