"""Whatever can be wrong with a history, a log, a feed or figures is found and counted under its name."""

from fault_suite import checks
from fault_suite.checks import Row, Seen, Told
from fault_suite.history import History, Operation
from fault_suite.verdict import Findings


def log(*events: str) -> list[Row]:
    """Return a log of events, each of a stream of its own."""
    return [Row(position, event, 1, event) for position, event in enumerate(events, 1)]


def history(*operations: Operation) -> History:
    return History({operation.number: operation for operation in operations})


def told(number: int, *events: str, contact: str = "c", answered: bool = True, refused: str = "") -> Operation:
    return Operation(number, "teller", float(number), contact, events, answered, frozenset(refused.split()))


def found(told: History, rows: list[Row]) -> dict[str, int]:
    findings = Findings()
    checks.check_log(rows, findings)
    checks.check_history(told, rows, findings)
    return counted(findings)


def counted(findings: Findings) -> dict[str, int]:
    names = ("lost", "double_counted", "phantom", "reordered")
    return {name: getattr(findings, name) for name in names if getattr(findings, name)}


def test_a_log_that_holds_what_was_acknowledged_is_clean() -> None:
    assert found(history(told(1, "a", "b"), told(2, "c")), log("a", "b", "c")) == {}


def test_an_acknowledged_event_that_is_not_there_is_lost() -> None:
    assert found(history(told(1, "a", "b")), log("a")) == {"lost": 1}


def test_an_unanswered_operation_may_be_there_or_not() -> None:
    assert found(history(told(1, "a", "b", answered=False)), log("a")) == {}


def test_a_refused_event_that_is_there_is_a_phantom() -> None:
    assert found(history(told(1, "a", "b", refused="b")), log("a", "b")) == {"phantom": 1}


def test_an_event_that_nobody_told_is_a_phantom() -> None:
    assert found(history(told(1, "a")), log("a", "z")) == {"phantom": 1}


def test_a_hole_in_the_positions_is_a_loss() -> None:
    rows = [Row(1, "a", 1, "a"), Row(3, "b", 1, "b")]
    assert found(history(told(1, "a", "b")), rows) == {"lost": 1}


def test_an_event_that_stands_twice_in_its_stream_is_counted_double() -> None:
    rows = [Row(1, "s", 1, "a"), Row(2, "s", 2, "a")]
    assert found(history(told(1, "a")), rows) == {"double_counted": 1}


def test_operations_of_a_contact_the_wrong_way_round_are_reordered() -> None:
    assert found(history(told(1, "a"), told(2, "b")), log("b", "a")) == {"reordered": 1}
    assert found(history(told(1, "a", contact="c"), told(2, "b", contact="d")), log("b", "a")) == {}


def fed(*events: tuple[int, str], whole: bool = True) -> dict[str, int]:
    findings = Findings()
    checks.check_feed(Seen("a feed", 1, events), log("a", "b", "c"), findings, whole=whole)
    return counted(findings)


def test_a_feed_that_shows_the_log_is_clean() -> None:
    assert fed((1, "a"), (2, "b"), (3, "c")) == {}


def test_a_feed_that_leaves_out_a_position_has_lost_it() -> None:
    assert fed((1, "a"), (3, "c"))["lost"] > 0
    assert fed((1, "a"), (2, "b"))["lost"] == 1
    assert fed((1, "a"), (2, "b"), whole=False) == {}


def test_a_feed_that_shows_a_position_again_is_reordered() -> None:
    assert fed((1, "a"), (2, "b"), (2, "b"), (3, "c")) == {"reordered": 1}


def test_a_feed_that_shows_another_event_is_a_phantom() -> None:
    assert fed((1, "a"), (2, "x"), (3, "c")) == {"phantom": 1}


def test_a_figure_that_differs_from_the_count_is_counted_double() -> None:
    findings = Findings()
    checks.check_figures({"sales": {"answered": 3.0}}, {"sales": {"answered": 2.0}}, findings)
    checks.check_figures({"sales": {"answered": 2.0}}, {"sales": {"answered": 2.0}}, findings)
    checks.check_figures({"help": {}}, {}, findings)
    checks.check_facts({"contact": (1, "x")}, {"contact": (1, "y")}, findings)
    assert counted(findings) == {"double_counted": 3}


def told_by_topic(*records: Told, since: int = 0) -> dict[str, int]:
    findings = Findings()
    checks.check_partition(0, records, log("a", "b", "c"), findings, since=since)
    return counted(findings)


def test_a_partition_may_tell_again_but_leave_nothing_out() -> None:
    first, second, third = Told(1, 1, 0, "a"), Told(1, 2, 1, "b"), Told(1, 3, 2, "c")
    assert told_by_topic(first, second, first, second, third) == {}
    assert told_by_topic(first, third) == {"lost": 2}, "the event, and the hole where it should be"
    assert told_by_topic(first, second, third, Told(1, 3, 4)) == {"lost": 1}
    assert told_by_topic(first, second, third, Told(1, 2, 1, "x")) == {"phantom": 1}


def test_a_partition_tells_the_log_from_its_beginning_to_its_end() -> None:
    first, second, third = Told(1, 1, 0, "a"), Told(1, 2, 1, "b"), Told(1, 3, 2, "c")
    assert told_by_topic(second, third) == {"lost": 2}
    assert told_by_topic(second, third, since=1) == {}
    assert told_by_topic(first, second) == {"lost": 1}
    assert told_by_topic() == {"lost": 3}


def test_an_event_in_a_partition_that_is_not_its_own_is_a_phantom() -> None:
    findings = Findings()
    rows = [Row(1, "a", 1, "a", partition=0), Row(2, "b", 1, "b", partition=1)]
    checks.check_partition(0, [Told(1, 1, 0, "a"), Told(1, 2, 1, "b")], rows, findings)
    assert counted(findings) == {"phantom": 1}


def test_events_of_sources_that_keep_no_history_are_no_phantoms() -> None:
    findings = Findings()
    rows = [Row(1, "a", 1, "a", "phones"), Row(2, "b", 1, "b", "nobody")]
    checks.check_history(history(), rows, findings, others={"phones"})
    assert counted(findings) == {"phantom": 1}
