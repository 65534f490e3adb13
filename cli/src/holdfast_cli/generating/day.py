"""One day of the made-up centre, from midnight until the last agent has gone and the last caller is served."""

from collections.abc import Callable
from datetime import date

from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent
from holdfast_cli.generating import plan
from holdfast_cli.generating.agenda import Agenda
from holdfast_cli.generating.chance import Chance
from holdfast_cli.generating.facts import Facts
from holdfast_cli.generating.floor import Agent, Floor
from holdfast_cli.generating.journey import Caller, Journey
from holdfast_cli.generating.plan import Plan

_HOUR_MS = 3_600_000
_HALF_HOUR_MS = 1_800_000
_MINUTE_MS = 60_000


def day_of(made: Plan, day: date, day_us: int) -> list[ContactEvent | AgentEvent]:
    """Return the events of a day in the order in which they are told; `day_us` is its local midnight."""
    name = f"{made.seed}-{day.isoformat()}"
    facts = Facts(made.tenant, day_us, name)
    floor = Floor(Agenda(), Chance(f"floor {name}"), facts)
    chance = Chance(f"day {name}")
    for agent, begins in _agents(made, chance):
        floor.agenda.at(begins, _logs_in(floor, agent))
    for _ in range(_contacts(made, day, chance)):
        half_hour = chance.weighted(tuple(enumerate(plan.SHAPE)))
        journey = Journey(floor, _caller(chance))
        floor.agenda.at(half_hour * _HALF_HOUR_MS + chance.below(_HALF_HOUR_MS), journey.arrive)
    floor.agenda.run()
    return facts.in_turn()


def _logs_in(floor: Floor, agent: Agent) -> Callable[[], None]:
    return lambda: floor.log_in(agent)


def _contacts(made: Plan, day: date, chance: Chance) -> int:
    """Return how many callers a day has: the weekday's share, a tenth more or less."""
    plain = made.contacts_per_day * plan.WEEK[day.weekday()] // 100
    return plain * chance.between(90, 110) // 100


def _caller(chance: Chance) -> Caller:
    """Return somebody who calls; some call much more often than others."""
    queue = chance.weighted(plan.QUEUES)
    customer = chance.below(chance.below(plan.CUSTOMERS) + 1)
    return Caller(customer, queue, chance.one_of(plan.REASONS[queue]))


def _agents(made: Plan, chance: Chance) -> list[tuple[Agent, int]]:
    """Return the day's agents and when each begins."""
    count = max(plan.FEWEST_AGENTS, made.contacts_per_day * plan.AGENTS_PER_THOUSAND // 1000)
    return [_agent(number, chance) for number in range(count)]


def _agent(number: int, chance: Chance) -> tuple[Agent, int]:
    first, last = plan.SHIFTS[number % len(plan.SHIFTS)]
    begins = first * _HOUR_MS - chance.below(5 * _MINUTE_MS)
    lunch = (first + 4) * _HOUR_MS - number % 3 * 20 * _MINUTE_MS
    breaks = [
        (lunch - 2 * _HOUR_MS, 10 * _MINUTE_MS, "break"),
        (lunch, 30 * _MINUTE_MS, "lunch"),
        (lunch + 2 * _HOUR_MS, 10 * _MINUTE_MS, "break"),
    ]
    queues = [queue for queue, _ in plan.QUEUES]
    own = {queues[number % len(queues)], queues[number // 2 % 2], queues[(number * 7 + 2) % len(queues)]}
    team = number % 2
    agent = Agent(
        name=f"agent-{number + 1:02d}",
        team=f"team-{'ab'[team]}",
        supervisor=f"supervisor-{team + 1}",
        endpoint=f"PJSIP/{2001 + number}",
        queues=tuple(sorted(own)),
        leaves_ms=last * _HOUR_MS,
        breaks=breaks,
    )
    return agent, begins
