"""Rules as administrators write them become the core's, and are told as written."""

import pytest

from holdfast.ivr_routing.v1 import configuration_pb2 as pb
from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.rules import QueueRules
from ivr_routing.core.words import CountedSource
from ivr_routing.doors.rules_form import queue_rules
from ivr_routing.event_codec import message_of
from routing_testing import Centre


def test_what_is_left_out_means_its_default() -> None:
    assert queue_rules(pb.QueueRules()) == QueueRules()


@pytest.mark.parametrize("named", [pb.COUNTED_SOURCE_ROUTING, pb.COUNTED_SOURCE_PHONE_SYSTEM])
def test_the_source_that_a_queue_names_is_told_as_it_was_written(named: pb.CountedSource.ValueType) -> None:
    rules = queue_rules(pb.QueueRules(counts=named))
    told = message_of(e.QueueConfigured("main", 1, rules, "admin"))
    assert isinstance(told, pb.QueueConfigured)
    assert told.rules.counts == named


def test_naming_another_source_is_told_and_decides_nothing_else() -> None:
    centre = Centre()
    centre.queue()
    centre.agent("ann")
    centre.call("a")
    rules = QueueRules(counts=CountedSource.PHONE_SYSTEM)
    assert centre.tell(c.ConfigureQueue("main", rules)) == (e.QueueConfigured("main", 2, rules, ""),)
    assert centre.tell(c.ConfigureQueue("main", rules)) == ()
    assert centre.held_by("a") == "ann"
