"""From a YAML file to a validated space."""

from pathlib import Path

import pytest
import yaml

import tune_spaces
from fckd.config.documents import (
    COMPARISONS,
    apply_override,
    merge,
    read_document,
    set_field,
    validate,
    with_fields,
)
from fckd.config.space import Space
from fckd.errors import UserError

SPACES = sorted(Path(tune_spaces.__file__).parent.glob("*.yaml"))


@pytest.fixture
def written(tmp_path, document):
    """Write a document, or text, and return its path."""

    def write(content=document):
        path = tmp_path / "space.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    return write


@pytest.mark.parametrize("smoke", [False, True], ids=["full", "smoke"])
@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_every_space_that_is_shipped_is_valid_also_its_smoke_section(path, smoke):
    assert validate(Space, read_document(path, smoke=smoke), path.name)


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_a_smoke_section_makes_a_space_smaller(path):
    full, small = (validate(Space, read_document(path, smoke=s), "") for s in (False, True))
    assert small.budget.trials < full.budget.trials
    assert small.experiment.training.epochs < full.experiment.training.epochs


@pytest.mark.parametrize("given", ["demo.yaml", "tune_spaces/demo.yaml"])
def test_an_installed_space_is_found_by_its_name_from_anywhere(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    assert read_document(Path(given))["name"] == "demo"


def test_a_comparison_and_a_space_may_have_the_same_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = Path("utd_mhad_inertial.yaml")
    assert "search" in read_document(name)
    assert "arms" in read_document(name, folder=COMPARISONS)


def test_a_file_of_ones_own_comes_before_an_installed_space(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("demo.yaml").write_text("name: mine")
    assert read_document(Path("demo.yaml"))["name"] == "mine"


@pytest.mark.parametrize("given", ["absent.yaml", "elsewhere/demo.yaml", "demo"])
def test_an_absent_file_is_refused_and_the_installed_spaces_are_named(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"no such file: .*\n.*demo.yaml"):
        read_document(Path(given))


def test_the_smoke_section_is_laid_over_the_document_field_by_field(written, document):
    document["smoke"] = {"experiment": {"training": {"epochs": 1}}, "budget": {"trials": 2}}
    read = read_document(written(document), smoke=True)
    assert read["experiment"]["training"] == {"batch_size": 8, "epochs": 1}
    assert read["budget"] == {"trials": 2}
    assert "smoke" not in read


def test_without_smoke_the_section_is_left_out(written, document):
    plain = read_document(written(document))
    assert read_document(written(document | {"smoke": {"name": "tiny"}})) == plain


def test_smoke_without_a_section_is_refused(written):
    with pytest.raises(UserError, match="no smoke section"):
        read_document(written(), smoke=True)


def test_an_override_comes_after_the_smoke_section(written, document):
    document["smoke"] = {"budget": {"trials": 2}}
    read = read_document(written(document), smoke=True, overrides=["budget.trials=7"])
    assert read["budget"]["trials"] == 7


def test_the_last_override_of_a_field_wins(written):
    overrides = ["budget.trials=7", "budget.trials=9"]
    assert read_document(written(), overrides=overrides)["budget"]["trials"] == 9


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.5", 0.5), ("true", True), ("[1, 3]", [1, 3]), ("a=b", "a=b"), ("", None)],
)
def test_an_override_is_read_as_yaml(text, value):
    document = {}
    apply_override(document, f"a.b={text}")
    assert document == {"a": {"b": value}}


@pytest.mark.parametrize("override", ["a.b", "=3", " =3", "a=[1", "a: b"])
def test_an_override_that_says_nothing_is_refused(override):
    with pytest.raises(UserError, match="--set"):
        apply_override({}, override)


def test_an_override_of_an_unknown_field_is_refused_by_its_name(written):
    document = read_document(written(), overrides=["experiment.focal.ration=1"])
    with pytest.raises(UserError, match=r"experiment\.focal\.ration"):
        validate(Space, document, "space.yaml")


@pytest.mark.parametrize(
    ("field", "meant"),
    [
        ("experiment.focal.ration", "ratio"),
        ("experiment.objective.correlation.wieght", "weight"),
        ("experiment.teachers.bones.widht", "width"),
        ("search.parameters.focal.ratio.hihg", "high"),
        ("experimnet", "experiment"),
        ("execution.gpus", "gpus_per_worker"),
    ],
)
def test_a_misspelt_field_is_answered_with_the_nearest_that_stands_there(written, field, meant):
    document = read_document(written(), overrides=[f"{field}=1"])
    with pytest.raises(UserError, match=rf"{field}: .*; did you mean {meant}\?"):
        validate(Space, document, "space.yaml")


def test_a_field_that_nothing_there_is_like_is_refused_without_a_guess(written):
    document = read_document(written(), overrides=["experiment.focal.epochs=1"])
    with pytest.raises(UserError, match=r"focal\.epochs: ") as refusal:
        validate(Space, document, "space.yaml")
    assert "did you mean" not in str(refusal.value)


def test_what_is_right_is_told_by_a_command_that_everybody_has(written, document):
    with pytest.raises(UserError) as refusal:
        validate(Space, {}, "space.yaml")
    assert "`fckd schema space --markdown`" in refusal.value.expected


def test_a_field_below_a_plain_value_is_refused():
    with pytest.raises(UserError, match=r"name\.first: name holds 'small'"):
        set_field({"name": "small"}, "name.first", "x")


def test_a_key_with_dots_that_is_there_is_the_one_that_is_set():
    document = {"arms": {"FCKD": {"focal.ratio": 0.5, "focal.criterion": "random"}}}
    apply_override(document, "arms.FCKD.focal.ratio=0.25")
    apply_override(document, "arms.FCKD.teachers.bone.width=64")
    assert document["arms"]["FCKD"] == {
        "focal.ratio": 0.25, "focal.criterion": "random", "teachers.bone.width": 64,
    }  # fmt: skip
    document = {"search": {"parameters": {"focal.ratio": {"low": 0.1, "high": 1}}}}
    apply_override(document, "search.parameters.focal.ratio.low=0.3")
    assert document["search"]["parameters"] == {"focal.ratio": {"low": 0.3, "high": 1}}


def test_what_holds_nothing_is_made_a_mapping():
    document = {"stages": None}
    set_field(document, "stages.own", 3)
    assert document == {"stages": {"own": 3}}


def test_merging_replaces_lists_and_leaves_its_arguments_alone():
    base = {"a": {"b": [1, 2], "c": 1}}
    assert merge(base, {"a": {"b": [3]}}) == {"a": {"b": [3], "c": 1}}
    assert base == {"a": {"b": [1, 2], "c": 1}}


def test_set_fields_are_validated_again(document):
    experiment = validate(Space, document, "space.yaml").experiment
    changed = with_fields(experiment, {"focal.ratio": 0.25, "training.seed": 5}, "trial 1")
    assert (changed.focal.ratio, changed.training.seed) == (0.25, 5)
    assert experiment.focal.ratio == 0.5
    with pytest.raises(UserError, match=r"trial 1 .*\n.*focal\.ratio: .* \(given: 2\)"):
        with_fields(experiment, {"focal.ratio": 2}, "trial 1")
    with pytest.raises(UserError, match=r"focal\.ration: "):
        with_fields(experiment, {"focal.ration": 0.5}, "trial 1")


def test_setting_nothing_changes_nothing(document):
    experiment = validate(Space, document, "space.yaml").experiment
    assert with_fields(experiment, {}, "trial 1") == experiment


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: a\nexperiment: [1\nsearch: {}\n", "line 3"),
        ("name: a\n\tb: c\n", "line 2"),
        ("name: !!python/object/apply:os.getcwd []\n", "line 1"),
        ("budget: {trials: 3}\nname: a\nbudget: {trials: 4}\n", "budget is given twice"),
        ("experiment:\n  focal: {ratio: 1, ratio: 0.5}\n", "line 2"),
    ],
)
def test_a_file_that_is_not_plain_yaml_is_refused_with_the_line(written, text, line):
    with pytest.raises(UserError, match=line):
        read_document(written(text))


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words"])
def test_a_file_that_holds_no_mapping_is_refused(written, text):
    with pytest.raises(UserError, match="not a mapping"):
        read_document(written(text))


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot read"):
        read_document(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        read_document(tmp_path)
