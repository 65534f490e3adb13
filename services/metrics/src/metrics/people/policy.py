"""Who may read what about whom: everybody themselves, a supervisor their team at that time, a reader of people all.

The one place that says so. What is not theirs to read is not there for them: an agent of another team and an agent
that does not exist are refused alike. Team means the team kept with each assignment when it happened, so that a move
to another team takes no past along.
"""

from dataclasses import dataclass
from typing import Final

from metrics.errors import NoSuchAgent
from service_host.call import Caller
from service_host.errors import PermissionDenied

READ_PEOPLE: Final = "people:read"
READ_LOG: Final = "log:read"
SUPERVISOR: Final = "supervisor"


@dataclass(frozen=True, slots=True)
class Reach:
    """Which agents' evidence may be read: some (None: all), and of those only what a team did (None: whatever)."""

    agents: tuple[str, ...] | None
    team: str | None = None


def reach(caller: Caller, asked: tuple[str, ...] | None) -> Reach:
    """Return what of the agents asked for (None: all there are) the caller may read.

    Raises PermissionDenied for a token that stands for no person and may not read people, NoSuchAgent for agents beyond
    reach where that is known from the token alone.
    """
    if READ_PEOPLE in caller.scopes:
        return Reach(asked)
    if asked is not None and caller.agent is not None and asked == (caller.agent,):
        return Reach(asked)
    if SUPERVISOR in caller.roles and caller.team is not None:
        return Reach(asked, caller.team)
    if caller.agent is None:
        raise PermissionDenied("PEOPLE_NOT_YOURS", "The token may not read what is about people.")
    if asked is None:
        return Reach((caller.agent,))
    raise NoSuchAgent


def may_see_positions(caller: Caller) -> bool:
    """Whether positions in the log may be shown: they are dense over all tenants and would tell others' volume."""
    return READ_LOG in caller.scopes
