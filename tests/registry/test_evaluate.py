"""A student measured on a corpus."""

import csv
import json

import numpy as np
import pytest

from fckd.config.networks import Modality
from fckd.data.readings import evaluation_reading
from fckd.errors import UserError
from fckd.registry.evaluate import evaluate, record, write_confusion
from fckd.registry.student import load_student
from tests.registry.students import NETWORK, packed
from tests.registry.test_predict import corpus, student  # noqa: F401  (fixtures)


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
