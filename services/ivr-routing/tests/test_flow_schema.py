"""The published JSON Schema takes what the checks take."""

import json
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest

from ivr_routing.flow import schema
from ivr_routing.flow.source_text import read

ROOT: Final = Path(__file__).parents[3]
FLOWS: Final = ROOT / "docs/flows"


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema_rs.validator_for(json.loads(schema.published()))


def test_the_published_schema_is_that_of_the_documents() -> None:
    assert schema.published() == schema.text()
    assert (FLOWS / schema.FILE).read_text(encoding="utf-8") == schema.text()


@pytest.mark.parametrize("example", sorted(FLOWS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_are_as_the_schema_says(validator: Any, example: Path) -> None:
    validator.validate(read(example.read_text(encoding="utf-8")).value)


def test_what_is_no_flow_is_not_as_the_schema_says(validator: Any) -> None:
    assert not validator.is_valid({"format": "holdfast-flow/1", "nodes": {}})
