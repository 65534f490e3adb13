"""Lines of an Asterisk queue_log become contacts and rings; made-up lines, one call a table."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from contact_life import identity
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent
from holdfast.call_events.v1.queueing_pb2 import DequeueKind
from holdfast_cli.importing.asterisk_queue_log import tell_queue_log
from holdfast_cli.importing.errors import NotThisFormat
from holdfast_cli.importing.telling import ImportSummary

START = 1_700_000_000
SERVED = """
0  100.1 sales NONE      ENTERQUEUE    |+441632960001|1
0  100.1 sales SIP/2001  RINGNOANSWER  5000
6  100.1 sales SIP/2002  CONNECT       6|100.2|2
66 100.1 sales SIP/2002  COMPLETECALLER 6|60|1
"""
GAVE_UP = """
10 100.3 sales NONE      ENTERQUEUE    |anonymous|2
31 100.3 sales NONE      ABANDON       1|2|21
"""


def lines(*tables: str) -> list[str]:
    """Lines of the file: seconds, call, queue, agent, verb, data; a part of a second may follow a point."""
    made = []
    for row in "".join(tables).split("\n"):
        if row.strip():
            seconds, call, queue, agent, verb, *data = row.split(maxsplit=5)
            whole, _, part = seconds.partition(".")
            stamp = f"{START + int(whole)}{'.' * bool(part)}{part}"
            made.append("|".join([stamp, call, queue, agent, verb, *data]))
    return made


def log(folder: Path, content: Iterable[str], name: str = "queue_log", end: str = "\n") -> Path:
    path = folder / name
    path.write_text("\n".join(content) + end)
    return path


class Told:
    """What a file tells."""

    def __init__(self, path: Path, **options: str) -> None:
        self.summary = ImportSummary()
        self.contacts: list[Sequence[ContactEvent]] = []
        self.agents: list[AgentEvent] = []
        for telling in tell_queue_log(path, self.summary, tenant="acme", source_id="pbx", **options):
            self.agents += telling.agent_events
            if telling.contact:
                self.contacts.append(telling.contact_events)

    def timeline(self, contact: int = 0) -> list[tuple[float, str]]:
        return [(at(event), str(event.WhichOneof("body"))) for event in self.contacts[contact]]

    def visits(self, contact: int = 0) -> list[tuple[str, float, str]]:
        """Queue, wait in seconds and end of each visit of a contact, by its beginning."""
        begun, visits = {}, []
        for event in self.contacts[contact]:
            if event.HasField("enqueued"):
                begun[event.enqueued.visit_id] = event
            if event.HasField("dequeued"):
                start = begun.pop(event.dequeued.visit_id)
                kind = DequeueKind.Name(event.dequeued.kind).removeprefix("DEQUEUE_KIND_").lower()
                visits.append((at(start), (event.dequeued.queue, round(at(event) - at(start), 6), kind)))
        visits += [(at(event), (event.enqueued.queue, 0.0, "waiting")) for event in begun.values()]
        return [visit for _, visit in sorted(visits)]

    @property
    def events(self) -> Counter[bytes]:
        whole = [*self.agents, *(event for contact in self.contacts for event in contact)]
        return Counter(event.SerializeToString(deterministic=True) for event in whole)

    @property
    def rings(self) -> list[tuple[str, int, int]]:
        ended = [event.agent_ring_ended for event in self.agents if event.HasField("agent_ring_ended")]
        return [(ring.agent, ring.ring_ms, ring.outcome) for ring in ended]


def at(event: ContactEvent | AgentEvent) -> float:
    """Seconds from START."""
    return event.event_time.seconds - START + event.event_time.nanos / 1e9


def read(folder: Path, *tables: str) -> Told:
    return Told(log(folder, lines(*tables)))


def test_a_served_call_waits_as_long_as_connect_says_and_talks_as_long_as_complete_says(tmp_path: Path) -> None:
    told = read(tmp_path, SERVED)
    assert told.timeline() == [
        (0, "contact_arrived"),
        (0, "enqueued"),
        (6, "dequeued"),
        (6, "leg_answered"),
        (6, "bridged"),
        (66, "leg_ended"),
    ]
    arrived = told.contacts[0][0]
    assert arrived.contact.contact_id == identity.contact_id("acme", "pbx", "100.1")
    assert arrived.contact_arrived.caller.number == "+441632960001"
    assert arrived.contact_arrived.observation.native_type == "ENTERQUEUE"
    assert told.contacts[0][4].bridged.peer_leg_id == "100.2"
    assert told.rings == [("SIP/2002", 2000, 1), ("SIP/2001", 5000, 2)]
    assert not told.summary.oddities


def test_a_caller_who_gives_up_abandoned_the_queue_and_a_hidden_number_is_told_as_it_is(tmp_path: Path) -> None:
    told = read(tmp_path, GAVE_UP)
    assert told.visits() == [("sales", 21, "abandoned")]
    assert told.contacts[0][0].contact_arrived.caller.number == "anonymous"


def test_no_id_is_made_of_a_callers_number(tmp_path: Path) -> None:
    one = read(tmp_path, SERVED)
    other = read(tmp_path, SERVED.replace("+441632960001", "+441632960002"))
    assert [event.event_id for event in one.contacts[0]] == [event.event_id for event in other.contacts[0]]


def test_a_call_may_visit_several_queues_and_one_of_them_twice(tmp_path: Path) -> None:
    told = read(
        tmp_path,
        """
        0   7.1 first  NONE ENTERQUEUE      |+441632960001|1
        30  7.1 first  NONE EXITWITHTIMEOUT 1|1|30
        30  7.1 second NONE ENTERQUEUE      |+441632960001|4
        50  7.1 second NONE EXITWITHKEY     1|3|4|20
        55  7.1 first  NONE ENTERQUEUE      |+441632960001|1
        95  7.1 first  SIP/1 CONNECT        40|7.2|3
        100 7.1 first  SIP/1 BLINDTRANSFER  300|internal|40|5|1
        100 7.1 second NONE ENTERQUEUE      |+441632960001|1
        107 7.1 second NONE ABANDON         1|1|7
        """,
    )
    assert told.visits() == [
        ("first", 30, "timeout"),
        ("second", 20, "key_pressed"),
        ("first", 40, "answered"),
        ("second", 7, "abandoned"),
    ]
    assert [name for _, name in told.timeline()].count("contact_arrived") == 1


@pytest.mark.parametrize(
    ("verb", "data", "kind", "target"),
    [
        ("TRANSFER", "300|internal|6|60|1", 2, "300@internal"),
        ("BLINDTRANSFER", "300|internal|6|60|1", 2, "300@internal"),
        ("ATTENDEDTRANSFER", "BRIDGE|b-17|6|60|1", 1, "BRIDGE:b-17"),
        ("ATTENDEDTRANSFER", "LINK|SIP/1-a|SIP/2-b|6|60|1", 1, "LINK:SIP/1-a:SIP/2-b"),
    ],
)
def test_a_transfer_ends_the_talk_and_tells_where_the_caller_went(
    tmp_path: Path, verb: str, data: str, kind: int, target: str
) -> None:
    told = read(tmp_path, SERVED.replace("COMPLETECALLER 6|60|1", f"{verb} {data}"))
    started, completed, ended = told.contacts[0][-3:]
    assert (started.transfer_started.kind, started.transfer_started.target.endpoint) == (kind, target)
    assert started.transfer_started.transfer_id == completed.transfer_completed.transfer_id
    assert (at(ended), ended.WhichOneof("body")) == (66, "leg_ended")


@pytest.mark.parametrize(
    ("verb", "kind"), [("JOINEMPTY", "closed"), ("CLOSED", "closed"), ("FULL", "full"), ("DIVERT_CA_RATIO", "overflow")]
)
def test_who_is_turned_away_made_a_visit_of_no_length(tmp_path: Path, verb: str, kind: str) -> None:
    told = read(tmp_path, f"5 8.1 sales NONE {verb}")
    assert told.visits() == [("sales", 0, kind)]


@pytest.mark.parametrize(("verb", "kind"), [("JOINEMPTY", "closed"), ("FULL", "full"), ("CLOSED", "closed")])
def test_who_is_turned_away_after_entering_waits_no_longer(tmp_path: Path, verb: str, kind: str) -> None:
    entered = "0 8.1 sales NONE ENTERQUEUE |+441632960001|1\n"
    told = read(tmp_path, f"{entered} 2 8.1 sales NONE {verb}")
    assert told.visits() == [("sales", 2, kind)]
    assert not told.summary.oddities
    tried = read(tmp_path, f"0 8.1 sales NONE {verb}\n{entered} 30 8.1 sales NONE ABANDON 1|1|30")
    assert sorted(tried.visits()) == [("sales", 0, kind), ("sales", 30, "abandoned")]


def test_an_end_told_in_two_words_ends_one_visit(tmp_path: Path) -> None:
    told = read(
        tmp_path,
        """
        0.992026 9.1 one   NONE ENTERQUEUE
        1.008464 9.1 one   NONE EXITEMPTY
        1.025775 9.1 one   NONE LEAVEEMPTY
        2.206645 9.1 one   NONE ENTERQUEUE
        9.206645 9.1 one   SIP/1 CONNECT
        19.20664 9.1 one   SIP/1 COMPLETEAGENT
        """,
    )
    assert told.visits() == [("one", 0.016438, "closed"), ("one", 7, "answered")]
    assert told.summary.oddities == {"second_end": 1}


def test_connect_stamped_before_enterqueue_still_answers_it(tmp_path: Path) -> None:
    told = read(
        tmp_path,
        """
        1 3.1 sales SIP/1 CONNECT       0|3.2|0
        2 3.1 sales NONE  ENTERQUEUE    |+441632960001|1
        9 3.1 sales SIP/1 COMPLETEAGENT 0|8|1
        """,
    )
    assert told.visits() == [("sales", 0, "answered")]
    assert told.summary.oddities == {"connect_before_enter": 1}


def test_complete_without_connect_tells_when_the_talk_began(tmp_path: Path) -> None:
    told = read(
        tmp_path,
        """
        0  3.1 sales NONE  ENTERQUEUE     |+441632960001|1
        50 3.1 sales SIP/1 COMPLETECALLER 12|38|1
        """,
    )
    assert told.visits() == [("sales", 12, "answered")]
    assert told.timeline()[-1] == (50, "leg_ended")
    assert told.summary.oddities == {"complete_without_connect": 1}


def test_a_call_that_began_in_an_earlier_file_has_the_wait_that_its_end_tells(tmp_path: Path) -> None:
    told = read(tmp_path, "50 3.1 sales SIP/1 CONNECT 12|3.2")
    assert told.visits() == [("sales", 12, "answered")]
    assert told.summary.oddities == {"connect_without_enter": 1, "still_talking": 1}


def test_calls_open_at_the_end_of_the_file_are_told_as_far_as_they_came(tmp_path: Path) -> None:
    told = read(tmp_path, "0 3.1 sales NONE ENTERQUEUE |1|1", "\n1 3.2 sales SIP/1 CONNECT 1|9.9|1")
    assert told.visits(0) == [("sales", 0, "waiting")]
    assert told.summary.oddities["still_waiting"] == 1


def test_the_told_wait_counts_where_the_stamps_differ_from_it(tmp_path: Path) -> None:
    told = read(tmp_path, SERVED.replace("CONNECT       6|", "CONNECT       5|").replace("6|60|", "5|61|"))
    assert told.visits() == [("sales", 5, "answered")]
    bridged = next(event for event in told.contacts[0] if event.HasField("bridged"))
    assert bridged.bridged.observation.extra["stamp_us"] == str((START + 6) * 1_000_000)
    assert not told.summary.oddities


def test_a_wrap_up_follows_the_talk_and_lasts_as_long_as_told(tmp_path: Path) -> None:
    told = read(tmp_path, SERVED, "67 100.1 sales SIP/2002 WRAPUPSTART 30")
    assert told.timeline()[-2:] == [(66, "wrap_up_started"), (96, "wrap_up_ended")]


def test_endpoints_that_ring_twice_within_a_second_rang_twice(tmp_path: Path) -> None:
    ring = "\n3 100.1 sales SIP/2001 RINGNOANSWER 1000"
    told = read(tmp_path, SERVED, ring, ring)
    assert len(told.rings) == 4
    assert max(told.events.values()) == 1


def test_agents_come_pause_and_go(tmp_path: Path) -> None:
    told = read(
        tmp_path,
        """
        0  MANAGER  sales SIP/2001   ADDMEMBER  PAUSED
        1  NONE     NONE  Agent/3001 AGENTCALLBACKLOGIN 1002@internal
        5  NONE     sales SIP/2001   UNPAUSE
        9  NONE     NONE  SIP/2001   PAUSEALL   lunch
        12 NONE     NONE  Agent/3001 WRAPUPSTART 15
        20 NONE     NONE  Agent/3001 AGENTCALLBACKLOGOFF 1002@internal|19|Autologoff
        21 REALTIME sales SIP/2001   REMOVEMEMBER
        22 NONE     NONE  NONE       QUEUESTART
        """,
    )
    assert [(at(event), event.WhichOneof("body")) for event in told.agents] == [
        (0, "agent_logged_in"),
        (0, "agent_state_changed"),
        (1, "agent_logged_in"),
        (5, "agent_state_changed"),
        (9, "agent_state_changed"),
        (12, "agent_state_changed"),
        (27, "agent_state_changed"),
        (20, "agent_logged_out"),
        (21, "agent_logged_out"),
        (22, "source_snapshot"),
    ]
    assert told.agents[4].agent_state_changed.reason == "lunch"
    assert told.agents[7].agent_logged_out.cause == "timer"
    assert not told.contacts


@pytest.mark.parametrize(
    ("row", "happened"),
    [
        ("NONE Agent/3001 AGENTLOGIN SIP/2001-1", "agent_logged_in"),
        ("NONE Agent/3001 AGENTLOGOFF SIP/2001-1|600", "agent_logged_out"),
        ("NONE Agent/3001 AGENTCALLBACKLOGIN 2001@internal", "agent_logged_in"),
        ("NONE Agent/3001 AGENTCALLBACKLOGOFF 2001@internal|600|", "agent_logged_out"),
        ("sales SIP/2001 ADDMEMBER", "agent_logged_in"),
        ("sales SIP/2001 REMOVEMEMBER", "agent_logged_out"),
        ("NONE SIP/2001 PAUSEALL lunch", "agent_state_changed"),
        ("sales SIP/2001 UNPAUSE", "agent_state_changed"),
    ],
)
def test_a_line_about_an_agent_that_names_a_call_tells_of_the_agent_and_of_no_contact(
    tmp_path: Path, row: str, happened: str
) -> None:
    told = read(tmp_path, f"5 1700000005.77 {row}")
    assert [(at(event), event.WhichOneof("body")) for event in told.agents] == [(5, happened)]
    assert not told.contacts


def test_a_call_of_which_only_rings_are_told_is_no_contact_of_this_file(tmp_path: Path) -> None:
    told = read(tmp_path, "5 8.1 sales SIP/2001 RINGNOANSWER 5000")
    assert len(told.rings) == 1
    assert not told.contacts


def test_verbs_that_nobody_knows_are_counted_by_name_and_some_say_nothing(tmp_path: Path) -> None:
    told = read(tmp_path, SERVED, "1 NONE NONE NONE CONFIGRELOAD\n2 NONE NONE NONE HOTDESK x\n2 NONE NONE NONE PAUSE")
    assert told.summary.oddities == {"unknown_verb:HOTDESK": 1, "no_agent": 1}


def test_a_log_told_in_another_order_or_with_lines_repeated_is_the_same_events(tmp_path: Path) -> None:
    ordered = lines(SERVED, GAVE_UP)
    whole = Told(log(tmp_path, ordered)).events
    for seed in range(10):
        shuffled = [*ordered, ordered[0], ordered[-1]]
        random.Random(seed).shuffle(shuffled)  # noqa: S311 - a shuffle, no secret
        assert Told(log(tmp_path, shuffled)).events == whole, seed


def test_a_last_line_may_lack_its_end_and_a_broken_one_is_counted(tmp_path: Path) -> None:
    assert Told(log(tmp_path, lines(SERVED), end="")).timeline()[-1] == (66, "leg_ended")
    for half in ("sal", "sales|SIP/2002|COMPLETEAG"):
        broken = [*lines(SERVED), f"{START + 70}|100.1|{half}"]
        told = Told(log(tmp_path, broken, end=""))
        assert told.timeline()[-1] == (66, "leg_ended")
        assert told.summary.oddities == {"truncated_last_line": 1}
    broken = [*lines(SERVED), f"{START + 70}|100.1|sal"]
    middle = Told(log(tmp_path, [*broken, *lines(GAVE_UP)]))
    assert middle.summary.oddities == {"malformed_line": 1}


TABLE = [
    ("2023-11-14 22:13:20", "100.1", "sales", "NONE", "ENTERQUEUE", "", "+441632960001", "1", "", ""),
    ("2023-11-14 22:13:26", "100.1", "sales", "SIP/2002", "CONNECT", "6", "100.2", "2", "", ""),
    ("2023-11-14 22:14:26", "100.1", "sales", "SIP/2002", "COMPLETECALLER", "6", "60", "1", "", ""),
]
COLUMNS = "time,callid,queuename,agent,event,data1,data2,data3,data4,data5"


def quoted(rows: Iterable[Sequence[str]], delimiter: str = ",") -> list[str]:
    return [delimiter.join(f'"{field}"' for field in row) for row in rows]


@pytest.mark.parametrize(
    "content",
    [
        [COLUMNS, *(",".join(row) for row in TABLE)],
        [*(",".join(row) for row in TABLE)],
        [COLUMNS.replace(",", ";"), *quoted(TABLE, ";")],
        ["id," + COLUMNS, *(f"{number}," + ",".join(row) for number, row in enumerate(TABLE))],
        [
            " id | event | callid | queuename | agent | time | data1 | data2 | data3 ",
            "----+-------+--------+-----------+-------+------+-------+-------+-------",
            *(f" 7 | {r[4]} | {r[1]} | {r[2]} | {r[3]} | {r[0]}+00 | {r[5]} | {r[6]} | {r[7]} " for r in TABLE),
        ],
        [f"{number}," + ",".join(row) for number, row in enumerate(TABLE, 1)],
        [f" {number} | " + " | ".join(row) for number, row in enumerate(TABLE, 1)],
        ["data," + COLUMNS + ",created", *("old," + ",".join(row) + ",2001-01-01 00:00:00" for row in TABLE)],
        ["time,call_id,queue,agent,verb,data", *(",".join([*r[:5], f'"{r[5]}|{r[6]}|{r[7]}"']) for r in TABLE)],
        [*(",".join([*r[:5], f'"{r[5]}|{r[6]}|{r[7]}"']) for r in TABLE)],
        ["data," + COLUMNS, *(f"{r[5]}|{r[6]}|{r[7]}," + ",".join(r[:5]) + ",,,,," for r in TABLE)],
    ],
    ids=["header", "bare", "semicolons", "id", "psql", "number", "tuples", "both", "one", "bare one", "filled one"],
)
def test_the_table_tells_what_the_file_tells(tmp_path: Path, content: list[str]) -> None:
    file = read(tmp_path, SERVED.replace("0  100.1 sales SIP/2001  RINGNOANSWER  5000", ""))
    assert Told(log(tmp_path, content, name="table.csv")).events == file.events


def test_times_of_the_table_are_on_the_wall_clock_of_the_zone_unless_they_say_otherwise(tmp_path: Path) -> None:
    local = [tuple(field.replace("22:1", "23:1") for field in row) for row in TABLE]
    table = log(tmp_path, quoted(local))
    assert Told(table, time_zone="Europe/Paris").timeline()[0] == (0, "contact_arrived")
    offset = [(row[0] + ".250000+01:00", *row[1:]) for row in local]
    assert Told(log(tmp_path, quoted(offset)), time_zone="Asia/Tokyo").timeline()[0] == (0.25, "contact_arrived")


@pytest.mark.parametrize(
    "content", [[""], ["a,b,c", "1,2,3"], ["some words", "and more"], ["x|y|z|w|v|u"], ["no\rtable,\0\x07"]]
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, content: list[str]) -> None:
    with pytest.raises(NotThisFormat, match="is no queue_log"):
        Told(log(tmp_path, content))


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00", "9" * 25, "9999-99-99", "253402300800000"])
def test_a_time_that_no_calendar_has_makes_a_line_malformed_and_the_rest_is_told(tmp_path: Path, time: str) -> None:
    told = read(tmp_path, SERVED)
    odd = Told(
        log(tmp_path, [*lines(SERVED), f"{time}|100.9|sales|NONE|ENTERQUEUE||1"], name="odd"), time_zone="Asia/Tokyo"
    )
    assert odd.events == told.events
    assert odd.summary.oddities["malformed_line"] == 1


@pytest.mark.parametrize("length", ["9" * 12, "9" * 30])
def test_a_length_beyond_all_calendars_breaks_nothing(tmp_path: Path, length: str) -> None:
    table = f"0 100.1 sales NONE ENTERQUEUE ||1\n6 100.1 sales SIP/2002 CONNECT {length}|100.2|{length}\n"
    ended = f"66 100.1 sales SIP/2002 COMPLETECALLER {length}|{length}|1\n"
    told = Told(log(tmp_path, lines(table, ended, GAVE_UP.replace("21", length))))
    assert len(told.contacts) == 2


SAMPLE = Path(__file__).parents[3] / "shared/data/pbx/asterisk_queue_log_2010.txt"


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the real log is not there: it is read from ../shared/data/pbx")
def test_the_real_log_has_the_calls_waits_and_rings_that_were_counted_elsewhere() -> None:
    told = Told(SAMPLE)
    visits = [visit for contact in range(len(told.contacts)) for visit in told.visits(contact)]
    waits = {kind: [wait for _, wait, end in visits if end == kind] for kind in ("answered", "abandoned", "waiting")}
    assert {kind: len(of_kind) for kind, of_kind in waits.items()} == {"answered": 8, "abandoned": 12, "waiting": 1}
    assert sum(waits["answered"]) / 8 == 17.875
    assert sum(waits["abandoned"]) / 12 == pytest.approx(17.916667, abs=1e-6)
    ended = [event for contact in told.contacts for event in contact if event.HasField("leg_ended")]
    assert len(ended) == 7
    unanswered = [ring_ms for _, ring_ms, outcome in told.rings if outcome == 2]
    assert len(unanswered) == 221
    assert sum(ring_ms < 10_000 for ring_ms in unanswered) == 217
    assert told.summary.oddities == {"still_talking": 1, "still_waiting": 1}
