"""Measuring a network."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from fckd.models.table import build_network
from fckd.train import evaluation
from fckd.train.evaluation import Evaluation, evaluate
from fckd.train.world import World
from tests.train.small import ALONE, changed, state

CPU = torch.device("cpu")


@pytest.fixture
def study(workshop):
    return workshop.study(changed({**ALONE, "student.dropout": 0.9}), "train")


@pytest.fixture
def network(study):
    return build_network(study.network, study.readings.shapes[0], study.classes)


def some(labels, predictions, classes=3):
    logits = torch.nn.functional.one_hot(torch.tensor(predictions), classes).float()
    return Evaluation("validation", np.arange(len(labels)), np.array(labels), logits)


def test_accuracy_is_the_share_of_right_predictions():
    assert some([0, 1, 2, 2], [0, 1, 2, 0]).accuracy == 0.75


def test_the_confusion_counts_true_classes_by_row_and_predicted_ones_by_column():
    found = some([0, 1, 1, 2, 2, 2], [0, 0, 1, 2, 2, 1])
    assert found.confusion == ((1, 0, 0), (1, 1, 0), (0, 1, 2))


def test_a_class_that_nobody_showed_has_its_row_and_column():
    assert some([0, 0], [0, 0]).confusion == ((2, 0, 0), (0, 0, 0), (0, 0, 0))


def test_metrics_are_named_after_the_split():
    found = some([0, 1], [0, 1])
    right = float(-torch.tensor([1.0, 0.0, 0.0]).log_softmax(0)[0])
    assert found.metrics == {
        "validation/accuracy": 1.0,
        "validation/cross_entropy": pytest.approx(right),
    }


def test_it_is_the_evaluation_view_of_every_sample_of_the_split(network, study, seen):
    evaluate(network, study, CPU, World())
    assert seen == [((6, 16), sample, 0) for sample in study.measure]


def test_it_is_what_the_network_says_without_dropout(network, study):
    found = evaluate(network, study, CPU, World())
    (read,) = study.readings.batch(study.measure, np.zeros_like(study.measure))
    with torch.no_grad():
        assert_close(found.logits, network.eval()(torch.from_numpy(read)).logits)
    assert found.labels.tolist() == study.labels[study.measure].tolist()


def test_batches_mean_nothing_to_it(network, study, monkeypatch):
    whole = evaluate(network, study, CPU, World())
    monkeypatch.setattr(evaluation, "BATCH", 4)
    assert_close(evaluate(network, study, CPU, World()).logits, whole.logits)


def test_it_leaves_the_network_as_it_was(network, study):
    before = state(network)
    found = evaluate(network, study, CPU, World())
    assert all(before[name].equal(value) for name, value in network.state_dict().items())
    assert not found.logits.requires_grad


def test_no_more_samples_are_in_memory_than_in_training(workshop):
    study = workshop.study(changed(ALONE, micro_batch=2), "train")
    network = build_network(study.network, study.readings.shapes[0], study.classes)
    seen = []
    network.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    evaluate(network, study, CPU, World())
    assert sum(seen) == len(study.measure)
    assert max(seen) == 2
