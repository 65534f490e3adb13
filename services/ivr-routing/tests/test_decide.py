"""Nothing can be asked that nobody decides, and nothing decided that changes nothing by oversight."""

from typing import get_args

from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.decide import DECIDERS
from ivr_routing.core.evolve import CHANGES


def test_every_command_has_its_decider() -> None:
    assert set(DECIDERS) == set(get_args(c.Command))


def test_every_event_has_its_change() -> None:
    assert set(CHANGES) == set(get_args(e.Event))
