"""The small parts of an import: lines, ids, batches, marks, days."""

import gzip
import tempfile
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_life import identity
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent
from holdfast.call_events.v1.observation_pb2 import TIME_PRECISION_SECOND
from holdfast_cli import imports
from holdfast_cli.importing.asterisk_queue_log import tell_queue_log
from holdfast_cli.importing.bank_1999 import tell_bank_1999
from holdfast_cli.importing.batching import Acknowledged, Batch, batches_of
from holdfast_cli.importing.call_spool import CallSpool
from holdfast_cli.importing.errors import ImportFailed
from holdfast_cli.importing.event_ids import EventIds
from holdfast_cli.importing.lines import lines_of
from holdfast_cli.importing.local_days import LocalDays
from holdfast_cli.importing.queue_log_file import ODDITIES
from holdfast_cli.importing.queue_log_line import QueueLogLine
from holdfast_cli.importing.resuming import Mark
from holdfast_cli.importing.telling import ImportSummary, Telling
from holdfast_cli.imports import Imported


@given(st.text(), st.text(), st.text(max_size=20), st.text())
def test_ids_are_those_that_every_teller_makes(source_id: str, native_id: str, kind: str, revision: str) -> None:
    kind = kind.encode("ascii", "ignore").decode()
    assert EventIds(source_id, native_id).of(kind, revision) == identity.event_id(source_id, native_id, kind, revision)


_FIELD = st.one_of(
    st.sampled_from(
        ["", "NONE", "0:00:00", "23:59:59", "990105", "AGENT", "HANG", "RUTH", "1700000000", "-1", "9" * 40, "9" * 5000]
    ),
    st.sampled_from([*'\t|,;"\r\0', "ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "ABANDON", "RINGNOANSWER", "PAUSE"]),
    st.text(max_size=8),
)
_LINE = st.lists(_FIELD, max_size=20)


@given(lines=st.lists(_LINE, max_size=8), delimiter=st.sampled_from(["\t", "|", ",", ";"]), good=st.booleans())
def test_whatever_a_file_holds_it_is_told_or_counted_or_refused_in_words(
    *, lines: list[list[str]], delimiter: str, good: bool
) -> None:
    bank = "AA0101 5 7 2 PS 990105 9:00:00 9:00:06 6 9:00:06 9:00:36 30 AGENT 9:00:35 9:02:35 120 RUTH"
    rows = [bank, "1700000000|1.1|q|NONE|ENTERQUEUE||1|1"] if good else []
    content = "\n".join(rows + [delimiter.join(line) for line in lines])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content.encode())
        for tell in (tell_bank_1999, tell_queue_log):
            summary = ImportSummary()
            with suppress(ImportFailed):
                assert all(
                    telling.contact_events or telling.agent_events for telling in tell(path, summary, tenant="t")
                )


def test_lines_are_the_same_plain_or_packed_and_the_last_may_have_no_end(tmp_path: Path) -> None:
    content = "\ufeffeins\r\nzwei\n\ndrei".encode()
    (tmp_path / "plain").write_bytes(content)
    (tmp_path / "packed").write_bytes(gzip.compress(content))
    for name in ("plain", "packed"):
        lines = list(lines_of(tmp_path / name))
        assert [line.text for line in lines] == ["eins", "zwei", "", "drei"]
        assert [line.ended for line in lines] == [True, True, True, False]
        assert lines[-1].read == 1.0


def test_bytes_that_are_no_text_are_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"M\xfcller\n" + b"x" * 100_000)
    assert next(iter(lines_of(tmp_path / "file"))).text == "Müller"
    assert max(len(line.text) for line in lines_of(tmp_path / "file")) <= 65_536


SIZES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=60)


@given(SIZES, st.integers(1, 20), st.integers(0, 1000))
def test_a_batch_says_up_to_which_telling_of_the_file_it_reaches(
    sizes: list[tuple[int, int]], most: int, start: int
) -> None:
    tellings = [Telling([ContactEvent()] * contact, [AgentEvent()] * agent) for contact, agent in sizes]
    reached, events = start, 0
    for batch in batches_of(tellings, most, start):
        events += batch.events
        reached = batch.tellings
        assert events == sum(map(sum, sizes[: reached - start]))
        batch.tellings = -1  # what becomes of a batch is nothing to the next
    assert events == sum(map(sum, sizes))
    assert start <= reached <= start + len(sizes)


@given(SIZES, st.integers(1, 20))
def test_batches_hold_every_event_once_in_order_and_few_of_them(sizes: list[tuple[int, int]], most: int) -> None:
    tellings = [Telling([ContactEvent()] * contact, [AgentEvent()] * agent) for contact, agent in sizes]
    batches = list(batches_of(tellings, most))
    assert sum(batch.events for batch in batches) == sum(map(sum, sizes))
    for batch in batches:
        assert max(len(batch.contact_events), len(batch.agent_events)) <= max(most, 9)
    marks = [batch.tellings for batch in batches]
    assert marks == sorted(set(marks))


@given(st.permutations(range(1, 8)))
def test_what_is_acknowledged_has_no_gap(order: list[int]) -> None:
    acknowledged = Acknowledged()
    batches = {number: Batch(number * 10) for number in range(1, 8)}
    for batch in batches.values():
        acknowledged.sent(batch)
    done: set[int] = set()
    for number in order:
        acknowledged.acknowledge(batches[number])
        done.add(number)
        without_gap = next(last for last in range(8) if last + 1 not in done)
        assert acknowledged.tellings == without_gap * 10


def test_a_mark_belongs_to_the_files_content_and_to_what_is_made_of_it(tmp_path: Path) -> None:
    file, marks = tmp_path / "file", tmp_path / "marks"
    file.write_text("one")
    Mark(marks, file, "acme/UTC").write(7)
    assert Mark(marks, file, "acme/UTC").read() == 7
    assert Mark(marks, file, "other/UTC").read() == 0
    file.write_text("two")
    assert Mark(marks, file, "acme/UTC").read() == 0
    assert Mark(None, file, "acme/UTC").read() == 0


def test_a_broken_mark_is_none(tmp_path: Path) -> None:
    mark = Mark(tmp_path / "marks", tmp_path / "file", "acme")
    mark.write(7)
    (path,) = (tmp_path / "marks").iterdir()
    for content in ("", "{}", '{"tellings": "x"}', '{"tellings": -1}', "[]"):
        path.write_text(content)
        assert mark.read() == 0
    mark.remove()
    mark.remove()
    assert not list((tmp_path / "marks").iterdir())


def test_days_of_a_clock_change_have_23_and_25_hours() -> None:
    days = LocalDays(ZoneInfo("Asia/Jerusalem"))
    assert days.instant("990403", 0) - days.instant("990402", 0) == 23 * 3600
    assert days.instant("990904", 0) - days.instant("990903", 0) == 25 * 3600
    assert days.instant("990402", 3 * 3600) - days.instant("990402", 3600) == 3600
    assert LocalDays(ZoneInfo("UTC")).instant("700101", 0) == 0
    assert LocalDays(ZoneInfo("UTC")).instant("000101", 0) == 946_684_800


def test_lines_of_a_call_come_together_however_they_are_strewn() -> None:
    with CallSpool() as spool:
        for number in range(5000):
            call = f"{number % 7 or ''}"
            spool.add(QueueLogLine(5000 - number, TIME_PRECISION_SECOND, call, "q", "a", "V", ("x", "", "y")))
        assert spool.calls() == 6
        calls = {call: list(lines) for call, lines in spool.by_call()}
    assert list(calls) == ["", "1", "2", "3", "4", "5", "6"]
    assert sum(map(len, calls.values())) == 5000
    for lines in calls.values():
        assert lines == sorted(lines)
        assert lines[0].data == ("x", "", "y")


def test_what_was_odd_is_told_with_its_meaning(capfd: pytest.CaptureFixture[str]) -> None:
    summary = ImportSummary()
    summary.oddities.update({"no_call": 1, "unknown_verb:FROBNICATE": 2})
    imports.show(Imported(summary, None, None, "", time_zone_set=False), "queue_log", ODDITIES)
    shown = capfd.readouterr().out
    assert all(ODDITIES[name] in shown for name in ("no_call", "unknown_verb:<verb>"))
