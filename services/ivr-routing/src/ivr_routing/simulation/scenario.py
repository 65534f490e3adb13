"""What a scenario may say: a document of YAML or JSON, checked whole. Values only; durations are seconds.

ScenarioInvalid   the document says something that cannot be simulated; the message names the key
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

LARGEST_BYTES: Final = 1_000_000
MOST_AGENTS: Final = 100_000
MOST_HOURS: Final = 1_000_000
MOST_ARRIVALS: Final = 10_000_000
Rate = Annotated[float, Field(ge=0, le=MOST_ARRIVALS)]
"""Mean arrivals in an hour or half-hour."""
Seconds = Annotated[float, Field(ge=0, le=MOST_HOURS * 3_600)]
SomeSeconds = Annotated[float, Field(ge=1e-6, le=MOST_HOURS * 3_600)]
"""A microsecond at least, for what may not be nothing."""


class ScenarioInvalid(Exception):
    """The document says something that cannot be simulated."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class LogNormal(_Part):
    """A length whose logarithm is normal, by its mean and its standard deviation."""

    mean_seconds: SomeSeconds
    deviation_seconds: SomeSeconds


class Length(_Part):
    """A length by chance: exactly one of these."""

    exponential_mean_seconds: SomeSeconds | None = None
    constant_seconds: Seconds | None = None
    lognormal: LogNormal | None = None
    uniform_seconds: tuple[Seconds, Seconds] | None = None
    quantiles_seconds: tuple[Seconds, ...] | None = Field(default=None, min_length=2)
    """Evenly spaced quantiles from the least to the most, straight lines between."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        _exactly_one(self)
        values = self.uniform_seconds or self.quantiles_seconds or ()
        if list(values) != sorted(values):
            raise ValueError("lengths do not fall")
        return self


class Recorded(_Part):
    """Arrivals of a recorded day: a CSV (plain or gzip) of date, slot number from 1, the slot's end, calls."""

    file: Path
    day: date
    slot_minutes: float = Field(default=6, gt=0)
    scale: float = Field(default=1, gt=0)
    """Calls of the simulated day for each recorded one; a fraction is met by chance."""


class Arrivals(_Part):
    """When contacts arrive: exactly one of these."""

    poisson_per_hour: Rate | None = None
    poisson_per_half_hour: tuple[Rate, ...] | None = Field(default=None, min_length=1)
    """Mean arrivals of each half-hour, over and over."""
    recorded: Recorded | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        _exactly_one(self)
        return self


class Step(_Part):
    """One stage of relaxing requirements."""

    after_seconds: Seconds = 0
    skills: dict[str, int] = {}
    groups: tuple[str, ...] = ()
    lowered_by: int = 0


class SimulatedQueue(_Part):
    """A queue: how its figures are counted and how it waits."""

    service_level_threshold_seconds: SomeSeconds = 20
    short_abandon_seconds: Seconds = 5
    strategy: Literal["longest_idle_since_available", "longest_idle_since_contact", "most_skilled"] = (
        "longest_idle_since_available"
    )
    priority: int = 0
    ageing_seconds: Seconds = 0
    max_size: int = Field(default=0, ge=0)
    max_wait_seconds: Seconds = 0
    overflow_to: str = ""
    wrap_up_seconds: Seconds = 0
    reservation_seconds: SomeSeconds = 20
    ring_all_limit: int = Field(default=0, ge=0, le=50)
    steps: tuple[Step, ...] = ()
    skills: dict[str, int] = {}
    """Skills that its contacts ask for, with the least proficiency."""


class AgentGroup(_Part):
    """Agents who are alike; `from_hour` and `to_hour` are hours of the simulation, every 24 hours again."""

    count: int = Field(ge=0, le=MOST_AGENTS)
    queues: tuple[str, ...] = Field(min_length=1)
    skills: dict[str, int] = {}
    groups: tuple[str, ...] = ()
    from_hour: float = Field(default=0, ge=0, le=24)
    to_hour: float = Field(default=24, ge=0, le=24)
    back_after_seconds: Seconds = 60
    """Who was made not ready or unreachable for not answering is available again after so long."""
    name: str = ""


class SimulatedFlow(_Part):
    """A flow's document, and what its callers type."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, coerce_numbers_to_str=True
    )  # digits need no quotes

    file: Path
    answers: dict[str, dict[str, float]] = {}
    """Shares of what is typed at a node; what is left over types nothing."""
    answer_time: Length = Field(default_factory=lambda: Length(constant_seconds=4))
    lookups: dict[str, Any] = {}
    """What the lookup of a node is answered with; one left out fails."""


class Scenario(_Part):
    """A whole scenario."""

    seed: int = 1
    hours: float = Field(default=8, gt=0, le=MOST_HOURS)
    warm_up_hours: float | None = Field(default=None, ge=0, le=MOST_HOURS)
    """Hours before what is counted; if left out as `planning` has it."""
    replications: int = Field(default=1, ge=1, le=10_000)
    """Times that all of it is simulated, each with chance of its own."""
    starts: datetime = datetime(2026, 1, 5, tzinfo=UTC)
    queues: dict[str, SimulatedQueue] = {}
    flows: dict[str, SimulatedFlow] = {}
    arrivals: dict[str, Arrivals] = Field(min_length=1)
    """By queue, or by flow."""
    handle_time: dict[str, Length]
    answer_time: dict[str, Length] = {}
    """From the first ring to the agent's answer; at once if left out."""
    patience: dict[str, Literal["infinite"] | Length] = {}
    agents: tuple[AgentGroup, ...]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name in self.arrivals:
            if name not in self.handle_time and name not in self.flows:
                raise ValueError(f"handle_time: {name} has arrivals and no handle time")
        for name, queue in self.queues.items():
            if queue.overflow_to and queue.overflow_to not in self.handle_time:
                raise ValueError(f"handle_time: {name} overflows to {queue.overflow_to}, which has no handle time")
        known = self.queue_names
        named = {*self.answer_time, *self.patience}
        named |= {queue for group in self.agents for queue in group.queues}
        named |= {queue.overflow_to for queue in self.queues.values() if queue.overflow_to}
        if unknown := named - set(known):
            raise ValueError(f"{', '.join(sorted(unknown))}: no such queue; queues are those of queues and handle_time")
        return self

    @property
    def queue_names(self) -> tuple[str, ...]:
        """Names of all queues, in the order of the document."""
        return tuple(dict.fromkeys((*self.queues, *self.handle_time)))

    def queue(self, name: str) -> SimulatedQueue:
        """Return a queue; one that is only named has what queues have by default."""
        return self.queues.get(name, SimulatedQueue())


def read(path: Path) -> Scenario:
    """Read a scenario's file; raise ScenarioInvalid. Files that it names are looked for beside it."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ScenarioInvalid(f"{path} is no scenario: it has more than {LARGEST_BYTES:,} bytes.")
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioInvalid(f"{path} cannot be read ({error.strerror}): name a file of YAML.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScenarioInvalid(f"{path} is no YAML: {str(error).splitlines()[0]}.") from None
    return parse(document, path.parent)


def parse(document: Any, folder: Path = Path()) -> Scenario:
    """Return the scenario of a document; raise ScenarioInvalid, naming the first key that is wrong."""
    try:
        scenario = Scenario.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "scenario"
        raise ScenarioInvalid(f"{place}: {first['msg'].removeprefix('Value error, ')}.") from None
    beside = {name: _beside(arrivals, folder) for name, arrivals in scenario.arrivals.items()}
    flows = {name: told.model_copy(update={"file": folder / told.file}) for name, told in scenario.flows.items()}
    return scenario.model_copy(update={"arrivals": beside, "flows": flows})


def _beside(arrivals: Arrivals, folder: Path) -> Arrivals:
    if arrivals.recorded is None or arrivals.recorded.file.is_absolute():
        return arrivals
    recorded = arrivals.recorded.model_copy(update={"file": folder / arrivals.recorded.file})
    return arrivals.model_copy(update={"recorded": recorded})


def _exactly_one(part: _Part) -> None:
    told = [name for name, value in part if value is not None]
    if len(told) != 1:
        names = ", ".join(type(part).model_fields)
        raise ValueError(f"say exactly one of {names}")
