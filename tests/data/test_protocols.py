from types import SimpleNamespace

import numpy as np
import pytest

from fckd.data.protocols import divide
from fckd.errors import UserError


def made_up(subjects, labels, tests=(2, 4)):
    return SimpleNamespace(
        subjects=np.array(subjects), labels=np.array(labels), test_subjects=frozenset(tests)
    )


def test_every_sample_is_in_one_part_and_no_subject_in_two(corpus):
    division = divide(corpus, (3,))
    parts = [division.train, division.validation, division.test]
    assert sorted(np.concatenate(parts)) == list(range(len(corpus)))
    assert [set(corpus.subjects[part]) for part in parts] == [{1}, {3}, {2, 4}]


def test_no_test_subject_is_trained_or_validated_on(corpus):
    division = divide(corpus, (1,))
    assert not set(corpus.subjects[division.official_train]) & corpus.test_subjects


def test_the_official_training_part_is_train_and_validation_sorted(corpus):
    division = divide(corpus, (1,))
    expected = np.flatnonzero(np.isin(corpus.subjects, [1, 3]))
    np.testing.assert_array_equal(division.official_train, expected)
    assert division.official_train.dtype == np.int64


@pytest.mark.parametrize(
    ("validation", "found"),
    [
        ((2,), "test subjects"),
        ((1, 4), "test subjects"),
        ((9,), "no such subjects"),
        ((1, 3), "all the training subjects"),
        ((), "nobody validates"),
    ],
)
def test_subjects_who_cannot_validate_are_an_error(corpus, validation, found):
    with pytest.raises(UserError, match=found):
        divide(corpus, validation)


@pytest.mark.parametrize(
    ("subjects", "labels", "part"),
    [
        ([1, 1, 3, 3, 2, 2], [0, 0, 0, 1, 0, 1], "train"),
        ([1, 1, 3, 3, 2, 2], [0, 1, 1, 1, 0, 1], "validation"),
        ([1, 1, 3, 3, 2, 2], [0, 1, 0, 1, 0, 0], "test"),
        ([1, 1, 3, 3], [0, 1, 0, 1], "test"),
    ],
)
def test_a_part_of_fewer_than_two_classes_is_an_error(subjects, labels, part):
    with pytest.raises(UserError, match=f"the {part} part"):
        divide(made_up(subjects, labels), (3,))
