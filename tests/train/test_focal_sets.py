"""Focal sets: frequencies and overlaps are those of sets compared pair by pair."""

from itertools import permutations

import numpy as np
import pytest

from fckd.distill.focal import focal_count
from fckd.train.focal_sets import FocalSets, focal_sets, likeness
from tests.train.small import BASE

SAMPLES, VIEWS, CHANNELS, K = 6, 3, 10, 4
LABELS = np.array([0, 0, 2, 2, 2, 5])


def drawn(samples=SAMPLES, views=VIEWS, channels=CHANNELS, seed=0):
    """Random sets (S, V, C) of 0 and 1 with K ones each."""
    draw = np.random.default_rng(seed)
    order = np.argsort(draw.random((samples, views, channels)), axis=2)
    return (order < K).astype(int)


def of(members, labels=LABELS):
    return FocalSets(members.sum(axis=1), labels, members.shape[1], K)


def overlap(pairs):
    return np.mean([(one * other).sum() / K for one, other in pairs])


def test_overlaps_are_the_means_over_all_pairs():
    members = drawn()
    rows = [(s, v) for s in range(SAMPLES) for v in range(VIEWS)]
    pairs = {"views": [], "one class": [], "two classes": []}
    for (sample, view), (other, other_view) in permutations(rows, 2):
        same_class = LABELS[sample] == LABELS[other]
        kind = "views" if sample == other else "one class" if same_class else "two classes"
        pairs[kind].append((members[sample, view], members[other, other_view]))
    wanted = {kind: overlap(found) for kind, found in pairs.items()}
    assert of(members).overlaps() == pytest.approx({**wanted, "chance": K / CHANNELS})


def test_equal_sets_overlap_wholly_and_random_ones_as_expected_by_chance():
    equal = np.broadcast_to(drawn(1, 1), (SAMPLES, VIEWS, CHANNELS))
    found = of(equal).overlaps()
    assert [found[kind] for kind in ("views", "one class", "two classes")] == [1, 1, 1]
    labels = np.arange(900) % 3
    found = of(drawn(900, 2), labels).overlaps()
    assert found == pytest.approx(dict.fromkeys(found, found["chance"]), abs=0.03)


def test_where_there_is_no_pair_no_overlap_is_told():
    assert set(of(drawn(3, 1), np.array([0, 1, 2])).overlaps()) == {"two classes", "chance"}
    assert set(of(drawn(1, 1), np.array([0])).overlaps()) == {"chance"}


def test_frequency_is_the_share_of_a_class_in_which_a_channel_is_focal():
    members = drawn()
    sets = of(members)
    assert sets.classes.tolist() == [0, 2, 5]
    wanted = [members[label == LABELS].mean(axis=(0, 1)) for label in (0, 2, 5)]
    assert sets.frequency == pytest.approx(np.stack(wanted))
    assert sets.frequency.sum(axis=1) == pytest.approx([K, K, K])


def test_the_sets_of_a_store_are_those_that_its_lessons_are_taken_from(workshop):
    store = workshop.lessons(BASE, "skeleton", "train")
    focal = focal_count(BASE.focal, store.channels)
    labels = workshop.corpus.labels[store.samples]
    sets = focal_sets(store, store.samples, labels, focal)
    counts = np.zeros_like(sets.counts)
    for row, sample in enumerate(store.samples):
        for view in (1, 2):
            counts[row, store.ranking(np.array([sample]), np.array([view]), focal)[0]] += 1
    assert sets.counts.tolist() == counts.tolist()
    assert sets.counts.sum() == len(labels) * 2 * focal


def test_what_is_asked_is_spread_over_the_student_as_the_embedding_says():
    members = np.zeros((1, 1, 5), dtype=int)
    members[0, 0, :4] = 1
    weights = np.array([[1, 0], [0, -9], [1, 1], [0, 2], [7, 7]])
    asked = of(members, np.array([0])).asked(weights.astype(float))
    assert asked == pytest.approx([(1 + 0 + 0.5 + 0) / 4, (0 + 1 + 0.5 + 1) / 4])


def test_teachers_that_ask_the_same_are_alike_and_strangers_are_not():
    draw = np.random.default_rng(0)
    one, other = draw.random((2, 2000))
    found = likeness(np.stack([one, 3 * one, other, np.ones(2000)]))
    assert found[0, 1] == pytest.approx(1)
    assert found[0, 2] == pytest.approx(0, abs=0.06)
    assert found[3].tolist() == [0, 0, 0, 0]
