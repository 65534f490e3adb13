"""Who may read what about whom."""

import pytest

from metrics.errors import NoSuchAgent
from metrics.people.policy import Reach, may_see_positions, reach
from service_host.call import Caller
from service_host.errors import PermissionDenied

SCOPES = frozenset({"figures:read"})
AGENT = Caller("t1", "u1", SCOPES, agent="ann", team="red")
SUPERVISOR = Caller("t1", "u2", SCOPES, roles=frozenset({"supervisor"}), agent="sue", team="red")
READER = Caller("t1", "u3", SCOPES | {"people:read"})
PROGRAM = Caller("t1", "wallboard", SCOPES)


def test_an_agent_reads_what_is_about_themselves_whatever_the_team() -> None:
    assert reach(AGENT, ("ann",)) == Reach(("ann",))


def test_an_agent_reads_of_no_other() -> None:
    with pytest.raises(NoSuchAgent):
        reach(AGENT, ("bob",))


def test_an_agent_who_names_themselves_among_others_reads_of_none() -> None:
    with pytest.raises(NoSuchAgent):
        reach(AGENT, ("ann", "bob"))


def test_an_agent_who_asks_for_all_reads_of_themselves() -> None:
    assert reach(AGENT, None) == Reach(("ann",))


def test_a_supervisor_reads_what_agents_did_for_their_team() -> None:
    assert reach(SUPERVISOR, ("bob",)) == Reach(("bob",), "red")
    assert reach(SUPERVISOR, None) == Reach(None, "red")


def test_a_supervisor_reads_all_about_themselves() -> None:
    assert reach(SUPERVISOR, ("sue",)) == Reach(("sue",))


def test_a_team_without_the_role_opens_nothing() -> None:
    with pytest.raises(NoSuchAgent):
        reach(Caller("t1", "u1", SCOPES, agent="ann", team="red"), ("bob",))


def test_a_role_without_a_team_opens_nothing() -> None:
    with pytest.raises(PermissionDenied):
        reach(Caller("t1", "u4", SCOPES, roles=frozenset({"supervisor"})), ("bob",))


def test_a_reader_of_people_reads_all() -> None:
    assert reach(READER, None) == Reach(None)
    assert reach(READER, ("bob",)) == Reach(("bob",))


def test_a_token_that_stands_for_no_person_reads_of_none() -> None:
    with pytest.raises(PermissionDenied):
        reach(PROGRAM, None)


def test_positions_need_a_scope_of_their_own() -> None:
    assert not may_see_positions(READER)
    assert may_see_positions(Caller("t1", "ops", SCOPES | {"log:read"}))
