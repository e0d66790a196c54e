"""A student measured on a corpus."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from fckd.config.corpus import SyntheticSettings
from fckd.config.networks import Modality
from fckd.data.corpus import Corpus
from fckd.data.readings import evaluation_reading
from fckd.data.sources.synthetic import Synthetic
from fckd.data.writing import write_corpus
from fckd.errors import UserError
from fckd.registry.evaluate import evaluate, record, write_confusion
from fckd.registry.student import load_student
from tests.cli.command import fckd
from tests.data.conftest import silent
from tests.registry.students import CLASSES, NETWORK, packed
from tests.registry.test_predict import corpus, student  # noqa: F401  (fixtures)

FIGURES = Synthetic(
    SyntheticSettings(actions=len(CLASSES), subjects=3, cameras=1, repetitions=1, size=16)
)


@pytest.fixture
def loaded(student):  # noqa: F811
    return load_student(student)


def test_every_sample_of_the_split_is_asked(loaded, corpus):  # noqa: F811
    samples = np.flatnonzero(corpus.splits(corpus.protocols[0]) == "test")
    readings = [
        evaluation_reading(corpus.array(int(index), Modality.INERTIAL), NETWORK)
        for index in samples
    ]
    said = loaded.probabilities(np.stack(readings)).argmax(1)
    found = evaluate(loaded, corpus)
    assert found.samples == len(samples) == found.confusion.sum()
    assert found.correct == (said == corpus.labels[samples]).sum() == found.confusion.trace()


@pytest.fixture(scope="module")
def twice_divided(tmp_path_factory):
    """A corpus under whose second division those are tested who train under its first."""
    turned = {"train": "test", "test": "train"}
    recordings = [
        replace(each, splits={**each.splits, "cross-view": turned[each.splits["cross-subject"]]})
        for each in FIGURES.recordings(())
    ]
    folder = tmp_path_factory.mktemp("corpora") / "corpus"
    write_corpus(FIGURES, recordings, [Modality.INERTIAL], folder, silent)
    return Corpus.open(folder)


def trained_by(protocol, folder):
    return packed(folder, classes=FIGURES.classes, protocols=(protocol,))


@pytest.mark.parametrize("own", ["cross-subject", "cross-view"])
def test_a_student_is_measured_under_the_division_that_it_was_trained_by(
    twice_divided, tmp_path, own
):
    found = evaluate(load_student(trained_by(own, tmp_path / "student")), twice_divided)
    assert found.protocol == own
    assert found.samples == (twice_divided.splits(own) == "test").sum()


def test_a_corpus_without_that_division_is_divided_by_its_own_first(twice_divided, tmp_path):
    found = evaluate(load_student(trained_by("split-2", tmp_path / "student")), twice_divided)
    assert found.protocol == "cross-subject"


def test_another_division_than_the_students_own_is_named_as_such(twice_divided, tmp_path):
    folder = trained_by("cross-view", tmp_path / "student")
    words = ("evaluate", folder, twice_divided.folder)
    warning = "not divided as for its training (cross-view)"
    assert warning in fckd(*words, "--protocol", "cross-subject").out
    assert warning not in fckd(*words).out


def test_the_interval_is_wilson_s(loaded, corpus):  # noqa: F811
    found = evaluate(loaded, corpus, "all")
    n, share, z = found.samples, found.accuracy, 1.959964
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    assert found.interval == pytest.approx((middle - half, middle + half), abs=1e-6)


def test_classes_are_matched_by_name_not_by_place(tmp_path, corpus):  # noqa: F811
    turned = load_student(packed(tmp_path / "turned", classes=corpus.classes[::-1]))
    straight = load_student(packed(tmp_path / "straight", classes=corpus.classes))
    first, second = evaluate(straight, corpus, "all"), evaluate(turned, corpus, "all")
    columns = first.confusion.sum(axis=0)
    assert (second.confusion.sum(axis=0) == columns).all()
    assert (second.confusion.sum(axis=1) == first.confusion.sum(axis=1)[::-1]).all()


def test_a_corpus_with_other_actions_is_refused(tmp_path, corpus):  # noqa: F811
    names = (*corpus.classes[:-1], "fly")
    stranger = load_student(packed(tmp_path / "student", classes=names))
    with pytest.raises(UserError, match="does not know, first"):
        evaluate(stranger, corpus)


def test_a_split_without_samples_is_refused(loaded, corpus):  # noqa: F811
    with pytest.raises(UserError, match="no sample of the split 'unused'"):
        evaluate(loaded, corpus, "unused")


def test_the_confusion_table_has_true_classes_in_rows(loaded, corpus, tmp_path):  # noqa: F811
    found = evaluate(loaded, corpus)
    write_confusion(tmp_path / "confusion.csv", loaded.card.classes, found)
    with (tmp_path / "confusion.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["true", *loaded.card.classes]
    assert [[int(count) for count in row[1:]] for row in rows] == found.confusion.tolist()


def test_every_reading_is_recorded_beside_the_student(loaded, corpus, tmp_path):  # noqa: F811
    folder = packed(tmp_path / "student", classes=corpus.classes)
    found = evaluate(loaded, corpus)
    record(folder, found)
    path = record(folder, found)
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [entry["split"] for entry in entries] == ["test", "test"]
    assert entries[0]["corpus"] == corpus.fingerprint
    assert load_student(folder).card.classes == corpus.classes
