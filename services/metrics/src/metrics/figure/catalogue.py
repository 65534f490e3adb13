"""Every figure there is, all versions, and how one is asked for by name; no I/O."""

from collections.abc import Iterable
from typing import Final

from metrics.errors import UnknownFigure
from metrics.evidence.evidence import Subject
from metrics.figure import (
    callbacks,
    estimates,
    flows,
    handling,
    repeats,
    rings,
    service_level,
    states,
    surveys,
    waiting,
)
from metrics.figure.definition import Definition

_PARTS: Final = (waiting, service_level, handling, flows, rings, states, repeats, callbacks, estimates, surveys)
DEFINITIONS: Final[tuple[Definition, ...]] = tuple(
    sorted(
        (definition for part in _PARTS for definition in part.DEFINITIONS),
        key=lambda definition: (definition.name, definition.version),
    )
)
_BY_REFERENCE: Final = {definition.reference: definition for definition in DEFINITIONS}
_LATEST: Final = {definition.name: definition for definition in DEFINITIONS}
"""By version ascending, so that the last of a name is its latest."""


def definition(reference: str, subject: Subject) -> Definition:
    """Return the figure asked for as `name` (its latest version) or `name@version`; UnknownFigure otherwise."""
    found = _BY_REFERENCE.get(reference) or _LATEST.get(reference)
    if found is None or subject not in found.subjects:
        raise UnknownFigure
    return found


def chosen(references: Iterable[str], subject: Subject) -> tuple[Definition, ...]:
    """Return the figures asked for, each once; without any, the latest version of each for the subject."""
    asked = {reference: definition(reference, subject) for reference in references}
    if asked:
        return tuple(dict.fromkeys(asked.values()))
    return tuple(found for found in _LATEST.values() if subject in found.subjects)
