"""What is wrong with a flow: each problem with its node, its line and its remedy, all of them at once."""

import re
from pathlib import Path
from typing import Final

import pytest

from ivr_routing.flow.flow import lint, load, missing_queues
from ivr_routing.flow.problem import FlowRefused, Problem

EXAMPLES: Final = sorted((Path(__file__).parents[3] / "docs/flows").glob("*.yaml"))
SOUND: Final = """\
format: holdfast-flow/1
flow: small
language: en
start: ask
otherwise: wait
attributes:
  tier: {type: string, default: ""}
  count: {type: int, default: 0}
nodes:
  ask:
    type: menu
    say: Press 1.
    attempts: 2
    choices: {1: wait}
    otherwise: wait
  wait: {type: queue, queue: main}
"""


def found(old: str, new: str) -> tuple[Problem, ...]:
    """Return the problems of the sound document with one part changed."""
    assert old in SOUND
    return lint(SOUND.replace(old, new, 1))


def places(problems: tuple[Problem, ...]) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.node, problem.code) for problem in problems]


def after(nodes: str, *, leading: str = "next") -> str:
    """Return the sound document whose menu leads on to further nodes, the first of which is called `next`."""
    return SOUND.replace("{1: wait}", "{1: " + leading + "}", 1) + nodes


def test_a_sound_flow_has_no_problems() -> None:
    assert lint(SOUND) == ()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_documented_examples_are_sound(example: Path) -> None:
    assert lint(example.read_text(encoding="utf-8")) == ()


def test_the_flow_on_the_page_is_sound() -> None:
    page = (EXAMPLES[0].parents[1] / "flows.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(format: .*?)```", page, re.DOTALL)
    assert lint(shown) == ()


def test_there_are_two_examples() -> None:
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("start: ask", "start: aks", (4, "", "unknown_node")),
        ("{1: wait}", "{1: wiat}", (14, "ask", "unknown_node")),
        ("    attempts: 2\n", "", (10, "ask", "unbounded_menu")),
        ("    otherwise: wait\n", "", (10, "ask", "missing_default")),
        (", queue: main}", "}", (16, "wait", "missing_queue")),
        ("    say: Press 1.\n", "", (10, "ask", "missing_words")),
        ("attempts: 2", "attempts: 11", (13, "ask", "wrong_form")),
        ("attempts: 2", "atempts: 2", (13, "ask", "unknown_part")),
        ("type: menu", "type: menue", (10, "ask", "unknown_type")),
        ("default: 0", "default: none", (8, "", "type_error")),
        ("default: 0", "default: true", (8, "", "type_error")),
        ("language: en", "language: en\nlanguage: de", (4, "", "repeated_key")),
        ("say: Press 1.", "say: {de: Drücken Sie 1.}", (12, "ask", "missing_language")),
        ("say: Press 1.", "say: 'Press {attributes.teir}.'", (12, "ask", "unknown_field")),
        ("queue: main", "queue: main, otherwise: nobody", (16, "wait", "unknown_node")),
        ("queue: main", "queue: main, preferred_agent: contact.known", (16, "wait", "type_error")),
    ],
)
def test_a_problem_names_its_line_and_node(old: str, new: str, expected: tuple[int, str, str]) -> None:
    assert expected in places(found(old, new))


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ("  next: {type: play, say: Hello.}\n", (17, "next", "dead_end")),
        (
            "  next: {type: play, say: Hello., next: wait}\n  alone: {type: hang_up}\n",
            (18, "alone", "unreachable_node"),
        ),
        (
            "  next: {type: play, say: a, next: more}\n  more: {type: play, say: b, next: next}\n",
            (17, "next", "loop_without_exit"),
        ),
        (
            "  next: {type: menu, say: a, attempts: 1, choices: {1: wait}, otherwise: next}\n",
            (17, "next", "unbounded_menu"),
        ),
        (
            "  next: {type: branch, cases: [{when: attributes.teir == 'x', next: wait}], otherwise: wait}\n",
            (17, "next", "unknown_field"),
        ),
        (
            """\
  next:
    type: branch
    cases:
      - {when: language == 'de', next: wait}
      - {when: attributes.count == 'x', next: wait}
    otherwise: wait
""",
            (21, "next", "type_error"),
        ),
        (
            "  next: {type: branch, cases: [{when: attributes.count + 1, next: wait}], otherwise: wait}\n",
            (17, "next", "type_error"),
        ),
        (
            "  next: {type: branch, cases: [{when: attributes.count >, next: wait}], otherwise: wait}\n",
            (17, "next", "syntax_error"),
        ),
        (
            "  next: {type: branch, cases: [{when: '[1, 2].exists(x, x == 1)', next: wait}], otherwise: wait}\n",
            (17, "next", "unknown_field"),
        ),
        ("  next: {type: branch, cases: [{when: language == 'de', next: wait}]}\n", (17, "next", "missing_default")),
        ("  next: {type: set, attributes: {tier: attributes.count}, next: wait}\n", (17, "next", "type_error")),
        ("  next: {type: set, attributes: {teir: language}, next: wait}\n", (17, "next", "unknown_attribute")),
        (
            "  next: {type: lookup, url: 'http://bank.example.com/', next: wait, otherwise: wait}\n",
            (17, "next", "insecure_url"),
        ),
        ("  next: {type: lookup, url: 'https://bank.example.com/', next: wait}\n", (17, "next", "missing_default")),
        (
            """\
  next:
    {type: collect, say: a, input: pin, sensitive: true, max_digits: 4, attempts: 1, next: wait, otherwise: wait}
""",
            (18, "next", "sensitive_lost"),
        ),
        (
            """\
  next: {type: collect, say: a, input: x, min_digits: 5, max_digits: 4, attempts: 1, next: wait, otherwise: wait}
""",
            (17, "next", "impossible_digits"),
        ),
        (
            """\
  next:
    {type: collect, say: a, input: pin, sensitive: true, max_digits: 4, attempts: 1, next: look, otherwise: wait}
  look: {type: lookup, url: 'https://bank.example.com/', send: {pin: input.pin}, next: wait, otherwise: wait}
""",
            (19, "look", "sensitive_in_address"),
        ),
        ("  next: {type: transfer, to: '+4930123'}\n", (17, "next", "missing_default")),
        (
            "  next: {type: queue, queue: a-b, otherwise: other}\n  other: {type: queue, queue: a_b}\n",
            (17, "next", "ambiguous_queue"),
        ),
    ],
)
def test_a_problem_in_a_node_names_its_line(nodes: str, expected: tuple[int, str, str]) -> None:
    assert expected in places(lint(after(nodes)))


def test_sensitive_input_in_a_condition_is_named_as_what_it_is() -> None:
    nodes = """\
  next: {type: collect, say: a, input: pin, sensitive: true, max_digits: 4, attempts: 1, next: look, otherwise: wait}
  look:
    type: lookup
    method: POST
    url: https://bank.example.com/
    send: {pin: input.pin}
    next: branch
    otherwise: wait
  branch: {type: branch, cases: [{when: input.pin == '1234', next: wait}], otherwise: wait}
"""
    (problem,) = lint(after(nodes))
    assert (problem.line, problem.node, problem.code) == (25, "branch", "sensitive_field")
    assert "lookup" in problem.remedy


def test_what_a_caller_is_led_to_in_the_end_cannot_fail_itself() -> None:
    assert places(found("otherwise: wait\na", "otherwise: ask\na")) == [(5, "", "weak_default")]


def test_an_unknown_field_comes_with_the_one_that_was_meant() -> None:
    (problem,) = lint(
        after("  next: {type: branch, cases: [{when: attributes.teir == 'x', next: wait}], otherwise: wait}\n")
    )
    assert "attributes.tier" in problem.remedy


def test_all_problems_are_told_at_once_in_the_order_of_lines() -> None:
    text = (
        SOUND.replace("start: ask", "start: aks").replace("{1: wait}", "{1: wiat}").replace("default: 0", "default: x")
    )
    assert [line for line, _, _ in places(lint(text))] == [4, 8, 10, 14]


SEVEN: Final = """\
format: holdfast-flow/1
flow: seven
language: en
start: ask
otherwise: wait
nodes:
  ask: {type: menu, say: Press 1., choices: {1: greet, 2: wiat}, otherwise: wait}
  greet: {type: play, say: Hello.}
  alone: {type: hang_up}
  first: {type: play, say: One., next: second}
  second: {type: play, say: Two., next: first}
  wait: {type: queue, otherwise: open}
  open: {type: branch, cases: [{when: attributes.teir == 'x', next: wait}, {when: language == 'de', next: first}]}
"""


def test_what_is_wrong_with_the_form_hides_nothing_else() -> None:
    assert places(lint(SEVEN)) == [
        (7, "ask", "unbounded_menu"),
        (7, "ask", "unknown_node"),
        (8, "greet", "dead_end"),
        (9, "alone", "unreachable_node"),
        (10, "first", "loop_without_exit"),
        (12, "wait", "missing_queue"),
        (13, "open", "missing_default"),
    ]
    assert places(lint(SEVEN.replace("  open: {", "  open: {otherwise: wait, ")))[-2:] == [
        (12, "wait", "missing_queue"),
        (13, "open", "unknown_field"),
    ]


@pytest.mark.parametrize("left_out", ["language: en\n", "start: ask\n", "otherwise: wait\n", "flow: seven\n"])
def test_a_part_left_out_hides_no_problem_of_a_node(left_out: str) -> None:
    codes = {problem.code for problem in lint(SEVEN.replace(left_out, "", 1))}
    assert {"dead_end", "missing_queue", "unknown_node", "loop_without_exit"} <= codes


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{type: string, default: ''}", "{type: text, default: ''}"),
        ("attempts: 1", "attempts: 99"),
        ("weekly: {}", "weekly: []"),
        ("queue: main}", "queue: main, priority: high}"),
    ],
)
def test_nothing_is_said_of_fields_that_a_part_without_form_may_declare(old: str, new: str) -> None:
    text = """\
format: holdfast-flow/1
flow: small
language: en
start: ask
otherwise: wait
attributes: {tier: {type: string, default: ''}}
hours: {shop: {time_zone: UTC, weekly: {}}}
nodes:
  ask: {type: menu, say: a, attempts: 1, choices: {1: set}, otherwise: end, input: topic}
  set: {type: set, attributes: {tier: language}, next: go}
  go:
    type: branch
    cases:
      - {when: "attributes.tier == 'x' && input.topic == '1' && hours.shop", next: wait}
    otherwise: tell
  tell: {type: play, say: '{estimated_wait_minutes.main} minutes', next: wait}
  wait: {type: queue, queue: main}
  end: {type: hang_up}
"""
    assert lint(text) == ()
    (problem,) = lint(text.replace(old, new))
    assert problem.code == "wrong_form"


@pytest.mark.parametrize(
    ("hours", "line"),
    [
        ("time_zone: Europe/Berlni\n    weekly: {}", 3),
        ("time_zone: Europe/Berlin\n    weekly: {monday: [09:00-12:00, 11:00-13:00]}", 4),
        ("time_zone: Europe/Berlin\n    weekly: {}\n    holidays: {2026-02-30: none}", 5),
        ("time_zone: Europe/Berlin\n    weekly: {}\n    overrides: {2026-13-01: []}", 5),
    ],
)
def test_hours_that_cannot_be_are_named(hours: str, line: int) -> None:
    document = SOUND.replace("nodes:", f"hours:\n  shop:\n    {hours}\nnodes:")
    assert [(problem.line - 8, problem.code) for problem in lint(document)] == [(line, "wrong_hours")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "wrong_form"),
        ("just words", "wrong_form"),
        ("a: [1", "unreadable"),
        ("a: &x 1\nb: *x", "tag"),
        ("a: !!python/object:os.system x", "tag"),
        ("a: 1\n---\nb: 2", "documents"),
        ("[" * 100 + "]" * 100, "too_deep"),
        ("? [a]\n: b", "key"),
        ("a" * 300_000, "too_long"),
        ("\x00", "unreadable"),
    ],
)
def test_a_text_that_is_no_flow_is_refused_with_a_sentence(text: str, code: str) -> None:
    assert [problem.code for problem in lint(text)] == [code]


def test_words_are_never_taken_for_something_else() -> None:
    flow = load(SOUND.replace("language: en", "language: no").replace("say: Press 1.", "say: 'no'"))
    assert flow.document.language == "no"
    hours = "hours: {shop: {time_zone: UTC, weekly: {monday: [18:00-19:00]}}}\n"
    assert lint(SOUND.replace("nodes:", hours + "nodes:")) == ()


def test_json_is_taken_as_well_and_is_the_same_version() -> None:
    text = """{\t"format": "holdfast-flow/1", "flow": "small", "language": "en", "start": "ask", "otherwise": "wait",
\t"attributes": {"tier": {"type": "string", "default": ""}, "count": {"type": "int", "default": 0}},
\t"nodes": {"wait": {"queue": "main", "type": "queue"},
\t"ask": {"type": "menu", "say": "Press 1.", "attempts": 2, "choices": {"1": "wait"}, "otherwise": "wait"}}}"""
    assert load(text).version == load(SOUND).version


def test_queues_that_there_are_not_are_missing_where_those_that_are_are_known() -> None:
    assert missing_queues(SOUND, {"main"}) == ()
    assert places(missing_queues(SOUND, {"other"})) == [(16, "wait", "missing_queue")]


def test_layout_and_comments_are_no_new_version_but_words_are() -> None:
    assert load("# a comment\n" + SOUND).version == load(SOUND).version
    assert load(SOUND.replace("Press 1.", "Press one.")).version != load(SOUND).version


def test_who_loads_a_document_with_problems_gets_all_of_them() -> None:
    with pytest.raises(FlowRefused) as refused:
        load(SOUND.replace("{1: wait}", "{1: wiat}"))
    assert len(refused.value.problems) == 1
    assert refused.value.problems[0].as_json()["remedy"]
