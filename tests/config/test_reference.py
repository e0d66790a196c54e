"""docs/spaces.md and `fckd schema KIND --markdown` tell of everything that the code accepts."""

import re
from pathlib import Path

import pytest
import yaml

from fckd.config.base import Configuration
from fckd.config.comparison import Comparison
from fckd.config.documents import read_document, validate
from fckd.config.kind import Kind
from fckd.config.reference import reference
from fckd.config.space import Space

DOCUMENT = Path(__file__).parents[2] / "docs" / "spaces.md"
END = "<!-- end of the reference -->"
TOLD = {kind: reference(kind) for kind in Kind}


def written(kind):
    """Return what the document holds between its markers."""
    _, _, rest = DOCUMENT.read_text().partition(f"<!-- fckd schema {kind} --markdown -->")
    return rest.partition(END)[0].strip()


def example(model):
    """Return the YAML of the document that is a space or comparison."""
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    only = {Space: "search", Comparison: "arms"}[model]
    return next(block for block in blocks if only in yaml.safe_load(block))


def fields_by_section(told):
    """Return the first cells of the tables of every section, those of what it builds on too."""
    found = {}
    for section in told.split("### ")[1:]:
        title, _, text = section.partition("\n")
        found[title] = set(re.findall(r"^\| `(\w+)` ", text, re.MULTILINE))
        for base in re.findall(r"^What \[(.*?)\].* has, and:", text, re.MULTILINE):
            found[title] |= found[base]
    return found


def row(kind, section, field):
    """Return the cells of a field."""
    text = TOLD[kind].partition(f"### {section}\n")[2].partition("### ")[0]
    (line,) = re.findall(rf"^\| `{field}` \| (.*) \|$", text, re.MULTILINE)
    return line.split(" | ")


def configurations(model=Configuration):
    for below in model.__subclasses__():
        if below.__module__.startswith("fckd.config.") and "settings" not in below.__module__:
            yield below
            yield from configurations(below)


def test_the_document_holds_the_reference_of_a_space():
    put = f"put what `fckd schema space --markdown` prints into {DOCUMENT.name}"
    assert written(Kind.SPACE) == TOLD[Kind.SPACE], put


def test_the_document_holds_the_fields_that_only_a_comparison_has():
    _, first, *_ = TOLD[Kind.COMPARISON].split("### ")
    put = f"put the first section of `fckd schema comparison --markdown` into {DOCUMENT.name}"
    assert written(Kind.COMPARISON) == f"### {first}".strip(), put


@pytest.mark.parametrize(("model", "smoke"), [(Space, False), (Space, True), (Comparison, False)])
def test_an_example_of_the_document_is_valid(model, smoke, tmp_path):
    path = tmp_path / "example.yaml"
    path.write_text(example(model))
    validate(model, read_document(path, smoke=smoke), "the example")


@pytest.mark.parametrize("model", set(configurations()), ids=lambda model: model.__name__)
def test_every_field_of_every_configuration_is_told_of(model):
    sections = [fields for told in TOLD.values() for fields in fields_by_section(told).values()]
    assert any(set(model.model_fields) <= fields for fields in sections)


@pytest.mark.parametrize("kind", Kind)
def test_every_link_leads_to_a_section(kind):
    titles = re.findall(r"^### (.*)$", TOLD[kind], re.MULTILINE)
    sections = {re.sub(r"[`.,]", "", title).lower().replace(" ", "-") for title in titles}
    assert len(sections) == len(titles)
    assert set(re.findall(r"\]\(#(.*?)\)", TOLD[kind])) <= sections


@pytest.mark.parametrize("kind", Kind)
def test_every_row_has_as_many_cells_as_its_head(kind):
    for table in re.findall(r"(?:^\|.*\n?)+", TOLD[kind], re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(counts) == 1


@pytest.mark.parametrize(
    ("section", "field", "values", "default"),
    [
        ("A space", "name", "text", "required"),
        ("`experiment.corpus`", "validation_share", "0 < number < 1", "not set"),
        ("`experiment.corpus`", "validation_subjects", "list of integer, at least 1", "not set"),
        ("`experiment.views`", "mirror", "yes/no", "no"),
        ("`experiment.weighting`", "weights", "{NAME: number ≥ 0}", "none"),
        ("`execution`", "isolation", "one of pool, trial", "pool"),
        ("`execution`", "groups", "integer ≥ 1", "1"),
        ("`search`", "points", "list of {FIELD: text or number or yes/no}", "none"),
        ("`budget`", "minutes", "number > 0", "not set"),
    ],
)
def test_a_field_says_its_values_and_its_default(section, field, values, default):
    assert row(Kind.SPACE, section, field)[:2] == [values, default]


def test_a_group_says_where_its_fields_are():
    assert row(Kind.SPACE, "A space", "budget") == [
        "[`budget`](#budget)",
        "",
        "What the search may spend; whichever ends first.",
    ]


def test_what_all_terms_have_is_said_once():
    section = TOLD[Kind.SPACE].partition("### `experiment.objective`\n")[2].partition("### ")[0]
    assert section.count("`warmup_epochs`") == 1
    assert "`target` 1.0, `non_target` 8.0, `temperature` 4.0 |" in section


def test_a_group_in_several_places_is_told_of_in_the_least_deep():
    titles = re.findall(r"^### (.*)$", TOLD[Kind.SPACE], re.MULTILINE)
    assert "`experiment.training`" in titles
    assert not [title for title in titles if title.endswith("NAME.training`")]
