"""A lesson: the focal channels of a teacher that runs now."""

import pytest
import torch
from torch.testing import assert_close

from fckd.config.experiment import FocalSettings
from fckd.distill.focal import emphasis
from fckd.distill.lesson import Lesson, lesson
from tests.distill.maps import feature_map, normal

FEATURES = feature_map(3, 4, 5, 2, seed=1)
LOGITS = normal(3, 6)
SALIENCY = torch.tensor([[1.0, 4.0, 3.0, 2.0], [9.0, 8.0, 1.0, 2.0], [1.0, 2.0, 3.0, 9.0]])


def taught(saliency=SALIENCY, whole=False, **focal):
    return lesson(LOGITS, FEATURES, saliency, FocalSettings(**focal), whole=whole)


def test_by_sample_each_has_its_own_focal_channels():
    features, channels = taught(ratio=0.5).focal_part()
    assert channels.tolist() == [[1, 2], [0, 1], [3, 2]]
    for n in range(3):
        assert features[n].equal(FEATURES[n, channels[n]])


def test_by_batch_all_samples_have_those_of_the_mean_saliency():
    # The means are 11, 14, 7 and 13 thirds.
    _, channels = taught(ratio=0.5, scope="batch").focal_part()
    assert channels.tolist() == [[1, 3]] * 3


def test_by_data_set_all_samples_have_the_one_list_that_they_are_given():
    fixed = torch.tensor([0.0, 5.0, 1.0, 7.0]).expand(3, 4)
    _, channels = taught(fixed, ratio=0.5, scope="dataset").focal_part()
    assert channels.tolist() == [[3, 1]] * 3


@pytest.mark.parametrize("scope", ["sample", "batch"])
def test_the_soft_selection_weighs_by_the_saliency_that_chose(scope):
    soft = taught(ratio=0.5, scope=scope, selection="soft", temperature=0.7)
    used = SALIENCY.mean(dim=0).expand(3, 4) if scope == "batch" else SALIENCY
    chosen = used.gather(1, soft.channels)
    assert_close(soft.emphasis, emphasis(chosen, used.mean(dim=1), 0.7))


def test_the_hard_selection_has_no_emphasis():
    assert taught(ratio=0.5).emphasis is None


def test_only_the_focal_channels_are_kept_unless_the_whole_map_is_wanted():
    assert taught(ratio=0.5).features.shape == (3, 2, 5, 2)
    assert taught(ratio=0.5, whole=True).features.shape == (3, 4, 5, 2)


@pytest.mark.parametrize("selection", ["hard", "soft"])
def test_wanting_the_whole_map_does_not_change_the_focal_part(selection):
    alone, beside = (taught(ratio=0.5, selection=selection, whole=whole) for whole in (False, True))
    for one, other in zip(alone.focal_part(), beside.focal_part(), strict=True):
        assert one.equal(other)
    assert alone.emphasis is beside.emphasis or alone.emphasis.equal(beside.emphasis)


def test_the_whole_map_comes_in_the_teachers_own_order():
    assert taught(ratio=0.25, whole=True).whole().equal(FEATURES)


def test_a_lesson_carries_no_gradient():
    features, logits = FEATURES.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    given = lesson(logits, features, SALIENCY, FocalSettings(), whole=True)
    assert not given.features.requires_grad
    assert not given.logits.requires_grad


def test_a_lesson_of_logits_alone_has_no_map_to_give():
    for part in (Lesson.focal_part, Lesson.whole):
        with pytest.raises(ValueError, match="needs a lesson with features"):
            part(Lesson(LOGITS))
