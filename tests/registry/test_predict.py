import subprocess
import sys

import numpy as np
import pytest

from fckd.config.corpus import CorpusSettings, SyntheticSettings
from fckd.config.networks import Modality, NetworkSettings
from fckd.data.corpus import Corpus
from fckd.data.prepare import prepare
from fckd.errors import UserError
from tests.registry.students import CLASSES, packed, predicted

HEAVY = ("mlflow", "ray", "optuna", "fckd.train", "fckd.sweep", "fckd.distill", "fckd.tracking")

ASK = """
import sys
from pathlib import Path
from fckd.registry.predict import predictions
from fckd.registry.student import load_student
print(next(predictions(load_student(Path(sys.argv[1])), [sys.argv[2]])).action)
loaded = set(sys.argv[3].split(",")) & sys.modules.keys()
sys.exit(f"imported as well: {loaded}" if loaded else 0)
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Corpus:
    settings = CorpusSettings(
        source="synthetic",
        validation_subjects=(1,),
        synthetic=SyntheticSettings(
            actions=len(CLASSES), subjects=3, cameras=1, repetitions=1, size=16
        ),
    )
    storage = tmp_path_factory.mktemp("storage")
    return prepare(settings, [Modality.INERTIAL], None, storage, lambda _done, _total: None)


@pytest.fixture(scope="module")
def student(tmp_path_factory, corpus):
    return packed(tmp_path_factory.mktemp("packed") / "student", classes=corpus.classes)


@pytest.fixture
def recording(tmp_path, corpus):
    path = tmp_path / "recording.npy"
    np.save(path, corpus.array(0, Modality.INERTIAL))
    return path


def test_a_sample_of_a_corpus_is_named_with_its_true_class(student, corpus):
    prediction = predicted(student, corpus.folder / corpus.sample_ids[0])
    assert prediction.true == corpus.classes[corpus.labels[0]]
    assert prediction.action in corpus.classes


def test_a_file_in_stored_form_is_named_the_same_but_without_a_true_class(
    student, corpus, recording
):
    of_corpus = predicted(student, corpus.folder / corpus.sample_ids[0])
    of_file = predicted(student, recording)
    assert of_file.top == of_corpus.top
    assert of_file.true is None


def test_the_five_most_probable_come_in_order(student, recording):
    prediction = predicted(student, recording)
    shares = [share for _, share in prediction.top]
    assert len(shares) == 5
    assert shares == sorted(shares, reverse=True)
    assert (prediction.action, prediction.probability) == prediction.top[0]


def test_an_absent_recording_is_refused(student, tmp_path):
    with pytest.raises(UserError, match="no such recording"):
        predicted(student, tmp_path / "absent.mat")


def test_a_sample_that_the_corpus_does_not_know_is_refused(student, corpus):
    with pytest.raises(UserError, match="no sample 'a99'"):
        predicted(student, corpus.folder / "a99")


def test_a_recording_of_another_modality_is_refused(student, tmp_path):
    np.save(tmp_path / "skeleton.npy", np.zeros((30, 20, 3), np.float32))
    with pytest.raises(UserError, match="inertial"):
        predicted(student, tmp_path / "skeleton.npy")


def test_a_modality_that_the_corpus_lacks_is_refused(tmp_path, corpus):
    from fckd.models.table import build_network
    from fckd.registry.packing import pack_student
    from tests.registry.students import card

    network = NetworkSettings(modality="skeleton", network="temporal", width=8, frames=8)
    weights = build_network(network, (3, 8, 20), len(corpus.classes)).state_dict()
    known = card(network=network, input_shape=(3, 8, 20), classes=corpus.classes)
    pack_student(tmp_path / "student", weights, known)
    with pytest.raises(UserError, match="does not hold skeleton"):
        predicted(tmp_path / "student", corpus.folder / corpus.sample_ids[0])


def test_predicting_imports_neither_mlflow_nor_the_training_stack(student, recording):
    run = subprocess.run(
        [sys.executable, "-c", ASK, str(student), str(recording), ",".join(HEAVY)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip()
