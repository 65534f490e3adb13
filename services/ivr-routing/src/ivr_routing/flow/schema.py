"""The form of flow documents as JSON Schema, for editors and programs; made from `document` and kept beside it."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

from ivr_routing.flow.document import FORMAT, Document

FILE: Final = "flow.schema.json"


def json_schema() -> dict[str, Any]:
    """Return the schema of the documents that `load` takes."""
    schema = Document.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:{FORMAT}", **schema}


def text() -> str:
    """Return the schema as it is written to files."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def published() -> str:
    """Return the schema that was shipped with this package."""
    return resources.files("ivr_routing.flow").joinpath(FILE).read_text(encoding="utf-8")
