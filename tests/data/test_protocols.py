import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fckd.config.corpus import PROTOCOLS, CorpusSettings
from fckd.data.protocols import divide
from fckd.errors import UserError


class MadeUp:
    """The rows of a corpus, without arrays."""

    def __init__(self, subjects, labels, tests=(2, 4), cameras=None, groups=None):
        self.subjects, self.labels = np.array(subjects), np.array(labels)
        self.cameras = np.ones(len(subjects), int) if cameras is None else np.array(cameras)
        self.groups = np.array([f"g{place}" for place in range(len(subjects))])
        if groups is not None:
            self.groups = np.array(groups)
        self.parts = np.where(np.isin(self.subjects, tests), "test", "train")

    def splits(self, protocol):
        return self.parts


def settings(**changes):
    return CorpusSettings(**{"source": "synthetic", **changes})


def by_subjects(*subjects):
    return settings(validation_subjects=subjects)


def test_every_sample_is_in_one_part_and_no_subject_in_two(corpus):
    division = divide(corpus, by_subjects(3))
    parts = [division.train, division.validation, division.test]
    assert sorted(np.concatenate(parts)) == list(range(len(corpus)))
    assert [set(corpus.subjects[part]) for part in parts] == [{1}, {3}, {2, 4}]


def test_no_test_subject_is_trained_or_validated_on(corpus):
    division = divide(corpus, by_subjects(1))
    assert not set(corpus.subjects[division.official_train]) & {2, 4}


def test_the_official_training_part_is_train_and_validation_sorted(corpus):
    division = divide(corpus, by_subjects(1))
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
    ],
)
def test_subjects_who_cannot_validate_are_an_error(corpus, validation, found):
    with pytest.raises(UserError, match=found):
        divide(corpus, by_subjects(*validation))


def test_of_the_training_part_only_the_named_subjects_are_used():
    corpus = MadeUp([1, 1, 3, 3, 5, 5, 2, 2], [0, 1] * 4)
    division = divide(corpus, settings(training_subjects=(1, 3), validation_subjects=(3,)))
    assert division.train.tolist() == [0, 1]
    assert division.validation.tolist() == [2, 3]
    assert division.test.tolist() == [6, 7]


@pytest.mark.parametrize(
    ("training", "validation", "found"),
    [
        ((2,), (1,), "training_subjects .* test subjects"),
        ((1, 9), (1,), "training_subjects .* no such subjects"),
        ((1,), (3,), "validation_subjects .* no such subjects"),
        ((1,), (1,), "all the training subjects"),
    ],
)
def test_subjects_who_cannot_be_learnt_from_are_an_error(training, validation, found):
    corpus = MadeUp([1, 1, 3, 3, 2, 2], [0, 1] * 3)
    with pytest.raises(UserError, match=found):
        divide(corpus, settings(training_subjects=training, validation_subjects=validation))


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
        divide(MadeUp(subjects, labels), by_subjects(3))


def test_cameras_validate_with_their_training_samples_only():
    corpus = MadeUp([1, 1, 3, 3, 2, 2], [0, 1, 0, 1, 0, 1], cameras=[1, 1, 2, 2, 1, 2])
    division = divide(corpus, settings(validation_cameras=(2,)))
    assert division.validation.tolist() == [2, 3]
    assert division.test.tolist() == [4, 5]


@pytest.mark.parametrize(
    ("cameras", "found"), [((3,), "no such cameras"), ((1, 2), "all the training cameras")]
)
def test_cameras_that_cannot_validate_are_an_error(cameras, found):
    corpus = MadeUp([1, 1, 3, 3], [0, 1, 0, 1], cameras=[1, 1, 2, 2])
    with pytest.raises(UserError, match=found):
        divide(corpus, settings(validation_cameras=cameras))


def test_one_group_cannot_be_shared_out():
    with pytest.raises(UserError, match="1 group"):
        divide(MadeUp([1, 1, 2], [0, 1, 0], groups=list("aab")), settings(validation_share=0.5))


def test_a_protocol_that_the_corpus_does_not_know_is_an_error(corpus):
    with pytest.raises(UserError, match=r"not divided by the protocol cross-view"):
        divide(corpus, CorpusSettings(source="n-ucla", validation_cameras=(2,)))


rows = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 3), st.sampled_from("abcdefgh"), st.integers(0, 2)),
    min_size=1,
    max_size=60,
)
parts = st.sampled_from(["train", "test", "unused"])
rules = st.one_of(
    st.builds(lambda who: {"validation_subjects": (who,)}, st.integers(1, 4)),
    st.builds(lambda which: {"validation_cameras": (which,)}, st.integers(1, 3)),
    st.builds(lambda share: {"validation_share": share}, st.floats(0.01, 0.99)),
)


@given(rows=rows, rule=rules, data=st.data())
def test_no_test_sample_is_learnt_from_or_chosen_on_and_no_group_straddles(rows, rule, data):
    subjects, cameras, groups, labels = zip(*rows, strict=True)
    corpus = MadeUp(subjects, labels, (), cameras, groups)
    corpus.parts = np.array([data.draw(parts) for _ in rows])
    try:
        division = divide(corpus, settings(**rule))
    except UserError:
        return
    learnt = np.concatenate([division.train, division.validation])
    assert len(set(learnt.tolist())) == len(learnt)
    assert (corpus.parts[division.official_train] == "train").all()
    assert (corpus.parts[division.test] == "test").all()
    assert len(learnt) == (corpus.parts == "train").sum()
    if "validation_share" in rule:
        train, validation = (
            set(corpus.groups[part].tolist()) for part in (division.train, division.validation)
        )
        assert train
        assert validation
        assert not train & validation


@given(seed=st.integers(0, 100))
def test_the_groups_held_out_depend_on_their_names_alone(seed):
    rows = [(1, number % 2, f"film {number // 2}") for number in range(40)] + [(2, 0, "x")] * 2
    order = np.random.default_rng(seed).permutation(len(rows))
    held = []
    for places in (range(len(rows)), order):
        subjects, labels, groups = zip(*(rows[place] for place in places), strict=True)
        labels = [*labels[:-1], 1] if len(set(labels)) < 2 else labels
        corpus = MadeUp(subjects, labels, tests=(2,), groups=groups)
        corpus.labels[np.flatnonzero(corpus.parts == "test")] = [0, 1]
        division = divide(corpus, settings(validation_share=0.25))
        held.append(set(corpus.groups[division.validation].tolist()))
    assert held[0] == held[1]
    assert len(held[0]) == 5


@pytest.mark.parametrize("source", PROTOCOLS)
def test_the_default_protocol_is_the_sources_own(source):
    table = "own.csv" if source == "table" else None
    chosen = CorpusSettings(source=source, table=table, validation_share=0.1)
    assert chosen.official_protocol == PROTOCOLS[source][0]
