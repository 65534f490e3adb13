"""Figures of estimated waits: how far they were from what contacts then waited, and to which side."""

from typing import Final

from metrics.evidence.estimate import ESTIMATE, EstimateRow
from metrics.evidence.evidence import Measure, Subject
from metrics.figure.definition import Definition, Mean

_QUEUE: Final = frozenset({Subject.QUEUE})
KEPT: Measure[EstimateRow] = Measure(
    "estimates_measured",
    "estimates of visits that were answered",
    "(error_us is not null)::int",
    lambda row, _: int(row.error_us is not None),
)
ERROR: Measure[EstimateRow] = Measure(
    "estimate_error_us",
    "Σ |wait - estimate|",
    "abs(error_us)",
    lambda row, _: None if row.error_us is None else abs(row.error_us),
)
BIAS: Measure[EstimateRow] = Measure("estimate_bias_us", "Σ (wait - estimate)", "error_us", lambda row, _: row.error_us)
DEFINITIONS: Final = (
    Definition(
        "estimate_error",
        1,
        "Σ |wait from the estimate to the bridge - estimated wait| / estimates of visits that were answered.",
        ESTIMATE,
        Mean(ERROR, KEPT),
        _QUEUE,
    ),
    Definition(
        "estimate_error.bias",
        1,
        "The same with its sign: above zero, contacts waited longer than estimated.",
        ESTIMATE,
        Mean(BIAS, KEPT),
        _QUEUE,
    ),
)
