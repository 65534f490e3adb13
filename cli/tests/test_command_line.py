"""The command as a person or a program meets it, where nothing runs: sentences that name the remedy, and statuses."""

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest
from typer.main import get_command

from holdfast_cli.__main__ import WORDS, made, main

JWT = "eyJhbGciOiJub25lIn0.eyJ0ZW5hbnQiOiJiYW5rIn0."


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


Holdfast: TypeAlias = Callable[..., Done]


@pytest.fixture
def holdfast(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Holdfast]:
    """Give a way to run the command on an empty data folder."""
    monkeypatch.setenv("HOLDFAST_DATA", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)

    def run(*words: str) -> Done:
        monkeypatch.setattr("sys.argv", ["holdfast", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code is None or isinstance(ended.value.code, int)
        return Done(ended.value.code or 0, *capfd.readouterr())

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    "words",
    [
        ("queues", "--from", "1999-01-01", "--to", "1999-02-01"),
        ("agents", "--from", "1999-01-01", "--to", "1999-02-01", "--json"),
        ("flows", "--from", "1999-01-01", "--to", "1999-02-01", "--by-node-path"),
        ("scorecard", "anna", "--from", "1999-01-01", "--to", "1999-02-01"),
        ("tail",),
        ("rebuild", "metrics", "--json"),
        ("audit", "verify"),
        ("time-zone", "Europe/Berlin"),
    ],
)
def test_a_command_says_how_to_start_the_system(holdfast: Holdfast, words: tuple[str, ...], tmp_path: Path) -> None:
    done = holdfast(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"holdfast: Nothing runs on {tmp_path}: start it by `holdfast up --data {tmp_path}`.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("queues", "--from", "yesterday", "--to", "1999-02-01"), "'yesterday' is no date"),
        (("queues", "--from", "1999-01-01", "--to", "1999-02-31"), "'1999-02-31' is no date"),
        (("agents", "--from", "1999-01-01", "--to", "1999-02-01", "--by", "fortnight"), "'quarter_hour', 'half_hour'"),
        (("queues", "--from", "1999-01-01", "--to", "1999-02-01", "--credit", "both"), "'enqueue', 'end'"),
        (("tail", "--type", "Enqueue"), "nearest are Enqueued"),
        (("contact", "1700000000.42"), "source:native_id"),
    ],
    ids=["date", "no such day", "part", "credit", "type", "contact"],
)
def test_a_word_that_means_nothing_is_told_with_those_that_do(
    holdfast: Holdfast, words: tuple[str, ...], said: str
) -> None:
    done = holdfast(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.replace("│", "").split())


def test_an_address_needs_a_token(holdfast: Holdfast) -> None:
    done = holdfast("queues", "--from", "1999-01-01", "--to", "1999-02-01", "--metrics-rest", "[::1]:1")
    assert done.returncode == 1
    assert "--token" in done.stderr


def test_a_system_that_does_not_answer_is_named(holdfast: Holdfast) -> None:
    words = ("--metrics-rest", "127.0.0.1:1", "--token", JWT)
    done = holdfast("queues", "--from", "1999-01-01", "--to", "1999-02-01", *words)
    assert done.returncode == 1
    assert "metrics does not answer at 127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_that_is_none_is_refused_before_it_is_sent(holdfast: Holdfast) -> None:
    done = holdfast("tail", "--call-events", "127.0.0.1:1", "--token", "guess")
    assert done.returncode == 1
    assert "must be a JWT that names a tenant" in done.stderr


def test_a_door_that_is_not_known_is_asked_for(holdfast: Holdfast) -> None:
    done = holdfast("tail", "--metrics", "127.0.0.1:1", "--token", JWT)
    assert done.returncode == 1
    assert "give --call-events too" in done.stderr


def test_the_doctor_says_what_to_do_where_nothing_runs(holdfast: Holdfast) -> None:
    done = holdfast("doctor", "--json")
    told = json.loads(done.stdout)
    system = next(found for found in told["findings"] if found["what"] == "system")
    assert (done.returncode, told["healthy"]) == (1, False)
    assert "holdfast up" in system["remedy"]


def test_made_up_days_are_the_same_by_the_same_seed(holdfast: Holdfast, tmp_path: Path) -> None:
    words = ("generate", "--contacts", "20", "--seed", "7", "--json")
    made = [json.loads(holdfast(*words, str(tmp_path / name)).stdout) for name in ("a.jsonl", "b.jsonl")]
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert made[0]["checksum"] == made[1]["checksum"]
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == made[0]["events"]


def test_made_up_days_go_to_stdout_with_remarks_apart(holdfast: Holdfast) -> None:
    done = holdfast("generate", "--contacts", "5", "-")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told
    assert all(set(one) <= {"contact_event", "agent_event"} for one in told)
    assert "checksum" in done.stderr


def test_made_up_days_need_a_place_to_go(holdfast: Holdfast) -> None:
    done = holdfast("generate")
    assert done.returncode == 1
    assert "a file, - for stdout, or --send" in done.stderr


def test_a_digest_that_is_none_is_refused(holdfast: Holdfast) -> None:
    done = holdfast("audit", "verify", "--expected", "12:abc")
    assert done.returncode == 1
    assert "64 hexadecimal digits" in done.stderr


def test_the_command_lists_what_can_be_typed(holdfast: Holdfast) -> None:
    shown = holdfast("--help").stdout
    figures = {"queues", "agents", "flows", "scorecard", "explain", "time-zone"}
    names = figures | {"up", "demo", "doctor", "import", "generate", "tail", "contact", "rebuild", "audit"}
    assert {name for name in names if name not in shown} == set()


def test_every_command_is_made_by_its_own_word_as_among_all() -> None:
    typed = [word for words in WORDS.values() for word in words]
    assert sorted(typed) == sorted(get_command(made()).commands)  # type: ignore[attr-defined] # a group
    for word in typed:
        assert word in get_command(made(word)).commands  # type: ignore[attr-defined] # a group


def test_a_word_that_is_none_is_told_with_those_that_are(holdfast: Holdfast) -> None:
    done = holdfast("queue")
    assert done.returncode == 2
    assert "queues" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bi-reader", "bi_sales"), "Nothing runs on"),
        (("bi-reader", "bi_sales", "--database-url", "postgresql://127.0.0.1:1/x"), "give --tenant too"),
        (
            ("bi-reader", "bi_sales", "--database-url", "postgresql://127.0.0.1:1/x", "--tenant", "t"),
            "(ConnectionRefusedError)",
        ),
    ],
    ids=["nowhere", "whose", "away"],
)
def test_a_reader_is_made_only_of_a_database_that_answers(
    holdfast: Holdfast, words: tuple[str, ...], said: str
) -> None:
    done = holdfast(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
