"""What figures mean: golden vectors, versions, and how little is too little."""

from pathlib import Path

import pytest

from metrics.errors import UnknownFigure
from metrics.evidence.evidence import Subject, Terms
from metrics.evidence.visit import VisitRow
from metrics.figure import again, catalogue
from metrics.figure.definition import Figure, figure
from metrics.figure.document import document

SECOND = 1_000_000
TERMS = Terms(now_us=10_000 * SECOND)


def visit(outcome: str, wait_s: float, enqueued_s: int = 0) -> VisitRow:
    return VisitRow(outcome, "", int(wait_s * SECOND), rang=False, enqueued_time=enqueued_s * SECOND)


def of(name: str, rows: list[VisitRow]) -> Figure:
    definition = catalogue.definition(name, Subject.QUEUE)
    return figure(definition, again.sums(definition, rows, TERMS))


GOLDEN = [
    *[visit("answered", 10)] * 860,
    *[visit("answered", 30)] * 140,
    *[visit("abandoned", 3)] * 10,
    *[visit("abandoned", 15)] * 10,
    *[visit("abandoned", 60)] * 40,
]
"""1,000 answered of which 860 within 20 s; 60 abandoned, 20 within 20 s, 10 within 5 s; no flow-outs."""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service_level.answered", 0.8600),
        ("service_level.excluding_short", 0.8269),
        ("service_level.short_met", 0.8302),
        ("service_level.offered", 0.8113),
        ("service_level.genesys", 0.8190),
    ],
)
def test_the_five_service_levels_of_one_vector(name: str, value: float) -> None:
    assert round(of(name, GOLDEN).value or 0, 4) == value


def test_two_versions_of_a_formula_are_read_side_by_side() -> None:
    rows = [visit("answered", 19), visit("answered", 20), visit("answered", 21), visit("abandoned", 20)]
    assert of("service_level.answered@1", rows).value == pytest.approx(1 / 3)
    assert of("service_level.answered@2", rows).value == pytest.approx(2 / 3)
    assert of("service_level.short_met@1", rows).value == pytest.approx(1 / 4)
    assert of("service_level.short_met@2", rows).value == pytest.approx(3 / 4)


def test_a_name_alone_asks_for_the_latest_version() -> None:
    assert catalogue.definition("service_level.offered", Subject.QUEUE).version == 2
    assert catalogue.definition("service_level.offered@1", Subject.QUEUE).superseded


def test_a_visit_that_waits_beyond_the_threshold_is_missed_already() -> None:
    rows = [visit("answered", 5), VisitRow("waiting", "", None, rang=False, enqueued_time=TERMS.now_us - 21 * SECOND)]
    level = of("service_level.offered", rows)
    assert (level.value, level.provisional) == (0.5, True)
    assert of("service_level.answered", rows).value == 1.0


def test_a_visit_that_waits_within_the_threshold_is_not_missed_yet() -> None:
    rows = [visit("answered", 5), VisitRow("waiting", "", None, rang=False, enqueued_time=TERMS.now_us - 20 * SECOND)]
    level = of("service_level.offered", rows)
    assert (level.value, level.provisional) == (1.0, True)


def test_thresholds_count_what_is_just_at_them() -> None:
    assert of("short_abandoned", [visit("abandoned", 5)]).value == 1
    assert of("service_level.offered", [visit("answered", 20)]).value == 1


def test_a_wait_that_cannot_be_told_is_not_within_the_threshold_and_in_no_mean() -> None:
    rows = [visit("answered", 10), VisitRow("answered", "", None, rang=False, enqueued_time=None)]
    assert of("service_level.answered", rows).value == 0.5
    assert of("asa", rows).value == 10.0


def test_below_the_minimum_n_the_evidence_is_insufficient() -> None:
    assert of("abandon_rate", [visit("answered", 1)] * 29).insufficient_evidence
    assert not of("abandon_rate", [visit("answered", 1)] * 30).insufficient_evidence


def test_a_count_needs_no_minimum() -> None:
    assert not of("answered", [visit("answered", 1)]).insufficient_evidence


def test_nothing_to_divide_by_is_undefined_and_not_zero() -> None:
    assert of("abandon_rate", []).value is None
    assert of("asa", []).value is None
    assert of("wait.answered.p90", []).value is None


def test_percentiles_lie_between_two_observations() -> None:
    rows = [visit("answered", wait) for wait in (0, 10, 20, 30, 40)]
    assert [of(f"wait.answered.{point}", rows).value for point in ("p50", "p80", "p90", "max")] == [20, 32, 36, 40]


def test_every_figure_has_one_name_one_version_and_a_sentence() -> None:
    references = [definition.reference for definition in catalogue.DEFINITIONS]
    assert len(set(references)) == len(references)
    assert all(definition.words.endswith(".") for definition in catalogue.DEFINITIONS)


def test_only_what_a_later_version_replaced_is_superseded() -> None:
    latest = {definition.name: definition.version for definition in catalogue.DEFINITIONS}
    for definition in catalogue.DEFINITIONS:
        assert definition.superseded == (definition.version < latest[definition.name])


def test_a_column_means_one_thing_wherever_it_is_read() -> None:
    meanings: dict[tuple[str, str], str] = {}
    for definition in catalogue.DEFINITIONS:
        for name, sql in definition.columns().items():
            assert meanings.setdefault((str(definition.evidence), name), sql) == sql


def test_columns_of_different_evidence_have_different_names() -> None:
    owners: dict[str, str] = {}
    for definition in catalogue.DEFINITIONS:
        for name in definition.columns():
            assert owners.setdefault(name, str(definition.evidence)) == str(definition.evidence), name


@pytest.mark.parametrize("name", ["happiness", "asa@9", "asa; drop table contact", "", "occupancy"])
def test_a_figure_that_is_none_of_the_subject_is_refused(name: str) -> None:
    with pytest.raises(UnknownFigure):
        catalogue.definition(name, Subject.QUEUE)


def test_the_page_about_figures_is_what_the_declarations_give() -> None:
    page = Path(__file__).parents[3] / "docs" / "figures.md"
    sentence = "docs/figures.md is old: python -m metrics.figure.document > docs/figures.md"
    assert page.read_text(encoding="utf-8") == document().rstrip("\n") + "\n", sentence
