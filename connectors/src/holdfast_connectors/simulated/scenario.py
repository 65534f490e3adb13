"""What a simulated phone system is told: who calls, how patient they are, who answers. Read from a file of settings."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
SHORTEST_MEAN: Final = 0.01


class Scenario(BaseModel):
    """Means are of exponential lengths, in seconds; everything that is chance follows from the seed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 1
    source_id: str = "simulated"
    node: str = "node-1"
    calls_per_minute: float = Field(30.0, gt=0)
    most_calls: int = Field(0, ge=0)
    """Calls after which no more arrive; 0: they never end."""
    service_numbers: tuple[str, ...] = ("+4930555000",)
    patience_seconds: float = Field(120.0, ge=SHORTEST_MEAN)
    talk_seconds: float = Field(20.0, ge=SHORTEST_MEAN)
    wrap_up_seconds: float = Field(5.0, ge=SHORTEST_MEAN)
    answer_seconds: float = Field(3.0, ge=SHORTEST_MEAN)
    """Until an agent answers a ringing endpoint."""
    typing_seconds: float = Field(2.0, ge=SHORTEST_MEAN)
    digits: tuple[str, ...] = ("1", "2")
    """What callers type, one of these by chance."""
    agents: tuple[str, ...] = ("anna", "ben")
    ignore_share: Share = 0.05
    """Of rings that an agent lets ring."""
    reject_share: Share = 0.02
    """Of reservations that an agent rejects."""
    callback_answer_share: Share = 0.7
    """Of customers called back who answer."""
    repeat_callers: int = Field(200, ge=1)
    """So many different callers call."""
    lost_share: Share = 0.0
    """Of events that are never told."""
    twice_share: Share = 0.0
    """Of events that are told twice."""
    late_share: Share = 0.0
    """Of events that are told late."""
    late_seconds: float = Field(2.0, ge=0)
    heartbeat: timedelta = timedelta(seconds=5)
    snapshot_every: timedelta = timedelta(seconds=30)
    """How often the source tells all that lives, so that what was lost is noticed; 0: only when routing asks."""
    gap_after: timedelta = timedelta(0)
    """When the source begins to lose everything that it would tell; 0: never."""
    gap_for: timedelta = timedelta(seconds=5)
    """How long it does; then it tells the gap, and nothing of what was lost."""
    rest: timedelta = timedelta(0)
    """Between the last call and the last time the source tells so."""
