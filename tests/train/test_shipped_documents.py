"""Every space and comparison that comes with fckd, as small as its smoke section, without Ray.

From raw files in the layouts of the benchmarks to a student with an outcome.
"""

from pathlib import Path

import numpy as np
import pytest

from fckd.config.campaign import Campaign
from fckd.config.comparison import Comparison
from fckd.config.documents import read_document, validate
from fckd.config.space import Space
from fckd.data.prepare import prepare
from fckd.sweep.arms import comparison_arms
from fckd.sweep.plan import dearest
from fckd.train.task import Task, run_task
from fckd.train.workshop import Workshop
from tests.data.benchmarks import benchmark_writers
from tests.data.conftest import silent, utd_files  # noqa: F401  (a fixture)
from tests.train.small import make

SPACES = sorted(Path("tune_spaces").glob("*.yaml"))
BEGUN = [path for path in SPACES if path.stem != "demo_front"]
"""The front of cheap students has no recipe of the literature."""
LOGITS = "objective.logits.weight"
COMPARISONS = sorted(Path("comparisons").glob("*.yaml"))


@pytest.fixture(scope="module")
def places(tmp_path_factory, utd_files):  # noqa: F811
    """Return a function that writes a source once, and where the raw data and what is made lie."""
    data, storage = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("made")
    missing = {**benchmark_writers(data, utd_files), "synthetic": lambda: None}

    def given(source):
        missing.pop(source, lambda: None)()
        return data, storage

    return given


def run(experiment, places, folder):
    """Prepare, teach, make lessons and train the student; return its outcome."""
    data, storage = places(experiment.corpus.source)
    corpus = prepare(experiment.corpus, experiment.modalities, data, storage, silent)
    workshop = Workshop(storage, corpus.folder)
    if experiment.needs_lessons:
        make(workshop, experiment)
    task = Task("t", experiment.model_dump(mode="json"), "train", str(folder))
    return run_task(task, workshop, lambda *_: True)


def is_whole(outcome):
    finite = all(np.isfinite(value) for value in outcome.metrics.values())
    return finite and outcome.split == "validation" and len(outcome.labels) > 0


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_a_space_trains_its_student_with_every_term_and_teacher(path, places, tmp_path):
    space = validate(Space, read_document(path, smoke=True), path.name)
    experiment = dearest(space)
    outcome = run(experiment, places, tmp_path)
    assert is_whole(outcome)
    for teacher in experiment.teachers:
        assert outcome.metrics[f"train/correlation/{teacher}"] > 0


@pytest.mark.parametrize("path", COMPARISONS, ids=lambda path: path.stem)
def test_a_comparison_trains_the_student_of_its_last_arm(path, places, tmp_path):
    comparison = validate(Comparison, read_document(path, smoke=True), path.name)
    assert is_whole(run(comparison_arms(comparison)[-1].experiment, places, tmp_path))


@pytest.mark.parametrize("path", BEGUN, ids=lambda path: path.stem)
def test_a_space_tries_the_student_alone_then_searched_logits_then_all_terms(path):
    space = validate(Space, read_document(path), path.name)
    weights = [
        {name for name, value in point.items() if name.endswith(".weight") and value != 0}
        for point in space.search.points
    ]
    controls = [set()]
    if LOGITS in space.search.parameters:
        controls.append({LOGITS})
    assert weights[: len(controls)] == controls
    assert "objective.correlation.weight" in weights[len(controls)]


@pytest.mark.parametrize("path", SPACES + COMPARISONS, ids=lambda path: path.stem)
def test_a_smoke_section_asks_for_no_gpu(path):
    document = read_document(path, smoke=True)
    settings = {name: document[name] for name in Campaign.model_fields if name in document}
    assert validate(Campaign, settings, path.name).execution.gpus_per_worker == 0
