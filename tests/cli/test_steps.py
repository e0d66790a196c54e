"""prepare, plan, teach, lessons and distill on the demo's smoke section, without Ray."""

import re

import pytest

from tests.cli.command import fckd, listing
from tests.cli.conftest import DEMO, FLOW

SMOKE = (DEMO, "--smoke")
COUNTS = "synthetic: 24 samples: 6 train, 6 validation, 12 test"


@pytest.fixture
def said(smoke):
    return {name: ran.out for name, ran in smoke[1].items()}


@pytest.mark.parametrize("name", ["prepare", "plan", "teach", "lessons", "distill"])
def test_every_step_ends_well_and_complains_of_nothing(smoke, name):
    ran = smoke[1][name]
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("name", ["prepare", "plan", "teach", "lessons", "distill"])
def test_every_step_prints_the_number_of_samples_of_each_split(said, name):
    assert COUNTS in said[name]


def test_prepare_says_where_the_corpus_is(smoke, said):
    (corpus,) = [path for path in (smoke[0] / "corpora").iterdir() if path.is_dir()]
    assert f"corpus: {corpus}\n" in said["prepare"]


def test_prepare_takes_a_comparison_and_reads_what_any_of_its_arms_needs(place):
    more = "arms.more.teachers={bones: {modality: skeleton, network: temporal}}"
    ran = fckd("prepare", FLOW, "--smoke", "--set", more)
    assert (ran.code, ran.err) == (0, "")
    assert all(
        re.search(rf"^{each} +24 ", ran.out, re.MULTILINE) for each in ("flow", "rgb", "skeleton")
    )


def test_teach_says_on_which_split_a_teacher_was_measured(said):
    assert re.search(r"^teacher skeleton: \d+\.\d% on validation$", said["teach"], re.MULTILINE)


def test_lessons_are_made_for_the_search_and_for_the_confirmation(smoke, said):
    folders = [path for path in (smoke[0] / "lessons").iterdir() if path.is_dir()]
    assert len(folders) == 2
    assert all(f"lessons: {folder}\n" in said["lessons"] for folder in folders)


def test_distill_prints_every_epoch_and_each_term_apart(said):
    epochs = re.findall(r"^epoch (\d)  (.*)$", said["distill"], re.MULTILINE)
    assert [number for number, _ in epochs] == ["1", "2"]
    for term in ("cross_entropy", "correlation/skeleton", "distribution/skeleton", "logits"):
        assert f"train/{term} " in epochs[0][1]


def test_distill_says_on_which_split_and_how_many_samples_it_measured(said):
    assert re.search(r"^validation accuracy \d+\.\d% of 6 samples;", said["distill"], re.MULTILINE)


def test_distill_never_measures_on_test(said):
    assert "test/accuracy" not in said["distill"]


def test_distill_leaves_the_students_weights_where_it_says(smoke, said):
    folder = re.search(r"weights in (.*)$", said["distill"], re.MULTILINE)[1]
    assert folder.startswith(str(smoke[0]))
    assert (smoke[0] / "runs" / folder.rpartition("/")[2] / "model.safetensors").is_file()


def test_plan_counts_the_runs_and_epochs_of_every_stage(said):
    rows = re.findall(r"^(.+?) +(\d+(?: × \d+)?) +\S+ +(?:\S+ MB|\S+ kB|–) ", said["plan"], re.M)
    assert rows == [
        ("teach skeleton", "2 × 2"),
        ("lessons skeleton cam", "2"),
        ("search", "3 × 2"),
        ("confirmation", "6 × 2"),
    ]


def test_plan_says_what_ends_the_search_and_what_it_assumes(said):
    for line in (
        r"together: about \d+ s and \d+\.\d\d CPU-hours, with 1 trials at a time",
        r"budget: budget\.trials ends the search, after 3 trials$",
        r"assumes: no trial ends early",
    ):
        assert re.search(f"^{line}", said["plan"], re.MULTILINE), line


def test_plan_says_what_a_search_of_views_takes_on_top(demo):
    weight, crop = {"low": 0.5, "high": 2.0}, {"choices": [0.1, 0.2]}
    search = {"parameters": {"objective.correlation.weight": weight, "views.crop": crop}}
    ran = fckd("plan", demo(search=search))
    assert (ran.code, ran.err) == (0, "")
    assert "views.crop as the experiment has them" in ran.out
    assert "teachers and lessons for other values of views.crop come on top" in ran.out


def test_plan_says_that_steps_were_not_compiled(demo):
    ran = fckd("plan", demo(), "--set", "experiment.training.compile=true")
    assert "steps as slow as without torch.compile, and no time for compiling" in ran.out


def test_plan_makes_nothing_but_the_corpus(place):
    fckd("plan", *SMOKE)
    assert {path.name for path in (place / "fckd-storage").iterdir()} == {"corpora"}


@pytest.mark.parametrize("name", ["prepare", "teach", "lessons", "distill"])
def test_a_step_that_was_done_is_not_done_again(made, name):
    before = listing(made)
    ran = fckd(name, *SMOKE)
    assert ran.code == 0
    assert "epoch" not in ran.out
    assert listing(made) == before


def test_another_objective_uses_the_same_teachers_and_lessons(made):
    before = {path for path in listing(made) if not path.startswith("runs/")}
    ran = fckd("distill", *SMOKE, "--set", "experiment.objective.logits.weight=2")
    assert ran.code == 0
    assert "epoch 2" in ran.out
    assert {path for path in listing(made) if not path.startswith("runs/")} == before


def test_a_storage_with_brackets_in_its_name_is_told_as_it_is(place):
    ran = fckd("prepare", *SMOKE, "--set", "storage='[/opt] [rank 0]'")
    assert (ran.code, ran.err) == (0, "")
    (corpus,) = (place / "[/opt] [rank 0]" / "corpora").glob("synthetic-*/")
    assert f"corpus: {corpus}\n" in ran.out
    assert f"one sample of each class: {corpus}" in ran.out
