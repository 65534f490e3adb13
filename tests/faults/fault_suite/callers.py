"""What must be true of callers and agents: the phone system's own record against routing's log; pure."""

from collections.abc import Collection, Sequence

from fault_suite.phones import Caller
from fault_suite.verdict import Findings
from routing_verdict import Verdict

_US = 1_000_000


def check_callers(callers: Sequence[Caller], routing: Verdict, deadline_seconds: float, findings: Findings) -> None:
    """Every caller got somewhere in time and has one end, with the phone system and with routing alike."""
    unended = sum(caller.ends == 0 for caller in callers)
    findings.add("callers_lost", unended, "calls never ended in the phone system")
    findings.add("ended_twice", sum(caller.ends > 1 for caller in callers), "calls ended twice in the phone system")
    late = sum(waited_us(caller) > deadline_seconds * _US for caller in callers)
    findings.add("callers_lost", late, f"callers waited more than {deadline_seconds} s for anything to lead them")
    unknown = sum(caller.contact_id not in routing.contacts for caller in _led(callers))
    findings.add("callers_lost", unknown, "callers were led, and routing's log does not know them")
    check_ends(routing, findings)


def check_ends(routing: Verdict, findings: Findings) -> None:
    """Contacts and reservations of routing's log have one end each, agents one of them at a time."""
    findings.add("callers_lost", routing.contacts_open, "contacts have no end in routing's log")
    findings.add("callers_lost", routing.reservations_open, "reservations have no end in routing's log")
    findings.add("ended_twice", routing.ended_twice, "contacts or reservations have several ends in routing's log")
    findings.add("agents_double", routing.agents_double, "times an agent had two contacts or reservations at once")


def waited_us(caller: Caller) -> int:
    """Return how long a caller was led by nothing: until an instruction, a default route, or their own end."""
    led = [at for at in (caller.instructed_us, caller.default_route_us, caller.over_us) if at]
    return min(led) - caller.arrived_us if led else 0


def summary(callers: Sequence[Caller]) -> str:
    """Return what became of callers, in a sentence."""
    instructed = sum(bool(caller.instructed_us) for caller in callers)
    by_default = sum(bool(caller.default_route_us) for caller in callers)
    longest = max(map(waited_us, callers), default=0) / _US
    return (
        f"callers: {len(callers)} came, {instructed} were led by routing, {by_default} took a default route,"
        f" {len(callers) - len(_led(callers))} had gone before; nobody was led by nothing for more than {longest:.1f} s"
    )


def _led(callers: Sequence[Caller]) -> Collection[Caller]:
    return [caller for caller in callers if caller.instructed_us or caller.default_route_us]
