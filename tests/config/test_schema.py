"""Editors are told by a JSON Schema what fckd itself accepts."""

from pathlib import Path

import pytest
import yaml

from fckd.config.documents import set_field
from fckd.config.schema import Kind, schema_of

jsonschema = pytest.importorskip("jsonschema", reason="comes with Ray; nothing else needs it")

FOLDERS = {Kind.SPACE: "tune_spaces", Kind.COMPARISON: "comparisons"}
ROOT = Path(__file__).parents[2]
FILES = [(kind, path) for kind, folder in FOLDERS.items() for path in ROOT.glob(f"{folder}/*.yaml")]


def complaints(kind, document):
    validator = jsonschema.Draft202012Validator(schema_of(kind))
    return [error.json_path for error in validator.iter_errors(document)]


@pytest.mark.parametrize(("kind", "path"), FILES, ids=[path.stem for _, path in FILES])
def test_a_shipped_document_is_valid(kind, path):
    assert complaints(kind, yaml.safe_load(path.read_text())) == []


@pytest.mark.parametrize("kind", Kind)
def test_a_schema_is_one_itself(kind):
    jsonschema.Draft202012Validator.check_schema(schema_of(kind))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("colour", "red"),
        ("search.sampler", "psychic"),
        ("experiment.focal.ratio", 1.5),
        ("experiment.student.modality", "smell"),
        ("budget.trials", 0),
    ],
)
def test_a_mistake_is_seen_at_its_place(document, field, value):
    set_field(document, field, value)
    (place,) = complaints(Kind.SPACE, document)
    assert f"$.{field}".startswith(place)


def test_a_condition_is_known_to_it(document):
    document["search"]["parameters"]["focal.ratio"]["when"] = {"focal.criterion": ["cam"]}
    assert complaints(Kind.SPACE, document) == []
