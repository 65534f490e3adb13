"""Figures of what customers answered: the mean rating, of all ratings and of those in the agents' hands.

Scales differ, so every rating is brought to one of 1 to 5, in millionths; one of no told scale counts as of 5. What
lies outside its scale, and an answer without a rating, takes no part.
"""

from typing import Final

from metrics.evidence.evidence import Measure, Subject, Terms
from metrics.evidence.survey import OUTSIDE_SQL, SURVEY, SurveyRow, is_outside
from metrics.figure.definition import Definition, Mean

_BOTH: Final = frozenset({Subject.QUEUE, Subject.AGENT})
_LEAST, _BEST, _MILLION = 1, 5, 1_000_000
_TOLD_BEST: Final = f"coalesce(nullif(best_rating, 0), {_BEST})"
_RATED: Final = f"(rating between {_LEAST} and {_TOLD_BEST} and {_TOLD_BEST} > {_LEAST})"
_RATING: Final = (
    f"{_LEAST * _MILLION} + (rating - {_LEAST}) * {(_BEST - _LEAST) * _MILLION} / nullif({_TOLD_BEST} - {_LEAST}, 0)"
)


def rating_millionths(row: SurveyRow) -> int | None:
    """Return a rating on the scale of 1 to 5, in millionths; None for what is none."""
    best = row.best_rating or _BEST
    if best <= _LEAST or not _LEAST <= row.rating <= best:
        return None
    return _LEAST * _MILLION + (row.rating - _LEAST) * (_BEST - _LEAST) * _MILLION // (best - _LEAST)


def _own(row: SurveyRow, terms: Terms) -> int | None:
    return None if is_outside(row, terms) else rating_millionths(row)


RATING: Measure[SurveyRow] = Measure(
    "rating_millionths",
    "Σ rating, on a scale of 1 to 5",
    f"case when {_RATED} then {_RATING} end",
    lambda row, _: rating_millionths(row),
)
RATED: Measure[SurveyRow] = Measure(
    "ratings", "ratings", f"{_RATED}::int", lambda row, _: int(rating_millionths(row) is not None)
)
OWN_RATING: Measure[SurveyRow] = Measure(
    "own_rating_millionths",
    "of these, Σ rating of those whose cause lies in the agent's hands",
    f"case when {_RATED} and not {OUTSIDE_SQL} then {_RATING} end",
    _own,
)
OWN_RATED: Measure[SurveyRow] = Measure(
    "own_ratings",
    "ratings whose cause lies in the agent's hands",
    f"({_RATED} and not {OUTSIDE_SQL})::int",
    lambda row, terms: int(_own(row, terms) is not None),
)
DEFINITIONS: Final = (
    Definition(
        "csat", 1, "Σ rating on a scale of 1 to 5 / ratings.", SURVEY, Mean(RATING, RATED, unit="rating"), _BOTH
    ),
    Definition(
        "csat.in_agents_hands",
        1,
        "The same without ratings of contacts with a mark, or that the customer puts down to wait or product.",
        SURVEY,
        Mean(OWN_RATING, OWN_RATED, unit="rating"),
        _BOTH,
    ),
)
