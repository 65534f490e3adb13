"""Laws of the core by chance: whatever happens in whatever order, nobody is lost, held twice or left in vain."""

import os
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from ivr_routing.core import commands as c
from ivr_routing.core import snapshot
from ivr_routing.core.evolve import evolve
from ivr_routing.core.words import AgentState
from routing_chance import CONTACTS, HAPPENINGS, AnyCentre, Happening
from routing_laws import check, check_log, shape
from routing_testing import TENANT, contact_id, replayed

HAPPENING = st.tuples(st.integers(0, len(HAPPENINGS) - 1), st.integers(0, 20), st.integers(0, 20))
HAPPENED = st.lists(HAPPENING, max_size=60)
SEEDS = int(os.environ.get("HOLDFAST_ROUTING_SEEDS") or 100)
"""Centres that are killed at any step; more are asked for now and then."""


@given(HAPPENED)
@settings(max_examples=250)
def test_whatever_happens_every_law_holds_after_each_step(happened: list[Happening]) -> None:
    centre = AnyCentre()
    for happening in happened:
        centre.happen(happening)
        check(centre.core, centre.now_us)
    check_log(centre.log, centre.core)


@given(HAPPENED)
@settings(max_examples=100)
def test_the_log_alone_restores_the_core_and_so_does_a_snapshot_with_its_tail(happened: list[Happening]) -> None:
    centre = AnyCentre()
    middle = len(happened) // 2
    for happening in happened[:middle]:
        centre.happen(happening)
    kept, position = snapshot.dump(centre.core), len(centre.log)
    for happening in happened[middle:]:
        centre.happen(happening)
    successor = snapshot.load(TENANT, kept)
    for event_time_us, event in centre.log[position:]:
        evolve(successor, event, event_time_us)
    assert shape(replayed(centre.log)) == shape(centre.core) == shape(successor)


@given(HAPPENED, st.integers(0, 60))
@settings(max_examples=60)
def test_a_successor_decides_as_its_predecessor_would_have(happened: list[Happening], until: int) -> None:
    centre, other = AnyCentre(), AnyCentre()
    for happening in happened[:until]:
        centre.happen(happening)
        other.happen(happening)
    other.core = replayed(other.log)
    for happening in happened[until:]:
        centre.happen(happening)
        other.happen(happening)
        check(other.core, other.now_us)
    assert centre.log == other.log


@given(HAPPENED)
@settings(max_examples=60)
def test_every_state_has_a_way_out(happened: list[Happening]) -> None:
    centre = AnyCentre()
    for happening in happened:
        centre.happen(happening)
    for name in CONTACTS:
        centre.tell(c.EndCallback(contact_id(name), "withdrawn"))
        centre.tell(c.CallerGone(contact_id(name)))
    centre.wait(60)
    assert not centre.core.contacts
    assert not centre.core.reservations
    for agent in centre.core.agents.values():
        assert agent.state not in (AgentState.RESERVED, AgentState.ON_CONTACT)
        centre.tell(c.CompleteWrapUp(agent.agent))
        centre.tell(c.RegainHeartbeat(agent.agent))
        centre.tell(c.SignOut(agent.agent))
        assert agent.state is AgentState.OFFLINE


@given(HAPPENED)
@settings(max_examples=60)
def test_what_nobody_ends_ends_by_itself_within_a_day(happened: list[Happening]) -> None:
    centre = AnyCentre()
    for happening in happened:
        centre.happen(happening)
    centre.wait(25 * 3_600)
    assert not centre.core.contacts
    assert not centre.core.reservations
    check_log(centre.log, centre.core)


@given(HAPPENED)
@settings(max_examples=60)
def test_a_fact_told_twice_is_told_once(happened: list[Happening]) -> None:
    centre = AnyCentre()
    for happening in happened:
        centre.happen(happening)
        for contact, held, agent in centre.mentioned[-3:]:
            for fact in (
                c.CallBridged(contact, agent, held),
                c.TalkEnded(contact, agent, held),
                c.CallerGone(contact, "dropped"),
            ):
                centre.tell(fact)
                assert centre.tell(fact) == ()


def test_a_process_killed_at_any_step_loses_nobody(chance: random.Random) -> None:
    """The successor has the log only: what was decided and not written yet is decided anew."""
    for _ in range(SEEDS):
        centre = AnyCentre()
        for _ in range(60):
            written = len(centre.log)
            centre.happen((chance.randrange(len(HAPPENINGS)), chance.randrange(20), chance.randrange(20)))
            if chance.random() < 0.3:  # killed before the append
                del centre.log[written:]
                centre.core = replayed(centre.log)
                centre.wait(0)
            elif chance.random() < 0.3:  # killed after it
                centre.core = replayed(centre.log)
                centre.wait(0)
            check(centre.core, centre.now_us)
        check_log(centre.log, centre.core)


@given(HAPPENED)
@settings(max_examples=40)
def test_what_is_refused_changes_nothing(happened: list[Happening]) -> None:
    centre = AnyCentre()
    for happening in happened:
        before, told = shape(centre.core), len(centre.log)
        centre.happen(happening)
        if len(centre.log) == told:
            assert shape(centre.core) == before
