"""A queue: its rules, the pools of its requirements, how many are in it and how fast they leave."""

from dataclasses import dataclass, field
from typing import TypeAlias

from ivr_routing.core.pool import Pool, Requirement
from ivr_routing.core.rules import QueueRules, SkillRequirement

Asked: TypeAlias = tuple[int, tuple[SkillRequirement, ...], str]
"""Step, own skills and preferred agent of a visit."""


@dataclass(slots=True)
class Queue:
    """What routing knows of a queue."""

    queue: str
    version: int
    rules: QueueRules
    open: bool = True
    retired: bool = False
    size: int = 0
    """Visits in it, offered ones included."""
    busy_since_us: int = 0
    """Since when somebody has been in it without a break; 0: nobody is."""
    departed_us: int = 0
    """When the last contact was answered."""
    interval_us: int = 0
    """Mean time between two answers while others waited; 0: not measured yet."""
    pools: dict[Requirement, Pool] = field(default_factory=dict, compare=False, repr=False)
    """Index: one for each requirement in use."""
    asked: dict[Asked, Pool] = field(default_factory=dict, compare=False, repr=False)
    """Index: the pool of what a visit asks, so that the requirement need not be made up each time."""
    members: dict[str, None] = field(default_factory=dict, compare=False, repr=False)
    """Index: agents who serve it, are signed in and reachable."""
