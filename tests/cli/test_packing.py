"""What the card of a sweep's student says."""

import subprocess

import pytest
from optuna.storages import InMemoryStorage

from fckd.cli.students import _card, _git_commit
from fckd.config.experiment import Experiment
from fckd.config.networks import Modality
from fckd.data.sources.synthetic import Synthetic
from fckd.data.writing import write_corpus
from fckd.sweep.arms import STUDENT_ALONE, Arm
from fckd.sweep.conduct import Conducted
from fckd.sweep.phases import Repetitions
from fckd.train.task import Outcome
from fckd.train.workshop import Workshop
from tests.data.conftest import SMALL, silent

ALONE = {
    "corpus": {"source": "synthetic", "training_subjects": [1, 3], "validation_subjects": [3]},
    "student": {"modality": "inertial", "network": "temporal", "frames": 8},
}


def test_the_card_names_the_subjects_that_the_student_learnt_from(place):
    figures = Synthetic(SMALL)
    recordings = figures.recordings(())
    write_corpus(figures, recordings, [Modality.INERTIAL], place / "corpus", silent)
    arm = Arm(STUDENT_ALONE, Experiment.model_validate(ALONE), {})
    part = "train+validation"
    runs = Repetitions("confirmation", [arm], [0], (), part, "small", InMemoryStorage(), place)
    workshop = Workshop(place, place / "corpus")
    conducted = Conducted("small", place, {"arms": []}, runs.ledger.study, runs, workshop, {})
    card = _card(conducted, "small", arm, 0, Outcome({}, "test"))
    assert card.training_subjects == (1, 3)


@pytest.fixture
def repository(place):
    """A repository of the user's with one commit; return the function that runs git in it."""

    def git(*words):
        who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
        ran = subprocess.run(["git", *who, *words], cwd=place, check=True, capture_output=True)
        return ran.stdout.decode().strip()

    git("init")
    git("commit", "--allow-empty", "-m", "the user's own work")
    return git


@pytest.fixture
def source(place):
    path = place / "lib" / "fckd" / "cli" / "students.py"
    path.parent.mkdir(parents=True)
    path.write_text("as it was")
    return path


def test_a_repository_that_only_surrounds_the_installed_code_is_not_its_commit(repository, source):
    assert _git_commit(source) is None


def test_the_commit_that_holds_the_code_is_told_and_whether_the_code_is_still_that(
    repository, source
):
    repository("add", ".")
    repository("commit", "-m", "with fckd")
    commit = repository("rev-parse", "HEAD")
    assert _git_commit(source) == commit
    source.with_name("other.py").touch()
    assert _git_commit(source) == f"{commit}-dirty"
