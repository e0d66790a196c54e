"""What the card of a sweep's student says."""

from optuna.storages import InMemoryStorage

from fckd.cli.students import _card
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
