"""Flows at the terminal: what is wrong with them, a caller's walk, and nothing sensitive on any screen."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from holdfast_cli.__main__ import main

FLOWS: Final = Path(__file__).parents[2] / "docs/flows"
MAIN_LINE: Final = str(FLOWS / "main-line.yaml")
JWT: Final = "eyJhbGciOiJub25lIn0.eyJ0ZW5hbnQiOiJiYW5rIn0."
OPEN: Final = ("--at", "2026-11-23T10:00:00+01:00")
Holdfast: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def holdfast(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Holdfast]:
    """Give a way to run the command; it answers status, stdout and stderr."""
    monkeypatch.setenv("HOLDFAST_DATA", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["holdfast", "flow", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capfd.readouterr()

    yield run
    signal.signal(signal.SIGTERM, before)


def tried(holdfast: Holdfast, *words: str) -> dict[str, Any]:
    status, out, _ = holdfast("try", MAIN_LINE, *OPEN, "--json", *words)
    assert status == 0
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.parametrize("example", sorted(FLOWS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_lint_clean(holdfast: Holdfast, example: Path) -> None:
    status, out, _ = holdfast("lint", str(example))
    assert status == 0
    assert "no problems" in out


def test_a_flow_with_problems_ends_with_status_1_and_names_them_all(holdfast: Holdfast, tmp_path: Path) -> None:
    text = Path(MAIN_LINE).read_text(encoding="utf-8").replace("2: to_sales, 3", "2: to_sale, 3")
    bad = tmp_path / "bad.yaml"
    bad.write_text(text.replace("attributes.tier ==", "attributes.teir =="), encoding="utf-8")
    status, out, _ = holdfast("lint", str(bad), "--json")
    assert status == 1
    found = [(problem["node"], problem["code"]) for problem in json.loads(out)["problems"]]
    assert found == [("main", "unknown_node"), ("care_wait", "unknown_field")]
    status, out, _ = holdfast("lint", str(bad))
    assert status == 1
    assert "attributes.tier" in out


def test_a_walk_shows_its_path_and_what_would_be_told(holdfast: Holdfast) -> None:
    walk = tried(holdfast, "--input", "1,2")
    assert walk["path"] == ["welcome", "english", "opening", "main", "to_sales"]
    assert walk["steps"][-1]["then"]["queue"] == "sales"
    assert walk["events"][-1]["type"] == "FlowExited"
    assert walk["ended"]


def test_sensitive_input_is_shown_nowhere(holdfast: Holdfast) -> None:
    words = ("--input", "1,1,4711#", "--answer", 'balance={"account": {"balance": "12 euros"}}')
    status, out, err = holdfast("try", MAIN_LINE, *OPEN, *words)
    assert status == 0
    assert "Your balance is 12 euros." in out
    assert "4711" not in out + err
    assert "4711" not in json.dumps(tried(holdfast, *words))


def test_a_lookup_that_nobody_answers_takes_its_fallback(holdfast: Holdfast) -> None:
    assert tried(holdfast, "--input", "1,1,4711#")["steps"][-1]["then"]["queue"] == "care"


def test_a_script_that_is_over_leaves_the_caller_waiting(holdfast: Holdfast) -> None:
    assert not tried(holdfast, "--input", "1")["ended"]


def test_silence_hanging_up_and_coming_back_can_be_scripted(holdfast: Holdfast) -> None:
    assert tried(holdfast, "--input", "-,-,hangup")["steps"][-1]["then"]["do"] == "Gone"
    assert tried(holdfast, "--input", "1,3,back:full")["path"][-2:] == ["to_care", "message"]


def test_the_time_of_the_call_decides_about_hours(holdfast: Holdfast) -> None:
    status, out, _ = holdfast("try", MAIN_LINE, "--at", "2026-12-25T10:00:00+01:00", "--input", "1", "--json")
    assert status == 0
    assert json.loads(out)["path"][-1] == "message"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("try", "nowhere.yaml"), "cannot be read"),
        (("try", MAIN_LINE, "--at", "tomorrow"), "is no time"),
        (("try", MAIN_LINE, "--attribute", "tier"), "NAME=VALUE"),
        (("try", MAIN_LINE, "--wait", "care=long"), "QUEUE=SECONDS"),
        (("publish", MAIN_LINE), "holdfast up"),
        (
            ("publish", MAIN_LINE, "--metrics", "h:1", "--token", JWT),
            "--ivr-routing",
        ),
    ],
)
def test_what_goes_wrong_is_one_sentence(holdfast: Holdfast, words: tuple[str, ...], sentence: str) -> None:
    status, out, err = holdfast(*words)
    assert (status, out) == (1, "")
    assert sentence in err
