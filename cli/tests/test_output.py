"""What people read: lengths, ratios, counts, tables."""

import json

import pytest

from holdfast_cli import output
from holdfast_cli.output import cell, clock, counted, percent


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "-"),
        (0.0, "0:00"),
        (7.4, "0:07"),
        (59.6, "1:00"),
        (3600.0, "1:00:00"),
        (86_399.0, "23:59:59"),
        (-5, "-0:05"),
    ],
)
def test_a_length_is_written_as_a_clock_shows_it(seconds: float | None, written: str) -> None:
    assert clock(seconds) == written


def test_a_ratio_is_written_in_per_cent() -> None:
    assert percent(0.12345) == "12.3 %"
    assert percent(None) == "-"


def test_thousands_are_parted_and_nothing_is_a_dash() -> None:
    assert [cell(value) for value in (1234567, 1234.5, None, True, "as it is")] == [
        "1,234,567",
        "1,234.50",
        "-",
        "yes",
        "as it is",
    ]


def test_a_noun_follows_its_number() -> None:
    assert [counted(1, "event"), counted(2000, "event"), counted(2, "day", "days")] == [
        "1 event",
        "2,000 events",
        "2 days",
    ]


def test_a_table_keeps_every_id_whole_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    contact = "25b1fd9a-b03e-58f8-8c05-f8fc9d89db12"
    output.table("Contacts", ["contact", "wait", "why"], [[contact, "0:12", "x" * 90]])
    assert contact in capsys.readouterr().out


def test_words_stand_left_and_numbers_right(capsys: pytest.CaptureFixture[str]) -> None:
    output.table("Queues", ["queue", "offered", "when"], [["PS", 12, "2026-01-05 10:00:00"], ["NEW", 1234, "-"]])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[-2:] == [" PS          12  2026-01-05 10:00:00", " NEW      1,234  -"]


def test_markup_in_data_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    output.table("Queues", ["queue"], [["[red]sales[/red]"]])
    output.fields("Found", {"queue": "[bold]"})
    output.say("[link=x]")
    shown = capsys.readouterr().out
    assert "[red]sales[/red]" in shown
    assert "[bold]" in shown
    assert "[link=x]" in shown


def test_a_json_document_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.as_json({"queue": "Künden\n", "offered": 3})
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1
    assert json.loads(shown) == {"queue": "Künden\n", "offered": 3}


def test_what_went_wrong_goes_to_stderr_with_a_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        output.stop("Port 7701 is taken: choose others.")
    assert ended.value.code == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "holdfast: Port 7701 is taken: choose others.\n")
