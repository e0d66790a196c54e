"""JSON Schemas of the documents that people write, for editors that complete and check YAML."""

from typing import Any

from fckd.config.comparison import Comparison
from fckd.config.documents import SMOKE
from fckd.config.kind import Kind
from fckd.config.space import Space

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema of a document as a file holds it, its smoke section included.

    Rules that span several fields (a batch that divides among the workers) are told by `fckd` only.
    """
    schema = (Space if kind is Kind.SPACE else Comparison).model_json_schema()
    smoke = {"type": "object", "description": "laid over the rest by --smoke: a tiny variant"}
    schema["properties"] = {**schema["properties"], SMOKE: smoke}
    return {"$schema": DIALECT, **schema}
