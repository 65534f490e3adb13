"""What happened to callers and agents is found by the phone system's record and routing's log, whatever it was."""

from dataclasses import replace

from fault_suite.callers import check_callers, summary
from fault_suite.phones import Caller
from fault_suite.verdict import COUNTS, Findings
from ivr_routing.core import events as e
from ivr_routing.core.words import AgentState, ChosenBy, MatchingStrategy
from routing_verdict import Verdict

SECOND = 1_000_000
DEADLINE_SECONDS = 6.0
SERVED = Caller("c", arrived_us=SECOND, instructed_us=2 * SECOND, over_us=9 * SECOND, ends=1)


def made(reservation: str, agent: str = "anna", contact: str = "c") -> e.ReservationCreated:
    chosen = (MatchingStrategy.LONGEST_IDLE_SINCE_AVAILABLE, ChosenBy.CONTACT)
    place = (reservation, contact, "v", "main", agent, "SIP/1", 0)
    return e.ReservationCreated(*place, *chosen, 0, 0, 0, ring_all=False, queue_version=1, auto_accept=False)


def bridged(reservation: str, agent: str = "anna", contact: str = "c") -> e.ReservationBridged:
    return e.ReservationBridged(reservation, contact, agent, 0)


def spell(state: AgentState, agent: str = "anna", contact: str = "", reservation: str = "") -> e.AgentSpellBegan:
    before = (AgentState.AVAILABLE, 0)
    return e.AgentSpellBegan(agent, "s", state, "", *before, contact, reservation, "main", 0, 0, 0, 0, 0, "")


CARE = (e.ContactAdmitted("c"), made("r"), bridged("r"), e.ContactFinished("c", "handled"))


def found(*log: e.Event, callers: tuple[Caller, ...] = (SERVED,)) -> dict[str, int]:
    """Return what is wrong, by name."""
    verdict, findings = Verdict(), Findings()
    for event in log:
        verdict.take(event)
    check_callers(callers, verdict, DEADLINE_SECONDS, findings)
    return {name: getattr(findings, name) for name in COUNTS if getattr(findings, name)}


def test_a_caller_who_was_led_and_has_one_end_is_clean() -> None:
    assert found(*CARE) == {}


def test_a_caller_who_was_led_by_nothing_in_time_is_lost() -> None:
    late = replace(SERVED, instructed_us=8 * SECOND)
    assert found(*CARE, callers=(late,)) == {"callers_lost": 1}
    assert found(*CARE, callers=(replace(late, default_route_us=4 * SECOND),)) == {}
    assert found(*CARE, callers=(replace(late, instructed_us=0, over_us=4 * SECOND),)) == {}


def test_a_call_without_an_end_is_lost_and_one_with_two_ended_twice() -> None:
    assert found(*CARE, callers=(replace(SERVED, ends=0),)) == {"callers_lost": 1}
    assert found(*CARE, callers=(replace(SERVED, ends=2),)) == {"ended_twice": 1}


def test_a_caller_who_was_led_and_stands_in_no_log_is_lost() -> None:
    assert found() == {"callers_lost": 1}
    assert found(callers=(replace(SERVED, instructed_us=0),)) == {"callers_lost": 1}


def test_contacts_and_reservations_end_once() -> None:
    assert found(*CARE[:-1]) == {"callers_lost": 1}
    assert found(CARE[0], CARE[1], CARE[3]) == {"callers_lost": 1}
    assert found(*CARE, CARE[3]) == {"ended_twice": 1}
    assert found(*CARE[:3], CARE[2], CARE[3]) == {"ended_twice": 1}


def test_a_caller_who_is_to_be_called_back_is_not_lost_until_the_place_is() -> None:
    kept = (CARE[0], e.CallbackPlaceKept("c", "v", "b", 0, "main"))
    assert found(*kept) == {}
    assert found(*kept, made("r")) == {"callers_lost": 1}
    assert found(*kept, e.CallbackPlaceEnded("c", "b", "failed", 3, "no_answer")) == {"callers_lost": 1}


def test_an_agent_has_one_reservation_or_one_contact_at_a_time() -> None:
    assert found(CARE[0], made("r"), made("q"), bridged("r"), bridged("q"), CARE[3]) == {"agents_double": 1}
    assert found(CARE[0], made("r"), made("q", "ben"), bridged("r"), bridged("q", "ben"), CARE[3]) == {}
    talking = spell(AgentState.ON_CONTACT, contact="c", reservation="r")
    free, held = spell(AgentState.AVAILABLE), spell(AgentState.RESERVED, contact="d", reservation="q")
    assert found(*CARE[:3], talking, free, made("q"), held, bridged("q"), CARE[3]) == {}
    assert found(*CARE[:3], talking, made("q"), bridged("q"), CARE[3]) == {"agents_double": 1}
    elsewhere = spell(AgentState.ON_CONTACT, contact="d", reservation="q")
    assert found(CARE[0], made("r"), elsewhere, bridged("r"), CARE[3]) == {"agents_double": 1}


def test_what_became_of_callers_is_said_in_a_sentence() -> None:
    gone = Caller("d", arrived_us=SECOND, over_us=2 * SECOND, ends=1)
    by_default = replace(SERVED, instructed_us=0, default_route_us=4 * SECOND)
    assert summary([SERVED, by_default, gone]) == (
        "callers: 3 came, 1 were led by routing, 1 took a default route, 1 had gone before;"
        " nobody was led by nothing for more than 3.0 s"
    )
