"""Rows of the bank's archive become the events they stand for; made-up rows, none of the real ones."""

import gzip
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contact_life import identity
from holdfast.call_events.v1 import observation_pb2, queueing_pb2
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast_cli.importing.bank_1999 import tell_bank_1999
from holdfast_cli.importing.bank_row import COLUMNS, ODDITIES
from holdfast_cli.importing.errors import CannotRead, NotThisFormat
from holdfast_cli.importing.telling import ImportSummary

HEADER = "\t".join(COLUMNS)
# line, call, customer, priority, type, date, entry, exit and length of the flow, of the queue, outcome, service, server
SERVED = "AA0101 50001 7001001 2 PS 990105 9:00:00 9:00:06 6 9:00:06 9:00:36 30 AGENT 9:00:35 9:02:35 120 RUTH"
AT_ONCE = "AA0101 50002 0 0 NW 990105 9:10:00 9:10:09 9 0:00:00 0:00:00 0 AGENT 9:10:08 9:11:08 60 RUTH"
GAVE_UP = "AA0102 50003 7001002 1 IN 990105 9:20:00 9:20:05 5 9:20:05 9:21:05 60 HANG 0:00:00 0:00:00 0 NO_SERVER"
LOST = "AA0102 50004 0 0 PS 990105 9:30:00 9:30:04 4 0:00:00 0:00:00 0 HANG 0:00:00 0:00:00 0 NO_SERVER"
RETURNED = "AA0107 50005 7001003 1 TT 990105 9:40:00 9:40:01 1 0:00:00 0:00:00 0 AGENT 9:40:01 9:40:31 30 NO_SERVER"
PHANTOM = "AA0107 50006 0 0 PS 990105 9:50:00 9:50:01 1 9:50:01 9:50:09 8 PHANTOM 9:50:08 9:50:20 12 NO_SERVER"
OVER_MIDNIGHT = "AA0103 50007 0 0 PS 990105 23:58:00 23:58:10 10 23:58:10 0:00:10 120 AGENT 0:00:09 0:03:09 180 RUTH"
ROWS = [SERVED, AT_ONCE, GAVE_UP, LOST, RETURNED, PHANTOM, OVER_MIDNIGHT]

Told = list[tuple[str, str]]


def tabs(row: str) -> str:
    return row.replace(" ", "\t")


def archive(folder: Path, *rows: str, header: bool = True, end: str = "\r\n", name: str = "month.txt") -> Path:
    lines = [HEADER] * header + [tabs(row) for row in rows]
    path = folder / name
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def told(path: Path, **options: str) -> tuple[list[list[ContactEvent]], ImportSummary]:
    summary = ImportSummary()
    tellings = tell_bank_1999(path, summary, tenant="acme", **options)
    return [list(telling.contact_events) for telling in tellings], summary


def timeline(events: list[ContactEvent]) -> Told:
    """What happened when, UTC."""
    times = [datetime.fromtimestamp(event.event_time.seconds, UTC).strftime("%m-%d %H:%M:%S") for event in events]
    return [(time, str(event.WhichOneof("body"))) for time, event in zip(times, events, strict=True)]


def ids(contacts: list[list[ContactEvent]]) -> Counter[str]:
    return Counter(event.event_id for events in contacts for event in events)


def test_a_served_row_is_a_contact_from_its_arrival_to_the_end_of_the_agents_leg(tmp_path: Path) -> None:
    [events], summary = told(archive(tmp_path, SERVED))
    assert timeline(events) == [
        ("01-05 07:00:00", "contact_arrived"),
        ("01-05 07:00:00", "customer_identified"),
        ("01-05 07:00:00", "flow_entered"),
        ("01-05 07:00:06", "flow_exited"),
        ("01-05 07:00:06", "enqueued"),
        ("01-05 07:00:36", "dequeued"),
        ("01-05 07:00:35", "leg_answered"),
        ("01-05 07:00:35", "bridged"),
        ("01-05 07:02:35", "leg_ended"),
    ]
    assert events[0].contact_arrived.native_id == "990105/AA0101/50001"
    assert events[0].contact.contact_id == identity.contact_id("acme", "bank-1999", "990105/AA0101/50001")
    assert events[1].customer_identified.customer_ref == "7001001"
    assert events[4].enqueued.queue == "PS"
    assert events[4].enqueued.priority == 2
    assert events[5].dequeued.kind == queueing_pb2.DEQUEUE_KIND_ANSWERED
    assert events[7].bridged.agent == "RUTH"
    assert {events[4].enqueued.visit_id, events[5].dequeued.visit_id, events[7].bridged.visit_id} == {
        events[6].leg_answered.visit_id
    }
    assert summary.oddities == {"service_before_queue_exit": 1}


def test_answered_without_queueing_is_a_visit_of_no_length_and_an_unknown_customer_is_not_identified(
    tmp_path: Path,
) -> None:
    [events], _ = told(archive(tmp_path, AT_ONCE))
    assert timeline(events)[3:5] == [("01-05 07:10:09", "enqueued"), ("01-05 07:10:09", "dequeued")]
    assert "customer_identified" not in dict(map(reversed, timeline(events)))  # type: ignore[arg-type]


def test_who_hangs_up_in_the_queue_abandons_it_and_who_hangs_up_before_only_leaves_the_flow(tmp_path: Path) -> None:
    [gave_up, lost], _ = told(archive(tmp_path, GAVE_UP, LOST))
    assert gave_up[-1].dequeued.kind == queueing_pb2.DEQUEUE_KIND_ABANDONED
    assert lost[-1].flow_exited.queue == "PS"
    assert len(lost) == 3


def test_returned_calls_are_callbacks_and_a_server_without_name_is_an_unknown_agent(tmp_path: Path) -> None:
    [events], summary = told(archive(tmp_path, RETURNED))
    assert events[0].contact_arrived.direction == observation_pb2.DIRECTION_CALLBACK
    assert events[-1].leg_ended.agent == ""
    assert summary.oddities["no_server_answered"] == 1


def test_phantoms_are_counted_and_left_out(tmp_path: Path) -> None:
    contacts, summary = told(archive(tmp_path, PHANTOM))
    assert contacts == []
    assert summary.oddities == {"phantom": 1}


def test_an_agent_in_two_services_at_once_is_kept_and_counted(tmp_path: Path) -> None:
    later = SERVED.replace("50001", "50009").replace("9:00:35 9:02:35 120 RUTH", "9:02:34 9:03:34 60 RUTH")
    next_day = SERVED.replace("990105", "990106")
    contacts, summary = told(archive(tmp_path, later, SERVED, next_day, RETURNED, RETURNED.replace("50005", "50010")))
    assert len(contacts) == 5
    assert (summary.oddities["overlapping_service"], summary.oddity_lines["overlapping_service"]) == (1, [2])


def test_lengths_are_exact_over_midnight(tmp_path: Path) -> None:
    [events], summary = told(archive(tmp_path, OVER_MIDNIGHT))
    times = [time for time, _ in timeline(events)]
    assert times == [
        "01-05 21:58:00", "01-05 21:58:00", "01-05 21:58:10", "01-05 21:58:10",
        "01-05 22:00:10", "01-05 22:00:09", "01-05 22:00:09", "01-05 22:03:09",
    ]  # fmt: skip
    assert summary.oddities["midnight_crossing"] == 1


@pytest.mark.parametrize(
    ("date", "entry", "first"),
    [
        ("990105", "9:00:00", "01-05 07:00:00"),  # winter
        ("990701", "9:00:00", "07-01 06:00:00"),  # summer time
        ("990402", "1:59:50", "04-01 23:59:50"),  # just before the clock is set forward
        ("990903", "0:30:00", "09-02 21:30:00"),  # the day it is set back
    ],
)
def test_instants_are_those_of_the_banks_wall_clock_that_year(
    tmp_path: Path, date: str, entry: str, first: str
) -> None:
    row = SERVED.replace("990105", date).replace("9:00:00", entry)
    [events], _ = told(archive(tmp_path, row))
    assert timeline(events)[0][0] == first


def test_a_wait_over_a_clock_change_is_as_long_as_the_row_says(tmp_path: Path) -> None:
    row = "AA0101 1 0 0 PS 990402 1:59:00 1:59:10 10 1:59:10 2:00:10 60 AGENT 2:00:10 2:01:10 60 RUTH"
    [events], _ = told(archive(tmp_path, row))
    assert events[4].event_time.seconds - events[3].event_time.seconds == 60


def test_another_zone_can_be_asked_for(tmp_path: Path) -> None:
    [events], _ = told(archive(tmp_path, SERVED), time_zone="UTC")
    assert timeline(events)[0][0] == "01-05 09:00:00"
    with pytest.raises(NotThisFormat, match="no time zone 'Mars/Base'"):
        told(archive(tmp_path, SERVED), time_zone="Mars/Base")


@pytest.mark.parametrize(
    ("row", "oddity"),
    [
        (SERVED.replace("7001001", "3.06E+08"), "customer_id_rounded"),
        (SERVED.replace("9:00:06 6 9:00:06", "8:59:50 -10 9:00:06"), "negative_ivr_time"),
        (SERVED.replace(" 30 AGENT", " 31 AGENT"), "q_time_mismatch"),
        (SERVED.replace(" 120 RUTH", " 119 RUTH"), "ser_time_mismatch"),
        (SERVED.replace(" 30 AGENT", " -30 AGENT"), "negative_length"),
        (SERVED.replace(" 6 9:00:06", " 7 9:00:06"), "vru_time_mismatch"),
        (SERVED.replace("9:00:35 9:02:35 120", "0:00:00 0:00:00 0"), "service_instants_untold"),
        (AT_ONCE, "service_before_ivr_exit"),
        (GAVE_UP.replace("0:00:00 0:00:00 0 NO_SERVER", "9:21:05 9:22:05 60 NO_SERVER"), "hang_with_service"),
        (SERVED.replace("AGENT", "ROBOT"), "unknown_outcome"),
        (SERVED.replace("990105", "990231"), "malformed_line"),
        (SERVED.replace("990105", "99-1-5"), "malformed_line"),
        (SERVED.replace("9:00:35", "9:75:35"), "time_untold"),
        (SERVED.replace(" 120 ", " 120.0 "), "length_odd"),
        (SERVED.replace(" 2 PS", " high PS"), "priority_odd"),
        (SERVED.replace("7001001 2 PS", "7001001 2 "), "type_untold"),
        (SERVED.replace("RUTH", ""), "server_untold"),
        (SERVED + " more", "extra_columns"),
    ],
)
def test_what_is_odd_about_a_row_is_counted_by_its_name(tmp_path: Path, row: str, oddity: str) -> None:
    _, summary = told(archive(tmp_path, LOST, row))
    assert oddity in ODDITIES
    assert summary.oddities[oddity] == 1
    assert summary.oddity_lines[oddity] == [3]


@pytest.mark.parametrize("column", [name for name in COLUMNS if name.endswith(("_entry", "_start", "_exit", "_time"))])
@pytest.mark.parametrize("wrong", ["", "x", "61.5"])
def test_a_time_or_length_that_is_empty_or_garbled_follows_from_the_others(
    tmp_path: Path, column: str, wrong: str
) -> None:
    row = SERVED.replace("9:00:35", "9:00:36").replace("120", "119")
    [before], _ = told(archive(tmp_path, row))
    texts = row.split(" ")
    texts[COLUMNS.index(column)] = wrong
    [after], summary = told(archive(tmp_path, " ".join(texts)))
    assert ids([after]) == ids([before])
    assert summary.oddities == {"length_odd" if column.endswith("_time") else "time_untold": 1}


def test_a_length_that_a_spreadsheet_wrote_with_decimals_counts_as_told(tmp_path: Path) -> None:
    row = SERVED.replace(" 30 AGENT", " 45 AGENT")
    [before], _ = told(archive(tmp_path, row))
    [after], _ = told(archive(tmp_path, row.replace(" 45 ", " 45.00 ")))
    assert ids([after]) == ids([before])


def test_a_row_without_type_or_server_is_a_call_all_the_same(tmp_path: Path) -> None:
    bare = SERVED.replace("7001001 2 PS", "7001001 2 ").replace("RUTH", "")
    [events], summary = told(archive(tmp_path, bare))
    assert [event.WhichOneof("body") for event in events][-2:] == ["bridged", "leg_ended"]
    assert (events[-2].bridged.queue, events[-2].bridged.agent) == ("", "")
    path = archive(tmp_path, bare, name="cut.txt")
    path.write_bytes(path.read_bytes().replace(b"\t\r\n", b"\r\n"))
    assert ids(told(path)[0]) == ids([events])
    assert summary.oddities["server_untold"] == summary.oddities["type_untold"] == 1


def test_a_told_length_counts_where_the_instants_contradict_it(tmp_path: Path) -> None:
    row = SERVED.replace(" 30 AGENT", " 45 AGENT").replace(" 120 RUTH", " 100 RUTH")
    [events], _ = told(archive(tmp_path, row))
    times = {name: event.event_time.seconds for event, (_, name) in zip(events, timeline(events), strict=True)}
    assert times["dequeued"] - times["enqueued"] == 45
    assert times["leg_ended"] - times["leg_answered"] == 100


def test_a_start_of_zero_is_midnight_if_the_call_stands_there_and_a_wait_is_told(tmp_path: Path) -> None:
    row = "AA0101 1 0 0 PS 990105 23:59:55 0:00:00 5 0:00:00 0:01:00 60 HANG 0:00:00 0:00:00 0 NO_SERVER"
    [events], _ = told(archive(tmp_path, row))
    assert timeline(events)[-2:] == [("01-05 22:00:00", "enqueued"), ("01-05 22:01:00", "dequeued")]


def test_a_start_of_zero_by_day_is_none_though_a_wait_is_told(tmp_path: Path) -> None:
    [events], _ = told(archive(tmp_path, LOST.replace("0:00:00 0:00:00 0 HANG", "0:00:00 9:31:04 60 HANG")))
    assert [name for _, name in timeline(events)] == ["contact_arrived", "flow_entered", "flow_exited"]


def test_the_same_rows_written_otherwise_are_the_same_events(tmp_path: Path) -> None:
    plain, _ = told(archive(tmp_path, *ROWS))
    padded = [row.replace(" 9:", " 09:").replace("990105", "19990105") for row in reversed(ROWS)]
    columns = [*reversed(COLUMNS)]
    turned = ["\t".join(reversed(tabs(row).split("\t"))) + "\t" for row in padded]
    path = tmp_path / "other.txt.gz"
    path.write_bytes(gzip.compress("\n".join(["\t".join(columns), "", *turned]).encode()))
    other, summary = told(path)
    assert ids(other) == ids(plain)
    assert set(ids(plain).values()) == {1}
    assert summary.oddities["blank_line"] == 1


def test_columns_may_be_parted_by_blanks_and_the_header_may_be_missing(tmp_path: Path) -> None:
    plain, _ = told(archive(tmp_path, *ROWS))
    path = tmp_path / "other.txt"
    path.write_text("\n".join(ROWS))
    other, summary = told(path)
    assert ids(other) == ids(plain)
    assert "truncated_last_line" not in summary.oddities


def test_a_corrected_row_is_the_same_contact_with_other_events_where_it_was_corrected(tmp_path: Path) -> None:
    [before], _ = told(archive(tmp_path, SERVED))
    [after], _ = told(archive(tmp_path, SERVED.replace("9:02:35 120", "9:02:45 130")))
    changed = [new.WhichOneof("body") for old, new in zip(before, after, strict=True) if old.event_id != new.event_id]
    assert changed == ["leg_ended"]
    assert {event.contact.contact_id for event in before + after} == {before[0].contact.contact_id}


@pytest.mark.parametrize("cut", [4, 30, 60, 80])
def test_a_file_that_ends_within_a_row_is_told_up_to_there(tmp_path: Path, cut: int) -> None:
    path = archive(tmp_path, SERVED, AT_ONCE)
    path.write_bytes(path.read_bytes()[: -cut - 2])
    contacts, summary = told(path)
    assert len(contacts) == 1
    assert summary.oddities["truncated_last_line"] == 1


@pytest.mark.parametrize("half", ["", "R", "RUT", "NO", "NO_SERVE"])
def test_half_the_name_of_a_server_is_no_other_agent(tmp_path: Path, half: str) -> None:
    path = archive(tmp_path, SERVED, AT_ONCE)
    path.write_bytes(path.read_bytes().removesuffix(b"RUTH\r\n") + half.encode())
    contacts, summary = told(path)
    assert len(contacts) == 1
    assert summary.oddities["truncated_last_line"] == 1


@pytest.mark.parametrize("row", [AT_ONCE, AT_ONCE.replace("RUTH", "MOSES"), GAVE_UP])
@pytest.mark.parametrize("end", ["", "\r"])
def test_a_last_row_that_is_whole_is_told_though_its_line_does_not_end(tmp_path: Path, row: str, end: str) -> None:
    path = archive(tmp_path, SERVED, row)
    whole, _ = told(path)
    path.write_bytes(path.read_bytes().removesuffix(b"\r\n") + end.encode())
    contacts, summary = told(path)
    assert ids(contacts) == ids(whole)
    assert "truncated_last_line" not in summary.oddities


def test_a_row_told_twice_is_counted_and_makes_the_same_events(tmp_path: Path) -> None:
    contacts, summary = told(archive(tmp_path, SERVED, SERVED))
    assert summary.oddities["duplicate_row"] == 1
    assert set(ids(contacts).values()) == {2}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "it holds no rows"),
        (b"\r\n\r\n", "it holds no rows"),
        (b"name;age\nruth;41\n", "line 1: it has fewer than 17 columns"),
        (HEADER.encode() + b"\nAA0101\t1\t2\n", "line 2: it has fewer than 17 columns"),
        (tabs(SERVED).replace("9:00:0", "nine").encode(), "line 1: a time of day is not h:mm:ss"),
        (tabs(SERVED).replace("AGENT", "ROBOT").encode(), "line 1: the outcome is none of AGENT, HANG, PHANTOM"),
        (bytes(range(256)) * 20, "line 1"),
    ],
)
def test_a_file_that_is_something_else_is_refused_by_its_first_wrong_line(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "other.txt"
    path.write_bytes(content)
    with pytest.raises(NotThisFormat, match=complaint):
        told(path)


def test_a_missing_file_and_one_cut_off_say_so(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match=r"nowhere\.txt cannot be read"):
        told(tmp_path / "nowhere.txt")
    path = tmp_path / "cut.txt.gz"
    whole = gzip.compress("\r\n".join([HEADER, *map(tabs, ROWS * 200)]).encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CannotRead, match="cut off"):
        told(path)


def test_a_file_of_two_bytes_a_character_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "wide.txt"
    path.write_text("vru+line\tcall_id", encoding="utf-16")
    with pytest.raises(CannotRead, match=r"wide\.txt has two bytes a character"):
        told(path)
